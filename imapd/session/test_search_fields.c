/* The blob answers what the header section answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "imapd/session/search_fields.h"
#include "imapd/session/search_message.h"

static const char *const sections[] = {
	"From: Alice <alice@example.net>\nSubject: A letter\n\nFrom: body\n",
	"from: x\r\nSUBJECT : =?utf-8?q?Gr=C3=BC=C3=9Fe_aus?=\r\n "
	"=?utf-8?q?_K=C3=B6ln?=\r\n\r\n",
	"Subject: one\nSubject: two\nTo: a@b, c@d\nCc:\nBcc:   \n"
	"Date: Mon, 2 Nov 2026 23:59:00 -0700\n\n",
	"Subject: Stra\xc3\x9f"
	"e \xff broken\nDate: never\n\n",
	"Subject: folded\n over\n\tthree lines\nReply-To: alice\n\n",
	"\n",
	"",
	"Date: Tue, 3 Nov 2026 00:00:00 +0000\nDate: 1 Jan 2001 00:00 +0000\n",
	"Subject: =?iso-8859-1?Q?caf=E9?= =?utf-8?B?4pyT?=\nFrom: "
	"\"=?utf-8?q?=C3=89?=\" <e@x>\n",
};
static const char *const fields[] = { "From", "to", "CC", "Bcc", "Subject" };
static const char *const texts[] = { "", "alice", "ALICE@EXAMPLE.NET", "letter",
	"gr\xc3\xbc\xc3\x9f", "GRÜSSE", "k\xc3\xb6ln", "strasse", "two", "one",
	"folded over", "three", "caf\xc3\xa9", "\xe2\x9c\x93", "\xc3\xa9", "a",
	"\xff", "no such" };
enum {
	SECTIONS = sizeof(sections) / sizeof(*sections),
	FIELDS = sizeof(fields) / sizeof(*fields),
	TEXTS = sizeof(texts) / sizeof(*texts)
};

static int
file_of(const char *text)
{
	int fd = memfd_create("section", MFD_CLOEXEC);
	size_t len = strlen(text);

	assert_true(fd != -1 && write(fd, text, len) == (ssize_t)len);
	return fd;
}

/* Of one step: the section's answer, which the blob must have, too. */
static enum truth
ask(const char *section, struct search_step *step)
{
	static char blob[SEARCH_FIELDS_BLOB_MAX];
	struct search search = { .step = step, .len = 1 };
	enum truth right = TRUTH_UNKNOWN, got = TRUTH_UNKNOWN;
	struct arena arena = { 0 };
	struct needle needle;
	int fd = file_of(section);
	size_t len = search_fields_make(slice_str(section), blob);

	assert_true(len > 0 && search_fields_enough(&search));
	assert_int_equal(needle_init(&needle, step->text, &arena), 0);
	assert_int_equal(
	    search_fields_answer(slice_of(blob, len), &search, &needle, &got),
	    0);
	assert_int_equal(search_header(fd, &search, &needle, &right), 0);
	assert_int_equal(got, right);
	close(fd);
	arena_clear(&arena);
	return got;
}

static void
test_fields(void **state)
{
	unsigned yes = 0, no = 0;

	(void)state;
	for (size_t i = 0; i < SECTIONS; i++)
		for (size_t f = 0; f < FIELDS; f++)
			for (size_t t = 0; t < TEXTS; t++) {
				struct search_step step = { .op = SEARCH_HEADER,
					.name = slice_str(fields[f]),
					.text = slice_str(texts[t]) };

				if (ask(sections[i], &step) == TRUTH_YES)
					yes++;
				else
					no++;
			}
	assert_true(yes > 25 && no > 200);
}

static void
test_dates(void **state)
{
	unsigned yes = 0;

	(void)state;
	for (size_t i = 0; i < SECTIONS; i++)
		for (int op = SEARCH_SENTBEFORE; op <= SEARCH_SENTSINCE; op++)
			/* about the 2nd of November 2026 */
			for (int64_t day = 20757; day < 20763; day++) {
				struct search_step step = {
					.op = (enum search_op)op, .days = day
				};

				yes += ask(sections[i], &step) == TRUTH_YES;
			}
	assert_true(yes >= 10);
}

static void
test_other_fields(void **state)
{
	struct search_step step[] = {
		{ .op = SEARCH_HEADER, .name = SLICE_LITERAL("From") },
		{ .op = SEARCH_HEADER, .name = SLICE_LITERAL("Message-ID") },
	};

	(void)state;
	assert_true(
	    search_fields_enough(&(struct search){ .step = step, .len = 1 }));
	assert_false(
	    search_fields_enough(&(struct search){ .step = step, .len = 2 }));
}

/* Who sends more than is kept is asked by his header section. */
static void
test_too_large(void **state)
{
	static char section[2 * SEARCH_FIELDS_BLOB_MAX];
	static char blob[SEARCH_FIELDS_BLOB_MAX];

	(void)state;
	memset(section, 'a', sizeof(section));
	memcpy(section, "Subject: ", 9);
	assert_int_equal(
	    search_fields_make(slice_of(section, sizeof(section)), blob), 0);
	assert_true(search_fields_make(slice_of(section, 1000), blob) > 1000);
}

static void
test_bad_blobs(void **state)
{
	static char blob[SEARCH_FIELDS_BLOB_MAX];
	const char *section = sections[2];
	struct search_step step = { .op = SEARCH_HEADER,
		.name = SLICE_LITERAL("Subject"),
		.text = SLICE_LITERAL("one") };
	struct search search = { .step = &step, .len = 1 };
	size_t len = search_fields_make(slice_str(section), blob);
	struct arena arena = { 0 };
	struct needle needle;
	enum truth got;
	unsigned bad = 0;

	(void)state;
	assert_int_equal(needle_init(&needle, step.text, &arena), 0);
	for (size_t cut = 0; cut < len; cut++) {
		char *copy = malloc(cut + 1);

		memcpy(copy, blob, cut);
		bad += search_fields_answer(
			   slice_of(copy, cut), &search, &needle, &got) == -1;
		free(copy);
	}
	assert_true(bad > len / 2);
	blob[0]++; /* another version */
	assert_int_equal(
	    search_fields_answer(slice_of(blob, len), &search, &needle, &got),
	    -1);
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_other_fields),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_bad_blobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
