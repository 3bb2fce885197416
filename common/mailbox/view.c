/*
 * The view: which message has which sequence number.
 *
 * What always holds:
 * V1  Entries are in ascending order of UIDs, and the numbering changes in
 *     folder_sync alone.
 * V2  A message leaves the view only after several looks in a row missed it, or
 *     when this session removed it itself or the kernel tells that its name was
 *     removed (entry_gone).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/internal.h"

enum { LOOKS_MAX = 5 };	/* in one folder_sync */

/* How many looks in a row must miss a message before it is believed gone. */
enum {
	LOOKS_STILL = 2,	/* nothing changed meanwhile */
	LOOKS_RACY = 3,		/* nothing that a coarse clock shows */
	/* Somebody renames without a pause: a name that moves in the directory
	 * from what is still to be read to what was read is missed, and that
	 * time after time. */
	LOOKS_RESTLESS = 16
};

struct entry *
folder_entry(struct folder *f, size_t seq)
{
	return &f->entries[seq - 1];
}

size_t
folder_count(const struct folder *f)
{
	return f->count;
}

const struct message *
folder_message(const struct folder *f, size_t seq)
{
	return &f->entries[seq - 1].m;
}

size_t
folder_seq_from(const struct folder *f, uint32_t uid)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->entries[middle].m.uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low + 1;
}

size_t
folder_seq_of(const struct folder *f, uint32_t uid)
{
	size_t seq = folder_seq_from(f, uid);

	return seq <= f->count && f->entries[seq - 1].m.uid == uid ? seq : 0;
}

const char *
entry_name(const struct folder *f, const struct entry *e)
{
	return f->pool.at + e->name;
}

int
entry_dir(const struct folder *f, const struct entry *e)
{
	return e->in_new ? f->new_fd : f->cur_fd;
}

void
entry_gone(struct folder *f, struct entry *e)
{
	f->any_gone = true;
	e->m.gone = true;
	e->misses = LOOKS_RESTLESS;
	e->changed = false;
}

/* ---- merging what a scan found ---- */

void
entry_merge(struct folder *f, struct entry *e, const struct found *d)
{
	e->name = d->name;
	e->ino = d->ino;
	e->in_new = d->in_new;
	e->misses = 0;
	e->m.gone = false;
	e->fresh |= e->recorded;	/* only overlooked: on the books again */
	e->recorded = false;
	if (e->m.flags != d->flags || e->m.keywords != d->keywords) {
		e->m.flags = d->flags;
		e->m.keywords = d->keywords;
		e->changed = e->fresh = true;
		f->any_changed = true;
	}
	f->any_fresh |= e->fresh;
}

int
entry_append(struct folder *f, const struct found *d)
{
	if (f->count == f->size) {
		size_t size = f->size == 0 ? 64 : f->size * 2;
		struct entry *entries =
		    reallocarray(f->entries, size, sizeof(*entries));

		if (entries == NULL)
			return -1;
		f->entries = entries;
		f->size = size;
	}
	f->entries[f->count++] = (struct entry){
		.m = { .uid = d->uid, .keywords = d->keywords,
		    .flags = d->flags, .recent = d->recent },
		.ino = d->ino, .name = d->name, .in_new = d->in_new,
		.fresh = true,
	};
	f->any_fresh = true;
	f->highest_uid = d->uid;
	return 0;
}

static unsigned
looks_needed(const struct folder *f, const struct scan *s)
{
	if (!s->stable)
		return LOOKS_RESTLESS;
	return f->cur_stamp.racy || f->new_stamp.racy ? LOOKS_RACY :
							LOOKS_STILL;
}

/*
 * Both are in ascending order.  Names are those of the scan from here on; an
 * entry that was missed keeps none.  Returns how many may only be overlooked.
 */
static size_t
merge_known(struct folder *f, const struct scan *s, size_t *next)
{
	unsigned needed = looks_needed(f, s);
	size_t i = 0, doubtful = 0;

	for (size_t k = 0; k < f->count; k++) {
		struct entry *e = &f->entries[k];

		while (i < s->count && s->found[i].uid < e->m.uid)
			i++;
		if (i < s->count && s->found[i].uid == e->m.uid) {
			entry_merge(f, e, &s->found[i]);
			continue;
		}
		e->name = UINT32_MAX;
		if (e->misses < LOOKS_RESTLESS)
			e->misses++;
		if (e->misses < needed)
			doubtful++;
		else if (!e->m.gone)
			entry_gone(f, e);
	}
	while (i < s->count && s->found[i].uid <= f->highest_uid)
		i++;
	*next = i;
	return doubtful;
}

/* The view takes over the names of the scan. */
static void
take_pool(struct folder *f, struct scan *s)
{
	struct pool old = f->pool;

	f->pool = s->pool;
	s->pool = old;
}

/* One look: scan, give UIDs, merge.  *doubtful: perhaps only overlooked. */
static int
look(struct folder *f, struct scan *s, bool grow, size_t *doubtful)
{
	size_t next;

	f->look_again = false;
	watch_forget(f); /* what comes from here on is not in the scan */
	if (folder_scan(f, s) == -1)
		return -1;
	f->named = true;
	f->watch.based = f->watch.local;
	if (folder_assign(f, s) == -1)
		return -1;
	take_pool(f, s);
	*doubtful = merge_known(f, s, &next);
	for (; grow && next < s->count; next++)
		if (entry_append(f, &s->found[next]) == -1)
			return -1;
	return 0;
}

static int
look_until_sure(struct folder *f, bool grow)
{
	struct scan s = { 0 };
	size_t doubtful = 1;
	int r = 0;

	for (int looks = 0; looks < LOOKS_MAX && doubtful > 0 && r == 0; looks++)
		r = look(f, &s, grow, &doubtful);
	scan_clear(&s);
	if (r == -1 || doubtful > 0)
		f->look_again = true;
	f->scanned = r == 0;
	return r;
}

/* Who looks a second time will look again: then a watch pays. */
static void
watch_from_now_on(struct folder *f)
{
	if (f->mb->follows && f->scanned && !folder_is_watched(f) &&
	    !watch_has_other(f))
		(void)watch_begin(f);
}

/* With grow new messages join the view.  The lock is held. */
static int
catch_up(struct folder *f, bool grow)
{
	if (folder_is_unchanged(f))
		return 0;
	switch (folder_follow(f, grow)) {
	case 1:
		return 0;
	case -1:
		return -1;
	}
	watch_from_now_on(f);
	return look_until_sure(f, grow);
}

int
folder_rescan(struct folder *f)
{
	int r;

	if (folder_lock(f) == -1)
		return -1;
	/* New messages wait for folder_sync: the numbering must not change. */
	r = look_until_sure(f, false);
	f->look_again = true;
	folder_unlock(f);
	return r;
}

int
folder_refresh(struct folder *f)
{
	int r;

	if (folder_lock(f) == -1)
		return -1;
	r = folder_follow(f, false);
	if (r == 1)
		f->untold = true;
	else if (r == 0)
		r = folder_rescan(f);
	folder_unlock(f);
	return r;
}

int
folder_refresh_modseqs(struct folder *f)
{
	int r;

	if (folder_lock(f) == -1)
		return -1;
	r = folder_refresh(f);
	if (r != -1)
		r = folder_modseqs(f);
	folder_unlock(f);
	return r;
}

/* ---- telling the caller ---- */

static int
report_room(struct folder *f, size_t gone, size_t changed)
{
	struct folder_changes *c = &f->changes;

	free(c->expunged_seq);
	free(c->expunged_uid);
	free(c->changed_seq);
	c->expunged_seq = reallocarray(NULL, gone + 1, sizeof(uint32_t));
	c->expunged_uid = reallocarray(NULL, gone + 1, sizeof(uint32_t));
	c->changed_seq = reallocarray(NULL, changed + 1, sizeof(uint32_t));
	c->expunged = c->changed = 0;
	return c->expunged_seq == NULL || c->expunged_uid == NULL ||
	    c->changed_seq == NULL ? -1 : 0;
}

static void
report(struct folder *f, bool keep_expunged)
{
	struct folder_changes *c = &f->changes;
	size_t kept = 0;

	for (size_t k = 0; k < f->count; k++) {
		struct entry *e = &f->entries[k];

		/* what came and went since is no news to the caller */
		if (e->m.gone && k >= f->told)
			continue;
		if (k >= f->told)
			c->arrived++;
		if (e->m.gone && !keep_expunged) {
			/* Those before it are removed already. */
			c->expunged_seq[c->expunged] = (uint32_t)(kept + 1);
			c->expunged_uid[c->expunged++] = e->m.uid;
			continue;
		}
		if (e->changed && !e->m.gone)
			c->changed_seq[c->changed++] = (uint32_t)(kept + 1);
		e->changed = false;
		f->entries[kept++] = *e;
	}
	f->count = f->told = kept;
	f->any_changed = false;
	if (!keep_expunged) {
		f->any_gone = false;
		f->held = 0;
	}
}

/* Some at the end are new, and nothing else has happened. */
static int
tell_arrival(struct folder *f)
{
	if (report_room(f, 0, 0) == -1)
		return -1;
	f->changes.arrived = f->count - f->told;
	f->told = f->count;
	return 0;
}

static int
take_changes(struct folder *f, bool keep_expunged)
{
	size_t gone = 0, changed = 0;

	if (!f->any_gone && !f->any_changed)
		return tell_arrival(f);
	if (folder_look(f) == -1)
		return -1;
	for (size_t k = 0; k < f->count; k++) {
		gone += f->entries[k].m.gone;
		changed += f->entries[k].changed;
	}
	if (report_room(f, gone, changed) == -1)
		return -1;
	report(f, keep_expunged);
	return 0;
}

/* 1: the view came from the index, and nothing in it is gone or changed. */
static int
sync_locked(struct folder *f)
{
	int r;

	if (folder_look(f) == -1 || folder_lock(f) == -1)
		return -1;
	f->changes.keywords = f->keywords_changed;
	f->keywords_changed = false;
	if (folder_view_load(f)) {
		f->synced = f->next.modseq - 1;
		f->synced_uid = f->next.uid;
		f->untold = false;
		folder_unlock(f);
		return 1;
	}
	r = catch_up(f, true);
	if (r == 0) {
		/* What vanished did so after the last time that all was seen. */
		if (f->any_gone && f->held == 0)
			f->held = f->synced;
		(void)folder_vanish(f);
		r = folder_modseqs(f);
	}
	if (r == 0) {
		f->synced = f->next.modseq - 1;
		f->synced_uid = f->next.uid;
		f->untold = false;
		folder_view_save(f);
	} else {
		f->keywords_changed |= f->changes.keywords; /* not told */
	}
	folder_unlock(f);
	return r;
}

int
folder_sync(struct folder *f, unsigned how, struct folder_changes *changes)
{
	bool keep = how & FOLDER_KEEP_EXPUNGED;
	int r = 0;

	folder_take_up(f);
	f->changes.keywords = false;
	f->changes.expunged = f->changes.changed = f->changes.arrived = 0;
	if (f->untold || !folder_is_unchanged(f)) {
		r = sync_locked(f);
		if (r == -1)
			return -1;
		r = r == 0 ? take_changes(f, keep) : tell_arrival(f);
	} else if (!keep && f->any_gone) {
		r = take_changes(f, keep);
	} else if (f->told < f->count && (r = folder_wake(f)) == 0) {
		r = tell_arrival(f);
	}
	if (r == 0 && (how & FOLDER_OUTLINE) == 0 && f->outline != NULL)
		r = folder_look(f);
	if (changes != NULL)
		*changes = f->changes;
	return r;
}

bool
folder_is_held(const struct folder *f)
{
	return f->any_gone && f->held != 0;
}

/* In numbers of its own: the compiler must not think that a message could be
 * one of these. */
static void
count_messages(const struct folder *f, struct folder_status *s)
{
	size_t recent = 0, unseen = 0, first = 0;

	for (size_t k = 0; k < f->count; k++) {
		const struct message *m = &f->entries[k].m;
		bool is_unseen = (m->flags & FLAG_SEEN) == 0;

		recent += m->recent;
		unseen += is_unseen;
		if (first == 0 && is_unseen)
			first = k + 1;
	}
	s->recent = recent;
	s->unseen = unseen;
	s->first_unseen = first;
}

void
folder_status(const struct folder *f, struct folder_status *s)
{
	memset(s, 0, sizeof(*s));
	s->uidvalidity = f->state.uidvalidity;
	s->uidnext = f->next.uid;
	s->held = folder_is_held(f);
	s->highestmodseq = !f->scanned ? f->next.modseq - 1
			   : s->held   ? f->held
				       : f->synced;
	memcpy(s->mailbox_id, f->state.mailbox_id, sizeof(s->mailbox_id));
	s->messages = f->count;
	if (f->outline == NULL) {
		count_messages(f, s);
		return;
	}
	s->unseen = f->outline->unseen;
	s->first_unseen = f->outline->first_unseen;
}
