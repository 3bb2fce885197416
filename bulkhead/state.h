/*
 * state_dir: where bulkhead(8) keeps what it makes for itself, as root.
 */
#ifndef BULKHEAD_STATE_H
#define BULKHEAD_STATE_H

#include <sys/types.h>

#include "bulkhead/bulkhead.h"

/*
 * Open a directory in state_dir (or it itself, where name is empty), with
 * what leads to it made where it is missing.  -1 with errno.
 */
int state_open(const struct bulkhead *, const char *name, mode_t);

/* A new file of that name, in the place of one that was left behind. */
int state_create(int dir, const char *name, mode_t);

/*
 * `bulkhead start` and `reload`: make the secret of common/sasl/secret.h
 * where there is none.  One that is there and broken stays: it is said, with
 * an exit status.
 */
int state_secret_ensure(const struct bulkhead *);

#endif
