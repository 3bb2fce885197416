/*
 * The owner's index: an LMDB file that is nothing but a cache.
 *
 * What always holds:
 * I1  Every answer may be "not there", and the caller can do without.
 * I2  The index is opened by processes of the owner's uid alone.
 * I3  One flock(2) on the data file guards each transaction: shared to read,
 *     exclusive to write.  LMDB's own lock file is not used, so that there is
 *     nothing a killed process could leave locked and nothing that can be
 *     deleted apart from the data.
 * I4  No transaction outlives the call that made it.
 * I5  LMDB does not sync here.  The file "alive" says "clean" only when all was
 *     synced after the last process closed the index; it says so no more,
 * durably, before anything is written.  A process that comes first and finds it
 * unclean (power cut, kill, crash) starts with an empty index.  So an index
 * that makes processes crash does so once. I6  An index that was deleted or
 * replaced is noticed at the next transaction. One that is shorter than its own
 * tables say, or than it once was, is thrown away.  If somebody cuts it short
 * while a transaction reads it, SIGBUS ends that process alone.
 */
#ifndef COMMON_MAILBOX_INDEX_H
#define COMMON_MAILBOX_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mailbox/index_record.h"

struct index;
struct index_txn;

/* Never fails for good: without a usable index every call answers -1.  NULL
 * when memory is short. */
struct index *index_new(int home_fd);
void index_free(struct index *);
/* Nothing will be asked for a while: gives back the memory that LMDB keeps.  The
 * next transaction opens the file again. */
void index_rest(struct index *);

/* 0, or -1 to give up: the transaction is then undone. */
typedef int index_work(struct index_txn *, void *ctx);

/*
 * Run work inside one transaction.  work may be called again, from the start,
 * when the index had to grow.  0 only if work answered 0 and, for
 * index_write, its changes are in the index.
 */
int index_read(struct index *, index_work *, void *ctx);
int index_write(struct index *, index_work *, void *ctx);

/* Inside work.  Slices point into the index until work returns. */
int index_get(struct index_txn *, const uint8_t key[INDEX_KEY_LEN],
    struct slice *value);
int index_put(struct index_txn *, const uint8_t key[INDEX_KEY_LEN],
    struct slice head, struct slice value);
int index_delete(struct index_txn *, const uint8_t key[INDEX_KEY_LEN]);
/* All entries from key on, in order, until each answers other than 0. */
typedef int index_each(void *ctx, struct slice key, struct slice value);
int index_walk(struct index_txn *, const uint8_t from[INDEX_KEY_LEN],
    index_each *, void *ctx);

#endif
