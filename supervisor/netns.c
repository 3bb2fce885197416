#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

/*
 * Made once and entered by every process that never connects: a listening
 * socket that was passed in still accepts there.
 */
int
netns_empty(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int empty = -1;

	if (home == -1)
		return -1;
	if (unshare(CLONE_NEWNET) == 0) {
		empty = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (setns(home, CLONE_NEWNET) == -1)
			_exit(71);	/* nothing would ever be reachable */
	}
	close(home);
	return empty;
}
