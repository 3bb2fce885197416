/*
 * A view that follows what happens in its directories, change by change, as the
 * kernel tells it (watch.c).  Whatever is not plain is left to a reading of the
 * directories, which is always right.
 *
 * What always holds:
 * F1  Only events that came after the view was complete are applied, all of
 *     them, in their order.  Some tell what the view has already (changes of
 *     our own, and those that came while the directories were read): these say
 *     the same again, or are taken back by later ones.
 * F2  A message is gone when the file of its name was removed and no other name
 *     of it has been told of.  One that was moved away, who knows where to, is
 *     looked for (V2).
 */
#include <fcntl.h>
#include <string.h>

#include "common/mailbox/internal.h"

enum {
	ARRIVALS_MAX = 256, /* more are read from the directories */
	POOL_SPARE = 64 * 1024,
	POOL_EACH = 256
};

struct following {
	struct folder *f;
	bool dry;       /* change nothing */
	bool grow;      /* new messages may join */
	struct scan *s; /* those that arrived */
	struct {        /* a name that is on its way to another */
		bool open;
		uint32_t uid, cookie;
	} move;
	struct { /* not the present name of its message (F1) */
		bool open, in_new;
		const char *name;
	} doubt;
};

/* What an event says of a message. */
struct news {
	const struct watch_event *event;
	struct maildir_name name;
	uint32_t uid;        /* 0: it has none of this folder */
	struct entry *entry; /* NULL: not in the view */
	bool same;           /* it is the entry's name */
};

static bool
news_parse(struct folder *f, const struct watch_event *e, struct news *n)
{
	size_t seq;

	if (e->is_dir ||
	    maildir_name_parse(slice_str(e->name), &n->name) != PARSE_OK)
		return false;
	n->event = e;
	n->uid =
	    n->name.has_identity && n->name.uidvalidity == f->state.identity
		? n->name.uid
		: 0;
	seq = n->uid == 0 ? 0 : folder_seq_of(f, n->uid);
	n->entry = seq == 0 ? NULL : folder_entry(f, seq);
	n->same = n->entry != NULL && n->entry->name != UINT32_MAX &&
		  n->entry->in_new == e->in_new &&
		  strcmp(entry_name(f, n->entry), e->name) == 0;
	return true;
}

/* ---- a name that is there no more ---- */

static void
arrival_remove(struct scan *s, const struct watch_event *e)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->found[i].in_new == e->in_new &&
		    strcmp(found_name(s, &s->found[i]), e->name) == 0) {
			s->found[i] = s->found[--s->count];
			return;
		}
}

/* Until its new name comes; false: two at once. */
static bool
move_begin(struct following *w, const struct news *n)
{
	if (w->dry || w->move.open)
		return false;
	w->move.open = true;
	w->move.uid = n->uid;
	w->move.cookie = n->event->cookie;
	return true;
}

static bool
move_ends(struct following *w, const struct news *n)
{
	if (!n->event->moved || w->move.cookie != n->event->cookie)
		return false;
	w->move.open = false;
	return true;
}

static bool
entry_left(struct following *w, struct news *n)
{
	if (!n->event->moved) {
		/* A link of its may have come before: it has another name. */
		if (w->dry || w->doubt.open)
			return false;
		entry_gone(w->f, n->entry);
		return true;
	}
	if (!move_begin(w, n))
		return false;
	n->entry->name = UINT32_MAX;
	return true;
}

/* While it is on its way none behind it may join the view before it (V1). */
static bool
arrival_left(struct following *w, struct news *n)
{
	if (!w->dry)
		arrival_remove(w->s, n->event);
	return !n->event->moved || n->uid <= w->f->highest_uid ||
	       move_begin(w, n);
}

static bool
follow_absent(struct following *w, struct news *n)
{
	if (w->doubt.open && w->doubt.in_new == n->event->in_new &&
	    strcmp(w->doubt.name, n->event->name) == 0) {
		w->doubt.open = false;
		return true;
	}
	if (n->entry == NULL)
		return arrival_left(w, n);
	if (n->entry->m.gone)
		return true;
	if (n->same)
		return entry_left(w, n);
	/* A view from the index has no names. */
	return n->entry->name != UINT32_MAX;
}

/* ---- a name that is there ---- */

static void
news_found(const struct folder *f, const struct news *n, struct found *d)
{
	*d = (struct found){
		.uid = n->uid,
		.keywords = n->name.keywords,
		.flags = n->name.flags,
		.in_new = n->event->in_new,
		.recent = n->event->in_new,
	};
	if (n->uid != 0)
		d->keywords |= folder_more_get(f, n->uid);
}

static bool
arrived(struct following *w, struct news *n)
{
	struct folder *f = w->f;
	struct found *d;

	if (n->uid >= f->next.uid) /* never given away: no identity */
		n->uid = 0;
	if (w->dry || !w->grow || w->s->count == ARRIVALS_MAX ||
	    (n->uid != 0 && n->uid <= f->highest_uid))
		return false;
	d = scan_add(w->s);
	if (d == NULL)
		return false;
	news_found(f, n, d);
	return pool_add(&w->s->pool, n->event->name, &d->name) == 0;
}

static bool
moved_here(struct following *w, struct news *n)
{
	struct found d;

	news_found(w->f, n, &d);
	d.ino = n->entry->ino;
	if (pool_add(&w->f->pool, n->event->name, &d.name) == -1)
		return false;
	entry_merge(w->f, n->entry, &d);
	return true;
}

static bool
follow_present(struct following *w, struct news *n)
{
	bool moves = w->move.open && n->uid != 0 && w->move.uid == n->uid;

	if (moves && !move_ends(w, n))
		return false;
	if (n->entry == NULL)
		return arrived(w, n);
	if (n->entry->m.gone)
		return false;
	if (moves)
		return moved_here(w, n);
	if (n->same)
		return true;
	if (n->entry->name == UINT32_MAX || w->doubt.open)
		return false;
	w->doubt.open = true;
	w->doubt.in_new = n->event->in_new;
	w->doubt.name = n->event->name;
	return true;
}

/* ---- all of them ---- */

/* False: the directories must be read. */
static bool
follow_each(struct following *w)
{
	struct watch_event e;
	struct news n;
	size_t at = 0;

	if (w->f->watch.lost)
		return false;
	while (watch_next(w->f, &at, &e)) {
		if (strcmp(e.name, TOUCH_FILE) == 0)
			return false;
		if (news_parse(w->f, &e, &n) &&
		    !(e.present ? follow_present : follow_absent)(w, &n))
			return false;
	}
	return !w->move.open && !w->doubt.open;
}

bool
follow_is_quiet(struct folder *f)
{
	struct following w = { .f = f, .dry = true };

	watch_pump(f);
	/* there is nothing to compare with */
	if (f->rest != NULL || f->outline != NULL)
		return f->watch.len == 0 && !f->watch.lost;
	if (!follow_each(&w))
		return false;
	f->watch.len = 0;
	return true;
}

/* Old names stay in the pool until the directories are read. */
static bool
pool_is_full(const struct folder *f)
{
	return f->pool.len > POOL_SPARE + POOL_EACH * f->count;
}

/*
 * False: one is not there.  Its next event is still to come, and those behind it
 * must not join the view before it (V1).
 */
static bool
look_at_arrivals(struct folder *f, struct scan *s)
{
	size_t kept = 0;
	struct stat st;

	for (size_t i = 0; i < s->count; i++) {
		struct found *d = &s->found[i];

		if (fstatat(d->in_new ? f->new_fd : f->cur_fd, found_name(s, d),
			&st, AT_SYMLINK_NOFOLLOW) == -1)
			return false;
		d->ino = st.st_ino;
		if (S_ISREG(st.st_mode))
			s->found[kept++] = *d;
	}
	s->count = kept;
	return true;
}

static int
take_arrivals(struct folder *f, struct scan *s)
{
	f->changes.withheld = 0;
	if (s->count == 0)
		return 0;
	scan_sort(s);
	if (folder_assign(f, s) == -1)
		return -1;
	for (size_t i = 0; i < s->count; i++) {
		uint32_t name;

		if (pool_add(&f->pool, found_name(s, &s->found[i]), &name) ==
		    -1)
			return -1;
		s->found[i].name = name;
		if (entry_append(f, &s->found[i]) == -1)
			return -1;
	}
	return 0;
}

int
folder_follow(struct folder *f, bool grow)
{
	struct scan s = { 0 };
	struct following w = { .f = f, .grow = grow, .s = &s };
	int r = 0;

	if (!f->watch.based || !f->scanned || !f->named || f->look_again ||
	    pool_is_full(f))
		return 0;
	watch_pump(f);
	if (follow_each(&w) && look_at_arrivals(f, &s)) {
		f->watch.len = 0;
		r = take_arrivals(f, &s) == -1 ? -1 : 1;
	}
	/* Half of it may be in the view: only a scan sets that right. */
	if (r != 1)
		f->look_again = true;
	scan_clear(&s);
	return r;
}
