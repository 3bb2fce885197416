#include "common/mailbox/dirs.h"

#include <sys/file.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
open_beneath(int dir_fd, const char *name, uint64_t flags, uint64_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* EAGAIN: a rename elsewhere disturbed the walk (openat2(2)). */
	for (int tries = 0; tries < 16; tries++) {
		fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
		if (fd != -1 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

int
file_open(int dir_fd, const char *name, int flags)
{
	struct stat st;
	/* Non-blocking, so that a FIFO put in our way holds nobody up. */
	int fd = open_beneath(dir_fd, name, (uint64_t)flags | O_NONBLOCK |
	    O_NOCTTY, flags & O_CREAT ? 0600 : 0);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int
dir_open(int dir_fd, const char *name)
{
	return open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
}

int
dir_make(int dir_fd, const char *name, bool *made)
{
	int fd = dir_open(dir_fd, name);

	if (made != NULL)
		*made = false;
	if (fd != -1 || errno != ENOENT)
		return fd;
	if (mkdirat(dir_fd, name, 0700) == 0) {
		if (made != NULL)
			*made = true;
	} else if (errno != EEXIST) {
		return -1;
	}
	return dir_open(dir_fd, name);
}

ssize_t
file_read(int dir_fd, const char *name, void *to, size_t size)
{
	int fd = file_open(dir_fd, name, O_RDONLY), saved;
	ssize_t n = 0, len = 0;

	if (fd == -1)
		return -1;
	while ((size_t)len < size &&
	    (n = pread(fd, (char *)to + len, size - (size_t)len, len)) > 0)
		len += n;
	if (n != -1 && (size_t)len == size) {
		char more;

		n = pread(fd, &more, 1, len) == 0 ? 0 : -1;
		errno = EFBIG;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return n == -1 ? -1 : len;
}

int
write_all(int fd, const void *octets, size_t len)
{
	const char *at = octets;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int
file_replace(int dir_fd, const char *name, const char *tmp,
    struct slice content)
{
	int fd = file_open(dir_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC), r;

	if (fd == -1)
		return -1;
	r = write_all(fd, content.at, content.len) == -1 || fsync(fd) == -1 ?
	    -1 : 0;
	if (close(fd) == -1)
		r = -1;
	if (r == 0)
		r = renameat(dir_fd, tmp, dir_fd, name);
	if (r == -1) {
		int saved = errno;

		unlinkat(dir_fd, tmp, 0);
		errno = saved;
		return -1;
	}
	return fsync(dir_fd);
}

enum { SCAN_BUFFER = 256 * 1024 };

static bool
is_dots(const char *name)
{
	return name[0] == '.' &&
	    (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int
dir_scan(int dir_fd, dir_each *each, void *ctx)
{
	char *buffer = malloc(SCAN_BUFFER);
	ssize_t n = -1;
	int r = 0;

	if (buffer == NULL)
		return -1;
	if (lseek(dir_fd, 0, SEEK_SET) == -1)
		r = -1;
	while (r == 0 && (n = getdents64(dir_fd, buffer, SCAN_BUFFER)) > 0) {
		for (ssize_t at = 0; at < n && r == 0;) {
			struct dirent64 *d = (void *)(buffer + at);

			at += d->d_reclen;
			if (!is_dots(d->d_name))
				r = each(ctx, d->d_name, d->d_ino, d->d_type);
		}
	}
	if (r == 0 && n == -1)
		r = -1;
	free(buffer);
	return r;
}

int
rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system without it; our names are unique anyway. */
	return renameat(from_dir, from, to_dir, to);
}

int
lock_fd(int fd, int operation)
{
	int r;

	do
		r = flock(fd, operation);
	while (r == -1 && errno == EINTR);
	return r;
}
