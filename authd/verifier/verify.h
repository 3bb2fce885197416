/* The one thing that a verifier does. */
#ifndef AUTHD_VERIFIER_VERIFY_H
#define AUTHD_VERIFIER_VERIFY_H

#include <stdbool.h>

#include "common/ipc/ipc.h"
#include "common/slice/slice.h"

/*
 * Does the password fit the hash, by crypt(3)?  Takes some 15 ms for a hash
 * of usual cost, whatever the answer; compared in constant time; what crypt
 * computed is wiped.  False as well when memory is short.
 */
bool verify_password(struct slice hash, struct slice password);

/* VERIFY on the channel to authd. */
int verify_handle(void *ctx, struct ipc_channel *, struct ipc_message *);

#endif
