/*
 * Reading the directories.
 *
 * new/ is read before cur/, so that a message that moves meanwhile is seen
 * twice rather than not at all.  A name that is changed while we read may be
 * missed: the caller looks again before it believes that.
 */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/internal.h"

enum {
	SCAN_TRIES = 3,
	/* The clock behind a file's time stamp ticks at 100 Hz at the slowest. */
	TICK_NS = 20 * 1000 * 1000
};

const char *
found_name(const struct scan *s, const struct found *f)
{
	return s->pool.at + f->name;
}

void
scan_clear(struct scan *s)
{
	free(s->found);
	pool_clear(&s->pool);
	*s = (struct scan){ 0 };
}

struct reading {
	struct folder	*f;
	struct scan	*s;
	bool		 in_new;
};

struct found *
scan_add(struct scan *s)
{
	if (s->count == s->size) {
		size_t size = s->size == 0 ? 64 : s->size * 2;
		struct found *found;

		if (size > MESSAGES_MAX) {
			errno = EOVERFLOW;
			return NULL;
		}
		found = reallocarray(s->found, size, sizeof(*found));
		if (found == NULL)
			return NULL;
		s->found = found;
		s->size = size;
	}
	return &s->found[s->count++];
}

static int
read_name(void *ctx, const char *name, uint64_t ino, unsigned char type)
{
	struct reading *r = ctx;
	struct maildir_name n;
	struct found *found;

	if ((type != DT_REG && type != DT_UNKNOWN) ||
	    maildir_name_parse(slice_str(name), &n) != PARSE_OK)
		return 0;
	found = scan_add(r->s);
	if (found == NULL)
		return -1;
	*found = (struct found){ .ino = ino, .keywords = n.keywords,
		.flags = n.flags, .in_new = r->in_new, .recent = r->in_new };
	/* A number that this folder never gave away is no identity. */
	if (n.has_identity && n.uidvalidity == r->f->state.identity &&
	    n.uid < r->f->next.uid) {
		found->uid = n.uid;
		found->keywords |= folder_more_get(r->f, n.uid);
	}
	return pool_add(&r->s->pool, name, &found->name);
}

bool
time_is_racy(const struct timespec *changed)
{
	struct timespec now;
	int64_t age;

	if (clock_gettime(CLOCK_REALTIME, &now) == -1)
		return true;
	age = now.tv_sec - changed->tv_sec;
	if (age > 4 || age < -4)
		return false;
	age = age * 1000000000 + (now.tv_nsec - changed->tv_nsec);
	/* Whole seconds are those of a file system that knows no others. */
	return age < (changed->tv_nsec == 0 ? 2000000000 : TICK_NS);
}

int
stamp_take(int dir_fd, struct stamp *s)
{
	struct stat st;

	if (fstat(dir_fd, &st) == -1)
		return -1;
	s->changed = st.st_ctim;
	s->racy = time_is_racy(&s->changed);
	return 0;
}

static bool
stamp_equal(const struct stamp *a, const struct stamp *b)
{
	return a->changed.tv_sec == b->changed.tv_sec &&
	    a->changed.tv_nsec == b->changed.tv_nsec;
}

int
folder_stamps_take(struct folder *f)
{
	struct stamp c = f->cur_stamp, n = f->new_stamp;

	if (stamp_take(f->new_fd, &f->new_stamp) == -1 ||
	    stamp_take(f->cur_fd, &f->cur_stamp) == -1)
		return -1;
	if (!stamp_equal(&c, &f->cur_stamp) || !stamp_equal(&n, &f->new_stamp))
		f->saved = false;
	return 0;
}

static bool
stamps_are_same(const struct folder *f)
{
	struct stamp c, n;

	return !f->cur_stamp.racy && !f->new_stamp.racy &&
	       stamp_take(f->cur_fd, &c) == 0 &&
	       stamp_take(f->new_fd, &n) == 0 &&
	       stamp_equal(&c, &f->cur_stamp) && stamp_equal(&n, &f->new_stamp);
}

bool
folder_is_unchanged(struct folder *f)
{
	struct stat d;

	/* An empty folder that was deleted keeps its times, but no link. */
	if (!f->scanned || f->look_again || fstat(f->dir_fd, &d) == -1 ||
	    d.st_nlink == 0)
		return false;
	if (f->watch.based)
		return follow_is_quiet(f);
	if (!stamps_are_same(f))
		return false;
	f->watch.based = f->watch.local; /* W2 */
	return true;
}

static int
scan_once(struct folder *f, struct scan *s)
{
	struct reading r = { f, s, true };
	struct stamp c, n;

	s->count = 0;
	s->pool.len = 0;
	if (folder_stamps_take(f) == -1 ||
	    dir_scan(f->new_fd, read_name, &r) != 0)
		return -1;
	r.in_new = false;
	if (dir_scan(f->cur_fd, read_name, &r) != 0 ||
	    stamp_take(f->new_fd, &n) == -1 || stamp_take(f->cur_fd, &c) == -1)
		return -1;
	s->stable = stamp_equal(&n, &f->new_stamp) &&
	    stamp_equal(&c, &f->cur_stamp);
	return 0;
}


/* By UID; those without come last. */
static int
compare_uid(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	uint32_t u = x->uid - 1, v = y->uid - 1;	/* 0 becomes the highest */

	if (u != v)
		return u < v ? -1 : 1;
	/* The names of one file side by side, the one in cur/ last. */
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return (int)y->in_new - (int)x->in_new;
}

void
scan_sort(struct scan *s)
{
	if (s->count > 0)
		qsort(s->found, s->count, sizeof(*s->found), compare_uid);
	for (s->known = s->count; s->known > 0; s->known--)
		if (s->found[s->known - 1].uid != 0)
			break;
}

int
folder_scan(struct folder *f, struct scan *s)
{
	for (int tries = 0; tries < SCAN_TRIES; tries++) {
		if (scan_once(f, s) == -1)
			return -1;
		if (s->stable)
			break;
	}
	scan_sort(s);
	return 0;
}
