/*
 * A folder's part of the owner's index.  Nothing here can fail in a way that
 * matters: what the index does not know is found out again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/internal.h"

/* ---- single records ---- */

static void
chunk_key(const struct folder *f, uint32_t uid, uint8_t to[INDEX_KEY_LEN])
{
	index_key_pack(INDEX_CHUNK, f->state.identity, uid / CHUNK_UIDS, 0, to);
}

void
records_begin(struct records *rs, struct index_txn *t, const struct folder *f)
{
	rs->txn = t;
	rs->f = f;
	rs->loaded = rs->dirty = false;
}

int
records_end(struct records *rs)
{
	uint8_t key[INDEX_KEY_LEN], value[CHUNK_MAX];
	size_t len;

	if (!rs->dirty)
		return 0;
	rs->dirty = false;
	chunk_key(rs->f, rs->number * CHUNK_UIDS, key);
	len = index_chunk_pack(&rs->chunk, value);
	if (len > 0)
		return index_put(
		    rs->txn, key, slice_of(value, len), slice_of(NULL, 0));
	index_delete(rs->txn, key);
	return 0;
}

/* The record's place, with its chunk in memory; NULL: the index fails. */
static struct index_record *
record_at(struct records *rs, uint32_t uid)
{
	uint8_t key[INDEX_KEY_LEN];
	struct slice value;

	if (!rs->loaded || rs->number != uid / CHUNK_UIDS) {
		if (records_end(rs) == -1)
			return NULL;
		chunk_key(rs->f, uid, key);
		if (index_get(rs->txn, key, &value) == -1 ||
		    index_chunk_parse(value, &rs->chunk) != PARSE_OK)
			rs->chunk.present = 0;
		rs->loaded = true;
		rs->number = uid / CHUNK_UIDS;
	}
	return &rs->chunk.record[uid % CHUNK_UIDS];
}

static bool
is_present(const struct records *rs, uint32_t uid)
{
	return rs->chunk.present & UINT64_C(1) << uid % CHUNK_UIDS;
}

/* For changing; of one that was not there everything is 0. */
static struct index_record *
record_change(struct records *rs, uint32_t uid)
{
	struct index_record *r = record_at(rs, uid);

	if (r == NULL)
		return NULL;
	if (!is_present(rs, uid))
		*r = (struct index_record){ 0 };
	rs->chunk.present |= UINT64_C(1) << uid % CHUNK_UIDS;
	rs->dirty = true;
	return r;
}

struct get {
	struct folder		*f;
	uint32_t		 uid;
	struct index_record	*r;
};

static int
get_work(struct index_txn *t, void *ctx)
{
	const struct get *g = ctx;
	const struct index_record *r;
	struct records rs;

	records_begin(&rs, t, g->f);
	r = record_at(&rs, g->uid);
	if (r == NULL || !is_present(&rs, g->uid))
		return -1;
	*g->r = *r;
	return 0;
}

int
folder_index_get(struct folder *f, uint32_t uid, struct index_record *r)
{
	struct get g = { f, uid, r };

	return index_read(f->mb->index, get_work, &g);
}

uint64_t
folder_index_ino(struct folder *f, uint32_t uid)
{
	struct index_record r;

	return folder_index_get(f, uid, &r) == 0 ? r.ino : 0;
}

/* ---- modification sequences ---- */

/* Records of messages that went while nobody looked; so many at a time. */
enum { STALE_MAX = 4096 };

struct fill {
	struct folder	*f;
	size_t		 at;
	bool		 all;		/* not only those that are fresh */
	uint32_t first;                 /* UID */
	uint32_t	*stale;		/* NULL: do not collect them */
	size_t nstale;
};

/* Does the index speak of the message as it is now? */
static void
fill_entry(struct folder *f, struct entry *e, const struct index_record *r)
{
	if (r->flags != e->m.flags || r->keywords != e->m.keywords ||
	    r->modseq == 0 || r->modseq >= f->next.modseq)
		return;
	if (!e->fresh && r->modseq <= e->m.modseq)
		return;
	/* To and fro by somebody else: the flags are as we knew them. */
	e->changed |= !e->fresh;
	f->any_changed |= e->changed;
	e->m.modseq = r->modseq;
	e->fresh = false;
}

static bool
fill_one(struct fill *fill, uint32_t uid, const struct index_record *r)
{
	struct folder *f = fill->f;

	while (fill->at < f->count && f->entries[fill->at].m.uid < uid)
		fill->at++;
	if (fill->at == f->count || f->entries[fill->at].m.uid != uid) {
		if (fill->stale != NULL && fill->nstale < STALE_MAX &&
		    uid >= fill->first)
			fill->stale[fill->nstale++] = uid;
		return fill->at < f->count || fill->stale != NULL;
	}
	if (f->entries[fill->at].fresh || fill->all)
		fill_entry(f, &f->entries[fill->at], r);
	return true;
}

static int
fill_each(void *ctx, struct slice key, struct slice value)
{
	struct fill *fill = ctx;
	struct index_chunk c;
	uint32_t number;

	if (!index_key_parse(
		key, INDEX_CHUNK, fill->f->state.identity, &number))
		return 1;
	if (number > UINT32_MAX / CHUNK_UIDS || key.at[key.len - 1] != 0 ||
	    index_chunk_parse(value, &c) != PARSE_OK)
		return 0;
	for (uint32_t n = 0; n < CHUNK_UIDS; n++)
		if (c.present & UINT64_C(1) << n &&
		    !fill_one(fill, number * CHUNK_UIDS + n, &c.record[n]))
			return 1;
	return 0;
}

/* From the first fresh entry on, in one walk. */
static int
fill_work(struct index_txn *t, void *ctx)
{
	struct fill *result = ctx, fill = *result;
	uint8_t from[INDEX_KEY_LEN];
	int r;

	fill.first = fill.stale != NULL || fill.at == fill.f->count
			 ? 0
			 : fill.f->entries[fill.at].m.uid;
	chunk_key(fill.f, fill.first, from);
	r = index_walk(t, from, fill_each, &fill);
	result->nstale = fill.nstale;
	return r;
}

/* ---- forgetting ---- */

struct forget {
	uint32_t	identity;
	uint8_t		key[INDEX_KEY_LEN];
	bool		found;
};

static int
find_blob(void *ctx, struct slice key, struct slice value)
{
	struct forget *g = ctx;
	uint32_t uid, want;

	(void)value;
	index_key_parse(slice_of(g->key, sizeof(g->key)), INDEX_BLOB,
	    g->identity, &want);
	g->found = index_key_parse(key, INDEX_BLOB, g->identity, &uid) &&
	    uid == want;
	if (g->found)
		memcpy(g->key, key.at, sizeof(g->key));
	return 1;
}

static int
forget_blobs(struct index_txn *t, struct forget *g, uint32_t uid)
{
	for (;;) {
		index_key_pack(INDEX_BLOB, g->identity, uid, 0, g->key);
		g->found = false;
		if (index_walk(t, g->key, find_blob, g) == -1)
			return -1;
		if (!g->found)
			return 0;
		if (index_delete(t, g->key) == -1)
			return -1;
	}
}

int
folder_index_forget(struct records *rs, uint32_t uid)
{
	struct forget g = { .identity = rs->f->state.identity };

	if (record_at(rs, uid) == NULL)
		return -1;
	if (is_present(rs, uid)) {
		rs->chunk.present &= ~(UINT64_C(1) << uid % CHUNK_UIDS);
		rs->dirty = true;
	}
	return forget_blobs(rs->txn, &g, uid);
}

int
folder_index_put(struct records *rs, const struct entry *e)
{
	struct index_record *r = record_change(rs, e->m.uid);

	if (r == NULL)
		return -1;
	r->modseq = e->m.modseq;
	r->ino = e->ino;
	r->flags = e->m.flags;
	r->keywords = e->m.keywords;
	return 0;
}

enum { DROP_AT_ONCE = 1024 };

/* A folder is no more: all that has its number goes, some at a time. */
struct drop {
	uint32_t identity;
	enum index_table table;
	uint8_t keys[DROP_AT_ONCE][INDEX_KEY_LEN];
	size_t n;
};

static int
collect_key(void *ctx, struct slice key, struct slice value)
{
	struct drop *d = ctx;
	uint32_t uid;

	(void)value;
	if (d->n == DROP_AT_ONCE ||
	    !index_key_parse(key, d->table, d->identity, &uid))
		return 1;
	memcpy(d->keys[d->n++], key.at, INDEX_KEY_LEN);
	return 0;
}

/* Nothing is deleted while it is walked over (index.h). */
static int
drop_some(struct index_txn *t, void *ctx)
{
	struct drop *d = ctx;
	uint8_t from[INDEX_KEY_LEN];

	d->n = 0;
	index_key_pack(d->table, d->identity, 0, 0, from);
	if (index_walk(t, from, collect_key, d) == -1)
		return -1;
	for (size_t i = 0; i < d->n; i++)
		if (index_delete(t, d->keys[i]) == -1)
			return -1;
	return 0;
}

void
mailbox_index_drop(struct mailbox *mb, uint32_t identity)
{
	struct drop d = { .identity = identity };

	for (int table = INDEX_BLOB; table <= INDEX_CHUNK; table++) {
		d.table = (enum index_table)table;
		do
			if (index_write(mb->index, drop_some, &d) == -1)
				return;
		while (d.n == DROP_AT_ONCE);
	}
}

/* ---- finding the numbers of the view ---- */

/* Messages that the index knows, and that went while nobody looked. */
static void
forget_stale(struct folder *f, const struct fill *fill)
{
	uint64_t modseq;

	if (fill->nstale == 0 || folder_take_modseq(f, &modseq) == -1)
		return;
	folder_vanish_uids(f, fill->stale, fill->nstale, modseq,
	    fill->nstale == STALE_MAX);
}

/* How much of the index must be read: from where, and what for. */
static bool
needs_reading(struct folder *f, struct fill *fill)
{
	/* The first time all are fresh, and the whole folder is walked. */
	if (!f->tidied)
		fill->stale = reallocarray(NULL, STALE_MAX,
		    sizeof(*fill->stale));
	fill->all = f->tracks && f->tracked != f->next.modseq;
	if (!f->any_fresh && !fill->all && fill->stale == NULL)
		return false;
	while (!fill->all && fill->at < f->count && !f->entries[fill->at].fresh)
		fill->at++;
	return fill->at < f->count || fill->stale != NULL;
}

int
folder_modseqs(struct folder *f)
{
	struct fill fill = { .f = f };
	uint32_t *at;
	size_t n = 0;

	if (!needs_reading(f, &fill))
		return 0;
	if (index_read(f->mb->index, fill_work, &fill) == 0)
		forget_stale(f, &fill);
	free(fill.stale);
	f->tidied = true;
	at = reallocarray(NULL, f->count, sizeof(*at));
	if (at == NULL)
		return -1;
	for (size_t i = fill.at; i < f->count; i++)
		if (f->entries[i].fresh && !f->entries[i].m.gone)
			at[n++] = (uint32_t)i;
	f->any_fresh = folder_modseq_new(f, at, n) == -1;
	free(at);
	f->tracked = f->next.modseq;
	return 0;
}

void
folder_track_modseqs(struct folder *f)
{
	if (f->tracks)
		return;
	f->tracks = true;
	f->tracked = 0;
	f->untold = true;
}

/* ---- what is written behind: blobs, and sizes and dates as kind 0 ---- */

enum { BLOBS_MAX = 64, BLOBS_LEN_MAX = 512 * 1024, BLOB_KINDS = 16 };

struct blob {
	struct blob	*next;
	uint32_t	 uid;
	uint8_t		 kind;
	size_t		 len;
	char		 octets[];
};

static int
found_put(struct records *rs, const struct blob *b)
{
	struct index_record found, *r = record_change(rs, b->uid);

	if (r == NULL)
		return -1;
	memcpy(&found, b->octets, sizeof(found));
	if (found.has_size) {
		r->has_size = true;
		r->crlf_size = found.crlf_size;
	}
	if (found.has_date) {
		r->has_date = true;
		r->date = found.date;
	}
	return 0;
}

static int
blobs_work(struct index_txn *t, void *ctx)
{
	struct folder *f = ctx;
	struct records rs;

	records_begin(&rs, t, f);
	for (const struct blob *b = f->blobs; b != NULL; b = b->next) {
		uint8_t key[INDEX_KEY_LEN], head[INDEX_BLOB_HEAD_LEN];
		struct slice octets = slice_of(b->octets, b->len);

		if (b->kind == 0) {
			if (found_put(&rs, b) == -1)
				return -1;
			continue;
		}
		index_key_pack(
		    INDEX_BLOB, f->state.identity, b->uid, b->kind, key);
		index_blob_head(octets, head);
		if (index_put(t, key, slice_of(head, sizeof(head)), octets) == -1)
			return -1;
	}
	return records_end(&rs);
}

void
folder_blobs_write(struct folder *f)
{
	struct blob *b;

	if (f->blobs == NULL)
		return;
	index_write(f->mb->index, blobs_work, f);
	while ((b = f->blobs) != NULL) {
		f->blobs = b->next;
		free(b);
	}
	f->blobs_len = f->blobs_count = 0;
	folder_ahead_clear(f); /* it knows less than the index now */
}

static void
blob_add(struct folder *f, uint32_t uid, uint8_t kind, struct slice octets)
{
	struct blob *b = malloc(sizeof(*b) + octets.len);

	if (b == NULL)
		return;
	*b = (struct blob){ f->blobs, uid, kind, octets.len };
	if (octets.len > 0)
		memcpy(b->octets, octets.at, octets.len);
	f->blobs = b;
	f->blobs_len += octets.len;
	if (++f->blobs_count >= BLOBS_MAX || f->blobs_len >= BLOBS_LEN_MAX)
		folder_blobs_write(f);
}

static int
compare_uid(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void
folder_blobs_drop(struct folder *f, const uint32_t *uids, size_t n)
{
	struct blob **at = &f->blobs, *b;

	while ((b = *at) != NULL) {
		if (bsearch(&b->uid, uids, n, sizeof(*uids), compare_uid) ==
		    NULL) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		f->blobs_len -= b->len;
		f->blobs_count--;
		free(b);
	}
}

bool
folder_blob_pending(
    const struct folder *f, uint32_t uid, unsigned kind, struct slice *octets)
{
	const struct blob *b = f->blobs;

	while (b != NULL && (b->uid != uid || b->kind != kind))
		b = b->next;
	if (b != NULL)
		*octets = slice_of(b->octets, b->len);
	return b != NULL;
}

void
folder_index_found(struct folder *f, uint32_t uid, const struct index_record *r)
{
	blob_add(f, uid, 0, slice_of(r, sizeof(*r)));
}

void
folder_cache_put(struct folder *f, uint32_t uid, unsigned kind,
    const void *octets, size_t len)
{
	if (kind == 0 || kind >= BLOB_KINDS || len > FOLDER_CACHE_BLOB_MAX)
		return;
	blob_add(f, uid, (uint8_t)kind, slice_of(octets, len));
}
