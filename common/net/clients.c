/*
 * A hash table with chains through one array, and a list in the order of
 * last use.  The hash is keyed at random: a client that chooses its own
 * address must not choose its bucket.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <bsd/sys/queue.h>

#include "common/net/clients.h"

struct entry {
	struct client	 client;	/* first: a client is its entry */
	uint64_t	 key;
	LIST_ENTRY(entry) chain;
	TAILQ_ENTRY(entry) used;
};

LIST_HEAD(bucket, entry);
TAILQ_HEAD(order, entry);

struct clients {
	struct bucket	*buckets;
	struct order	 idle;		/* no connection; oldest first */
	uint64_t	 secret[2];
	size_t		 mask, len, max;
};

static struct bucket *
bucket_of(struct clients *t, uint64_t key)
{
	uint64_t h = key ^ t->secret[0];

	h ^= h >> 32;
	h *= t->secret[1] | 1;
	h ^= h >> 29;
	h *= 0x9e3779b97f4a7c15ULL;
	h ^= h >> 32;
	return &t->buckets[h & t->mask];
}

struct clients *
clients_new(size_t max)
{
	struct clients *t;
	size_t n = 16;

	while (n < max && n < (SIZE_MAX >> 8))
		n <<= 1;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->buckets = calloc(n, sizeof(*t->buckets));
	if (t->buckets == NULL) {
		free(t);
		return NULL;
	}
	t->mask = n - 1;
	t->max = max;
	arc4random_buf(t->secret, sizeof(t->secret));
	TAILQ_INIT(&t->idle);
	return t;
}

void
clients_free(struct clients *t)
{
	struct entry *e;

	if (t == NULL)
		return;
	for (size_t i = 0; i <= t->mask; i++)
		while ((e = LIST_FIRST(&t->buckets[i])) != NULL) {
			LIST_REMOVE(e, chain);
			free(e);
		}
	free(t->buckets);
	free(t);
}

static struct entry *
find(struct clients *t, uint64_t key)
{
	struct entry *e;

	LIST_FOREACH(e, bucket_of(t, key), chain)
		if (e->key == key)
			return e;
	return NULL;
}

/* A place for a new client: fresh, or of the one idle for longest. */
static struct entry *
place(struct clients *t)
{
	struct entry *e;

	if (t->len < t->max) {
		e = calloc(1, sizeof(*e));
		if (e != NULL)
			t->len++;
		return e;
	}
	e = TAILQ_FIRST(&t->idle);
	if (e == NULL)
		return NULL;
	TAILQ_REMOVE(&t->idle, e, used);
	LIST_REMOVE(e, chain);
	e->client = (struct client){ 0 };
	return e;
}

struct client *
clients_enter(struct clients *t, const struct net_address *a)
{
	uint64_t key = net_address_key(a);
	struct entry *e = find(t, key);

	if (e == NULL) {
		e = place(t);
		if (e == NULL)
			return NULL;
		e->key = key;
		LIST_INSERT_HEAD(bucket_of(t, key), e, chain);
	} else if (e->client.live == 0)
		TAILQ_REMOVE(&t->idle, e, used);
	e->client.live++;
	return &e->client;
}

void
clients_leave(struct clients *t, struct client *c)
{
	struct entry *e = (struct entry *)c;

	assert(c->live > 0);
	if (--c->live == 0)
		TAILQ_INSERT_TAIL(&t->idle, e, used);
}

unsigned
client_count(struct client_window *w, unsigned n, uint64_t now_ms,
    uint64_t window_ms)
{
	if (w->began_ms == 0 || now_ms - w->began_ms >= window_ms) {
		w->began_ms = now_ms;
		w->events = 0;
	}
	if (__builtin_add_overflow(w->events, n, &w->events))
		w->events = UINT32_MAX;
	return w->events;
}

size_t
clients_len(const struct clients *t)
{
	return t->len;
}
