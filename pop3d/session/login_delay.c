#include "pop3d/session/login_delay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STAMP "index/pop3-login"

bool
login_delay_passed(int home_fd, uint64_t seconds)
{
	struct stat before;
	bool passed = true;
	int fd = openat(home_fd, STAMP, O_RDWR | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);

	if (fd != -1 && fstat(fd, &before) == 0 && S_ISREG(before.st_mode)) {
		time_t now = time(NULL);

		passed = now < before.st_mtime ||
		    (uint64_t)(now - before.st_mtime) >= seconds;
	} else if (fd == -1)
		fd = openat(home_fd, STAMP, O_RDWR | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return passed;
	if (passed && pwrite(fd, "", 1, 0) == -1)
		passed = true;	/* a full disk is no reason to stay outside */
	close(fd);
	return passed;
}
