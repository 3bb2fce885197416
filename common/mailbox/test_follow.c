/*
 * A session that is told of changes by the kernel (watch.c, follow.c) sees what
 * one sees that reads the directories, whoever changes them; and folders that
 * were closed a moment ago (kept.c) open as if they had not been.
 */
#include "common/mailbox/internal.h"
#include "common/mailbox/testing.h"

static struct mailbox *
following_mailbox(struct home *h)
{
	struct mailbox *mb = home_mailbox(h);

	mailbox_follow(mb);
	return mb;
}

static void
deliver(struct home *h, unsigned n, const char *dir)
{
	char path[100];

	snprintf(path, sizeof(path), "Maildir/%s/%u.M%u.host%s", dir,
	    1600000000 + n, n, strcmp(dir, "cur") == 0 ? ":2,S" : "");
	put_file(h, path, "Subject: x\n\ntext\n");
}

/* The first sync reads, the second begins to watch. */
static struct folder *
watched_inbox(struct home *h, struct mailbox *mb, unsigned messages)
{
	struct folder *f = open_inbox(mb);

	for (unsigned i = 0; i < messages; i++)
		deliver(h, i, "cur");
	sync_ok(f, NULL);
	deliver(h, messages, "cur");
	sync_ok(f, NULL);
	assert_true(folder_is_watched(f));
	assert_true(f->watch.based);
	return f;
}

/* Without reading the directories: that would have made the names afresh. */
static void
sync_followed(struct folder *f, struct folder_changes *c)
{
	size_t before = f->pool.len;

	assert_true(f->watch.based);
	sync_ok(f, c);
	assert_true(f->pool.len >= before);
	assert_false(f->look_again);
}

static void
test_changes_of_others(void **state)
{
	struct home *h = *state;
	struct mailbox *a = following_mailbox(h), *b = home_mailbox(h);
	struct folder *f = watched_inbox(h, a, 9), *g = open_inbox(b);
	struct folder_changes c;
	uint32_t seqs[] = { 2, 5 }, uid;
	size_t names = f->pool.len;

	sync_ok(g, NULL);
	assert_int_equal(
	    folder_store(g, seqs, 2, STORE_ADD, FLAG_DELETED, 0), 0);
	sync_followed(f, &c);
	assert_int_equal(c.changed, 2);
	assert_int_equal(c.changed_seq[1], 5);
	assert_int_equal(folder_message(f, 5)->flags, FLAG_SEEN | FLAG_DELETED);
	assert_int_equal(
	    folder_message(f, 5)->modseq, folder_message(g, 5)->modseq);
	assert_true(f->pool.len > names); /* it was not a scan */
	assert_int_equal(folder_expunge(g, seqs, 2, false, NULL), 0);
	append_text(g, "x\n", 0, &uid);
	deliver(h, 100, "new");
	sync_followed(f, &c);
	assert_int_equal(c.expunged, 2);
	assert_int_equal(c.expunged_uid[1], 5);
	assert_int_equal(c.arrived, 2);
	assert_int_equal(folder_count(f), 10);
	assert_int_equal(folder_message(f, 9)->uid, uid);
	assert_true(folder_message(f, 9)->recent);
	assert_int_equal(folder_message(f, 10)->uid, uid + 1);
	assert_true(folder_message(f, 10)->recent);
	assert_int_equal(count_files(h, "Maildir/new"), 0);
	sync_followed(f, &c); /* of its own renames it hears, too */
	assert_int_equal(c.arrived + c.changed + c.expunged, 0);
	folder_close(g);
	folder_close(f);
	mailbox_close(a);
	mailbox_close(b);
}

static void
test_changes_of_our_own(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = following_mailbox(h);
	struct folder *f = watched_inbox(h, mb, 5);
	struct folder_changes c;
	uint32_t seq = 3;

	for (int i = 0; i < 6; i++) {
		assert_int_equal(
		    folder_store(f, &seq, 1, i % 2 ? STORE_REMOVE : STORE_ADD,
			FLAG_FLAGGED, 0),
		    0);
		assert_true(folder_is_unchanged(f));
	}
	assert_int_equal(folder_expunge(f, &seq, 1, true, NULL), 0);
	sync_followed(f, &c);
	assert_int_equal(c.changed, 0);
	assert_int_equal(c.expunged, 1);
	folder_close(f);
	mailbox_close(mb);
}

/* Moved away, moved back, linked and unlinked: told by no plain event. */
static void
test_what_is_not_plain(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = following_mailbox(h);
	struct folder *f = watched_inbox(h, mb, 5);
	struct folder_changes c;
	char name[256], path[300], other[320];

	rename_file(h, "Maildir/cur", "M1.", "Maildir/tmp", ":2,F");
	sync_ok(f, &c);
	assert_int_equal(c.expunged, 1);
	rename_file(h, "Maildir/tmp", "M1.", "Maildir/cur", ":2,F");
	sync_ok(f, &c); /* V1: it cannot come back in the middle */
	assert_int_equal(c.arrived, 1);
	/* a rename as old programs do it */
	find_file(h, "Maildir/cur", "M2.", name);
	snprintf(path, sizeof(path), "Maildir/cur/%s", name);
	snprintf(other, sizeof(other), "%sR", path);
	assert_int_equal(linkat(h->fd, path, h->fd, other, 0), 0);
	assert_int_equal(unlinkat(h->fd, path, 0), 0);
	sync_ok(f, &c);
	assert_int_equal(c.expunged + c.arrived, 0);
	assert_int_equal(c.changed, 1);
	/* two names for a while: the second is a message of its own */
	assert_int_equal(linkat(h->fd, other, h->fd, path, 0), 0);
	sync_ok(f, &c);
	assert_int_equal(c.expunged, 0);
	assert_int_equal(c.arrived, 1);
	/* a directory of that name is no message */
	assert_int_equal(mkdirat(h->fd, "Maildir/cur/1.dir", 0700), 0);
	sync_ok(f, &c);
	assert_int_equal(c.arrived, 0);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_more_than_the_queue_holds(void **state)
{
	struct home *h = *state;
	struct mailbox *a = following_mailbox(h), *b = home_mailbox(h);
	struct folder *f = watched_inbox(h, a, 40), *g = open_inbox(b);
	struct folder_changes c;
	uint32_t seqs[40];

	sync_ok(g, NULL);
	for (uint32_t i = 0; i < 40; i++)
		seqs[i] = i + 1;
	for (int i = 0; i < 61; i++)
		assert_int_equal(
		    folder_store_if(g, seqs, 40,
			i % 2 ? STORE_REMOVE : STORE_ADD, FLAG_FLAGGED, 0, NULL,
			NULL, &(size_t){ 0 }),
		    0);
	sync_ok(f, &c);
	assert_int_equal(c.changed, 40);
	assert_int_equal(
	    folder_message(f, 40)->flags, FLAG_SEEN | FLAG_FLAGGED);
	folder_close(g);
	folder_close(f);
	mailbox_close(a);
	mailbox_close(b);
}

/* The kernel had told of a rename only that it began: the message must not be
 * left out, for then it could only come back with another UID. */
static void
test_half_a_rename(void **state)
{
	struct home *h = *state;
	struct mailbox *a = following_mailbox(h), *b = home_mailbox(h);
	struct folder *f = watched_inbox(h, a, 5), *g = open_inbox(b);
	struct folder_changes c;
	struct watch_event e;
	size_t at = 0, last = 0;
	uint32_t first, second;
	char name[256];

	append_text(g, "x\n", FLAG_SEEN, &first);
	append_text(g, "y\n", FLAG_SEEN, &second);
	snprintf(name, sizeof(name), "-%u:2,", first);
	rename_file(h, "Maildir/cur", name, "Maildir/cur", ":2,F");
	watch_pump(f);
	for (size_t i = 0; watch_next(f, &at, &e); i = at)
		last = i;
	f->watch.len = last;
	sync_ok(f, &c);
	assert_int_equal(c.arrived, 2);
	assert_int_equal(folder_message(f, 7)->uid, first);
	assert_int_equal(folder_message(f, 7)->flags, FLAG_FLAGGED);
	assert_int_equal(folder_message(f, 8)->uid, second);
	folder_close(g);
	folder_close(f);
	mailbox_close(a);
	mailbox_close(b);
}

/* A view that came from the index has no names; they are found when wanted. */
static void
test_view_without_names(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	int fd;

	for (unsigned i = 0; i < 5; i++)
		deliver(h, i, "cur");
	sync_ok(f, NULL);
	usleep(50000);
	sync_ok(f, NULL);
	folder_close(f);
	mailbox_close(mb);
	mb = following_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, &c);
	assert_int_equal(c.arrived, 5);
	assert_false(f->named);
	assert_true(folder_notify_fd(f) != -1);
	sync_ok(f, NULL);
	fd = folder_message_open(f, 3);
	assert_true(fd != -1);
	close(fd);
	remove_file_with(h, "Maildir/cur", "M3.");
	sync_ok(f, &c);
	assert_int_equal(c.expunged, 1);
	assert_int_equal(c.expunged_uid[0], 4);
	folder_notify_end(f);
	folder_close(f);
	mailbox_close(mb);
}

/* ---- anything, in any order ---- */

enum { STEPS = 4000 };

struct world {
	struct home *h;
	struct folder *f, *other;
	uint64_t seed;
	unsigned delivered;
};

static unsigned
chance(struct world *w, unsigned below)
{
	w->seed = w->seed * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(w->seed >> 33) % below;
}

/* Some name of a directory; "" for none. */
static void
some_name(struct world *w, const char *dir, char name[256])
{
	int fd = openat(w->h->fd, dir, O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	unsigned seen = 0;
	struct dirent *e;

	name[0] = '\0';
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && chance(w, ++seen) == 0)
			snprintf(name, 256, "%s", e->d_name);
	closedir(d);
}

static void
another_program(struct world *w)
{
	static const char *const dirs[] = { "Maildir/cur", "Maildir/new",
		"Maildir/tmp" };
	static const char *const flags[] = { ":2,", ":2,S", ":2,FS",
		":2,RSab" };
	const char *from = dirs[chance(w, 3)], *to = dirs[chance(w, 3)];
	char name[256], a[300], b[320], *colon;

	some_name(w, from, name);
	snprintf(a, sizeof(a), "%s/%s", from, name);
	if ((colon = strstr(name, ":2,")) != NULL)
		*colon = '\0';
	if (chance(w, 4) != 0)
		to = from;
	snprintf(b, sizeof(b), "%s/%s%s", to, name,
	    strcmp(to, "Maildir/new") == 0 ? "" : flags[chance(w, 4)]);
	switch (name[0] == '\0' ? 5 : chance(w, 8)) {
	case 0:
		unlinkat(w->h->fd, a, 0);
		break;
	case 1:
		(void)!linkat(w->h->fd, a, w->h->fd, b, 0);
		break;
	case 2:
		if (linkat(w->h->fd, a, w->h->fd, b, 0) == 0)
			unlinkat(w->h->fd, a, 0);
		break;
	case 5:
		deliver(w->h, w->delivered++, chance(w, 2) ? "new" : "cur");
		break;
	default:
		renameat(w->h->fd, a, w->h->fd, b);
	}
}

static void
a_session(struct world *w, struct folder *f)
{
	size_t n = folder_count(f);
	uint32_t seq = n == 0 ? 1 : 1 + chance(w, (unsigned)n), uid;

	switch (n == 0 ? 9 : chance(w, 10)) {
	case 0:
		folder_expunge(f, &seq, 1, true, NULL);
		break;
	case 1:
		sync_ok(f, NULL);
		break;
	case 9:
		append_text(f, "z\n", chance(w, 2) ? FLAG_SEEN : 0, &uid);
		break;
	default:
		folder_store(f, &seq, 1,
		    chance(w, 2) ? STORE_ADD : STORE_REMOVE,
		    (uint8_t)(1U << chance(w, 5)), 0);
	}
}

/* Somebody who comes now and reads the directories sees the same. */
static void
compare(struct world *w)
{
	struct mailbox *mb;
	struct folder *now;

	/* what was moved by a scan of f itself is settled by the next */
	do
		sync_ok(w->f, NULL);
	while (w->f->look_again);
	mb = home_mailbox(w->h);
	now = open_inbox(mb);
	sync_ok(now, NULL);
	assert_int_equal(folder_count(w->f), folder_count(now));
	for (size_t q = 1; q <= folder_count(now); q++) {
		const struct message *a = folder_message(w->f, q);
		const struct message *b = folder_message(now, q);

		assert_int_equal(a->uid, b->uid);
		assert_int_equal(a->flags, b->flags);
		assert_int_equal(a->keywords, b->keywords);
		assert_int_equal(a->modseq, b->modseq);
		assert_false(a->gone);
	}
	folder_close(now);
	mailbox_close(mb);
}

static void
test_anything(void **state)
{
	struct home *h = *state;
	struct mailbox *a = following_mailbox(h), *b = home_mailbox(h);
	struct world w = { .h = h, .seed = 7, .delivered = 1000 };
	unsigned followed = 0;

	w.f = watched_inbox(h, a, 20);
	w.other = open_inbox(b);
	folder_track_modseqs(w.f);
	for (int i = 0; i < STEPS; i++) {
		size_t names = w.f->pool.len;

		switch (chance(&w, 4)) {
		case 0:
			another_program(&w);
			break;
		case 1:
			a_session(&w, w.other);
			break;
		default:
			a_session(&w, w.f);
		}
		if (chance(&w, 8) == 0)
			compare(&w);
		followed += w.f->watch.based && w.f->pool.len > names;
	}
	compare(&w);
	assert_true(followed > STEPS / 20);
	folder_close(w.other);
	folder_close(w.f);
	mailbox_close(a);
	mailbox_close(b);
}

/* ---- folders that are kept ---- */

static ino_t
state_inode(struct home *h)
{
	struct stat st;

	assert_int_equal(fstatat(h->fd, "Maildir/bulkhead-folder", &st, 0), 0);
	return st.st_ino;
}

/* Each time it is written it is another file. */
static void
test_appends_write_the_state_once(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = following_mailbox(h);
	struct folder *f = open_inbox(mb);
	uint32_t uid;
	ino_t ino;

	append_text(f, "x\n", 0, &uid);
	folder_close(f);
	ino = state_inode(h);
	for (uint32_t i = 0; i < 20; i++) {
		f = open_inbox(mb);
		assert_int_equal(folder_count(f), 0);
		append_text(f, "x\n", 0, &uid);
		assert_int_equal(uid, i + 2);
		folder_close(f);
	}
	assert_int_equal(state_inode(h), ino);
	mailbox_rest(mb);
	assert_true(state_inode(h) != ino); /* N4 */
	mailbox_close(mb);
	mb = home_mailbox(h);
	f = open_inbox(mb);
	append_text(f, "x\n", 0, &uid);
	assert_int_equal(uid, 22);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_opened_again(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = following_mailbox(h);
	struct folder *f = watched_inbox(h, mb, 5), *same = f;
	struct folder_changes c;
	struct folder_status s;

	folder_close(f);
	remove_file_with(h, "Maildir/cur", "M1.");
	deliver(h, 50, "new");
	f = open_inbox(mb);
	assert_ptr_equal(f, same);
	assert_int_equal(folder_count(f), 0);
	sync_ok(f, &c);
	assert_int_equal(c.arrived, 6);
	assert_int_equal(c.expunged, 0);
	assert_int_equal(folder_count(f), 6);
	assert_int_equal(folder_message(f, 2)->uid, 3);
	folder_status(f, &s);
	assert_int_equal(s.recent, 1);
	folder_close(f);
	f = open_inbox(mb);
	sync_ok(f, &c);
	folder_status(f, &s);
	assert_int_equal(c.arrived, 6);
	assert_int_equal(s.recent, 0); /* it has been told */
	assert_int_equal(s.messages, 6);
	folder_close(f);
	mailbox_close(mb);
}

/* Deleted or put in another's place by somebody: it is not the old one. */
static void
test_kept_and_replaced(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = following_mailbox(h), *other = home_mailbox(h);
	struct folder_name name;
	struct folder *f;
	struct folder_status before, after;

	assert_int_equal(folder_name_parse(slice_str("work"), &name), PARSE_OK);
	assert_int_equal(mailbox_create(mb, &name), 0);
	f = open_folder(mb, "work");
	folder_status(f, &before);
	folder_close(f);
	assert_int_equal(mailbox_delete(other, &name), 0);
	assert_int_equal(folder_open(mb, &name, 0, &f), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mailbox_create(mb, &name), 0);
	f = open_folder(mb, "work");
	folder_close(f);
	assert_int_equal(mailbox_delete(other, &name), 0);
	assert_int_equal(mailbox_create(other, &name), 0);
	f = open_folder(mb, "work");
	folder_status(f, &after);
	assert_true(strcmp(before.mailbox_id, after.mailbox_id) != 0);
	folder_close(f);
	assert_int_equal(mailbox_delete(mb, &name), 0); /* with it kept */
	assert_int_equal(mb->nkept, 0);
	mailbox_close(other);
	mailbox_close(mb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

/* A restored cur/, or a tmp/ that is gone: nothing goes where nobody looks. */
static void
test_kept_and_other_directories(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = following_mailbox(h);
	struct folder *f = open_inbox(mb);
	uint32_t uid;

	append_text(f, "x\n", FLAG_SEEN, &uid);
	folder_close(f);
	assert_int_equal(renameat(h->fd, "Maildir/cur", h->fd, "old"), 0);
	assert_int_equal(mkdirat(h->fd, "Maildir/cur", 0700), 0);
	assert_int_equal(unlinkat(h->fd, "Maildir/tmp", AT_REMOVEDIR), 0);
	f = open_inbox(mb);
	append_text(f, "y\n", FLAG_SEEN, &uid);
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), 1);
	folder_close(f);
	mailbox_close(mb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_changes_of_others),
		T(test_changes_of_our_own),
		T(test_what_is_not_plain),
		T(test_more_than_the_queue_holds),
		T(test_half_a_rename),
		T(test_view_without_names),
		T(test_anything),
		T(test_appends_write_the_state_once),
		T(test_opened_again),
		T(test_kept_and_replaced),
		T(test_kept_and_other_directories),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
