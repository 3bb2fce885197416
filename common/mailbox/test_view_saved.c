/*
 * A folder in which nothing has happened opens without its directories being
 * read, and shows the same; whatever happened shows.
 */
#include "common/mailbox/internal.h"
#include "common/mailbox/testing.h"

enum { MESSAGES = 200 };

/* Beyond the tick of the clock behind a directory's time of change. */
static void
let_time_pass(void)
{
	usleep(50000);
}

static void
fill(struct home *h)
{
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	uint32_t seq = 7;

	for (int i = 0; i < MESSAGES; i++) {
		char path[100], text[100];

		snprintf(path, sizeof(path), "Maildir/cur/%d.M%d.host:2,%s",
		    1600000000 + i, i, i % 2 == 0 ? "S" : "");
		snprintf(text, sizeof(text), "Subject: %d\n\n", i);
		put_file(h, path, text);
	}
	sync_ok(f, NULL);
	assert_int_equal(folder_keyword_number(f, slice_str("Work"), true), 0);
	assert_int_equal(
	    folder_store(f, &seq, 1, STORE_ADD, FLAG_FLAGGED, 1), 0);
	let_time_pass();
	sync_ok(f, NULL);
	folder_close(f);
	mailbox_close(mb);
}

/* true: it was opened without a look at the directories. */
static bool
opens_warm(struct home *h, struct mailbox **mb, struct folder **f)
{
	*mb = home_mailbox(h);
	*f = open_inbox(*mb);
	sync_ok(*f, NULL);
	return (*f)->count > 0 && (*f)->pool.len == 0;
}

static void
leave(struct mailbox *mb, struct folder *f)
{
	folder_close(f);
	mailbox_close(mb);
}

static bool
is_warm(struct home *h)
{
	struct mailbox *mb;
	struct folder *f;
	bool warm = opens_warm(h, &mb, &f);

	leave(mb, f);
	return warm;
}

static void
test_same(void **state)
{
	struct home *h = *state;
	struct folder_status cold, warm;
	struct mailbox *mb;
	struct message before[MESSAGES];
	struct folder *f;

	fill(h);
	assert_int_equal(unlinkat(h->fd, "index/data.mdb", 0), 0);
	assert_false(opens_warm(h, &mb, &f));
	folder_status(f, &cold);
	for (size_t i = 0; i < MESSAGES; i++)
		before[i] = *folder_message(f, i + 1);
	leave(mb, f);
	assert_true(opens_warm(h, &mb, &f));
	folder_status(f, &warm);
	assert_int_equal(warm.messages, MESSAGES);
	assert_int_equal(warm.unseen, cold.unseen);
	assert_int_equal(warm.first_unseen, cold.first_unseen);
	assert_int_equal(warm.uidnext, cold.uidnext);
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct message *m = folder_message(f, i + 1);

		assert_int_equal(m->uid, before[i].uid);
		assert_int_equal(m->flags, before[i].flags);
		assert_true(m->keywords == before[i].keywords);
		assert_true(m->modseq == before[i].modseq);
		assert_false(m->recent || m->gone);
	}
	assert_true(before[6].flags & FLAG_FLAGGED);
	leave(mb, f);
}

/* Everything that needs a name finds it. */
static void
test_without_names(void **state)
{
	struct home *h = *state;
	struct mailbox *mb;
	struct folder *f, *g;
	uint32_t uid, seq = 3;
	char id[FOLDER_EMAIL_ID_SIZE], text[32];
	struct folder_name other;
	uint64_t size;
	time_t date;
	int fd;

	fill(h);
	assert_true(opens_warm(h, &mb, &f));
	fd = folder_message_open(f, 5);
	assert_true(fd != -1);
	assert_int_equal(read(fd, text, 10), 10);
	assert_memory_equal(text, "Subject: 4", 10);
	close(fd);
	leave(mb, f);
	assert_true(opens_warm(h, &mb, &f));
	assert_int_equal(folder_message_size(f, 5, &size), 0);
	assert_int_equal(size, 14);
	leave(mb, f);
	assert_true(opens_warm(h, &mb, &f));
	assert_int_equal(folder_message_date(f, 6, &date), 0);
	leave(mb, f);
	assert_true(opens_warm(h, &mb, &f));
	assert_int_equal(folder_email_id(f, 5, id), 0);
	leave(mb, f);
	assert_true(opens_warm(h, &mb, &f));
	assert_int_equal(folder_message_savedate(f, 5, &date), 0);
	assert_int_equal(date, 1600000004);
	folder_name_parse(slice_str("Other"), &other);
	assert_int_equal(mailbox_create(mb, &other), 0);
	leave(mb, f);
	assert_true(opens_warm(h, &mb, &f));
	g = open_folder(mb, "Other");
	assert_int_equal(folder_copy(f, &seq, 1, g, false, &uid), 0);
	folder_close(g);
	leave(mb, f);
	assert_true(opens_warm(h, &mb, &f));
	assert_int_equal(
	    folder_store(f, &seq, 1, STORE_ADD, FLAG_ANSWERED, 0), 0);
	assert_true(folder_message(f, 3)->flags & FLAG_ANSWERED);
	sync_ok(f, NULL);
	let_time_pass();
	sync_ok(f, NULL);
	leave(mb, f);
	assert_true(opens_warm(h, &mb, &f));
	assert_true(folder_message(f, 3)->flags & FLAG_ANSWERED);
	assert_int_equal(folder_expunge(f, &seq, 1, true, NULL), 0);
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), MESSAGES - 1);
	leave(mb, f);
}

/* Another program adds, changes, removes, or a copy with our identity comes. */
static void
test_changes_show(void **state)
{
	struct home *h = *state;
	struct folder_changes c;
	struct mailbox *mb;
	struct folder *f;

	fill(h);
	rename_file(h, "Maildir/cur", "M1.host", "Maildir/cur", ":2,FRS");
	assert_false(opens_warm(h, &mb, &f));
	assert_true(folder_message(f, 2)->flags & FLAG_ANSWERED);
	let_time_pass();
	sync_ok(f, NULL);
	leave(mb, f);
	assert_true(is_warm(h));
	put_file(h, "Maildir/new/1.M1", "x\n");
	assert_false(opens_warm(h, &mb, &f));
	assert_int_equal(folder_count(f), MESSAGES + 1);
	leave(mb, f);
	let_time_pass();
	assert_false(is_warm(h)); /* our own move to cur/ was a change */
	assert_true(is_warm(h));
	assert_true(opens_warm(h, &mb, &f));
	remove_file_with(h, "Maildir/cur", "M9.host");
	put_file(h, "Maildir/new/2.M1", "x\n");
	sync_ok(f, &c);
	assert_int_equal(c.expunged, 1);
	assert_int_equal(c.arrived, 1);
	assert_int_equal(folder_count(f), MESSAGES + 1);
	leave(mb, f);
}

/* A message in new/ that a read-only session leaves there is recent next time.
 */
static void
test_recent(void **state)
{
	struct home *h = *state;
	struct folder_name inbox = { "" };
	struct folder_status st;
	struct mailbox *mb;
	struct folder *f;

	fill(h);
	put_file(h, "Maildir/new/1.M1", "x\n");
	mb = home_mailbox(h);
	for (int i = 0; i < 3; i++) {
		let_time_pass();
		assert_int_equal(
		    folder_open(mb, &inbox, FOLDER_READ_ONLY, &f), 0);
		sync_ok(f, NULL);
		folder_status(f, &st);
		assert_int_equal(st.recent, 1);
		folder_close(f);
	}
	f = open_inbox(mb);
	sync_ok(f, NULL);
	folder_status(f, &st);
	assert_int_equal(st.recent, 1);
	leave(mb, f);
}

static int
lose_a_chunk(struct index_txn *t, void *ctx)
{
	const struct folder *f = ctx;
	uint8_t key[INDEX_KEY_LEN];

	index_key_pack(INDEX_CHUNK, f->state.identity, 1, 0, key);
	return index_delete(t, key);
}

/* What the index lacks or has too much of makes nobody lose a message. */
static void
test_not_all_there(void **state)
{
	struct home *h = *state;
	struct mailbox *mb;
	struct folder *f;

	fill(h);
	assert_true(opens_warm(h, &mb, &f));
	assert_int_equal(index_write(mb->index, lose_a_chunk, f), 0);
	leave(mb, f);
	assert_false(opens_warm(h, &mb, &f));
	assert_int_equal(folder_count(f), MESSAGES);
	assert_int_equal(folder_message(f, MESSAGES)->uid, MESSAGES);
	leave(mb, f);
	assert_true(is_warm(h));
}

static int
damage_a_chunk(struct index_txn *t, void *ctx)
{
	const struct folder *f = ctx;
	uint8_t key[INDEX_KEY_LEN];

	/* no message has such a UID */
	index_key_pack(INDEX_CHUNK, f->state.identity, 9, 0, key);
	return index_put(t, key, SLICE_LITERAL("damaged"), SLICE_LITERAL(""));
}

/* A chunk of no message of the view is nobody's business. */
static void
test_damage_beyond(void **state)
{
	struct home *h = *state;
	struct mailbox *mb;
	struct folder *f;

	fill(h);
	assert_true(opens_warm(h, &mb, &f));
	assert_int_equal(index_write(mb->index, damage_a_chunk, f), 0);
	leave(mb, f);
	assert_true(is_warm(h));
	assert_true(is_warm(h));
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_same),
		T(test_without_names),
		T(test_changes_show),
		T(test_recent),
		T(test_not_all_there),
		T(test_damage_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
