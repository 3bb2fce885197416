#include "common/tickets/tickets.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct ticket	ticket;
	struct account	account;
	uint64_t	made_ms;
	uint8_t		role;
	bool		used;		/* false: a place that is free */
};

struct tickets {
	size_t		room;
	struct entry	entries[];
};

/*
 * A ticket's first octets name its place, so that no index is needed.  They
 * are drawn again while the place is taken, a few times; then the ticket that
 * is there must go.
 */
#define DRAWS	8

static struct entry *
place_of(struct tickets *t, const struct ticket *ticket)
{
	uint32_t n;

	memcpy(&n, ticket->octets, sizeof(n));
	return &t->entries[n & (t->room - 1)];
}

static bool
same(const struct ticket *a, const struct ticket *b)
{
	unsigned differ = 0;

	for (size_t i = 0; i < TICKET_LEN; i++)
		differ |= (unsigned)(a->octets[i] ^ b->octets[i]);
	return differ == 0;
}

static bool
expired(const struct entry *e, uint64_t now_ms)
{
	return now_ms - e->made_ms >= TICKETS_LIFETIME_MS;
}

struct tickets *
tickets_new(size_t room)
{
	struct tickets *t;

	assert(room > 0 && (room & (room - 1)) == 0 && room <= UINT32_MAX);
	t = calloc(1, sizeof(*t) + room * sizeof(t->entries[0]));
	if (t != NULL)
		t->room = room;
	return t;
}

void
tickets_free(struct tickets *t)
{
	if (t == NULL)
		return;
	explicit_bzero(t->entries, t->room * sizeof(t->entries[0]));
	free(t);
}

void
tickets_issue(struct tickets *t, uint64_t now_ms, struct account account,
    uint8_t role, struct ticket *out)
{
	struct entry *e;

	for (unsigned draw = 0; ; draw++) {
		arc4random_buf(out->octets, TICKET_LEN);
		e = place_of(t, out);
		if (!e->used || expired(e, now_ms) || draw == DRAWS)
			break;
	}
	*e = (struct entry){ *out, account, now_ms, role, true };
}

int
tickets_redeem(struct tickets *t, uint64_t now_ms,
    const struct ticket *ticket, uint8_t role, struct account *account)
{
	struct entry *e = place_of(t, ticket);
	bool good;

	if (!e->used || !same(&e->ticket, ticket))
		return -1;
	good = !expired(e, now_ms) && e->role == role;
	if (good)
		*account = e->account;
	explicit_bzero(e, sizeof(*e));
	return good ? 0 : -1;
}
