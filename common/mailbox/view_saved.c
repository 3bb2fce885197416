/*
 * Opening a folder without reading its directories: the index holds all of its
 * messages, and says at which times of change of cur/ and new/ that was so.
 * What comes from there is an outline (outline.c) and no more.
 *
 * What always holds:
 * S1  A view is put down only when the directories were read after the clock
 * had moved on from their last change, so that any later one shows. S2  It is
 * put down after the records of all its messages, and believed only when there
 * are as many of them as it says. S3  It has no message that is in new/, for
 * those are \Recent to somebody.
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
	uint8_t value[VIEW_LEN];
};

static int
save_work(struct index_txn *t, void *ctx)
{
	const struct saving *s = ctx;
	uint8_t key[INDEX_KEY_LEN];

	view_key(s->f, key);
	return index_put(
	    t, key, slice_of(s->value, sizeof(s->value)), slice_of(NULL, 0));
}

void
folder_view_save(struct folder *f)
{
	struct saving s = { .f = f };
	struct index_view v;

	if (!may_be_saved(f) || describe(f, &v) == -1)
		return;
	index_view_pack(&v, s.value);
	f->saved = index_write(f->mb->index, save_work, &s) == 0;
}

/* ---- taking up ---- */

struct loading {
	struct folder *f;
	const struct index_view *now;
	uint32_t count; /* what there should be */
	struct outline *outline;
	struct index_columns columns;
};

/* Without a modification sequence nothing else of it is known. */
static bool
all_numbered(const struct index_columns *c)
{
	bool all = true;

	for (unsigned i = 0; i < c->n; i++)
		all &= c->number[INDEX_MODSEQ][i] != 0;
	return all;
}

static int
load_each(void *ctx, struct slice key, struct slice value)
{
	struct loading *l = ctx;
	struct index_columns *c = &l->columns;
	uint32_t number;

	if (!index_key_parse(key, INDEX_CHUNK, l->f->state.identity, &number))
		return 1;
	if (key.at[key.len - 1] == 0 &&
	    index_columns_parse(value, INDEX_MODSEQ + 1, c) == PARSE_OK &&
	    all_numbered(c) &&
	    outline_add(&l->outline, number, c->present, c->flags) == 0)
		return 0;
	l->count = UINT32_MAX; /* S2: never equal */
	return 1;
}

static bool
is_same_time(const struct index_view *a, const struct index_view *b)
{
	return a->cur_sec == b->cur_sec && a->cur_nsec == b->cur_nsec &&
	       a->new_sec == b->new_sec && a->new_nsec == b->new_nsec &&
	       a->cur_ino == b->cur_ino && a->new_ino == b->new_ino;
}

/* May run more than once. */
static int
load_work(struct index_txn *t, void *ctx)
{
	struct loading *l = ctx;
	uint8_t key[INDEX_KEY_LEN];
	struct index_view v;
	struct slice value;

	outline_clear(l->outline);
	view_key(l->f, key);
	if (index_get(t, key, &value) == -1 ||
	    index_view_parse(value, &v) != PARSE_OK ||
	    !is_same_time(&v, l->now) || v.count > MESSAGES_MAX)
		return -1;
	l->count = v.count;
	index_key_pack(INDEX_CHUNK, l->f->state.identity, 0, 0, key);
	if (index_walk(t, key, load_each, l) == -1)
		return -1;
	return l->outline->messages == l->count &&
		       l->outline->last < l->f->next.uid
		   ? 0
		   : -1;
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
