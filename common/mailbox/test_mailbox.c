/* One session, and other programs that do as they please. */
#include "common/mailbox/testing.h"

static void
test_first_use(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	struct folder_status s;
	struct stat st;

	sync_ok(f, &c);
	assert_int_equal(folder_count(f), 0);
	folder_status(f, &s);
	assert_true(s.uidvalidity > 1700000000);
	assert_int_equal(s.uidnext, 1);
	assert_true(s.highestmodseq >= 1);
	assert_int_equal(strlen(s.mailbox_id), 32);
	assert_int_equal(fstatat(h->fd, "Maildir/cur", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_uids_ascend_with_arrival(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	char name[256];

	put_file(h, "Maildir/new/200.b.x", "b\n");
	put_file(h, "Maildir/new/100.a.x", "a\n");
	put_file(h, "Maildir/new/1000.c.x", "c\n");
	put_file(h, "Maildir/cur/50.z.x:2,SF", "z\n");
	sync_ok(f, &c);
	assert_int_equal(c.arrived, 4);
	assert_int_equal(folder_count(f), 4);
	for (size_t seq = 1; seq <= 4; seq++)
		assert_int_equal(folder_message(f, seq)->uid, seq);
	assert_int_equal(folder_message(f, 1)->flags, FLAG_SEEN | FLAG_FLAGGED);
	assert_false(folder_message(f, 1)->recent);
	assert_true(folder_message(f, 2)->recent);
	find_file(h, "Maildir/cur", "100.a.x,B=", name);
	assert_non_null(strstr(name, "-2:2,"));
	assert_int_equal(count_files(h, "Maildir/new"), 0);
	sync_ok(f, &c);
	assert_int_equal(c.arrived + c.expunged + c.changed, 0);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_others_change_flags_and_remove(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	uint64_t before;
	int fd;

	for (int i = 0; i < 5; i++) {
		char path[64];
		snprintf(path, sizeof(path), "Maildir/new/10%d.x", i);
		put_file(h, path, "text\n");
	}
	sync_ok(f, &c);
	before = folder_message(f, 4)->modseq;
	rename_file(h, "Maildir/cur", "103.x", "Maildir/cur", ":2,RSa");
	remove_file_with(h, "Maildir/cur", "100.x");
	remove_file_with(h, "Maildir/cur", "102.x");
	/* A message can still be read under its old name. */
	fd = folder_message_open(f, 4);
	assert_true(fd != -1);
	close(fd);
	assert_int_equal(folder_message_open(f, 1), -1);
	assert_int_equal(errno, ENOENT);

	assert_int_equal(folder_sync(f, FOLDER_KEEP_EXPUNGED, &c), 0);
	assert_int_equal(c.expunged, 0);
	assert_int_equal(folder_count(f), 5);
	assert_true(folder_message(f, 1)->gone);
	assert_int_equal(c.changed, 1);
	assert_int_equal(c.changed_seq[0], 4);

	sync_ok(f, &c);
	assert_int_equal(c.expunged, 2);
	assert_int_equal(c.expunged_seq[0], 1);
	assert_int_equal(c.expunged_seq[1], 2);
	assert_int_equal(c.expunged_uid[0], 1);
	assert_int_equal(c.expunged_uid[1], 3);
	assert_int_equal(folder_count(f), 3);
	assert_int_equal(folder_message(f, 2)->uid, 4);
	assert_int_equal(folder_message(f, 2)->flags, FLAG_SEEN | FLAG_ANSWERED);
	assert_int_equal(folder_message(f, 2)->keywords, 1);
	assert_true(folder_message(f, 2)->modseq > before);
	assert_int_equal(folder_seq_of(f, 3), 0);
	assert_int_equal(folder_seq_of(f, 5), 3);
	assert_int_equal(folder_seq_from(f, 3), 2);
	assert_int_equal(folder_seq_from(f, 6), 4);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_store(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	uint32_t seqs[] = { 1, 2, 3 };
	char name[256];
	int n;

	put_file(h, "Maildir/new/1.a", "a\n");
	put_file(h, "Maildir/new/2.b", "b\n");
	put_file(h, "Maildir/cur/3.c:2,Xz", "c\n");
	sync_ok(f, &c);
	/* Renamed behind our back, between sync and store. */
	rename_file(h, "Maildir/cur", "1.a", "Maildir/cur", ":2,F");
	assert_int_equal(folder_store(f, seqs, 3, STORE_ADD,
	    FLAG_SEEN | FLAG_DELETED, 0), 0);
	assert_int_equal(folder_message(f, 1)->flags,
	    FLAG_SEEN | FLAG_DELETED | FLAG_FLAGGED);
	find_file(h, "Maildir/cur", "3.c", name);
	assert_non_null(strstr(name, ":2,STzX"));
	assert_int_equal(folder_store(f, seqs, 2, STORE_REMOVE, FLAG_DELETED, 0), 0);
	assert_int_equal(folder_store(f, seqs + 1, 1, STORE_REPLACE,
	    FLAG_DRAFT, 0), 0);
	find_file(h, "Maildir/cur", "2.b", name);
	assert_non_null(strstr(name, ":2,D"));
	sync_ok(f, &c);
	assert_int_equal(c.expunged + c.arrived, 0);

	n = folder_keyword_number(f, slice_str("$Junk"), false);
	assert_int_equal(n, -1);
	assert_int_equal(errno, ENOENT);
	n = folder_keyword_number(f, slice_str("$Junk"), true);
	assert_int_equal(n, 0);
	assert_int_equal(folder_keyword_number(f, slice_str("$JUNK"), true), 0);
	assert_string_equal(folder_keyword(f, 0), "$Junk");
	assert_int_equal(folder_store(f, seqs, 1, STORE_ADD, 0, 1u << n), 0);
	find_file(h, "Maildir/cur", "1.a", name);
	assert_non_null(strstr(name, ":2,FSa"));
	assert_int_equal(folder_keyword_number(f, slice_str("a b"), true), -1);
	assert_int_equal(errno, EINVAL);
	folder_close(f);
	f = open_inbox(mb);
	assert_string_equal(folder_keyword(f, 0), "$Junk");
	folder_close(f);
	mailbox_close(mb);
}

static void
test_expunge(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	struct folder_status s;
	uint32_t seqs[] = { 1, 3 };
	size_t removed;

	for (int i = 0; i < 4; i++) {
		char path[64];
		snprintf(path, sizeof(path), "Maildir/new/10%d.x", i);
		put_file(h, path, "text\n");
	}
	sync_ok(f, &c);
	assert_int_equal(folder_store(f, seqs, 2, STORE_ADD, FLAG_DELETED, 0), 0);
	assert_int_equal(folder_expunge(f, seqs, 1, false, &removed), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(folder_expunge(f, NULL, 0, false, &removed), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(folder_count(f), 4);
	assert_int_equal(count_files(h, "Maildir/cur"), 2);
	sync_ok(f, &c);
	assert_int_equal(c.expunged, 2);
	assert_int_equal(c.expunged_seq[1], 2);
	folder_status(f, &s);
	assert_int_equal(s.messages, 2);
	assert_int_equal(s.uidnext, 5);
	assert_int_equal(s.unseen, 2);
	assert_int_equal(s.first_unseen, 1);
	folder_close(f);
	mailbox_close(mb);
}

/* Whoever takes \\Deleted off before it is seen here keeps his message. */
static void
test_unmarked_meanwhile(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	uint32_t seqs[] = { 1, 2, 3 };
	struct folder_changes c;
	size_t removed;

	put_file(h, "Maildir/cur/101.a:2,T", "a\n");
	put_file(h, "Maildir/cur/102.b:2,T", "b\n");
	put_file(h, "Maildir/cur/103.c:2,T", "c\n");
	sync_ok(f, &c);
	rename_file(h, "Maildir/cur", "102.b", "Maildir/cur", ":2,S");
	rename_file(h, "Maildir/cur", "103.c", "Maildir/cur", ":2,ST");
	assert_int_equal(folder_expunge(f, seqs, 3, false, &removed), 0);
	assert_int_equal(removed, 2);
	sync_ok(f, &c);
	assert_int_equal(c.expunged, 2);
	assert_int_equal(folder_count(f), 1);
	assert_int_equal(folder_message(f, 1)->uid, 2);
	assert_int_equal(folder_message(f, 1)->flags, FLAG_SEEN);
	/* MOVE takes it whatever its flags are */
	rename_file(h, "Maildir/cur", "102.b", "Maildir/cur", ":2,F");
	assert_int_equal(folder_expunge(f, seqs, 1, true, &removed), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(count_files(h, "Maildir/cur"), 0);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_append_and_read(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	char text[64], name[256];
	struct append *a;
	uint64_t size;
	uint32_t uid;
	time_t date;
	int fd;

	append_text(f, "Subject: x\r\n\r\nbody\r", FLAG_SEEN, &uid);
	assert_int_equal(uid, 1);
	assert_int_equal(folder_append_begin(f, &a), 0);
	assert_int_equal(folder_append_next(a, 0, 0, 1234567890), 0);
	assert_int_equal(folder_append_write(a, "two\r", 4), 0);
	assert_int_equal(folder_append_write(a, "\nlines\r\n", 8), 0);
	assert_int_equal(folder_append_next(a, FLAG_FLAGGED, 0, 0), 0);
	assert_int_equal(folder_append_commit(a, &uid), 0);
	assert_int_equal(uid, 2);
	sync_ok(f, &c);
	assert_int_equal(folder_count(f), 3);
	assert_false(folder_message(f, 1)->recent);
	assert_true(folder_message(f, 2)->recent);
	fd = folder_message_open(f, 2);
	assert_int_equal(read(fd, text, sizeof(text)), 10);
	assert_memory_equal(text, "two\nlines\n", 10);
	close(fd);
	assert_int_equal(folder_message_size(f, 2, &size), 0);
	assert_int_equal(size, 12);
	assert_int_equal(folder_message_date(f, 2, &date), 0);
	assert_int_equal(date, 1234567890);
	assert_int_equal(folder_message_size(f, 1, &size), 0);
	assert_int_equal(size, 19);
	assert_int_equal(folder_message_size(f, 3, &size), 0);
	assert_int_equal(size, 0);
	find_file(h, "Maildir/cur", ",S=10,W=12,", name);
	assert_true(name[0] != '\0');
	/* Given up: nothing is left. */
	assert_int_equal(folder_append_begin(f, &a), 0);
	assert_int_equal(folder_append_next(a, 0, 0, 0), 0);
	assert_int_equal(folder_append_write(a, "x", 1), 0);
	folder_append_abort(a);
	assert_int_equal(count_files(h, "Maildir/tmp"), 0);
	sync_ok(f, &c);
	assert_int_equal(folder_count(f), 3);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_size_of_foreign_file(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	uint64_t size;

	put_file(h, "Maildir/cur/1.x:2,", "a\nb\r\nc\n");
	sync_ok(f, NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(folder_message_size(f, 1, &size), 0);
		assert_int_equal(size, 9);
		assert_int_equal(folder_settle(f), 0);
	}
	folder_close(f);
	mailbox_close(mb);
}

static void
test_copy_and_move(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name archive;
	struct folder *f = open_inbox(mb), *to;
	struct folder_changes c;
	uint32_t seqs[] = { 1, 2, 3 }, uid;
	struct stat st;
	char name[256];

	folder_name_parse(slice_str("Archive"), &archive);
	assert_int_equal(mailbox_create(mb, &archive), 0);
	to = open_folder(mb, "Archive");
	put_file(h, "Maildir/cur/1.a:2,S", "a\n");
	put_file(h, "Maildir/cur/2.b:2,", "b\n");
	put_file(h, "Maildir/cur/3.c:2,", "c\n");
	assert_int_equal(folder_keyword_number(to, slice_str("other"), true), 0);
	assert_int_equal(folder_keyword_number(f, slice_str("mine"), true), 0);
	sync_ok(f, NULL);
	assert_int_equal(folder_store(f, seqs, 1, STORE_ADD, 0, 1), 0);
	assert_int_equal(folder_copy(f, seqs, 2, to, false, &uid), 0);
	assert_int_equal(uid, 1);
	sync_ok(to, NULL);
	assert_int_equal(folder_count(to), 2);
	assert_int_equal(folder_message(to, 1)->flags, FLAG_SEEN);
	assert_int_equal(folder_message(to, 1)->keywords, 2);
	assert_string_equal(folder_keyword(to, 1), "mine");
	/* A copy within one owner shares the file. */
	find_file(h, "Maildir/cur", "1.a", name);
	assert_int_equal(fstat(folder_message_open(to, 1), &st), 0);
	assert_int_equal(st.st_nlink, 2);

	assert_int_equal(folder_copy(f, seqs + 1, 2, to, true, &uid), 0);
	assert_int_equal(uid, 3);
	sync_ok(f, &c);
	assert_int_equal(c.expunged, 2);
	assert_int_equal(folder_count(f), 1);
	sync_ok(to, &c);
	assert_int_equal(folder_count(to), 4);

	/* Into itself, by another handle. */
	folder_close(to);
	to = open_inbox(mb);
	assert_int_equal(folder_copy(f, seqs, 1, to, false, &uid), 0);
	assert_int_equal(uid, 4);
	sync_ok(f, &c);
	assert_int_equal(folder_count(f), 2);
	assert_int_equal(count_files(h, "Maildir/tmp"), 0);
	/* One of them is gone: no copy at all. */
	remove_file_with(h, "Maildir/cur", "1.a");
	assert_int_equal(folder_copy(f, seqs, 2, to, false, &uid), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(count_files(h, "Maildir/tmp"), 0);
	folder_close(to);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_duplicates_get_new_uids(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	struct folder_status s;
	char name[256], from[400], copy[400];

	put_file(h, "Maildir/new/1.a", "a\n");
	put_file(h, "Maildir/new/2.b", "b\n");
	sync_ok(f, NULL);
	folder_status(f, &s);
	/* cp -l and cp of a message with its name's fields */
	find_file(h, "Maildir/cur", "1.a", name);
	snprintf(from, sizeof(from), "Maildir/cur/%s", name);
	snprintf(copy, sizeof(copy), "Maildir/cur/0%s", name);
	assert_int_equal(linkat(h->fd, from, h->fd, copy, 0), 0);
	snprintf(copy, sizeof(copy), "Maildir/cur/00%sS", name);
	put_file(h, copy, "copied\n");
	sync_ok(f, &c);
	assert_int_equal(c.arrived, 2);
	assert_int_equal(c.expunged, 0);
	assert_int_equal(folder_count(f), 4);
	assert_int_equal(folder_message(f, 4)->uid, 4);
	find_file(h, "Maildir/cur", "-1:2,", name);
	assert_int_equal(strncmp(name, "1.a,B=", 6), 0);
	/* Of another folder, or from the future: new messages. */
	put_file(h, "Maildir/cur/5.x,B=77-1:2,", "x\n");
	snprintf(copy, sizeof(copy), "Maildir/cur/6.y,B=%lu-900:2,",
	    (unsigned long)s.uidvalidity);
	put_file(h, copy, "y\n");
	sync_ok(f, &c);
	assert_int_equal(c.arrived, 2);
	assert_int_equal(folder_message(f, 5)->uid, 5);
	assert_int_equal(folder_message(f, 6)->uid, 6);
	folder_close(f);

	/* A fresh session knows the original from the index. */
	find_file(h, "Maildir/cur", "-2:2,", name);
	snprintf(copy, sizeof(copy), "Maildir/cur/0%s", name);
	put_file(h, copy, "copied\n");
	f = open_inbox(mb);
	sync_ok(f, &c);
	assert_int_equal(folder_count(f), 7);
	find_file(h, "Maildir/cur", "-2:2,", name);
	assert_int_equal(strncmp(name, "2.b,B=", 6), 0);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_put_back_is_new(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	char name[256], path[400];

	put_file(h, "Maildir/new/1.a", "a\n");
	put_file(h, "Maildir/new/2.b", "b\n");
	sync_ok(f, NULL);
	find_file(h, "Maildir/cur", "1.a", name);
	snprintf(path, sizeof(path), "Maildir/cur/%s", name);
	assert_int_equal(renameat(h->fd, path, h->fd, "aside"), 0);
	sync_ok(f, &c);
	assert_int_equal(c.expunged, 1);
	assert_int_equal(renameat(h->fd, "aside", h->fd, path), 0);
	sync_ok(f, &c);
	assert_int_equal(c.arrived, 1);
	assert_int_equal(folder_message(f, 2)->uid, 3);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_read_only(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name inbox = { "" };
	struct folder *ro, *rw;
	uint32_t one = 1;

	put_file(h, "Maildir/new/1.a", "a\n");
	assert_int_equal(folder_open(mb, &inbox, FOLDER_READ_ONLY, &ro), 0);
	sync_ok(ro, NULL);
	assert_int_equal(folder_count(ro), 1);
	assert_true(folder_message(ro, 1)->recent);
	assert_int_equal(count_files(h, "Maildir/new"), 1);
	assert_int_equal(folder_store(ro, &one, 1, STORE_ADD, FLAG_SEEN, 0), -1);
	assert_int_equal(errno, EROFS);
	rw = open_inbox(mb);
	sync_ok(rw, NULL);
	assert_int_equal(folder_message(rw, 1)->uid, 1);
	assert_true(folder_message(rw, 1)->recent);
	assert_int_equal(count_files(h, "Maildir/new"), 0);
	folder_close(rw);
	rw = open_inbox(mb);
	sync_ok(rw, NULL);
	assert_false(folder_message(rw, 1)->recent);
	folder_close(rw);
	folder_close(ro);
	mailbox_close(mb);
}

static void
test_cache(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	void *blob;
	size_t len;

	put_file(h, "Maildir/new/1.a", "a\n");
	sync_ok(f, NULL);
	assert_int_equal(folder_cache_get(f, 1, 1, &blob, &len), -1);
	folder_cache_put(f, 1, 1, "envelope", 8);
	folder_cache_put(f, 1, 2, "", 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(folder_cache_get(f, 1, 1, &blob, &len), 0);
		assert_int_equal(len, 8);
		assert_memory_equal(blob, "envelope", 8);
		free(blob);
		assert_int_equal(folder_settle(f), 0);
	}
	folder_close(f);
	mailbox_close(mb);
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_int_equal(folder_cache_get(f, 1, 2, &blob, &len), 0);
	assert_int_equal(len, 0);
	free(blob);
	/* Forgotten with the message. */
	remove_file_with(h, "Maildir/cur", "1.a");
	sync_ok(f, NULL);
	assert_int_equal(folder_cache_get(f, 1, 1, &blob, &len), -1);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_pop3(void **state)
{
	struct home *h = *state;
	struct mailbox *a = home_mailbox(h), *b = home_mailbox(h);
	struct folder *f = open_inbox(a), *g = open_inbox(b);
	char uidl[FOLDER_UIDL_SIZE], again[FOLDER_UIDL_SIZE];
	uint32_t seq = 1;
	size_t removed;

	put_file(h, "Maildir/new/1.a", "a\n");
	put_file(h, "Maildir/new/2.b", "b\n");
	assert_int_equal(folder_maildrop_lock(f), 0);
	assert_int_equal(folder_maildrop_lock(g), -1);
	assert_int_equal(errno, EBUSY);
	sync_ok(f, NULL);
	folder_uidl(f, 2, uidl);
	assert_int_equal(strlen(uidl), 16);
	assert_int_equal(folder_expunge(f, &seq, 1, true, &removed), 0);
	assert_int_equal(removed, 1);
	folder_close(f);
	assert_int_equal(folder_maildrop_lock(g), 0);
	sync_ok(g, NULL);
	assert_int_equal(folder_count(g), 1);
	folder_uidl(g, 1, again);
	assert_string_equal(uidl, again);
	folder_close(g);
	mailbox_close(a);
	mailbox_close(b);
}

static void
test_notify(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	fd_set set;
	struct timeval none = { 0, 0 };
	char cwd[256], now[256];
	int fd;

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	fd = folder_notify_fd(f);
	assert_true(fd != -1);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	assert_int_equal(select(fd + 1, &set, NULL, NULL, &none), 0);
	put_file(h, "Maildir/new/1.a", "a\n");
	FD_SET(fd, &set);
	assert_int_equal(select(fd + 1, &set, NULL, NULL, &none), 1);
	folder_notify_drain(f);
	FD_SET(fd, &set);
	assert_int_equal(select(fd + 1, &set, NULL, NULL, &none), 0);
	assert_non_null(getcwd(now, sizeof(now)));
	assert_string_equal(cwd, now);
	folder_close(f);
	mailbox_close(mb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_first_use),
		T(test_uids_ascend_with_arrival),
		T(test_others_change_flags_and_remove),
		T(test_store),
		T(test_expunge),
		T(test_unmarked_meanwhile),
		T(test_append_and_read),
		T(test_size_of_foreign_file),
		T(test_copy_and_move),
		T(test_duplicates_get_new_uids),
		T(test_put_back_is_new),
		T(test_read_only),
		T(test_cache),
		T(test_pop3),
		T(test_notify),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
