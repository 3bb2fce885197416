/* Keywords beyond the 26 letters: the file, and folders that have some. */
#include "common/mailbox/more_keywords.h"
#include "common/mailbox/testing.h"

static void
test_file(void **state)
{
	struct more_keywords m = { .identity = 7 }, n;
	size_t len;
	char *text;

	(void)state;
	strcpy(m.names[0], "$Label27");
	strcpy(m.names[MORE_KEYWORDS - 1], "last");
	assert_int_equal(more_set(&m, 9, 1), 0);
	assert_int_equal(
	    more_set(&m, 3, UINT64_C(1) << (MORE_KEYWORDS - 1)), 0);
	assert_int_equal(more_set(&m, 5, 3), 0);
	assert_int_equal(more_set(&m, 5, 0), 0);
	assert_int_equal(more_set(&m, 6, 0), 0);
	assert_int_equal(m.count, 2);
	text = more_print(&m, &len);
	assert_non_null(text);
	assert_int_equal(more_parse(slice_of(text, len), &n), PARSE_OK);
	assert_int_equal(n.identity, 7);
	assert_string_equal(n.names[0], "$Label27");
	assert_string_equal(n.names[MORE_KEYWORDS - 1], "last");
	assert_true(more_get(&n, 9) == 1 && more_get(&n, 5) == 0 &&
		    more_get(&n, 3) == UINT64_C(1) << (MORE_KEYWORDS - 1));
	more_clear(&n);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(more_parse(slice_of(text, i), &n), PARSE_BAD);
		more_clear(&n);
		text[i] ^= 1;
		assert_int_equal(
		    more_parse(slice_of(text, len), &n), PARSE_BAD);
		more_clear(&n);
		text[i] ^= 1;
	}
	free(text);
	more_clear(&m);
}

static uint64_t
bit(int n)
{
	return UINT64_C(1) << n;
}

static int
keyword(struct folder *f, int i, bool create)
{
	char name[32];

	snprintf(name, sizeof(name), "Word%d", i);
	return folder_keyword_number(f, slice_str(name), create);
}

/* All 64 are to be had; one more is refused. */
static void
test_sixty_four(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);

	for (int i = 0; i < FOLDER_KEYWORDS_MAX; i++)
		assert_int_equal(keyword(f, i, true), i);
	assert_int_equal(keyword(f, 64, true), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(keyword(f, 40, true), 40);
	folder_close(f);
	f = open_inbox(mb);
	for (int i = 0; i < FOLDER_KEYWORDS_MAX; i++)
		assert_int_equal(keyword(f, i, false), i);
	assert_null(folder_keyword(f, 64));
	folder_close(f);
	mailbox_close(mb);
}

/* Set, taken away, seen by another session, kept without an index, copied. */
static void
test_messages(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h), *other = home_mailbox(h);
	struct folder *f = open_inbox(mb), *g = open_inbox(other), *to;
	uint32_t uid, seqs[] = { 1, 2 };
	struct folder_changes c;
	struct folder_name name;
	uint64_t modseq;

	for (int i = 0; i < 30; i++)
		keyword(f, i, true);
	append_text(f, "a\n", FLAG_SEEN, &uid);
	append_text(f, "b\n", 0, &uid);
	sync_ok(f, NULL);
	sync_ok(g, &c);
	modseq = folder_message(g, 1)->modseq;
	assert_int_equal(
	    folder_store(f, seqs, 2, STORE_ADD, 0, bit(28) | bit(3)), 0);
	assert_int_equal(folder_store(f, seqs, 1, STORE_ADD, 0, bit(29)), 0);
	assert_true(
	    folder_message(f, 1)->keywords == (bit(3) | bit(28) | bit(29)));
	sync_ok(f, &c);
	assert_int_equal(c.changed, 0); /* it knows */
	sync_ok(g, &c);
	assert_int_equal(c.changed, 2);
	assert_true(
	    folder_message(g, 1)->keywords == (bit(3) | bit(28) | bit(29)));
	assert_true(folder_message(g, 2)->keywords == (bit(3) | bit(28)));
	assert_true(folder_message(g, 1)->modseq > modseq);
	/* one of these alone: no name changes, and yet it is seen */
	assert_int_equal(folder_store(g, seqs, 1, STORE_REMOVE, 0, bit(28)), 0);
	sync_ok(f, &c);
	assert_int_equal(c.changed, 1);
	assert_true(folder_message(f, 1)->keywords == (bit(3) | bit(29)));
	assert_int_equal(
	    folder_store(f, seqs, 1, STORE_REPLACE, FLAG_SEEN, bit(27)), 0);
	sync_ok(g, NULL);
	assert_true(folder_message(g, 1)->keywords == bit(27));

	folder_name_parse(slice_str("To"), &name);
	assert_int_equal(mailbox_create(mb, &name), 0);
	to = open_folder(mb, "To");
	for (int i = 40; i < 66; i++) /* other letters there */
		keyword(to, i, true);
	assert_int_equal(folder_copy(f, seqs, 2, to, false, &uid), 0);
	sync_ok(to, NULL);
	assert_true(
	    folder_message(to, 1)->keywords == bit(keyword(to, 27, false)));
	assert_true(folder_message(to, 2)->keywords ==
		    (bit(keyword(to, 3, false)) | bit(keyword(to, 28, false))));
	folder_close(to);

	assert_int_equal(folder_expunge(g, seqs, 1, true, NULL), 0);
	sync_ok(g, NULL);
	folder_close(f);
	folder_close(g);
	mailbox_close(other);
	mailbox_close(mb);
	assert_int_equal(unlinkat(h->fd, "index/data.mdb", 0), 0);
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), 1);
	assert_true(folder_message(f, 1)->keywords == (bit(3) | bit(28)));
	folder_close(f);
	/* opened from the index, and again after damage: the letters stay */
	usleep(50000);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_true(folder_message(f, 1)->keywords == (bit(3) | bit(28)));
	folder_close(f);
	assert_int_equal(unlinkat(h->fd, "Maildir/bulkhead-keywords", 0), 0);
	put_file(h, "Maildir/bulkhead-keywords", "bulkhead-keywords 1\nno\n");
	put_file(h, "Maildir/cur/9.x:2,S", "x\n");
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_true(folder_message(f, 1)->keywords == bit(3));
	assert_int_equal(keyword(f, 26, true), 26);
	folder_close(f);
	mailbox_close(mb);
}

static void
store_one_more(struct home *h)
{
	struct mailbox *mb;
	struct folder *f;
	struct folder_name inbox = { "" };
	uint32_t seq = 1;

	if (mailbox_open(h->fd, &mb) == -1 ||
	    folder_open(mb, &inbox, 0, &f) == -1 ||
	    folder_sync(f, 0, NULL) == -1 ||
	    folder_store(f, &seq, 1, STORE_ADD, FLAG_FLAGGED, bit(27)) == -1)
		_exit(1);
	folder_close(f);
	mailbox_close(mb);
}

/* Killed at any call: what was there before stays, and the rest can be read. */
static void
test_killed_anywhere(void **state)
{
	bool killed = true;

	for (unsigned k = 1; killed; k += 3) {
		struct home *h = *state;
		struct mailbox *mb = home_mailbox(h);
		struct folder *f = open_inbox(mb);
		uint32_t uid, seq = 1;
		uint64_t now;

		for (int i = 0; i < 28; i++)
			keyword(f, i, true);
		append_text(f, "a\n", FLAG_SEEN, &uid);
		sync_ok(f, NULL);
		assert_int_equal(
		    folder_store(f, &seq, 1, STORE_ADD, 0, bit(26)), 0);
		folder_close(f);
		mailbox_close(mb);
		killed = killed_at(h, store_one_more, k);
		mb = home_mailbox(h);
		f = open_inbox(mb);
		sync_ok(f, NULL);
		now = folder_message(f, 1)->keywords;
		assert_true(now == bit(26) || now == (bit(26) | bit(27)));
		assert_true(killed || now == (bit(26) | bit(27)));
		folder_close(f);
		mailbox_close(mb);
		if (killed) {
			home_teardown(state);
			home_renew(state);
		}
	}
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		T(test_sixty_four),
		T(test_messages),
		T(test_killed_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
