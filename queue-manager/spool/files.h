/*
 * The spool's directories and files.  Every name is a number that we made;
 * every open stays beneath its directory and follows no symbolic link.
 *
 *	segments/0000002a	the log
 *	large/000000a1b2c3	content of one message, named by its queue id
 *	index/			LMDB
 *	corrupt/0000002a-...	what was set aside: segment, offset
 */
#ifndef QUEUE_MANAGER_SPOOL_FILES_H
#define QUEUE_MANAGER_SPOOL_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/slice/slice.h"

struct spool_files {
	int	segments, large, index, corrupt;	/* directories */
};

/* Open, and make where missing, the directories beneath root.  -1 with
 * errno and the name in *what. */
int spool_files_open(struct spool_files *, int root, const char **what);
void spool_files_close(struct spool_files *);

/*
 * A new segment file of size octets, all written with zeros, synced with its
 * directory (rule R4).  Blocks; for a thread.  The descriptor or -1; on
 * failure nothing stays behind.
 */
int segment_file_create(const struct spool_files *, uint32_t number,
    size_t size);
int segment_file_open(const struct spool_files *, uint32_t number);
int segment_file_remove(const struct spool_files *, uint32_t number);

/* Call each(arg, number) for every numbered name in a directory. */
int files_each(int dir, int base, void (*each)(void *arg, uint64_t number),
    void *arg);

/* A file without a name for content on its way; O_RDWR. */
int large_file_create(const struct spool_files *);
/* Sync it, give it its name, sync the directory.  Blocks; for a thread.
 * 0 or an errno. */
int large_file_commit(const struct spool_files *, int fd, uint64_t id);
int large_file_open(const struct spool_files *, uint64_t id); /* O_RDONLY */
int large_file_remove(const struct spool_files *, uint64_t id);

/* Keep a copy of damaged octets.  0 or -1 with errno; an existing copy of
 * the same place is left alone. */
int corrupt_keep(const struct spool_files *, uint32_t segment,
    uint64_t generation, size_t offset, struct slice octets);

/* The whole of it, or an errno.  A short count goes on; end of file: EIO. */
int pread_all(int fd, void *buf, size_t len, off_t at);
int pwrite_all(int fd, const void *buf, size_t len, off_t at);

#endif
