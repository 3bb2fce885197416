/*
 * Blobs, sizes and dates are read from the index many at a time; whoever asks
 * in whatever order gets what was put, or nothing.
 */
#include "common/mailbox/testing.h"

enum { MESSAGES = 300, LARGE = 200 * 1024 };

static size_t
blob_of(uint32_t uid, unsigned kind, char to[64])
{
	return (size_t)snprintf(to, 64, "kind %u of %u%.*s", kind, uid,
	    (int)(uid % 13), "0123456789abc");
}

/* Some have none. */
static bool
has(uint32_t uid, unsigned kind)
{
	return kind == 1 ? uid % 7 != 0 : kind == 2 && uid > 100 && uid % 2;
}

static void
expect(struct folder *f, uint32_t uid, unsigned kind)
{
	char want[64];
	size_t want_len = blob_of(uid, kind, want), len;
	void *blob;
	int r = folder_cache_get(f, uid, kind, &blob, &len);

	assert_int_equal(r, has(uid, kind) ? 0 : -1);
	if (r == -1) {
		assert_int_equal(errno, ENOENT);
		return;
	}
	assert_int_equal(len, want_len);
	assert_memory_equal(blob, want, len);
	free(blob);
}

static void
fill(struct home *h, struct folder *f)
{
	char at[64];

	for (unsigned i = 1; i <= MESSAGES; i++) {
		snprintf(at, sizeof(at), "Maildir/cur/%u.a:2,", i);
		put_file(h, at, "Subject: x\n\nx\n");
	}
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), MESSAGES);
	for (uint32_t uid = 1; uid <= MESSAGES; uid++)
		for (unsigned kind = 1; kind <= 3; kind++)
			if (has(uid, kind))
				folder_cache_put(
				    f, uid, kind, at, blob_of(uid, kind, at));
	assert_int_equal(folder_settle(f), 0);
}

static void
test_any_order(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	uint32_t uid = 1;

	fill(h, f);
	for (unsigned kind = 1; kind <= 3; kind++)
		for (uint32_t u = 1; u <= MESSAGES; u++)
			expect(f, u, kind);
	for (uint32_t u = MESSAGES; u > 0; u--)
		expect(f, u, 1);
	for (uint32_t u = 1; u <= MESSAGES; u++) /* each other kind */
		expect(f, u, 1 + u % 3);
	for (uint32_t u = 1; u <= MESSAGES; u += 5)
		expect(f, u, 2);
	for (unsigned i = 0; i < 2000; i++) {
		uid = (uid * 7919 + i) % MESSAGES + 1;
		expect(f, uid, 1 + i / 50 % 3);
	}
	folder_close(f);
	mailbox_close(mb);
}

/* More than there is room for at once. */
static void
test_large(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	char *large = malloc(LARGE);
	size_t len;
	void *blob;

	fill(h, f);
	for (unsigned i = 0; i < 10; i++) {
		memset(large, (int)('a' + i), LARGE);
		folder_cache_put(f, 20 + i, 5, large, LARGE - i);
	}
	assert_int_equal(folder_settle(f), 0);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(
		    folder_cache_get(f, 20 + i, 5, &blob, &len), 0);
		assert_int_equal(len, LARGE - i);
		for (size_t k = 0; k < len; k++)
			if (((char *)blob)[k] != (char)('a' + i))
				fail_msg("octet %zu of %u", k, i);
		free(blob);
	}
	free(large);
	folder_close(f);
	mailbox_close(mb);
}

/* Another session's blob is found, if not at once then after a pause. */
static void
test_written_meanwhile(void **state)
{
	struct home *h = *state;
	struct mailbox *a = home_mailbox(h), *b = home_mailbox(h);
	struct folder *f = open_inbox(a), *g = open_inbox(b);
	size_t len;
	void *blob;

	fill(h, f);
	sync_ok(g, NULL);
	for (uint32_t u = 1; u <= 30; u++)
		expect(g, u, 1);
	assert_int_equal(folder_cache_get(g, 28, 1, &blob, &len), -1);
	folder_cache_put(f, 28, 1, "late", 4);
	assert_int_equal(folder_settle(f), 0);
	assert_int_equal(folder_settle(g), 0);
	for (uint32_t u = 25; u < 28; u++)
		expect(g, u, 1);
	assert_int_equal(folder_cache_get(g, 28, 1, &blob, &len), 0);
	assert_memory_equal(blob, "late", len);
	free(blob);
	folder_close(f);
	folder_close(g);
	mailbox_close(a);
	mailbox_close(b);
}

/* Sizes and dates are the same from the file and from the index. */
static void
test_sizes_and_dates(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	time_t date[MESSAGES], again;
	uint64_t size;

	fill(h, f);
	for (unsigned seq = 1; seq <= MESSAGES; seq++) {
		assert_int_equal(folder_message_size(f, seq, &size), 0);
		assert_int_equal(size, 17);
		assert_int_equal(
		    folder_message_date(f, seq, &date[seq - 1]), 0);
	}
	for (int round = 0; round < 2; round++) {
		folder_close(f);
		f = open_inbox(mb);
		sync_ok(f, NULL);
		for (unsigned seq = MESSAGES; seq > 0; seq--) {
			assert_int_equal(folder_message_size(f, seq, &size), 0);
			assert_int_equal(size, 17);
			assert_int_equal(
			    folder_message_date(f, seq, &again), 0);
			assert_true(again == date[seq - 1]);
		}
	}
	folder_close(f);
	mailbox_close(mb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_any_order),
		T(test_large),
		T(test_written_meanwhile),
		T(test_sizes_and_dates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
