#include "smtpd/quota.h"

#include <stdlib.h>

#include <bsd/sys/queue.h>


enum {
	BUCKETS = 4096,
	PIECE_MS = QUOTA_HOUR_MS / QUOTA_PIECES
};

struct quota {
	SLIST_ENTRY(quota)	entry;
	struct account		account;
	uint64_t		piece;		/* number of the newest */
	uint32_t		sent[QUOTA_PIECES];
	bool			refused;
};
SLIST_HEAD(quota_list, quota);

struct quotas {
	struct quota_list	bucket[BUCKETS];
	size_t			count;
	size_t			sweep;		/* bucket to look at next */
};

struct quotas *
quotas_new(void)
{
	struct quotas *q = calloc(1, sizeof(*q));

	for (size_t i = 0; q != NULL && i < BUCKETS; i++)
		SLIST_INIT(&q->bucket[i]);
	return q;
}

void
quotas_free(struct quotas *q)
{
	struct quota *one;

	for (size_t i = 0; q != NULL && i < BUCKETS; i++)
		while ((one = SLIST_FIRST(&q->bucket[i])) != NULL) {
			SLIST_REMOVE_HEAD(&q->bucket[i], entry);
			free(one);
		}
	free(q);
}

/* Numbers of accounts are ours to give: no stranger chooses collisions. */
static size_t
bucket_of(struct account a)
{
	return (a.number + (a.kind == ACCOUNT_SYSTEM ? BUCKETS / 2 : 0)) %
	    BUCKETS;
}

/* Pieces that an hour has passed since are empty again. */
static void
move_on(struct quota *one, uint64_t now_ms)
{
	uint64_t piece = now_ms / PIECE_MS;

	for (unsigned n = 0; one->piece < piece && n < QUOTA_PIECES; n++) {
		one->piece++;
		one->sent[one->piece % QUOTA_PIECES] = 0;
	}
	if (one->piece < piece)
		one->piece = piece;
}

static uint64_t
sum(const struct quota *one)
{
	uint64_t n = 0;

	for (size_t i = 0; i < QUOTA_PIECES; i++)
		n += one->sent[i];
	return n;
}

/* Who has sent nothing for an hour makes room, a bucket at a time. */
static void
sweep(struct quotas *q, uint64_t now_ms)
{
	struct quota_list *list = &q->bucket[q->sweep++ % BUCKETS];
	struct quota *one, *next;

	for (one = SLIST_FIRST(list); one != NULL; one = next) {
		next = SLIST_NEXT(one, entry);
		move_on(one, now_ms);
		if (sum(one) > 0)
			continue;
		SLIST_REMOVE(list, one, quota, entry);
		free(one);
		q->count--;
	}
}

static struct quota *
find(struct quotas *q, struct account a)
{
	struct quota *one;

	SLIST_FOREACH(one, &q->bucket[bucket_of(a)], entry)
		if (one->account.kind == a.kind &&
		    one->account.number == a.number)
			return one;
	return NULL;
}

static struct quota *
add(struct quotas *q, struct account a, uint64_t now_ms)
{
	struct quota *one;

	sweep(q, now_ms);
	if (q->count >= QUOTA_ACCOUNTS_MAX ||
	    (one = calloc(1, sizeof(*one))) == NULL)
		return NULL;
	one->account = a;
	one->piece = now_ms / PIECE_MS;
	SLIST_INSERT_HEAD(&q->bucket[bucket_of(a)], one, entry);
	q->count++;
	return one;
}

bool
quota_take(struct quotas *q, struct account a, uint64_t limit,
    uint64_t now_ms, bool *first)
{
	struct quota *one = find(q, a);

	*first = false;
	if (one == NULL && (one = add(q, a, now_ms)) == NULL)
		return true;
	move_on(one, now_ms);
	if (sum(one) >= limit) {
		*first = !one->refused;
		one->refused = true;
		return false;
	}
	one->refused = false;
	one->sent[one->piece % QUOTA_PIECES]++;
	return true;
}

void
quota_give_back(struct quotas *q, struct account a, uint32_t n,
    uint64_t now_ms)
{
	struct quota *one = find(q, a);

	if (one == NULL)
		return;
	move_on(one, now_ms);
	/* The newest first: a transaction is seldom older. */
	for (unsigned i = 0; i < QUOTA_PIECES && n > 0; i++) {
		uint32_t *sent = &one->sent[(one->piece + QUOTA_PIECES - i) %
		    QUOTA_PIECES];
		uint32_t back = *sent < n ? *sent : n;

		*sent -= back;
		n -= back;
	}
}
