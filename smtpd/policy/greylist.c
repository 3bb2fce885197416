#include "smtpd/policy/greylist.h"

#include <stdbool.h>
#include <stdlib.h>

#include <bsd/sys/queue.h>

#include "common/hash/siphash.h"

/* What is known of one key, in 64 octets. */
struct entry {
	LIST_ENTRY(entry)  chain;
	TAILQ_ENTRY(entry) used;
	uint64_t	 key[2];
	uint64_t	 since_s;	/* first try, or last seen */
};

LIST_HEAD(chain, entry);
TAILQ_HEAD(order, entry);

struct half {
	struct chain	*chains;
	struct order	 used;		/* least recently used first */
	size_t		 count, max, mask;
};

struct greylist {
	struct siphash_key keys[2];
	struct half	 waiting, passed;
};

static int
half_init(struct half *h, size_t max)
{
	size_t n = 64;

	while (n < max)
		n *= 2;
	*h = (struct half){ .max = max, .mask = n - 1 };
	TAILQ_INIT(&h->used);
	h->chains = calloc(n, sizeof(*h->chains));
	return h->chains == NULL ? -1 : 0;
}

static void
half_clear(struct half *h)
{
	struct entry *e;

	while ((e = TAILQ_FIRST(&h->used)) != NULL) {
		TAILQ_REMOVE(&h->used, e, used);
		free(e);
	}
	free(h->chains);
}

static struct entry *
find(const struct half *h, const uint64_t key[2])
{
	struct entry *e;

	LIST_FOREACH(e, &h->chains[key[0] & h->mask], chain)
		if (e->key[0] == key[0] && e->key[1] == key[1])
			return e;
	return NULL;
}

static void
drop(struct half *h, struct entry *e)
{
	LIST_REMOVE(e, chain);
	TAILQ_REMOVE(&h->used, e, used);
	h->count--;
	free(e);
}

static void
touch(struct half *h, struct entry *e)
{
	TAILQ_REMOVE(&h->used, e, used);
	TAILQ_INSERT_TAIL(&h->used, e, used);
}

static struct entry *
add(struct half *h, const uint64_t key[2], uint64_t now_s)
{
	struct entry *e;

	if (h->count == h->max)
		drop(h, TAILQ_FIRST(&h->used));
	if ((e = malloc(sizeof(*e))) == NULL)
		return NULL;
	*e = (struct entry){ .key = { key[0], key[1] }, .since_s = now_s };
	LIST_INSERT_HEAD(&h->chains[key[0] & h->mask], e, chain);
	TAILQ_INSERT_TAIL(&h->used, e, used);
	h->count++;
	return e;
}

struct greylist *
greylist_new(size_t max)
{
	struct greylist *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	siphash_key_init(&g->keys[0]);
	siphash_key_init(&g->keys[1]);
	if (half_init(&g->waiting, max) == -1 ||
	    half_init(&g->passed, max) == -1) {
		free(g->waiting.chains);
		free(g);
		return NULL;
	}
	return g;
}

void
greylist_free(struct greylist *g)
{
	if (g == NULL)
		return;
	half_clear(&g->waiting);
	half_clear(&g->passed);
	free(g);
}

/* Family and network, always the same number of octets. */
enum { NETWORK_LEN = 9 };

static void
network_of(const struct net_address *a, char out[NETWORK_LEN])
{
	memset(out, 0, NETWORK_LEN);
	out[0] = (char)a->family;
	memcpy(out + 1, a->octets, a->family == NET_IPV4 ? 3 : 8);
}

static void
hash(const struct greylist *g, const char *at, size_t len, uint64_t key[2])
{
	key[0] = siphash(&g->keys[0], slice_of(at, len));
	key[1] = siphash(&g->keys[1], slice_of(at, len));
}

/*
 * A reverse-path in which what differs from message to message is left out:
 * digits (list-12345-return@) and what stands behind a '+' or '='.
 */
static size_t
put_sender(char *out, size_t room, struct slice s)
{
	const char *at = s.len == 0 ? NULL : memrchr(s.at, '@', s.len);
	size_t local = at != NULL ? (size_t)(at - s.at) : s.len, n = 0;
	bool tail = false;

	for (size_t i = 0; i < s.len && n < room; i++) {
		char c = s.at[i];

		if (i < local && (c == '+' || c == '='))
			tail = true;
		if (i < local && (tail || (c >= '0' && c <= '9')))
			continue;
		out[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return n;
}

static void
triplet(const struct greylist *g, const struct net_address *a,
    struct slice sender, struct slice recipient, uint64_t key[2])
{
	char text[NETWORK_LEN + 1400];
	size_t len = NETWORK_LEN;

	network_of(a, text);
	len += put_sender(text + len, 690, sender);
	text[len++] = '\0';
	if (recipient.len > 690)
		recipient.len = 690;
	for (size_t i = 0; i < recipient.len; i++) {
		char c = recipient.at[i];

		text[len++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	hash(g, text, len, key);
}

static bool
is_known(struct greylist *g, const struct greylist_times *times,
    uint64_t now_s, const uint64_t network[2])
{
	struct entry *e = find(&g->passed, network);

	if (e == NULL)
		return false;
	if (now_s - e->since_s > times->life) {
		drop(&g->passed, e);
		return false;
	}
	e->since_s = now_s;
	touch(&g->passed, e);
	return true;
}

uint64_t
greylist_try(struct greylist *g, const struct greylist_times *times,
    uint64_t now_s, const struct net_address *a, struct slice sender,
    struct slice recipient)
{
	char text[NETWORK_LEN];
	uint64_t network[2], key[2];
	struct entry *e;

	network_of(a, text);
	hash(g, text, sizeof(text), network);
	if (is_known(g, times, now_s, network))
		return 0;
	triplet(g, a, sender, recipient, key);
	e = find(&g->waiting, key);
	if (e != NULL && now_s - e->since_s > times->window) {
		drop(&g->waiting, e);
		e = NULL;
	}
	if (e == NULL) {
		/* Without memory mail is not kept out. */
		return add(&g->waiting, key, now_s) == NULL ? 0 : times->delay;
	}
	if (now_s - e->since_s < times->delay)
		return times->delay - (now_s - e->since_s);
	drop(&g->waiting, e);
	add(&g->passed, network, now_s);
	return 0;
}

size_t
greylist_waiting(const struct greylist *g)
{
	return g->waiting.count;
}

size_t
greylist_passed(const struct greylist *g)
{
	return g->passed.count;
}
