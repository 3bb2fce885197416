/*
 * A view that is only an outline counts as one that is whole, and becomes one
 * when somebody looks: with the same messages in the same places, whatever
 * happened to the folder and to its index meanwhile.
 */
#include "common/mailbox/internal.h"
#include "common/mailbox/testing.h"

enum { MESSAGES = 300, ROUNDS = 60 };

/* Beyond the tick of the clock behind a directory's time of change. */
static void
let_time_pass(void)
{
	usleep(20000);
}

static void
fill(struct home *h)
{
	struct mailbox *mb = home_mailbox(h);

	folder_close(open_inbox(mb));
	mailbox_close(mb);
	for (int i = 0; i < MESSAGES; i++) {
		char path[100];

		snprintf(path, sizeof(path), "Maildir/cur/%d.M%d.host:2,%s",
		    1600000000 + i, i, i % 3 == 0 ? "" : "S");
		put_file(h, path, "Subject: x\n\n");
	}
}

struct view {
	struct mailbox *mb;
	struct folder *f;
};

/* Opened until it comes from the index. */
static void
open_outline(struct home *h, struct view *v)
{
	for (int tries = 0; tries < 200; tries++) {
		v->mb = home_mailbox(h);
		v->f = open_inbox(v->mb);
		assert_int_equal(folder_sync(v->f, FOLDER_OUTLINE, NULL), 0);
		if (v->f->outline != NULL)
			return;
		folder_close(v->f);
		mailbox_close(v->mb);
		let_time_pass();
	}
	fail_msg("it never came from the index");
}

static void
leave(struct view *v)
{
	folder_close(v->f);
	mailbox_close(v->mb);
}

static void
open_whole(struct home *h, struct view *v)
{
	v->mb = home_mailbox(h);
	v->f = open_inbox(v->mb);
	sync_ok(v->f, NULL);
}

/* What is counted is what there is. */
static void
test_numbers(void **state)
{
	struct home *h = *state;
	struct folder_changes c;
	struct folder_status a, b;
	struct view v;
	uint32_t seqs[] = { 1, 4, 7, 150 };

	fill(h);
	open_whole(h, &v);
	assert_int_equal(folder_expunge(v.f, seqs, 4, true, NULL), 0);
	leave(&v);
	let_time_pass();
	open_outline(h, &v);
	assert_int_equal(folder_count(v.f), MESSAGES - 4);
	folder_status(v.f, &a);
	assert_int_equal(folder_sync(v.f, FOLDER_OUTLINE, &c), 0);
	assert_non_null(v.f->outline);
	assert_int_equal(c.arrived + c.expunged + c.changed, 0);
	assert_int_equal(folder_look(v.f), 0);
	assert_null(v.f->outline);
	folder_status(v.f, &b);
	assert_int_equal(a.messages, b.messages);
	assert_int_equal(a.unseen, b.unseen);
	assert_int_equal(a.first_unseen, b.first_unseen);
	assert_int_equal(a.highestmodseq, b.highestmodseq);
	assert_int_equal(b.unseen, MESSAGES / 3 - 3);
	assert_int_equal(folder_message(v.f, 1)->uid, 2);
	assert_int_equal(folder_message(v.f, MESSAGES - 4)->uid, MESSAGES);
	sync_ok(v.f, &c);
	assert_int_equal(c.arrived + c.expunged + c.changed, 0);
	leave(&v);
}

/* A rest changes nothing, and closing it neither. */
static void
test_rests_and_closes(void **state)
{
	struct home *h = *state;
	struct view v;

	fill(h);
	open_whole(h, &v);
	leave(&v);
	let_time_pass();
	open_outline(h, &v);
	folder_rest(v.f);
	assert_int_equal(folder_wake(v.f), 0);
	assert_non_null(v.f->outline);
	leave(&v);
	open_outline(h, &v);
	assert_int_equal(folder_look(v.f), 0);
	folder_rest(v.f);
	assert_int_equal(folder_look(v.f), 0);
	assert_int_equal(folder_message(v.f, 7)->uid, 7);
	leave(&v);
}

/* One that is closed and kept is an outline again, told as arrived. */
static void
test_kept(void **state)
{
	struct home *h = *state;
	struct folder_changes c;
	struct view v, other;
	uint32_t seq = 9;

	fill(h);
	open_whole(h, &v);
	leave(&v);
	let_time_pass();
	open_outline(h, &v);
	mailbox_follow(v.mb);
	for (int i = 0; i < 3; i++) {
		folder_close(v.f);
		assert_int_equal(v.mb->nkept, 1);
		v.f = open_inbox(v.mb);
		assert_int_equal(folder_sync(v.f, FOLDER_OUTLINE, &c), 0);
		assert_non_null(v.f->outline);
		assert_int_equal(c.arrived, MESSAGES);
	}
	folder_close(v.f);
	open_whole(h, &other);
	assert_int_equal(folder_expunge(other.f, &seq, 1, true, NULL), 0);
	leave(&other);
	v.f = open_inbox(v.mb);
	assert_int_equal(folder_sync(v.f, FOLDER_OUTLINE, &c), 0);
	assert_int_equal(folder_look(v.f), 0);
	/* Told as it was then, or as it is now: in any case it is right. */
	sync_ok(v.f, NULL);
	sync_ok(v.f, NULL);
	assert_int_equal(folder_count(v.f), MESSAGES - 1);
	assert_int_equal(folder_message(v.f, 9)->uid, 10);
	leave(&v);
}

/* ---- what others do before anybody looks ---- */

static uint32_t
some(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

struct damage {
	const struct folder *f;
	uint32_t number;
};

static int
damage_chunk(struct index_txn *t, void *ctx)
{
	const struct damage *d = ctx;
	uint8_t key[INDEX_KEY_LEN];

	index_key_pack(INDEX_CHUNK, d->f->state.identity, d->number, 0, key);
	return index_put(t, key, SLICE_LITERAL("damaged"), SLICE_LITERAL(""));
}

/* All of it, or a chunk, or nothing. */
static void
lose_index(struct home *h, uint32_t *seed)
{
	struct damage d = { .number = some(seed, 6) };
	struct view o;

	switch (some(seed, 6)) {
	case 0:
		unlinkat(h->fd, "index/data.mdb", 0);
		break;
	case 1:
	case 2:
		open_whole(h, &o);
		d.f = o.f;
		assert_int_equal(index_write(o.mb->index, damage_chunk, &d), 0);
		leave(&o);
		break;
	default:
		break;
	}
}

/* By another session and by another program. */
static void
others_at_work(struct home *h, uint32_t *seed)
{
	struct view o;

	open_whole(h, &o);
	for (uint32_t n = some(seed, 12); n > 0; n--) {
		uint32_t seq = 1 + some(seed, (uint32_t)folder_count(o.f));
		uint32_t uid;

		switch (some(seed, 4)) {
		case 0:
			append_text(o.f, "new\n\n", FLAG_SEEN, &uid);
			break;
		case 1:
			(void)folder_expunge(o.f, &seq, 1, true, NULL);
			break;
		default:
			assert_int_equal(
			    folder_store(o.f, &seq, 1, STORE_REPLACE,
				(uint8_t)some(seed, 16) & FLAG_ALL, 0),
			    0);
		}
		sync_ok(o.f, NULL);
	}
	if (some(seed, 3) == 0)
		remove_file_with(h, "Maildir/cur", "B=");
	leave(&o);
}

/* What a client knows after it was told. */
static void
check_against_whole(struct home *h, struct folder *f)
{
	struct view o;

	open_whole(h, &o);
	assert_int_equal(folder_count(f), folder_count(o.f));
	for (size_t seq = 1; seq <= folder_count(f); seq++) {
		const struct message *a = folder_message(f, seq);
		const struct message *b = folder_message(o.f, seq);

		assert_int_equal(a->uid, b->uid);
		assert_int_equal(a->flags, b->flags);
	}
	leave(&o);
}

/* Of those that changed since, all are told. */
static void
check_told(const struct folder *f, const struct folder_changes *c,
    const uint8_t *flags, const uint32_t *uids, size_t n)
{
	size_t told = 0;

	for (size_t seq = 1; seq <= folder_count(f); seq++) {
		const struct message *m = folder_message(f, seq);
		bool is_told = told < c->changed && c->changed_seq[told] == seq;
		size_t was = 0;

		told += is_told;
		while (was < n && uids[was] != m->uid)
			was++;
		if (was < n && flags[was] != m->flags)
			assert_true(is_told);
	}
	assert_int_equal(told, c->changed);
}

static void
one_round(struct home *h, uint32_t *seed)
{
	static uint32_t uids[MESSAGES * 4];
	static uint8_t flags[MESSAGES * 4];
	struct folder_changes c;
	struct view v, o;
	size_t n;

	open_outline(h, &v);
	n = folder_count(v.f);
	assert_true(n < MESSAGES * 4);
	open_whole(h, &o);
	assert_int_equal(folder_count(o.f), n);
	for (size_t seq = 1; seq <= n; seq++) {
		uids[seq - 1] = folder_message(o.f, seq)->uid;
		flags[seq - 1] = folder_message(o.f, seq)->flags;
	}
	leave(&o);
	others_at_work(h, seed);
	lose_index(h, seed);
	if (some(seed, 2) == 0) {
		assert_int_equal(folder_look(v.f), 0);
		assert_int_equal(folder_count(v.f), n);
		for (size_t seq = 1; seq <= n; seq++)
			assert_int_equal(
			    folder_message(v.f, seq)->uid, uids[seq - 1]);
	}
	sync_ok(v.f, &c);
	check_told(v.f, &c, flags, uids, n);
	sync_ok(v.f, NULL);
	check_against_whole(h, v.f);
	leave(&v);
}

static void
test_others_at_work(void **state)
{
	struct home *h = *state;
	uint32_t seed = 5;

	fill(h);
	for (int i = 0; i < ROUNDS; i++)
		one_round(h, &seed);
}

/* ---- found in review ---- */

/* What others have made of the folder between an outline and the first look. */
static void
prepare(struct home *h, struct view *v)
{
	fill(h);
	open_whole(h, v);
	leave(v);
	let_time_pass();
	open_outline(h, v);
}

/* Sizes and dates of messages that the index does not know any more make no
 * messages of them, of which nothing else would be known. */
static void
test_facts_alone(void **state)
{
	struct home *h = *state;
	struct folder_name inbox = { "" };
	struct folder_status before, s;
	struct view v;
	time_t date;

	fill(h);
	open_whole(h, &v);
	mailbox_follow(v.mb);
	let_time_pass();
	sync_ok(v.f, NULL);
	put_file(h, "Maildir/cur/1700000000.M1.host:2,S", "x\n");
	sync_ok(v.f, NULL);
	let_time_pass();
	put_file(h, "Maildir/cur/1700000001.M2.host:2,S", "x\n");
	sync_ok(v.f, NULL);
	folder_status(v.f, &before);
	assert_int_equal(folder_settle(v.f), 0);
	let_time_pass();
	assert_int_equal(unlinkat(h->fd, "index/data.mdb", 0), 0);
	for (size_t q = 1; q <= folder_count(v.f); q++)
		assert_int_equal(folder_message_date(v.f, q, &date), 0);
	assert_int_equal(folder_settle(v.f), 0);
	mailbox_rest(v.mb);
	leave(&v);
	v.mb = home_mailbox(h);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mailbox_status(v.mb, &inbox, &s), 0);
		assert_int_equal(s.messages, MESSAGES + 2);
		assert_int_equal(s.unseen, before.unseen);
		assert_int_equal(s.first_unseen, before.first_unseen);
	}
	mailbox_close(v.mb);
}

static void
test_told_after_a_loss(void **state)
{
	struct home *h = *state;
	struct folder_changes c;
	struct view v;
	bool told = false;

	prepare(h, &v);
	rename_file(h, "Maildir/cur", "M6.host", "Maildir/cur", ":2,S");
	assert_int_equal(unlinkat(h->fd, "index/data.mdb", 0), 0);
	sync_ok(v.f, &c);
	for (size_t i = 0; i < c.changed; i++)
		told |= folder_message(v.f, c.changed_seq[i])->uid == 7;
	assert_true(told);
	assert_int_equal(folder_message(v.f, 7)->flags, FLAG_SEEN);
	leave(&v);
}

/* A look that fails leaves the outline, and no messages without flags. */
static void
test_failed_look(void **state)
{
	struct home *h = *state;
	struct view v;
	int keep, null;

	prepare(h, &v);
	assert_int_equal(unlinkat(h->fd, "index/data.mdb", 0), 0);
	keep = dup(v.f->new_fd);
	null = open("/dev/null", O_RDONLY);
	assert_true(keep != -1 && null != -1);
	assert_int_equal(dup2(null, v.f->new_fd), v.f->new_fd);
	assert_int_equal(folder_look(v.f), -1);
	assert_non_null(v.f->outline);
	assert_int_equal(folder_count(v.f), MESSAGES);
	assert_int_equal(dup2(keep, v.f->new_fd), v.f->new_fd);
	close(keep);
	close(null);
	assert_int_equal(folder_look(v.f), 0);
	assert_int_equal(folder_message(v.f, 2)->flags, FLAG_SEEN);
	assert_true(folder_message(v.f, 2)->modseq > 0);
	leave(&v);
}

static void
test_new_keywords(void **state)
{
	struct home *h = *state;
	struct folder_changes c;
	struct view v, o;
	uint32_t seq = 3;
	int n;

	prepare(h, &v);
	open_whole(h, &o);
	n = folder_keyword_number(o.f, slice_str("Work"), true);
	assert_true(n >= 0);
	assert_int_equal(
	    folder_store(o.f, &seq, 1, STORE_ADD, 0, UINT64_C(1) << n), 0);
	leave(&o);
	assert_int_equal(folder_look(v.f), 0);
	sync_ok(v.f, &c);
	assert_true(c.keywords);
	leave(&v);
}

/* Never below what another session was told. */
static void
test_kept_highestmodseq(void **state)
{
	struct home *h = *state;
	struct folder_status told, s;
	struct view v, o;

	prepare(h, &v);
	mailbox_follow(v.mb);
	folder_close(v.f);
	assert_int_equal(unlinkat(h->fd, "index/data.mdb", 0), 0);
	open_whole(h, &o);
	folder_status(o.f, &told);
	leave(&o);
	v.f = open_inbox(v.mb);
	assert_int_equal(folder_sync(v.f, FOLDER_OUTLINE, NULL), 0);
	folder_status(v.f, &s);
	assert_true(s.highestmodseq >= told.highestmodseq);
	leave(&v);
}

/* What came since the last sync has not vanished. */
static void
test_nothing_new_vanished(void **state)
{
	struct home *h = *state;
	struct uid_range all = { 1, UINT32_MAX }, *r;
	struct view v, o;
	uint32_t uid;
	size_t n;

	prepare(h, &v);
	open_whole(h, &o);
	append_text(o.f, "a: b\n\nx\n", FLAG_SEEN, &uid);
	leave(&o);
	assert_int_equal(folder_look(v.f), 0);
	assert_int_equal(folder_vanished(v.f, &all, 1, 1, &r, &n), 0);
	assert_int_equal(n, 0);
	free(r);
	sync_ok(v.f, NULL);
	assert_int_equal(folder_seq_of(v.f, uid), MESSAGES + 1);
	leave(&v);
}

static int
another_kind(struct index_txn *t, void *ctx)
{
	const struct folder *f = ctx;
	uint8_t key[INDEX_KEY_LEN];

	index_key_pack(INDEX_CHUNK, f->state.identity, 0, 1, key);
	return index_put(t, key, SLICE_LITERAL("junk"), SLICE_LITERAL(""));
}

/* A key that we never write is passed over. */
static void
test_another_kind(void **state)
{
	struct home *h = *state;
	struct view v;

	prepare(h, &v);
	assert_int_equal(index_write(v.mb->index, another_kind, v.f), 0);
	leave(&v);
	open_whole(h, &v);
	leave(&v);
	let_time_pass();
	v.mb = home_mailbox(h);
	v.f = open_inbox(v.mb);
	assert_int_equal(folder_sync(v.f, FOLDER_OUTLINE, NULL), 0);
	assert_non_null(v.f->outline);
	assert_int_equal(folder_count(v.f), MESSAGES);
	leave(&v);
}

/* As after a sync that ran out of memory before it told what arrived. */
static void
test_untold_at_rest(void **state)
{
	struct home *h = *state;
	struct folder_changes c;
	struct folder_status s;
	struct view v;

	fill(h);
	open_whole(h, &v);
	let_time_pass();
	sync_ok(v.f, NULL);
	v.f->told = MESSAGES - 1;
	folder_rest(v.f);
	sync_ok(v.f, &c);
	assert_int_equal(c.arrived, 1);
	folder_status(v.f, &s);
	assert_int_equal(s.messages, MESSAGES);
	leave(&v);
}

/* ---- what cannot be ---- */

static void
test_bad_chunks(void **state)
{
	struct outline *o = outline_new();

	(void)state;
	assert_non_null(o);
	assert_int_equal(outline_add(&o, 3, 0), -1);
	assert_int_equal(outline_add(&o, 0, 1), -1);
	assert_int_equal(outline_add(&o, 0, 2), 0);
	assert_int_equal(o->last, 1);
	assert_int_equal(outline_add(&o, 0, 4), -1);
	assert_int_equal(outline_add(&o, UINT32_MAX / 64 + 1, 4), -1);
	for (uint32_t i = 1; i < 1000; i++)
		assert_int_equal(outline_add(&o, i, UINT64_C(1) << 63 | 1), 0);
	assert_int_equal(outline_add(&o, UINT32_MAX / 64, UINT64_MAX), 0);
	assert_int_equal(o->last, UINT32_MAX);
	assert_int_equal(o->messages, 1 + 2 * 999 + 64);
	free(o);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown((f), home_setup, home_teardown)
	static const struct CMUnitTest tests[] = {
		T(test_numbers),
		T(test_rests_and_closes),
		T(test_kept),
		T(test_others_at_work),
		T(test_facts_alone),
		T(test_told_after_a_loss),
		T(test_failed_look),
		T(test_new_keywords),
		T(test_kept_highestmodseq),
		T(test_nothing_new_vanished),
		T(test_another_kind),
		T(test_untold_at_rest),
		cmocka_unit_test(test_bad_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
