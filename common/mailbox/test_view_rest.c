/* A folder that rested shows what it showed before. */
#include "common/mailbox/internal.h"
#include "common/mailbox/testing.h"

static bool
entries_equal(const struct entry *a, const struct entry *b)
{
	return a->m.uid == b->m.uid && a->m.flags == b->m.flags &&
	       a->m.recent == b->m.recent && a->m.gone == b->m.gone &&
	       a->m.keywords == b->m.keywords && a->m.modseq == b->m.modseq &&
	       a->ino == b->ino && a->misses == b->misses &&
	       a->in_new == b->in_new && a->changed == b->changed &&
	       a->fresh == b->fresh && a->recorded == b->recorded;
}

/* Some number of any length. */
static uint64_t
some(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (*seed ^ *seed >> 29) >> (*seed >> 58);
}

static void
make_up(struct entry *e, size_t n, uint64_t *seed)
{
	uint64_t bits;
	uint32_t uid = 0;

	for (size_t i = 0; i < n; i++) {
		uid += 1 + (uint32_t)some(seed) % 1000;
		bits = some(seed);
		e[i] =
		    (struct entry){ .m = { .uid = uid,
					.flags = (uint8_t)some(seed),
					.recent = bits & 1,
					.gone = bits & 2,
					.keywords = bits & 4 ? some(seed) : 0,
					.modseq = some(seed) },
			    .ino = some(seed),
			    .name = (uint32_t)some(seed),
			    .misses = bits & 8 ? 16 : 0,
			    .in_new = bits & 16,
			    .changed = bits & 32,
			    .fresh = bits & 64,
			    .recorded = bits & 128 };
	}
	e[0].m.modseq = e[1].ino = UINT64_MAX;
	e[2].m.keywords = UINT64_MAX;
	e[n - 1].m.uid = e[n - 1].name = UINT32_MAX;
}

static void
test_any_entries(void **state)
{
	static const size_t counts[] = { 3, 100, 4096, 4097, 20000 };
	uint64_t seed = 1;

	(void)state;
	for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		size_t n = counts[k];
		struct folder f = { .count = n, .size = n };
		struct entry *was = calloc(n, sizeof(*was));

		f.entries = calloc(n, sizeof(*was));
		if (was == NULL || f.entries == NULL)
			abort();
		make_up(was, n, &seed);
		memcpy(f.entries, was, n * sizeof(*was));
		for (int times = 0; times < 2; times++) {
			folder_rest(&f);
			assert_true(f.rest != NULL && f.entries == NULL);
			folder_rest(&f);
			assert_int_equal(folder_wake(&f), 0);
			assert_int_equal(folder_wake(&f), 0);
			assert_true(f.rest == NULL && f.count == n);
		}
		for (size_t i = 0; i < n; i++) {
			assert_true(entries_equal(&was[i], &f.entries[i]));
			assert_int_equal(f.entries[i].name,
			    n <= 4096 ? UINT32_MAX : was[i].name);
		}
		free(f.entries);
		free(was);
	}
}

static void
rest_and_wake(struct folder *f)
{
	folder_rest(f);
	assert_int_equal(folder_wake(f), 0);
}

/* Names are found again, and what others did meanwhile is told. */
static void
test_goes_on(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	uint32_t seq = 2, uid;
	int fd;

	sync_ok(f, NULL);
	rest_and_wake(f); /* nothing in it */
	for (int i = 0; i < 5; i++)
		append_text(f, "Subject: x\n\n", 0, &uid);
	sync_ok(f, NULL);
	rest_and_wake(f);
	assert_int_equal(folder_count(f), 5);
	fd = folder_message_open(f, 3);
	assert_true(fd != -1);
	close(fd);
	sync_ok(f, &c);
	assert_int_equal(c.arrived + c.expunged + c.changed, 0);
	rest_and_wake(f);
	assert_int_equal(
	    folder_store(f, &seq, 1, STORE_ADD, FLAG_FLAGGED, 0), 0);
	assert_int_equal(folder_message(f, 2)->flags, FLAG_FLAGGED);
	folder_rest(f);
	remove_file_with(h, "Maildir/cur", "-1"); /* the first */
	put_file(h, "Maildir/cur/1.another.host:2,S", "Subject: y\n\n");
	sync_ok(f, &c); /* it wakes by itself */
	assert_int_equal(c.expunged, 1);
	assert_int_equal(c.arrived, 1);
	assert_int_equal(folder_count(f), 5);
	assert_int_equal(folder_message(f, 1)->flags, FLAG_FLAGGED);
	folder_rest(f);
	folder_close(f); /* as it is */
	mailbox_close(mb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_entries),
		cmocka_unit_test_setup_teardown(
		    test_goes_on, home_setup, home_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
