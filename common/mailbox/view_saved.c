/*
 * Opening a folder without reading its directories: the index holds all of its
 * messages, and says at which times of change of cur/ and new/ that was so.
 * What comes from there is an outline (outline.c) and no more.
 *
 * What always holds:
 * S1  A view is put down only when the directories were read after the clock
 *     had moved on from their last change, so that any later one shows.
 * S2  It says itself which messages it has; their records may be lost (O2).
 * S3  It has no message that is in new/, for those are \Recent to somebody.
 */
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/internal.h"

static void
view_key(const struct folder *f, uint8_t to[INDEX_KEY_LEN])
{
	index_key_pack(INDEX_VIEW, f->state.identity, 0, 0, to);
}

/* The directories as they were when we looked. */
static int
describe(struct folder *f, struct index_view *v)
{
	struct stat cur, new;

	if (fstat(f->cur_fd, &cur) == -1 || fstat(f->new_fd, &new) == -1)
		return -1;
	*v = (struct index_view){
		.cur_sec = f->cur_stamp.changed.tv_sec,
		.cur_nsec = (uint32_t)f->cur_stamp.changed.tv_nsec,
		.cur_ino = cur.st_ino,
		.new_sec = f->new_stamp.changed.tv_sec,
		.new_nsec = (uint32_t)f->new_stamp.changed.tv_nsec,
		.new_ino = new.st_ino,
		.count = (uint32_t)f->count,
	};
	return 0;
}

/* ---- putting down ---- */

bool
folder_view_is_whole(const struct folder *f)
{
	if (!f->scanned || f->look_again || f->any_gone || f->unrecorded ||
	    f->changes.withheld > 0)
		return false;
	for (size_t i = 0; i < f->count; i++) {
		const struct entry *e = &f->entries[i];

		if (e->fresh || e->in_new || e->misses > 0)
			return false;
	}
	return true;
}

/* S1; of a folder that is watched the stamps are old: folder_unwatch. */
static bool
may_be_saved(const struct folder *f)
{
	return f->outline == NULL && !folder_is_watched(f) &&
	       !f->cur_stamp.racy && !f->new_stamp.racy && !f->saved &&
	       folder_view_is_whole(f);
}

struct saving {
	struct folder *f;
	uint8_t head[VIEW_LEN];
	struct slice rows;
};

static int
save_work(struct index_txn *t, void *ctx)
{
	const struct saving *s = ctx;
	uint8_t key[INDEX_KEY_LEN];

	view_key(s->f, key);
	return index_put(t, key, slice_of(s->head, sizeof(s->head)), s->rows);
}

static uint8_t *
pack_rows(const struct outline *o)
{
	uint8_t *rows = malloc((size_t)(o->chunks + 1) * VIEW_ROW_LEN);

	for (uint32_t i = 0; rows != NULL && i < o->chunks; i++)
		index_view_row_pack(o->chunk[i].number, o->chunk[i].present,
		    rows + (size_t)i * VIEW_ROW_LEN);
	return rows;
}

static void
save_outline(struct folder *f, const struct outline *o, struct index_view *v)
{
	struct saving s = { .f = f };
	uint8_t *rows = pack_rows(o);

	if (rows == NULL)
		return;
	v->unseen = o->unseen;
	v->first_unseen = o->first_unseen;
	v->rows = s.rows = slice_of(rows, (size_t)o->chunks * VIEW_ROW_LEN);
	index_view_pack(v, s.head);
	f->saved = index_write(f->mb->index, save_work, &s) == 0;
	free(rows);
}

void
folder_view_save(struct folder *f)
{
	struct outline *o;
	struct index_view v;

	if (!may_be_saved(f) || describe(f, &v) == -1 ||
	    (o = outline_of(f)) == NULL)
		return;
	save_outline(f, o, &v);
	free(o);
}

/* ---- taking up ---- */

struct loading {
	struct folder *f;
	const struct index_view *now;
	struct outline *outline;
};

static bool
is_same_time(const struct index_view *a, const struct index_view *b)
{
	return a->cur_sec == b->cur_sec && a->cur_nsec == b->cur_nsec &&
	       a->new_sec == b->new_sec && a->new_nsec == b->new_nsec &&
	       a->cur_ino == b->cur_ino && a->new_ino == b->new_ino;
}

/* The index is hostile input: what cannot be is not believed. */
static int
take_outline(struct loading *l, const struct index_view *v)
{
	uint64_t present;
	uint32_t number;

	outline_clear(l->outline);
	for (size_t i = 0; i < v->rows.len / VIEW_ROW_LEN; i++) {
		index_view_row(v->rows, i, &number, &present);
		if (outline_add(&l->outline, number, present) == -1)
			return -1;
	}
	l->outline->unseen = v->unseen;
	l->outline->first_unseen = v->first_unseen;
	return l->outline->messages == v->count && v->unseen <= v->count &&
		       v->first_unseen <= v->count &&
		       l->outline->last < l->f->next.uid
		   ? 0
		   : -1;
}

/* May run more than once. */
static int
load_work(struct index_txn *t, void *ctx)
{
	struct loading *l = ctx;
	uint8_t key[INDEX_KEY_LEN];
	struct index_view v;
	struct slice value;

	view_key(l->f, key);
	if (index_get(t, key, &value) == -1 ||
	    index_view_parse(value, &v) != PARSE_OK ||
	    !is_same_time(&v, l->now))
		return -1;
	return take_outline(l, &v);
}

bool
folder_view_load(struct folder *f)
{
	struct loading l = { .f = f };
	struct index_view now;

	if (f->scanned || f->tidied || f->count > 0 ||
	    stamp_take(f->cur_fd, &f->cur_stamp) == -1 ||
	    stamp_take(f->new_fd, &f->new_stamp) == -1 || f->cur_stamp.racy ||
	    f->new_stamp.racy || describe(f, &now) == -1 ||
	    (l.outline = outline_new()) == NULL)
		return false;
	l.now = &now;
	if (index_read(f->mb->index, load_work, &l) == -1) {
		free(l.outline);
		return false;
	}
	f->outline = l.outline;
	f->count = l.outline->messages;
	f->highest_uid = l.outline->last;
	f->scanned = f->tidied = f->saved = true;
	f->look_again = false;
	f->tracked = f->next.modseq;
	return true;
}
