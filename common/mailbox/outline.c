/*
 * The outline of a view: which UIDs it has, and how many messages are unseen.
 * That is all that opening a folder tells of its messages; whoever wants more
 * has the entries made, from the index.
 *
 * What always holds:
 * O1  With an outline f->entries holds nothing, f->count is right, and nothing
 *     has happened to the view since it was made.
 * O2  An entry is made for each UID of the outline and for no other, whatever
 *     the index says by then; of what it no longer knows the directories tell.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/mailbox/internal.h"

enum { CHUNKS_FIRST = 64 };

struct outline *
outline_new(void)
{
	struct outline *o =
	    malloc(sizeof(*o) + CHUNKS_FIRST * sizeof(o->chunk[0]));

	if (o == NULL)
		return NULL;
	o->size = CHUNKS_FIRST;
	outline_clear(o);
	return o;
}

void
outline_clear(struct outline *o)
{
	o->chunks = 0;
	o->messages = o->unseen = o->first_unseen = o->last = 0;
}

static int
grow(struct outline **o)
{
	size_t size = (size_t)(*o)->size * 2;
	struct outline *now =
	    realloc(*o, sizeof(**o) + size * sizeof((*o)->chunk[0]));

	if (now == NULL)
		return -1;
	now->size = (uint32_t)size;
	*o = now;
	return 0;
}

int
outline_add(struct outline **to, uint32_t number, uint64_t present)
{
	struct outline *o = *to;

	/* There is no UID 0, and none above 32 bits. */
	if (present == 0 || (number == 0 && (present & 1) != 0) ||
	    number > UINT32_MAX / CHUNK_UIDS || o->messages > MESSAGES_MAX ||
	    (o->chunks > 0 && number <= o->chunk[o->chunks - 1].number))
		return -1;
	if (o->chunks == o->size && grow(to) == -1)
		return -1;
	o = *to;
	o->chunk[o->chunks++] = (struct outline_chunk){ present, number };
	o->messages += (uint32_t)__builtin_popcountll(present);
	o->last = number * CHUNK_UIDS + 63 - (uint32_t)__builtin_clzll(present);
	return 0;
}

/* All messages of the next chunk, from entry *at on. */
static uint64_t
take_chunk(const struct folder *f, size_t *at)
{
	uint32_t number = f->entries[*at].m.uid / CHUNK_UIDS;
	uint64_t present = 0;

	for (; *at < f->count && f->entries[*at].m.uid / CHUNK_UIDS == number;
	     (*at)++)
		present |= UINT64_C(1) << f->entries[*at].m.uid % CHUNK_UIDS;
	return present;
}

struct outline *
outline_of(const struct folder *f)
{
	struct outline *o = outline_new();
	struct folder_status s;
	size_t at = 0;

	while (o != NULL && at < f->count) {
		uint32_t number = f->entries[at].m.uid / CHUNK_UIDS;

		if (outline_add(&o, number, take_chunk(f, &at)) == -1) {
			free(o);
			return NULL;
		}
	}
	if (o == NULL)
		return NULL;
	folder_status(f, &s);
	o->unseen = (uint32_t)s.unseen;
	o->first_unseen = (uint32_t)s.first_unseen;
	return o;
}

/* ---- entries ---- */

struct making {
	const struct folder *f;
	struct entry *entries;
	uint32_t chunk; /* of the outline: the next */
	size_t first;   /* its first entry */
	struct index_columns columns;
};

/* Without a modification sequence: nothing is known of it. */
static void
make_blank(const struct outline *o, struct entry *to)
{
	for (uint32_t i = 0; i < o->chunks; i++) {
		uint32_t base = o->chunk[i].number * CHUNK_UIDS;
		uint64_t left = o->chunk[i].present;

		for (; left != 0; left &= left - 1, to++)
			*to = (struct entry){
				.m.uid = base + (uint32_t)__builtin_ctzll(left),
				.name = UINT32_MAX,
				.fresh = true,
			};
	}
}

/* Of one chunk, those that the index knows too. */
static void
fill_chunk(struct making *m, uint64_t ours)
{
	const struct index_columns *c = &m->columns;
	struct entry *e = m->entries + m->first;
	unsigned i = 0;

	for (uint64_t left = c->present | ours; left != 0; left &= left - 1) {
		uint64_t bit = left & -left;
		bool known = (c->present & bit) != 0;
		uint64_t modseq = known ? c->number[INDEX_MODSEQ][i] : 0;

		if (known && (ours & bit) != 0 && modseq != 0 &&
		    modseq < m->f->next.modseq) {
			e->m.modseq = modseq;
			e->m.keywords = c->number[INDEX_KEYWORDS][i];
			e->m.flags = c->flags[i] & FLAG_ALL;
			e->ino = c->number[INDEX_INO][i];
			e->fresh = false;
		}
		i += known;
		e += (ours & bit) != 0;
	}
}

static int
make_each(void *ctx, struct slice key, struct slice value)
{
	struct making *m = ctx;
	const struct outline *o = m->f->outline;
	uint32_t number;

	if (m->chunk == o->chunks ||
	    !index_key_parse(key, INDEX_CHUNK, m->f->state.identity, &number))
		return 1;
	while (m->chunk < o->chunks && o->chunk[m->chunk].number < number)
		m->first +=
		    (size_t)__builtin_popcountll(o->chunk[m->chunk++].present);
	if (m->chunk < o->chunks && o->chunk[m->chunk].number == number &&
	    key.at[key.len - 1] == 0 &&
	    index_columns_parse(value, INDEX_VIEW_COLUMNS, &m->columns) ==
		PARSE_OK)
		fill_chunk(m, o->chunk[m->chunk].present);
	return 0;
}

/* May run more than once. */
static int
make_work(struct index_txn *t, void *ctx)
{
	struct making *m = ctx;
	uint8_t key[INDEX_KEY_LEN];

	m->chunk = 0;
	m->first = 0;
	make_blank(m->f->outline, m->entries);
	index_key_pack(INDEX_CHUNK, m->f->state.identity, 0, 0, key);
	return index_walk(t, key, make_each, m);
}

/* What others have done since the outline was told is news; what the index
 * knows nothing of the directories must tell.  The lock is held. */
static int
find_out_the_rest(struct folder *f)
{
	const uint64_t told = f->synced; /* a number taken here may move it */
	bool blank = false;

	for (size_t i = 0; i < f->count; i++)
		blank |= f->entries[i].fresh;
	f->any_fresh |= blank;
	if (blank && folder_refresh_modseqs(f) == -1)
		return -1;
	for (size_t i = 0; i < f->count; i++) {
		struct entry *e = &f->entries[i];

		e->changed = !e->m.gone && (e->changed || e->m.modseq > told);
		f->any_changed |= e->changed;
	}
	f->untold |= f->any_changed;
	return 0;
}

/* The lock is held: its numbers are those of now. */
static int
make_entries(struct folder *f)
{
	struct making m = { .f = f };
	struct outline *outline;

	m.entries = reallocarray(NULL, f->count, sizeof(*m.entries));
	if (m.entries == NULL)
		return -1;
	if (index_read(f->mb->index, make_work, &m) == -1)
		make_blank(f->outline, m.entries);
	free(f->entries);
	f->entries = m.entries;
	f->size = f->count;
	outline = f->outline;
	f->outline = NULL;
	if (find_out_the_rest(f) == -1) {
		/* What is blank must not be seen: all again the next time. */
		free(f->entries);
		f->entries = NULL;
		f->size = 0;
		f->outline = outline;
		f->any_fresh = f->any_changed = f->any_gone = false;
		f->named = false;
		f->look_again = true;
		return -1;
	}
	free(outline);
	return 0;
}

int
folder_look(struct folder *f)
{
	int r;

	if (f->outline == NULL)
		return folder_wake(f);
	if (f->count == 0) {
		free(f->outline);
		f->outline = NULL;
		return 0;
	}
	if (folder_lock(f) == -1)
		return -1;
	r = make_entries(f);
	folder_unlock(f);
	return r;
}
