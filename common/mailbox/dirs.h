/*
 * Files and directories below a descriptor, and never anywhere else:
 * openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS.  Everything is
 * close-on-exec.
 */
#ifndef COMMON_MAILBOX_DIRS_H
#define COMMON_MAILBOX_DIRS_H

#include <sys/stat.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

/* A regular file; with O_CREAT it gets mode 0600. */
int file_open(int dir_fd, const char *name, int flags);
/* A directory, for reading it and as a base for other names. */
int dir_open(int dir_fd, const char *name);
/* The same; made with mode 0700 when missing (*made set, may be NULL). */
int dir_make(int dir_fd, const char *name, bool *made);

/* Read a whole small file: its length, or -1 (EFBIG over size). */
ssize_t file_read(int dir_fd, const char *name, void *to, size_t size);
/* write(2) until all is written. */
int write_all(int fd, const void *octets, size_t len);
/*
 * Give name this content, durably: tmp, fsync, rename, fsync of the
 * directory.  tmp is a name in the same directory that only the caller's
 * lock protects.
 */
int file_replace(int dir_fd, const char *name, const char *tmp,
    struct slice content);

/*
 * Call each(ctx, name, inode, type) for every entry but . and .., from the
 * start of the directory; type is DT_* and may be DT_UNKNOWN.  Stops at and
 * answers what each answers unless 0; -1 with errno when reading failed.
 */
typedef int dir_each(void *ctx, const char *name, uint64_t ino,
    unsigned char type);
int dir_scan(int dir_fd, dir_each *each, void *ctx);

/* Rename to a name that must not be taken (EEXIST). */
int rename_new(int from_dir, const char *from, int to_dir, const char *to);

/* flock(2), again after a signal. */
int lock_fd(int fd, int operation);

#endif
