/*
 * What a command asks of one message it will ask of the next: records and blobs
 * are read from the index many at a time, in one transaction.
 *
 * What always holds:
 * A1  Only what never changes is taken from here: sizes, dates, and blobs,
 *     which follow from the message's octets.  No UID is ever used twice.
 * A2  What is not here may be in the index all the same, written since: the
 *     caller finds it out once more, as after any miss.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/internal.h"

enum {
	BLOBS_AHEAD = 128,
	OCTETS_AHEAD = FOLDER_CACHE_BLOB_MAX + 64 * 1024,
	/* Keys that a walk may look at for one that it wants. */
	KEYS_EACH = 4,
	/* A command asks of each message for so many kinds in turn. */
	KINDS_AHEAD = 3
};

/* Blobs of one kind with UIDs first..last: all that there are. */
struct ahead_blobs {
	uint8_t kind; /* 0: none */
	uint32_t first, last;
	size_t n, at; /* at: of the one that was asked for last */
	size_t want;  /* of the next batch */
	struct ahead_blob {
		uint32_t uid;
		size_t place, len;
	} blob[BLOBS_AHEAD];
	char octets[OCTETS_AHEAD];
};

struct ahead {
	/* records of one chunk */
	bool has_chunk;
	uint32_t number;
	struct index_chunk chunk;
	struct ahead_blobs *blobs[KINDS_AHEAD];
	unsigned oldest; /* of these */
};

void
folder_ahead_clear(struct folder *f)
{
	if (f->ahead == NULL)
		return;
	for (size_t i = 0; i < KINDS_AHEAD; i++)
		free(f->ahead->blobs[i]);
	free(f->ahead);
	f->ahead = NULL;
}

static struct ahead *
ahead_of(struct folder *f)
{
	if (f->ahead == NULL)
		f->ahead = calloc(1, sizeof(*f->ahead));
	return f->ahead;
}

/* ---- records ---- */

static int
chunk_work(struct index_txn *t, void *ctx)
{
	struct folder *f = ctx;
	struct ahead *a = f->ahead;
	uint8_t key[INDEX_KEY_LEN];
	struct slice value;

	index_key_pack(INDEX_CHUNK, f->state.identity, a->number, 0, key);
	if (index_get(t, key, &value) == -1 ||
	    index_chunk_parse(value, &a->chunk) != PARSE_OK)
		a->chunk.present = 0;
	return 0;
}

int
folder_index_facts(struct folder *f, uint32_t uid, struct index_record *r)
{
	struct ahead *a = ahead_of(f);

	if (a == NULL)
		return folder_index_get(f, uid, r);
	if (!a->has_chunk || a->number != uid / CHUNK_UIDS) {
		a->number = uid / CHUNK_UIDS;
		a->has_chunk = index_read(f->mb->index, chunk_work, f) == 0;
	}
	if (!a->has_chunk ||
	    (a->chunk.present & UINT64_C(1) << uid % CHUNK_UIDS) == 0)
		return -1;
	*r = a->chunk.record[uid % CHUNK_UIDS];
	return 0;
}

/* ---- blobs ---- */

struct batch {
	struct folder *f;
	struct ahead_blobs *a;
	size_t keys; /* looked at */
	size_t n, len;
	uint32_t last;
};

static int
batch_add(struct batch *b, uint32_t uid, struct slice octets)
{
	struct ahead_blobs *a = b->a;

	if (octets.len > OCTETS_AHEAD - b->len)
		return 1;
	a->blob[b->n++] = (struct ahead_blob){ uid, b->len, octets.len };
	memcpy(a->octets + b->len, octets.at, octets.len);
	/* Whoever reads a blob as a struct finds it aligned. */
	b->len += (octets.len + 7) & ~(size_t)7;
	b->last = uid;
	return b->len > OCTETS_AHEAD || b->n == a->want;
}

static int
batch_each(void *ctx, struct slice key, struct slice value)
{
	struct batch *b = ctx;
	const struct ahead_blobs *a = b->a;
	struct slice octets;
	uint32_t uid;

	if (!index_key_parse(key, INDEX_BLOB, b->f->state.identity, &uid) ||
	    ++b->keys > a->want * KEYS_EACH)
		return 1;
	if ((uint8_t)key.at[INDEX_KEY_LEN - 1] != a->kind ||
	    index_blob_parse(value, &octets) != PARSE_OK)
		return 0;
	return batch_add(b, uid, octets);
}

/* May run more than once. */
static int
batch_work(struct index_txn *t, void *ctx)
{
	struct batch *b = ctx;
	uint8_t key[INDEX_KEY_LEN];

	b->n = b->len = b->keys = 0;
	b->last = b->a->first;
	index_key_pack(
	    INDEX_BLOB, b->f->state.identity, b->a->first, b->a->kind, key);
	return index_walk(t, key, batch_each, b);
}

/* A batch from this UID on: larger each time, while what was read is used. */
static void
read_batch(struct folder *f, struct ahead_blobs *a, uint32_t uid)
{
	struct batch b = { .f = f, .a = a };
	bool goes_on = a->n > 0 && uid > a->last && uid - a->last <= CHUNK_UIDS;

	a->want = !goes_on                    ? 1
		  : a->want * 8 < BLOBS_AHEAD ? a->want * 8
					      : BLOBS_AHEAD;
	a->first = uid;
	if (index_read(f->mb->index, batch_work, &b) == -1)
		b.n = 0;
	a->n = b.n;
	a->last = b.n > 0 ? b.last : uid;
	a->at = 0;
}

/* The blob of this UID, if it is in the batch. */
static const struct ahead_blob *
find(struct ahead_blobs *a, uint32_t uid)
{
	if (a->at >= a->n || a->blob[a->at].uid > uid)
		a->at = 0;
	while (a->at < a->n && a->blob[a->at].uid < uid)
		a->at++;
	return a->at < a->n && a->blob[a->at].uid == uid ? &a->blob[a->at]
							 : NULL;
}

/* The place of this kind, perhaps an empty one; NULL: no memory. */
static struct ahead_blobs *
blobs_of(struct ahead *a, uint8_t kind)
{
	struct ahead_blobs **place = NULL;

	for (size_t i = 0; i < KINDS_AHEAD; i++) {
		if (a->blobs[i] != NULL && a->blobs[i]->kind == kind)
			return a->blobs[i];
		if (a->blobs[i] == NULL && place == NULL)
			place = &a->blobs[i];
	}
	if (place == NULL)
		place = &a->blobs[a->oldest++ % KINDS_AHEAD];
	else
		*place = malloc(sizeof(**place));
	if (*place != NULL) {
		(*place)->kind = kind;
		(*place)->n = (*place)->at = 0;
		(*place)->first = 1;
		(*place)->last = 0;
	}
	return *place;
}

static bool
ahead_get(struct folder *f, uint32_t uid, uint8_t kind, struct slice *octets)
{
	struct ahead *ahead = ahead_of(f);
	struct ahead_blobs *a = ahead == NULL ? NULL : blobs_of(ahead, kind);
	const struct ahead_blob *b;

	if (a == NULL)
		return false;
	if (uid < a->first || uid > a->last)
		read_batch(f, a, uid);
	b = find(a, uid);
	if (b != NULL)
		*octets = slice_of(a->octets + b->place, b->len);
	return b != NULL;
}

int
folder_cache_get(
    struct folder *f, uint32_t uid, unsigned kind, void **octets, size_t *len)
{
	struct slice found;

	if (!folder_blob_pending(f, uid, kind, &found) &&
	    !ahead_get(f, uid, (uint8_t)kind, &found)) {
		errno = ENOENT;
		return -1;
	}
	if ((*octets = malloc(found.len + 1)) == NULL)
		return -1;
	if (found.len > 0)
		memcpy(*octets, found.at, found.len);
	*len = found.len;
	return 0;
}
