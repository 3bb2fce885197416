/* What is kept of a header section answers as the section does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/session/header_fields.h"
#include "imapd/session/render.h"

static const char section[] =
    "Return-Path: <a@b>\nFrom: Alice\r\nno field\nSubject: one\n\ttwo\n"
    "SUBJECT : three\nX-Mailer: mutt\nDate: now";

#define NAMES(...)                                               \
	((struct header_names){ (struct slice[]){ __VA_ARGS__ }, \
	    sizeof((struct slice[]){ __VA_ARGS__ }) / sizeof(struct slice) })
#define S(x) SLICE_LITERAL(x)

static void
is(struct buffer *b, const char *want)
{
	assert_false(b->failed);
	assert_int_equal(b->len, strlen(want));
	if (b->len > 0)
		assert_memory_equal(b->at, want, b->len);
	free(b->at);
}

static void
test_lines(void **state)
{
	struct buffer b = { 0 }, c = { 0 }, d = { 0 };

	(void)state;
	header_fields_add(
	    &b, S(section), NAMES(S("subject"), S("DATE")), false);
	is(&b, "Subject: one\r\n\ttwo\r\nSUBJECT : three\r\nDate: now\r\n");
	header_fields_add(&c, S(section), NAMES(S("subject"), S("DATE")), true);
	is(&c, "Return-Path: <a@b>\r\nFrom: Alice\r\nX-Mailer: mutt\r\n");
	header_fields_add(&d, slice_of("A: x\0y\n", 7), NAMES(S("a")), false);
	is(&d, "A: x\x80y\r\n");
}

/* Names that others asked for before are kept on; asking twice adds nothing. */
static void
test_kept(void **state)
{
	struct buffer first = { 0 }, second = { 0 }, out = { 0 };
	struct header_kept kept, more;

	(void)state;
	header_kept_make(&first, S(section),
	    NAMES(S("Date"), S("From"), S("DATE"), S("Absent")), S(""));
	assert_int_equal(
	    header_kept_parse(slice_of(first.at, first.len), &kept), PARSE_OK);
	assert_true(header_kept_has(&kept, NAMES(S("FROM"), S("absent"))));
	assert_false(header_kept_has(&kept, NAMES(S("From"), S("Subject"))));
	assert_true(slice_equal(kept.names, S("date\nfrom\nabsent\n")));
	header_kept_make(
	    &second, S(section), NAMES(S("Subject"), S("from")), kept.names);
	assert_int_equal(
	    header_kept_parse(slice_of(second.at, second.len), &more),
	    PARSE_OK);
	assert_true(header_kept_has(
	    &more, NAMES(S("Date"), S("From"), S("Subject"), S("Absent"))));
	header_fields_add(
	    &out, more.lines, NAMES(S("subject"), S("absent")), false);
	is(&out, "Subject: one\r\n\ttwo\r\nSUBJECT : three\r\n");
	free(first.at);
	free(second.at);
}

/* Where both together are too many, the newer are kept. */
static void
test_many(void **state)
{
	char text[HEADER_NAMES_MAX][8];
	struct slice all[HEADER_NAMES_MAX];
	struct header_names names = { all, HEADER_NAMES_MAX };
	struct buffer first = { 0 }, second = { 0 };
	struct header_kept kept;

	(void)state;
	for (int i = 0; i < HEADER_NAMES_MAX; i++) {
		snprintf(text[i], sizeof(text[i]), "x-%d", i);
		all[i] = slice_str(text[i]);
	}
	assert_true(header_names_fit(names));
	header_kept_make(&first, S(section), names, S(""));
	assert_int_equal(
	    header_kept_parse(slice_of(first.at, first.len), &kept), PARSE_OK);
	assert_true(header_kept_has(&kept, names));
	header_kept_make(&second, S(section), NAMES(S("From")), kept.names);
	assert_int_equal(
	    header_kept_parse(slice_of(second.at, second.len), &kept),
	    PARSE_OK);
	assert_true(header_kept_has(&kept, NAMES(S("From"))));
	assert_false(header_kept_has(&kept, names));
	free(first.at);
	free(second.at);
}

static void
test_names(void **state)
{
	static struct slice many[HEADER_NAMES_MAX + 1];
	static char longest[HEADER_NAME_MAX + 1];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 0; i <= HEADER_NAMES_MAX; i++)
		many[i] = S("a");
	assert_true(header_names_fit(NAMES(S("a"), S("X-Y!"))));
	assert_true(header_names_fit(NAMES(slice_of(longest, 64))));
	assert_false(header_names_fit(NAMES(slice_of(longest, 65))));
	assert_false(header_names_fit(NAMES(S("a"), S(""))));
	assert_false(header_names_fit(NAMES(S("a:"))));
	assert_false(header_names_fit(NAMES(S("a\nb"))));
	assert_false(header_names_fit(NAMES(S("a b"))));
	assert_false(header_names_fit(NAMES(S("\xc3\xa9"))));
	assert_false(header_names_fit((struct header_names){ many, 0 }));
	assert_true(header_names_fit((struct header_names){ many, 64 }));
	assert_false(header_names_fit((struct header_names){ many, 65 }));
}

/* The index is its owner's, who may have written anything. */
static void
test_damaged(void **state)
{
	struct buffer b = { 0 };
	struct header_kept kept;

	(void)state;
	header_kept_make(&b, S(section), NAMES(S("Date")), S(""));
	for (size_t len = 0; len < 8 + 5; len++)
		assert_int_equal(
		    header_kept_parse(slice_of(b.at, len), &kept), PARSE_BAD);
	b.at[0]++;
	assert_int_equal(
	    header_kept_parse(slice_of(b.at, b.len), &kept), PARSE_BAD);
	b.at[0]--;
	b.at[4]--; /* within a name */
	assert_int_equal(
	    header_kept_parse(slice_of(b.at, b.len), &kept), PARSE_BAD);
	memset(b.at + 4, 0xff, 4);
	assert_int_equal(
	    header_kept_parse(slice_of(b.at, b.len), &kept), PARSE_BAD);
	free(b.at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
