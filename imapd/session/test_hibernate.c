/* What a session keeps, written and read back; anything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "imapd/session/hibernate.h"

static struct range uids[] = { { 1, 5 }, { 7, 7 }, { 9, 4000000000U } };
static struct range saved[] = { { 7, 7 } };

static struct hibernated
example(void)
{
	return (struct hibernated){ .session = 0xabcdef, .enabled = 3,
		.hidden = UINT64_C(1) << 40, .idling = true,
		.tag = slice_str("a17"), .selected = true, .read_only = true,
		.folder = slice_str(".Sent.2026"), .uidvalidity = 1732166400,
		.modseq = UINT64_C(1) << 40, .recent = 3,
		.uids = { .range = uids, .len = 3 },
		.saved = { .range = saved, .len = 1 } };
}

static void
test_way(void **state)
{
	struct hibernated in = example(), out;
	size_t size = hibernated_size(&in), len;
	char *buf = malloc(size);

	(void)state;
	len = hibernated_encode(&in, buf, size);
	assert_true(len > 0 && len <= size);
	assert_true(len < 200);	/* small, for a session with few gaps */
	assert_int_equal(hibernated_decode(slice_of(buf, len), &out), 0);
	assert_true(out.session == in.session && out.enabled == in.enabled &&
	    out.hidden == in.hidden && out.idling && out.selected &&
	    out.read_only && out.uidvalidity == in.uidvalidity &&
	    out.modseq == in.modseq && out.recent == in.recent);
	assert_true(slice_equal(out.tag, in.tag));
	assert_true(slice_equal(out.folder, in.folder));
	assert_int_equal(out.uids.len, 3);
	assert_memory_equal(out.uids.range, uids, sizeof(uids));
	assert_memory_equal(out.saved.range, saved, sizeof(saved));
	hibernated_clear(&out);
	/* cut off, or with another octet anywhere */
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(hibernated_decode(slice_of(buf, i), &out), -1);
		buf[i] ^= 4;
		assert_int_equal(hibernated_decode(slice_of(buf, len), &out),
		    -1);
		buf[i] ^= 4;
	}
	/* no room */
	for (size_t i = 0; i < len; i++)
		assert_int_equal(hibernated_encode(&in, buf, i), 0);
	free(buf);
}

static void
test_limits(void **state)
{
	static char long_name[HIBERNATE_NAME_MAX + 1], buf[4096];
	static struct range bad[][2] = { { { 5, 4 }, { 9, 9 } },
		{ { 0, 4 }, { 9, 9 } }, { { 5, 6 }, { 6, 9 } },
		{ { 5, 6 }, { 7, 9 } }, { { 8, 9 }, { 1, 2 } } };
	struct hibernated h = example(), out;
	size_t len;

	(void)state;
	h.folder = slice_of(long_name, sizeof(long_name));
	assert_int_equal(hibernated_encode(&h, buf, sizeof(buf)), 0);
	h = example();
	h.uids.len = HIBERNATE_RANGES_MAX + 1;
	assert_int_equal(hibernated_encode(&h, buf, sizeof(buf)), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		h = example();
		h.uids = (struct set){ .range = bad[i], .len = 2 };
		len = hibernated_encode(&h, buf, sizeof(buf));
		assert_true(len > 0);
		assert_int_equal(hibernated_decode(slice_of(buf, len), &out),
		    -1);
	}
	h = (struct hibernated){ .session = 1 };	/* nothing selected */
	len = hibernated_encode(&h, buf, sizeof(buf));
	assert_int_equal(hibernated_decode(slice_of(buf, len), &out), 0);
	assert_false(out.selected || out.idling);
	hibernated_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_way),
		cmocka_unit_test(test_limits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
