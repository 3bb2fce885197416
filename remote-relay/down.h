/*
 * Addresses that could not be reached lately.  A cache of fixed size: what is
 * pushed out of it is tried again, which is never wrong.
 */
#ifndef REMOTE_RELAY_DOWN_H
#define REMOTE_RELAY_DOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/hash/siphash.h"
#include "common/net/address.h"

enum { DOWN_SLOTS = 4096 };

struct down {
	struct down_slot {
		struct net_address address;
		uint64_t	until_ms;	/* 0: free */
	} at[DOWN_SLOTS];
	struct siphash_key key;	/* nobody chooses what pushes what out */
};

struct down *down_new(void);	/* NULL with errno */
void down_free(struct down *);
/* From now on until then; address and port. */
void down_mark(struct down *, const struct net_address *, uint64_t until_ms);
/* It could be reached. */
void down_clear(struct down *, const struct net_address *);
bool down_is(const struct down *, const struct net_address *, uint64_t now_ms);

#endif
