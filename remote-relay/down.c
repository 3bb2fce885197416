#include "remote-relay/down.h"

#include <stdlib.h>
#include <string.h>

struct down *
down_new(void)
{
	struct down *d = calloc(1, sizeof(*d));

	if (d != NULL)
		siphash_key_init(&d->key);
	return d;
}

void
down_free(struct down *d)
{
	free(d);
}

static size_t
slot_of(const struct down *d, const struct net_address *a)
{
	uint8_t what[18];

	memcpy(what, a->octets, 16);
	memcpy(what + 16, &a->port, 2);
	return (size_t)(siphash(&d->key, slice_of(what, sizeof(what))) %
	    DOWN_SLOTS);
}

static bool
same(const struct net_address *a, const struct net_address *b)
{
	return a->family == b->family && a->port == b->port &&
	    memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

void
down_mark(struct down *d, const struct net_address *a, uint64_t until_ms)
{
	struct down_slot *s = &d->at[slot_of(d, a)];

	s->address = *a;
	s->until_ms = until_ms;
}

void
down_clear(struct down *d, const struct net_address *a)
{
	struct down_slot *s = &d->at[slot_of(d, a)];

	if (same(&s->address, a))
		s->until_ms = 0;
}

bool
down_is(const struct down *d, const struct net_address *a, uint64_t now_ms)
{
	const struct down_slot *s = &d->at[slot_of(d, a)];

	return s->until_ms > now_ms && same(&s->address, a);
}
