/*
 * tests-powercut-disk: disks that remember what was written to them.
 *
 * A FUSE file system with the files disk0, disk1, ... and mark.  Each disk is
 * memory, and what is written to it or synced goes into one log, in one order
 * for all disks; so does every line that somebody writes to mark ("the client
 * has its 250").  A loop device on such a file carries a real ext4; from the
 * log each state that a power cut could leave can be rebuilt: everything that
 * was flushed, and any part of what was written since.
 *
 * Usage: tests-powercut-disk [-n disks] [-s mebibytes] -l log MOUNTPOINT
 *	tests-powercut-disk [-n disks] [-s mebibytes] -w ms MOUNTPOINT
 *
 * With -w there is no log; instead every flush takes so many milliseconds, as
 * on a disk that is at the other end of a network.
 *
 * The log is a sequence of struct record, little-endian, each followed by its
 * octets.  One thread serves all requests, so the order of the log is an order
 * in which things did happen.
 */
#define FUSE_USE_VERSION 31
#include <fuse3/fuse.h>

#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "tests/tool/number.h"

#define DISKS_MAX 8
#define MARK DISKS_MAX		/* the file handle of mark */
#define LOG_MAX ((uint64_t)4 << 30)

enum kind { KIND_WRITE = 'W', KIND_FLUSH = 'F', KIND_MARK = 'M' };

struct record {
	uint8_t kind;
	uint8_t disk;
	uint16_t zero;
	uint32_t len;		/* octets that follow */
	uint64_t offset;
};

struct lab {
	unsigned disks;
	size_t size;		/* of each disk, octets */
	uint8_t *data[DISKS_MAX];
	FILE *log;		/* NULL: none is kept */
	unsigned flush_ms;	/* how long a flush takes */
	uint64_t logged;	/* octets */
};

static struct lab *
lab(void)
{
	return fuse_get_context()->private_data;
}

/* Append to the log; -EIO when that is full: a run must end, not the host. */
static int
log_record(struct lab *l, enum kind kind, unsigned disk, uint64_t offset,
    const void *octets, size_t len)
{
	struct record r = { .kind = (uint8_t)kind, .disk = (uint8_t)disk,
		.len = (uint32_t)len, .offset = offset };

	if (l->log == NULL)
		return 0;
	if (l->logged > LOG_MAX)
		return -EIO;
	l->logged += sizeof(r) + len;
	if (fwrite(&r, sizeof(r), 1, l->log) != 1 ||
	    (len > 0 && fwrite(octets, len, 1, l->log) != 1))
		return -EIO;
	return 0;
}

/* "/disk1" is 1, "/mark" is MARK, all else -1. */
static int
file_of(const struct lab *l, const char *path)
{
	if (strcmp(path, "/mark") == 0)
		return MARK;
	if (strncmp(path, "/disk", 5) != 0 || path[5] < '0' ||
	    path[5] >= '0' + (int)l->disks || path[6] != '\0')
		return -1;
	return path[5] - '0';
}

static int
do_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	int file = file_of(lab(), path);

	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_nlink = 1;
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0755;
		return 0;
	}
	if (file == -1)
		return -ENOENT;
	st->st_mode = S_IFREG | 0600;
	st->st_size = file == MARK ? 0 : (off_t)lab()->size;
	return 0;
}

static int
do_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
    struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	char name[] = "disk0";

	(void)path, (void)off, (void)fi, (void)flags;
	fill(buf, "mark", NULL, 0, 0);
	for (unsigned i = 0; i < lab()->disks; i++) {
		name[4] = (char)('0' + i);
		fill(buf, name, NULL, 0, 0);
	}
	return 0;
}

static int
do_open(const char *path, struct fuse_file_info *fi)
{
	int file = file_of(lab(), path);

	if (file == -1)
		return -ENOENT;
	fi->fh = (uint64_t)file;
	fi->direct_io = 1;	/* no page cache between the loop device and us */
	return 0;
}

/* How much of [off, off + len) lies on the disk. */
static size_t
on_disk(const struct lab *l, size_t len, off_t off)
{
	if (off < 0 || (uint64_t)off >= l->size)
		return 0;
	return len < l->size - (size_t)off ? len : l->size - (size_t)off;
}

static int
do_read(const char *path, char *buf, size_t len, off_t off,
    struct fuse_file_info *fi)
{
	(void)path;
	if (fi->fh == MARK)
		return 0;
	len = on_disk(lab(), len, off);
	memcpy(buf, lab()->data[fi->fh] + off, len);
	return (int)len;
}

static int
do_write(const char *path, const char *buf, size_t len, off_t off,
    struct fuse_file_info *fi)
{
	struct lab *l = lab();
	int e;

	(void)path;
	if (fi->fh == MARK) {
		e = log_record(l, KIND_MARK, 0, 0, buf, len);
		return e != 0 ? e : (int)len;
	}
	len = on_disk(l, len, off);
	if (len == 0)
		return -ENOSPC;
	e = log_record(l, KIND_WRITE, (unsigned)fi->fh, (uint64_t)off, buf, len);
	if (e != 0)
		return e;
	memcpy(l->data[fi->fh] + off, buf, len);
	return (int)len;
}

static int
do_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	struct timespec ts = { .tv_sec = lab()->flush_ms / 1000,
		.tv_nsec = lab()->flush_ms % 1000 * 1000000L };

	(void)path, (void)datasync;
	if (fi->fh == MARK)
		return lab()->log == NULL || fflush(lab()->log) == 0 ? 0 : -EIO;
	nanosleep(&ts, NULL);
	return log_record(lab(), KIND_FLUSH, (unsigned)fi->fh, 0, NULL, 0);
}

/* A shell's `>mark` truncates; there is nothing to cut. */
static int
do_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	(void)size, (void)fi;
	return file_of(lab(), path) == MARK ? 0 : -EPERM;
}

static void
do_destroy(void *private_data)
{
	struct lab *l = private_data;

	if (l->log != NULL && fflush(l->log) != 0)
		warn("log");
}

static const struct fuse_operations operations = {
	.getattr = do_getattr,
	.readdir = do_readdir,
	.open = do_open,
	.read = do_read,
	.write = do_write,
	.fsync = do_fsync,
	.truncate = do_truncate,
	.destroy = do_destroy,
};

static void
lab_open(struct lab *l, int argc, char *argv[])
{
	const char *log = NULL;
	int c;

	l->disks = 1;
	l->size = 64 << 20;
	while ((c = getopt(argc, argv, "n:s:l:w:")) != -1)
		switch (c) {
		case 'n':
			l->disks = tool_number(optarg, 1, DISKS_MAX);
			break;
		case 's':
			l->size = (size_t)tool_number(optarg, 1, 4096) << 20;
			break;
		case 'l':
			log = optarg;
			break;
		case 'w':
			l->flush_ms = tool_number(optarg, 1, 10000);
			break;
		default:
			exit(64);
		}
	if ((log == NULL) == (l->flush_ms == 0) || argc != optind + 1)
		errx(64, "usage: [-n disks] [-s mebibytes] -l log|-w ms "
		    "mountpoint");
	if (log != NULL && (l->log = fopen(log, "we")) == NULL)
		err(73, "%s", log);
	for (unsigned i = 0; i < l->disks; i++) {
		l->data[i] = mmap(NULL, l->size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (l->data[i] == MAP_FAILED)
			err(71, "memory for disk %u", i);
	}
}

int
main(int argc, char *argv[])
{
	struct lab l = { 0 };
	char foreground[] = "-f", one_thread[] = "-s";
	char name[] = "-ofsname=powercut";	/* for the mount table */
	char *fuse_argv[] = { argv[0], foreground, name, NULL, NULL, NULL };

	lab_open(&l, argc, argv);
	fuse_argv[3] = argv[optind];
	if (l.log != NULL)
		fuse_argv[4] = one_thread;	/* and so one order */
	/* Whoever drives us may die in any way: the disks go with it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return fuse_main(l.log != NULL ? 5 : 4, fuse_argv, &operations, &l);
}
