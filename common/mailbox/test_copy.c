/*
 * Copies of many messages: they are linked by their names when all get their
 * new ones, so what happens to those names before that must lose and invent
 * nothing.
 */
#include "common/mailbox/testing.h"

enum { MANY = 40 };

struct two {
	struct mailbox *mb;
	struct folder *from, *to;
	struct append *a;
};

/* MANY messages in INBOX whose names say both sizes: of the i-th "i\n". */
static void
two_open(struct home *h, struct two *t)
{
	struct folder_name archive;

	t->mb = home_mailbox(h);
	assert_int_equal(
	    folder_name_parse(slice_str("Archive"), &archive), PARSE_OK);
	assert_int_equal(mailbox_create(t->mb, &archive), 0);
	t->from = open_inbox(t->mb);
	t->to = open_folder(t->mb, "Archive");
	for (int i = 1; i <= MANY; i++) {
		char path[64], text[16];

		snprintf(text, sizeof(text), "%04d\n", i);
		snprintf(path, sizeof(path), "Maildir/cur/%d.m%dm,S=5,W=6:2,%s",
		    i, i, i % 2 ? "" : "S");
		put_file(h, path, text);
	}
	sync_ok(t->from, NULL);
	assert_int_equal(folder_count(t->from), MANY);
}

static void
two_close(struct two *t)
{
	folder_close(t->to);
	folder_close(t->from);
	mailbox_close(t->mb);
}

static void
stage_all(struct two *t)
{
	assert_int_equal(folder_copy_begin(t->to, MANY, false, &t->a), 0);
	for (uint32_t seq = 1; seq <= MANY; seq++)
		assert_int_equal(folder_append_copy(t->a, t->from, seq), 0);
}

static int
number_in(struct folder *f, uint32_t seq, struct stat *st)
{
	char got[16] = "";
	int fd = folder_message_open(f, seq);

	assert_true(fd != -1);
	assert_int_equal(read(fd, got, sizeof(got) - 1), 5);
	assert_int_equal(fstat(fd, st), 0);
	close(fd);
	return atoi(got);
}

static nlink_t
check_text(struct folder *f, uint32_t seq, int number)
{
	struct stat st;

	assert_int_equal(number_in(f, seq, &st), number);
	return st.st_nlink;
}

/* All are there, in order, and nothing is left in tmp/. */
static void
check_copies(struct home *h, struct two *t)
{
	uint64_t size;

	sync_ok(t->to, NULL);
	assert_int_equal(folder_count(t->to), MANY);
	for (uint32_t seq = 1; seq <= MANY; seq++) {
		assert_int_equal(check_text(t->to, seq, (int)seq), 2);
		assert_int_equal(folder_message_size(t->to, seq, &size), 0);
		assert_int_equal(size, 6);
	}
	assert_int_equal(count_files(h, "Maildir/.Archive/tmp"), 0);
	assert_int_equal(count_files(h, "Maildir/cur"), MANY);
}

static void
test_many(void **state)
{
	struct home *h = *state;
	struct two t;
	uint32_t uid;

	two_open(h, &t);
	stage_all(&t);
	/* Nobody sees any of them before all are there. */
	assert_int_equal(count_files(h, "Maildir/.Archive/cur"), 0);
	assert_int_equal(count_files(h, "Maildir/.Archive/new"), 0);
	assert_int_equal(folder_append_commit(t.a, &uid), 0);
	assert_int_equal(uid, 1);
	check_copies(h, &t);
	assert_int_equal(folder_message(t.to, 1)->flags, 0);
	assert_int_equal(folder_message(t.to, 2)->flags, FLAG_SEEN);
	two_close(&t);
}

/* Another session changes flags: their names are others by then. */
static void
test_renamed_meanwhile(void **state)
{
	struct home *h = *state;
	uint32_t seqs[] = { 3, 20, MANY }, uid;
	struct mailbox *other;
	struct folder *f;
	struct two t;

	two_open(h, &t);
	stage_all(&t);
	other = home_mailbox(h);
	f = open_inbox(other);
	sync_ok(f, NULL);
	assert_int_equal(
	    folder_store(f, seqs, 3, STORE_ADD, FLAG_FLAGGED, 0), 0);
	assert_int_equal(folder_append_commit(t.a, &uid), 0);
	check_copies(h, &t);
	folder_close(f);
	mailbox_close(other);
	two_close(&t);
}

/* One without sizes in its name is opened, the others are not. */
static void
test_of_both_kinds(void **state)
{
	struct home *h = *state;
	struct two t;
	uint32_t uid;

	two_open(h, &t);
	rename_file(h, "Maildir/cur", "m7m", "Maildir/tmp", "");
	put_file(h, "Maildir/cur/7.plain:2,", "0007\n");
	sync_ok(t.from, NULL);
	sync_ok(t.from, NULL);
	assert_int_equal(folder_count(t.from), MANY);
	stage_all(&t);
	rename_file(h, "Maildir/cur", "m9m", "Maildir/cur", ":2,FS");
	assert_int_equal(folder_append_commit(t.a, &uid), 0);
	sync_ok(t.to, NULL);
	assert_int_equal(folder_count(t.to), MANY);
	check_text(t.to, 7, 8);
	check_text(t.to, 8, 9);
	check_text(t.to, MANY, 7);
	assert_int_equal(count_files(h, "Maildir/.Archive/tmp"), 0);
	two_close(&t);
}

/* All or nothing; and the next copy is none the worse for it. */
static void
test_removed_meanwhile(void **state)
{
	struct home *h = *state;
	struct two t;
	uint32_t uid;

	two_open(h, &t);
	stage_all(&t);
	rename_file(h, "Maildir/cur", "m5m", "Maildir/tmp", "");
	assert_int_equal(folder_append_commit(t.a, &uid), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(count_files(h, "Maildir/.Archive/cur"), 0);
	assert_int_equal(count_files(h, "Maildir/.Archive/new"), 0);
	assert_int_equal(count_files(h, "Maildir/.Archive/tmp"), 0);
	assert_int_equal(count_files(h, "Maildir/cur"), MANY - 1);
	rename_file(h, "Maildir/tmp", "m5m", "Maildir/cur", ":2,");
	sync_ok(t.from, NULL);
	stage_all(&t);
	assert_int_equal(folder_append_commit(t.a, &uid), 0);
	check_copies(h, &t);
	two_close(&t);
}

/* A base that is too long to be kept gives way to one of our own. */
static void
test_long_base(void **state)
{
	struct home *h = *state;
	char path[300], pad[131], name[256];
	struct two t;
	uint32_t uid;
	time_t date;

	two_open(h, &t);
	remove_file_with(h, "Maildir/cur", "m3m");
	memset(pad, 'x', sizeof(pad) - 1);
	pad[sizeof(pad) - 1] = '\0';
	snprintf(
	    path, sizeof(path), "Maildir/cur/1700000000.%s,S=5,W=6:2,S", pad);
	put_file(h, path, "0003\n");
	sync_ok(t.from, NULL);
	sync_ok(t.from, NULL);
	stage_all(&t);
	assert_int_equal(folder_append_commit(t.a, &uid), 0);
	sync_ok(t.to, NULL);
	assert_int_equal(folder_count(t.to), MANY);
	check_text(t.to, MANY, 3);
	assert_int_equal(folder_message_savedate(t.to, MANY, &date), 0);
	find_file(h, "Maildir/.Archive/cur", "-40:2,S", name);
	assert_true(name[0] != ',' && strstr(name, pad) == NULL);
	two_close(&t);
}

static void
test_given_up(void **state)
{
	struct home *h = *state;
	struct two t;

	two_open(h, &t);
	stage_all(&t);
	folder_append_abort(t.a);
	assert_int_equal(count_files(h, "Maildir/.Archive/tmp"), 0);
	assert_int_equal(count_files(h, "Maildir/cur"), MANY);
	two_close(&t);
}

static void
copy_all(struct home *h)
{
	struct two t;
	uint32_t uid;

	t.mb = home_mailbox(h);
	t.from = open_inbox(t.mb);
	t.to = open_folder(t.mb, "Archive");
	sync_ok(t.from, NULL);
	stage_all(&t);
	assert_int_equal(folder_append_commit(t.a, &uid), 0);
	_exit(0);
}

/* Killed before any of its calls: what was there stays, and what came is whole,
 * each with a UID of its own. */
static void
test_killed(void **state)
{
	struct home *h = *state;
	struct two t;
	unsigned k = 40;

	two_open(h, &t);
	two_close(&t);
	for (bool killed = true; killed; k += 7) {
		killed = killed_at(h, copy_all, k);
		assert_int_equal(count_files(h, "Maildir/cur"), MANY);
		assert_int_equal(count_files(h, "Maildir/.Archive/tmp"), 0);
	}
	assert_true(k > 100);
	t.mb = home_mailbox(h);
	t.to = open_folder(t.mb, "Archive");
	sync_ok(t.to, NULL);
	assert_true(folder_count(t.to) > MANY);
	for (uint32_t seq = 1; seq <= folder_count(t.to); seq++) {
		struct stat st;
		int number = number_in(t.to, seq, &st);

		assert_in_range(number, 1, MANY);
		assert_int_equal(folder_message(t.to, seq)->flags,
		    number % 2 ? 0 : FLAG_SEEN);
	}
	folder_close(t.to);
	mailbox_close(t.mb);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown((f), home_setup, home_teardown)
	static const struct CMUnitTest tests[] = {
		T(test_many),
		T(test_renamed_meanwhile),
		T(test_of_both_kinds),
		T(test_removed_meanwhile),
		T(test_long_base),
		T(test_given_up),
		T(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
