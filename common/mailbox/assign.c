/*
 * Identity: who keeps a UID, and who gets a new one.
 *
 * What always holds:
 * A1  After folder_assign every message of the scan has a UID of its own, and
 *     its file name says so.
 * A2  A UID is given away only after folder_take_uids made it durable; a file
 *     that was renamed but not synced gets another one after a power cut, and
 *     the first is used by nobody.
 * A3  Of several files with one identity the one whose inode the view or the index
 *     knows is the original; when none is known, all get new UIDs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/internal.h"

static int
found_dir(const struct folder *f, const struct found *d)
{
	return d->in_new ? f->new_fd : f->cur_fd;
}

/* How many names its file has; 0: this one is there no more. */
static nlink_t
names_of(const struct folder *f, const struct scan *s, const struct found *d)
{
	struct stat st;

	return fstatat(found_dir(f, d), found_name(s, d), &st,
	    AT_SYMLINK_NOFOLLOW) == 0 ? st.st_nlink : 0;
}

/* ---- one identity, several files ---- */

static uint64_t
original_ino(struct folder *f, uint32_t uid)
{
	size_t seq = folder_seq_of(f, uid);

	return seq != 0 ? folder_entry(f, seq)->ino : folder_index_ino(f, uid);
}

/* The present name of a message in our view beats a hard link to it. */
static bool
is_viewed(struct folder *f, const struct scan *s, const struct found *d)
{
	size_t seq = folder_seq_of(f, d->uid);

	return seq != 0 && folder_entry(f, seq)->name != UINT32_MAX &&
	       strcmp(entry_name(f, folder_entry(f, seq)), found_name(s, d)) ==
		   0;
}

static struct found *
choose_original(struct folder *f, const struct scan *s, struct found *d,
    size_t n)
{
	uint64_t ino = original_ino(f, d->uid);
	struct found *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (d[i].ino == ino && ino != 0 &&
		    (best == NULL || is_viewed(f, s, &d[i])))
			best = &d[i];
	return best;
}

/* In place of a name: no message after all. */
#define DROPPED UINT32_MAX

/* n entries of the scan with one UID. */
static void
settle_duplicates(struct folder *f, const struct scan *s, struct found *d,
    size_t n)
{
	struct found *original;
	size_t there = 0;

	for (size_t i = 0; i < n; i++) {
		nlink_t names = names_of(f, s, &d[i]);
		struct found t = d[i];
		size_t k = there;

		if (names == 0)
			continue;
		/* A file of one name that had both while we looked is one
		 * message, renamed to and fro: the later name stands for it. */
		if (names == 1 && there > 0 && d[there - 1].ino == d[i].ino)
			k--;
		d[i] = d[k];
		d[k] = t;
		there += k == there;
	}
	for (size_t i = there; i < n; i++)
		d[i].name = DROPPED;	/* its file was renamed meanwhile */
	original = there == 1 ? d : choose_original(f, s, d, there);
	for (size_t i = 0; i < there; i++)
		if (&d[i] != original)
			d[i].uid = 0;
}

static void
find_duplicates(struct folder *f, struct scan *s)
{
	for (size_t i = 0, n; i < s->known; i += n) {
		for (n = 1; i + n < s->known; n++)
			if (s->found[i + n].uid != s->found[i].uid)
				break;
		if (n > 1)
			settle_duplicates(f, s, &s->found[i], n);
	}
}

/*
 * A message can only join a view at its end (RFC 3501 section 2.3.1.1): one
 * that turns up in the middle, restored by somebody, is a new message.
 */
static void
find_latecomers(struct folder *f, struct scan *s)
{
	if (f->highest_uid == 0)
		return;
	for (size_t i = 0; i < s->known; i++) {
		struct found *d = &s->found[i];

		if (d->uid != 0 && d->name != DROPPED &&
		    d->uid <= f->highest_uid && folder_seq_of(f, d->uid) == 0)
			d->uid = 0;
	}
}

/* ---- new names ---- */

/* Too long with our fields: a base of our own, nothing else is lost. */
static int
print_short(struct folder *f, struct maildir_name *n, bool info,
    char to[MAILDIR_NAME_MAX + 1])
{
	struct maildir_name shorter = *n;
	char base[UNIQUE_MAX];

	if (maildir_name_print(n, info, to) == 0)
		return 0;
	mailbox_unique_name(f->mb, base);
	shorter.base = slice_str(base);
	shorter.fields = slice_of("", 0);
	shorter.unknown = slice_of("", 0);
	return maildir_name_print(&shorter, info, to);
}

/* 1: done, 0: the file is not there any more, -1: errno. */
static int
rename_found(struct folder *f, struct scan *s, struct found *d, uint32_t uid)
{
	bool to_new = d->in_new && (f->how & FOLDER_READ_ONLY);
	char name[MAILDIR_NAME_MAX + 1];
	struct maildir_name n;

	if (maildir_name_parse(slice_str(found_name(s, d)), &n) != PARSE_OK)
		return 0;
	n.has_identity = true;
	n.uidvalidity = f->state.identity;
	n.uid = uid;
	if (print_short(f, &n, !to_new, name) == -1) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (rename_new(found_dir(f, d), found_name(s, d),
	    to_new ? f->new_fd : f->cur_fd, name) == -1)
		return errno == ENOENT ? 0 : -1;
	d->uid = uid;
	d->in_new = to_new;
	return pool_add(&s->pool, name, &d->name) == -1 ? -1 : 1;
}

/* Arrival is what the name says: seconds, then whatever follows. */
static int
compare_names(const void *a, const void *b, void *ctx)
{
	const struct scan *s = ctx;
	const char *x = found_name(s, a), *y = found_name(s, b);
	size_t i = strspn(x, "0123456789"), j = strspn(y, "0123456789");

	if (i != j)
		return i < j ? -1 : 1;
	return strcmp(x, y);
}

/* Without those dropped; those with a UID first, ascending, then the others
 * as they arrived. */
static void
put_in_order(struct scan *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++)
		if (s->found[i].name != DROPPED)
			s->found[kept++] = s->found[i];
	s->count = kept;
	scan_sort(s);
	if (s->count > s->known)
		qsort_r(s->found + s->known, s->count - s->known,
		    sizeof(*s->found), compare_names, s);
}

/* Full disk and the like: what has no UID yet waits for the next time. */
static int
withhold(struct folder *f, struct scan *s, size_t from)
{
	f->changes.withheld = s->count - from;
	f->changes.withheld_errno = errno;
	f->look_again = true;
	for (; from < s->count; from++)
		s->found[from].name = DROPPED;
	return 0;
}

static int
name_all(struct folder *f, struct scan *s)
{
	size_t n = s->count - s->known;
	uint32_t uid;

	if (n == 0)
		return 0;
	if (folder_take_uids(f, (uint32_t)n, &uid) == -1)
		return withhold(f, s, s->known);
	for (size_t i = s->known; i < s->count; i++, uid++)
		switch (rename_found(f, s, &s->found[i], uid)) {
		case -1:
			return withhold(f, s, i);
		case 0:
			s->found[i].name = DROPPED;
			f->look_again = true;
			break;
		}
	return 0;
}

/* Those with a name of ours still in new/: a read-only session left them. */
static void
move_to_cur(struct folder *f, struct scan *s)
{
	if (f->how & FOLDER_READ_ONLY)
		return;
	for (size_t i = 0; i < s->known; i++)
		if (s->found[i].in_new &&
		    rename_found(f, s, &s->found[i], s->found[i].uid) == 0)
			f->look_again = true;
}

int
folder_assign(struct folder *f, struct scan *s)
{
	size_t kept = 0;

	f->changes.withheld = 0;
	find_duplicates(f, s);
	find_latecomers(f, s);
	put_in_order(s);
	move_to_cur(f, s);
	if (name_all(f, s) == -1)
		return -1;
	for (size_t i = 0; i < s->count; i++)
		if (s->found[i].name != DROPPED)
			s->found[kept++] = s->found[i];
	s->count = s->known = kept;
	return 0;
}
