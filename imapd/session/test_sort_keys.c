/* What is compared of a message: from a header section and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/session/sort_keys.h"

static _Alignas(8) char blob[SORT_BLOB_MAX];

static int64_t
make(const char *section, struct sort_keys *k)
{
	int64_t len = sort_keys_make(slice_str(section), blob);

	assert_true(len > 0 && len <= SORT_BLOB_MAX);
	assert_int_equal(sort_keys_read(slice_of(blob, (size_t)len), k), 0);
	return len;
}

static uint64_t
id(const char *s)
{
	struct slice in = slice_str(s);
	uint64_t got = 0;

	(void)message_id_next(&in, &got);
	return got;
}

static void
expect(struct slice got, const char *want)
{
	if (!slice_equal(got, slice_str(want)))
		fail_msg("%.*s, not %s", (int)got.len, got.at, want);
}

static void
test_fields(void **state)
{
	struct sort_keys k;

	(void)state;
	make("Subject: Re: =?utf-8?q?=C3=A4rger?= \n\tim  B=?x?=ro\n"
	    "From: \"X Y\" <Some.Body@b.test>, z@b.test\n"
	    "To: friends: a@b.test;\nCC: Zed\n"
	    "Date: Mon, 31 Dec 2000 16:01:33 -0800\n"
	    "Message-ID: <1@x>\nReferences: <a@x> junk <\"b\"@x><c@x>\n"
	    "In-Reply-To: <d@x>\n\nbody", &k);
	expect(k.string[SORT_STRING_SUBJECT], "A\xcc\x88RGER IM B=?X?=RO");
	expect(k.string[SORT_STRING_FROM], "SOME.BODY");
	expect(k.string[SORT_STRING_TO], "FRIENDS");
	expect(k.string[SORT_STRING_CC], "ZED");
	assert_true(k.reply && k.has_date);
	assert_int_equal(k.date, 978307293);
	assert_int_equal(k.id, id("<1@x>"));
	assert_int_equal(k.references_len, 3);
	assert_int_equal(k.references[1], id("<b@x>"));
	assert_int_equal(k.references[2], id("<c@x>"));
	make("In-Reply-To: nonsense <no> <d@x> <e@x>\nReferences: none\n", &k);
	assert_int_equal(k.references_len, 1);
	assert_int_equal(k.references[0], id("<d@x>"));
	assert_true(!k.has_date && !k.reply && k.id == 0);
	expect(k.string[SORT_STRING_SUBJECT], "");
	make("", &k);
	assert_int_equal(k.references_len, 0);
}

static void
test_ids(void **state)
{
	static const char *const same[] = { "<01KF8@xxx.yyy>",
		"<\"01KF8\"@xxx.yyy>", "< 01KF8@xxx.yyy >", "x <01K\\F8@xxx.yyy>",
		"<<01KF8@xxx.yyy" };
	static const char *const none[] = { "", "a@b", "<a@b", "<>", "<@>",
		"<a>", "<@b>", "<a@>" };

	(void)state;
	for (size_t i = 1; i + 1 < sizeof(same) / sizeof(same[0]); i++)
		assert_int_equal(id(same[i]), id(same[0]));
	assert_int_not_equal(id("<01kf8@xxx.yyy>"), id(same[0]));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(id(none[i]), 0);
}

/* Of too many references the last ones stay, the parent among them. */
static void
test_limits(void **state)
{
	size_t size = 40000, len;
	char *section = malloc(size), name[32];
	struct sort_keys k;

	(void)state;
	len = (size_t)snprintf(section, size, "References: ");
	for (int i = 0; i < 2500; i++)
		len += (size_t)snprintf(section + len, size - len, "<%d@x>", i);
	make(section, &k);
	assert_int_equal(k.references_len, SORT_REFERENCES_MAX);
	for (size_t i = 0; i < k.references_len; i++) {
		snprintf(name, sizeof(name), "<%zu@x>", 1500 + i);
		assert_int_equal(k.references[i], id(name));
	}
	len = (size_t)snprintf(section, size, "Subject: ");
	while (len + 3 < size)
		len += (size_t)snprintf(section + len, size - len, "\xc3\xa4");
	make(section, &k);
	assert_true(k.string[SORT_STRING_SUBJECT].len <= SORT_SUBJECT_MAX);
	assert_memory_equal(k.string[SORT_STRING_SUBJECT].at, "A\xcc\x88", 3);
	free(section);
}

/* The index is not to be trusted. */
static void
test_damage(void **state)
{
	struct sort_keys k;
	size_t len = (size_t)make("Subject: a\nReferences: <a@b>\nFrom: x@y\n",
	    &k);

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(sort_keys_read(slice_of(blob, cut), &k), -1);
	for (size_t i = 0; i < len; i++) {
		blob[i] ^= (char)0xff;
		if (sort_keys_read(slice_of(blob, len), &k) == 0)
			for (size_t n = 0; n < SORT_STRINGS; n++)
				assert_true(k.string[n].at +
				    k.string[n].len <= blob + len);
		blob[i] ^= (char)0xff;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
