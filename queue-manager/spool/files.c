#include "queue-manager/spool/files.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/openat2.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAME_SIZE = 64, ZEROS = 1024 * 1024 };

static int
open_beneath(int dir, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC), .mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

static int
open_dir(int root, const char *name, const char **what)
{
	*what = name;
	if (mkdirat(root, name, 0700) == -1 && errno != EEXIST)
		return -1;
	return open_beneath(root, name, O_RDONLY | O_DIRECTORY, 0);
}

int
spool_files_open(struct spool_files *f, int root, const char **what)
{
	*f = (struct spool_files){ -1, -1, -1, -1 };
	if ((f->segments = open_dir(root, "segments", what)) == -1 ||
	    (f->large = open_dir(root, "large", what)) == -1 ||
	    (f->index = open_dir(root, "index", what)) == -1 ||
	    (f->corrupt = open_dir(root, "corrupt", what)) == -1)
		return -1;
	*what = "the spool";
	return fsync(root);
}

static void
close_if(int fd)
{
	if (fd != -1)
		close(fd);
}

void
spool_files_close(struct spool_files *f)
{
	close_if(f->segments);
	close_if(f->large);
	close_if(f->index);
	close_if(f->corrupt);
}

static void
segment_name(char name[NAME_SIZE], uint32_t number)
{
	snprintf(name, NAME_SIZE, "%08" PRIx32, number);
}

static void
large_name(char name[NAME_SIZE], uint64_t id)
{
	snprintf(name, NAME_SIZE, "%012" PRIx64, id);
}

int
pread_all(int fd, void *buf, size_t len, off_t at)
{
	char *to = buf;

	while (len > 0) {
		ssize_t n = pread(fd, to, len, at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? EIO : errno;
		to += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int
pwrite_all(int fd, const void *buf, size_t len, off_t at)
{
	const char *from = buf;

	while (len > 0) {
		ssize_t n = pwrite(fd, from, len, at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? EIO : errno;
		from += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Zeros, not fallocate: an unwritten extent costs a journal commit later. */
static int
fill_with_zeros(int fd, size_t size)
{
	char *zeros = calloc(1, ZEROS);
	int error = zeros == NULL ? ENOMEM : 0;

	for (size_t at = 0; at < size && error == 0; at += ZEROS)
		error = pwrite_all(fd, zeros,
		    size - at < ZEROS ? size - at : ZEROS, (off_t)at);
	free(zeros);
	return error;
}

int
segment_file_create(const struct spool_files *f, uint32_t number, size_t size)
{
	char name[NAME_SIZE];
	int fd, error;

	segment_name(name, number);
	fd = open_beneath(f->segments, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd == -1)
		return -1;
	error = fill_with_zeros(fd, size);
	if (error == 0 && (fsync(fd) == -1 || fsync(f->segments) == -1))
		error = errno;
	if (error == 0)
		return fd;
	unlinkat(f->segments, name, 0);
	close(fd);
	errno = error;
	return -1;
}

int
segment_file_open(const struct spool_files *f, uint32_t number)
{
	char name[NAME_SIZE];

	segment_name(name, number);
	return open_beneath(f->segments, name, O_RDWR, 0);
}

int
segment_file_remove(const struct spool_files *f, uint32_t number)
{
	char name[NAME_SIZE];

	segment_name(name, number);
	return unlinkat(f->segments, name, 0);
}

int
files_each(int dir, int base, void (*each)(void *, uint64_t), void *arg)
{
	int fd = open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (d == NULL) {
		close_if(fd);
		return -1;
	}
	while ((e = readdir(d)) != NULL) {
		char *end;
		uint64_t n = strtoull(e->d_name, &end, base);

		if (e->d_name[0] != '.' && end != e->d_name && *end == '\0')
			each(arg, n);
	}
	closedir(d);
	return 0;
}

int
large_file_create(const struct spool_files *f)
{
	return open_beneath(f->large, ".", O_TMPFILE | O_RDWR, 0600);
}

/*
 * Naming an open file by its descriptor alone needs a capability before
 * Linux 6.10; the other way needs /proc, which a jail does not have.  Where
 * neither works the content is copied to a file that has its name from the
 * start: that is safe too, since a large file counts only through the record
 * that refers to it.
 */
static int
copy_to_name(const struct spool_files *f, int fd, const char *name)
{
	struct stat st = { .st_size = 0 };
	char *buf = malloc(ZEROS);
	int to, error = buf == NULL ? ENOMEM : 0;
	off_t at = 0;

	to = open_beneath(f->large, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (to == -1 || fstat(fd, &st) == -1)
		error = errno;
	while (error == 0 && at < st.st_size) {
		size_t n = st.st_size - at < ZEROS ?
		    (size_t)(st.st_size - at) : ZEROS;

		if ((error = pread_all(fd, buf, n, at)) == 0)
			error = pwrite_all(to, buf, n, at);
		at += (off_t)n;
	}
	if (error == 0 && fsync(to) == -1)
		error = errno;
	if (error != 0 && to != -1)
		unlinkat(f->large, name, 0);
	close_if(to);
	free(buf);
	return error;
}

int
large_file_commit(const struct spool_files *f, int fd, uint64_t id)
{
	char name[NAME_SIZE];
	int error;

	large_name(name, id);
	if (fsync(fd) == -1)
		return errno;
	if (linkat(fd, "", f->large, name, AT_EMPTY_PATH) == -1) {
		if (errno != ENOENT && errno != EPERM && errno != EINVAL)
			return errno;
		if ((error = copy_to_name(f, fd, name)) != 0)
			return error;
	}
	return fsync(f->large) == -1 ? errno : 0;
}

int
large_file_open(const struct spool_files *f, uint64_t id)
{
	char name[NAME_SIZE];

	large_name(name, id);
	return open_beneath(f->large, name, O_RDONLY | O_NOFOLLOW, 0);
}

int
large_file_remove(const struct spool_files *f, uint64_t id)
{
	char name[NAME_SIZE];

	large_name(name, id);
	return unlinkat(f->large, name, 0);
}

int
corrupt_keep(const struct spool_files *f, uint32_t segment,
    uint64_t generation, size_t offset, struct slice octets)
{
	char name[NAME_SIZE];
	int fd, error;

	snprintf(name, sizeof(name), "%08" PRIx32 "-%016" PRIx64 "-%08zx",
	    segment, generation, offset);
	fd = open_beneath(f->corrupt, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd == -1)
		return errno == EEXIST ? 0 : -1;
	error = pwrite_all(fd, octets.at, octets.len, 0);
	if (error == 0 && fsync(fd) == -1)
		error = errno;
	close(fd);
	if (error == 0)
		return 0;
	unlinkat(f->corrupt, name, 0);
	errno = error;
	return -1;
}
