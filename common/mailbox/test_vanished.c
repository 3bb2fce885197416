/*
 * The record of expunged UIDs, and that a client that comes back hears of every
 * change: each client of a random history takes what is reported since its last
 * modification sequence, and then knows the folder as it is.
 */
#include "common/mailbox/internal.h"
#include "common/mailbox/testing.h"

#include "common/mailbox/vanished.h"

static void
test_record(void **state)
{
	static struct vanished v, w;
	static uint8_t octets[VANISHED_SIZE];
	size_t len;

	(void)state;
	v = (struct vanished){ .floor = 10, .highest = 40 };
	vanished_add(&v, 3, 5, 11);
	vanished_add(&v, 6, 6, 11);	/* joins */
	vanished_add(&v, 7, 7, 12);
	vanished_add(&v, 9, 9, 10);	/* not above the floor */
	assert_int_equal(v.len, 2);
	assert_true(vanished_has(&v, 6) && vanished_has(&v, 7));
	assert_false(vanished_has(&v, 8) || vanished_has(&v, 9));
	len = vanished_pack(&v, octets);
	assert_int_equal(vanished_parse(slice_of(octets, len), &w), PARSE_OK);
	assert_int_equal(w.len, 2);
	assert_int_equal(w.range[0].last, 6);
	for (size_t i = 0; i < len; i++) {
		octets[i] ^= 1;
		assert_int_equal(vanished_parse(slice_of(octets, len), &w),
		    PARSE_BAD);
		octets[i] ^= 1;
		assert_int_equal(vanished_parse(slice_of(octets, i), &w),
		    PARSE_BAD);
	}
	vanished_remove(&v, 4);		/* 3 5:6 7 */
	vanished_remove(&v, 6);		/* 3 5 7 */
	vanished_remove(&v, 7);
	assert_int_equal(v.len, 2);
	assert_false(vanished_has(&v, 4) || vanished_has(&v, 6));
	assert_true(vanished_has(&v, 3) && vanished_has(&v, 5));
}

/* X2: full, it forgets the oldest and says from where on it is complete. */
static void
test_record_is_bounded(void **state)
{
	static struct vanished v;

	(void)state;
	v = (struct vanished){ .floor = 1 };
	for (uint32_t i = 1; i <= 5 * VANISHED_MAX; i++) {
		vanished_add(&v, 2 * i, 2 * i, 1 + i);
		assert_true(v.len <= VANISHED_MAX);
		assert_true(vanished_has(&v, 2 * i));
		assert_true(v.range[0].modseq == v.floor + 1);
	}
	assert_true(v.floor > 4 * VANISHED_MAX - VANISHED_MAX / 2);
	/* one expunge with more ranges than there is room for */
	v = (struct vanished){ .floor = 1 };
	for (uint32_t i = 1; i <= VANISHED_MAX + 1; i++)
		vanished_add(&v, 2 * i, 2 * i, 7);
	assert_int_equal(v.len, 0);
	assert_int_equal(v.floor, 7);
	/* splitting a full one */
	v = (struct vanished){ .floor = 1 };
	for (uint32_t i = 1; i <= VANISHED_MAX; i++)
		vanished_add(&v, 10 * i, 10 * i + 5, 1 + i);
	vanished_remove(&v, 12);
	assert_int_equal(v.len, 0);
	assert_int_equal(v.floor, 1 + VANISHED_MAX);
}

static uint64_t
highest(struct folder *f)
{
	struct folder_status st;

	folder_status(f, &st);
	return st.highestmodseq;
}

/* As "3:5,7". */
static void
vanished_text(struct folder *f, uint32_t first, uint32_t last, uint64_t since,
    char text[256])
{
	struct uid_range known = { first, last }, *out;
	size_t n, at = 0;

	assert_int_equal(folder_vanished(f, &known, 1, since, &out, &n), 0);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, 256 - at, "%s%u:%u",
		    i > 0 ? "," : "", out[i].first, out[i].last);
	free(out);
}

static void
test_answers(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb), *g;
	uint32_t uid, seqs[2] = { 2, 3 };
	uint64_t before, between;
	char text[256];

	for (int i = 0; i < 10; i++)
		append_text(f, "Subject: x\n\nx\n", FLAG_DELETED, &uid);
	sync_ok(f, NULL);
	before = highest(f);
	assert_int_equal(folder_expunge(f, seqs, 2, false, NULL), 0);
	sync_ok(f, NULL);
	between = highest(f);
	assert_true(between > before);
	seqs[0] = 5;
	assert_int_equal(folder_expunge(f, seqs, 1, false, NULL), 0);
	sync_ok(f, NULL);
	vanished_text(f, 1, 10, before, text);
	assert_string_equal(text, "2:3,7:7");
	vanished_text(f, 1, 10, between, text);
	assert_string_equal(text, "7:7");
	vanished_text(f, 3, 5, before, text);
	assert_string_equal(text, "3:3");
	vanished_text(f, 1, 10, highest(f), text);
	assert_string_equal(text, "");
	vanished_text(f, 1, 10, 1, text);	/* as old as one can be */
	assert_string_equal(text, "2:3,7:7");
	folder_close(f);
	/* by another program, while nobody looks */
	remove_file_with(h, "Maildir/cur", "-9:2,");
	g = open_inbox(mb);
	sync_ok(g, NULL);
	vanished_text(g, 1, 10, between + 1, text);
	assert_string_equal(text, "9:9");
	between = highest(g);
	folder_close(g);
	mailbox_close(mb);
	/* without the index: all that is missing, for those who come from before */
	remove_file_with(h, "index", "data.mdb");
	mb = home_mailbox(h);
	g = open_inbox(mb);
	sync_ok(g, NULL);
	vanished_text(g, 1, 10, between, text);
	assert_string_equal(text, "2:3,7:7,9:9");
	vanished_text(g, 1, 10, highest(g), text);
	assert_string_equal(text, "");
	folder_close(g);
	mailbox_close(mb);
}

/* While expunges are held back, what a client may remember stays below. */
static void
test_held_back(void **state)
{
	struct mailbox *mb = home_mailbox(*state);
	struct folder *f = open_inbox(mb), *g = open_inbox(mb);
	uint32_t uid, seq = 1, other = 2;
	uint64_t before;
	char text[256];

	append_text(f, "a: b\n\n", FLAG_DELETED, &uid);
	append_text(f, "a: b\n\n", 0, &uid);
	sync_ok(f, NULL);
	sync_ok(g, NULL);
	before = highest(g);
	assert_int_equal(folder_expunge(f, &seq, 1, false, NULL), 0);
	assert_int_equal(folder_store(g, &other, 1, STORE_ADD, FLAG_SEEN, 0), 0);
	assert_true(folder_message(g, 2)->modseq > before + 1);
	assert_int_equal(folder_sync(g, FOLDER_KEEP_EXPUNGED, NULL), 0);
	assert_int_equal(highest(g), before);
	sync_ok(g, NULL);
	assert_true(highest(g) >= folder_message(g, 1)->modseq);
	vanished_text(g, 1, 2, before, text);
	assert_string_equal(text, "1:1");
	folder_close(g);
	folder_close(f);
	mailbox_close(mb);
}

/* What was found out of a message and waits to be written goes with it, so that
 * nobody finds its record later, and reports it once more. */
static void
test_what_waits_goes(void **state)
{
	struct mailbox *mb = home_mailbox(*state);
	struct folder *f = open_inbox(mb);
	struct index_record r;
	uint32_t uid, stays, seq = 1;

	append_text(f, "a: b\n\n", FLAG_DELETED, &uid);
	append_text(f, "a: b\n\n", 0, &stays);
	sync_ok(f, NULL);
	folder_message_size_found(f, 1, 100);
	folder_message_size_found(f, 2, 100);
	assert_int_equal(folder_expunge(f, &seq, 1, false, NULL), 0);
	sync_ok(f, NULL);
	assert_int_equal(folder_settle(f), 0);
	assert_int_equal(folder_index_get(f, uid, &r), -1);
	assert_int_equal(folder_index_get(f, stays, &r), 0);
	assert_int_equal(r.crlf_size, 100);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_store_if(void **state)
{
	struct mailbox *mb = home_mailbox(*state);
	struct folder *f = open_inbox(mb), *g = open_inbox(mb);
	uint32_t uid, seqs[3] = { 1, 2, 3 }, refused[3], two = 2;
	struct folder_changes c;
	uint64_t known, zero = 0;
	size_t n;

	for (int i = 0; i < 3; i++)
		append_text(f, "a: b\n\n", 0, &uid);
	folder_track_modseqs(g);
	sync_ok(f, NULL);
	sync_ok(g, NULL);
	known = highest(g);
	/* to and fro: the name is what it was, and yet it counts */
	assert_int_equal(folder_store(f, &two, 1, STORE_ADD, FLAG_SEEN, 0), 0);
	assert_int_equal(folder_store(f, &two, 1, STORE_REMOVE, FLAG_SEEN, 0),
	    0);
	assert_int_equal(folder_store_if(g, seqs, 3, STORE_ADD, FLAG_FLAGGED, 0,
			     &known, refused, &n),
	    0);
	assert_int_equal(n, 1);
	assert_int_equal(refused[0], 2);
	assert_int_equal(folder_message(g, 1)->flags, FLAG_FLAGGED);
	assert_int_equal(folder_message(g, 2)->flags, 0);
	sync_ok(g, &c);
	assert_int_equal(c.changed, 1);
	assert_int_equal(c.changed_seq[0], 2);
	assert_int_equal(folder_message(g, 2)->modseq,
	    folder_message(f, 2)->modseq);
	/* 0 refuses all; what it says is enough is enough */
	assert_int_equal(folder_store_if(g, seqs, 3, STORE_ADD, FLAG_DRAFT, 0,
			     &zero, refused, &n),
	    0);
	assert_int_equal(n, 3);
	known = highest(g);
	assert_int_equal(folder_store_if(g, seqs, 3, STORE_ADD, FLAG_DRAFT, 0,
			     &known, refused, &n),
	    0);
	assert_int_equal(n, 0);
	folder_close(g);
	folder_close(f);
	mailbox_close(mb);
}

/* ---- a random history ---- */

enum { HANDLES = 3, CLIENTS = 3, STEPS = 1500, UIDS = 20000 };

struct client {
	uint64_t	modseq;
	int16_t		flags[UIDS];	/* -1: not there */
};

struct history {
	struct home	*home;
	struct mailbox	*mb;
	struct folder	*f[HANDLES];
	struct client	 client[CLIENTS];
	unsigned	 seed;
};

static unsigned
pick(struct history *y, unsigned n)
{
	y->seed = y->seed * 1103515245 + 12345;
	return (y->seed >> 8) % n;
}

static void
foreign(struct history *y, bool removes)
{
	char part[16];

	for (int tries = 0; tries < 20; tries++) {
		char name[256];

		snprintf(part, sizeof(part), "%u:2,", pick(y, 300));
		part[0] = part[0] == '\0' ? '1' : part[0];
		find_file(y->home, "Maildir/cur", part, name);
		if (name[0] == '\0')
			continue;
		if (removes)
			remove_file_with(y->home, "Maildir/cur", name);
		else
			rename_file(y->home, "Maildir/cur", name, "Maildir/cur",
			    pick(y, 2) ? ":2,F" : ":2,S");
		return;
	}
}

static void
resync(struct history *y, struct client *c)
{
	struct uid_range all = { 1, UIDS - 1 }, *out;
	struct folder *f = open_inbox(y->mb);
	int16_t truth[UIDS];
	size_t n;

	folder_track_modseqs(f);
	sync_ok(f, NULL);
	assert_int_equal(folder_vanished(f, &all, 1, c->modseq, &out, &n), 0);
	for (size_t i = 0; i < n; i++)
		for (uint32_t u = out[i].first; u <= out[i].last; u++)
			c->flags[u] = -1;
	free(out);
	memset(truth, -1, sizeof(truth));
	for (size_t q = 1; q <= folder_count(f); q++) {
		const struct message *m = folder_message(f, q);

		assert_true(m->uid < UIDS && m->modseq <= highest(f));
		truth[m->uid] = m->flags;
		if (m->modseq > c->modseq)
			c->flags[m->uid] = m->flags;
	}
	for (uint32_t u = 0; u < UIDS; u++)
		if (c->flags[u] != truth[u])
			fail_msg("UID %u: %d is believed, %d is true", u,
			    c->flags[u], truth[u]);
	assert_true(highest(f) >= c->modseq);
	c->modseq = highest(f);
	folder_close(f);
}

static void
step(struct history *y)
{
	unsigned i = pick(y, HANDLES);
	struct folder *f = y->f[i];
	uint32_t uid, seq = (uint32_t)folder_count(f);

	seq = seq > 0 ? 1 + pick(y, seq) : 0;
	switch (pick(y, 16)) {
	case 0: case 1: case 2: case 3:
		append_text(f, "a: b\n\nc\n", FLAG_PASSED, &uid);
		break;
	case 4: case 5: case 6:
		if (seq > 0)
			folder_store(f, &seq, 1, pick(y, 2) ? STORE_ADD :
			    STORE_REMOVE, pick(y, 2) ? FLAG_SEEN : FLAG_FLAGGED,
			    0);
		break;
	case 7: case 8:
		if (seq > 0)
			folder_expunge(f, &seq, 1, true, NULL);
		break;
	case 9:
		foreign(y, true);
		break;
	case 10:
		foreign(y, false);
		break;
	case 11:
		folder_sync(f, FOLDER_KEEP_EXPUNGED, NULL);
		break;
	case 12:
		folder_close(f);
		y->f[i] = open_inbox(y->mb);
		sync_ok(y->f[i], NULL);
		break;
	case 13:
		if (pick(y, 20) == 0)
			remove_file_with(y->home, "index", "data.mdb");
		break;
	case 14:
		resync(y, &y->client[pick(y, CLIENTS)]);
		break;
	default:
		sync_ok(f, NULL);
	}
}

static void
test_random_history(void **state)
{
	static struct history y;

	for (unsigned seed = 1; seed <= 4; seed++) {
		memset(&y, 0, sizeof(y));
		y.home = seed == 1 ? *state : home_renew(state);
		y.seed = seed;
		y.mb = home_mailbox(y.home);
		for (int i = 0; i < HANDLES; i++)
			y.f[i] = open_inbox(y.mb);
		for (int i = 0; i < CLIENTS; i++)
			memset(y.client[i].flags, -1,
			    sizeof(y.client[i].flags));
		for (int i = 0; i < STEPS; i++)
			step(&y);
		for (int i = 0; i < CLIENTS; i++)
			resync(&y, &y.client[i]);
		for (int i = 0; i < HANDLES; i++)
			folder_close(y.f[i]);
		mailbox_close(y.mb);
		if (seed < 4)
			home_teardown(state);
	}
}

int
main(void)
{
#define WITH_HOME(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_is_bounded),
		WITH_HOME(test_answers),
		WITH_HOME(test_held_back),
		WITH_HOME(test_what_waits_goes),
		WITH_HOME(test_store_if),
		WITH_HOME(test_random_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
