/* Damage anywhere is seen; what a later version wrote is not called damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/mailbox/state.h"

static struct folder_state
sample(void)
{
	struct folder_state s = {
		.uidvalidity = 1732166400,
		.identity = 1732166400,
		.mailbox_id = "0123456789abcdef0123456789abcdef",
		.ceiling = { UINT32_MAX, MODSEQ_MAX },
	};

	strcpy(s.keywords[0], "$Label1");
	strcpy(s.keywords[25], "NonJunk");
	return s;
}

static void
test_folder(void **state)
{
	struct folder_state in = sample(), out;
	char text[STATE_FILE_MAX];
	size_t len = folder_state_print(&in, text);

	(void)state;
	assert_int_equal(folder_state_parse(slice_of(text, len), &out), STATE_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(folder_state_parse(slice_of(text, cut), &out),
		    STATE_DAMAGED);
	for (size_t i = 0; i < len * 8; i++) {
		enum state_parse p;

		text[i / 8] ^= (char)(1 << i % 8);
		p = folder_state_parse(slice_of(text, len), &out);
		/* a digit of the version: refused, too, but left alone */
		assert_true(p == STATE_DAMAGED ||
		    (p == STATE_OTHER_VERSION && i / 8 == 16));
		text[i / 8] ^= (char)(1 << i % 8);
	}
}

/* What version 1 can say is said in version 1, so that it stays readable. */
static void
test_version_two(void **state)
{
	struct folder_state in = sample(), out;
	char text[STATE_FILE_MAX], *at;
	size_t len;

	(void)state;
	folder_state_print(&in, text);
	assert_memory_equal(text, "bulkhead-folder 1\n", 18);
	in.special_use = SPECIAL_USE_DRAFTS | SPECIAL_USE_IMPORTANT;
	len = folder_state_print(&in, text);
	assert_memory_equal(text, "bulkhead-folder 2\n", 18);
	assert_int_equal(
	    folder_state_parse(slice_of(text, len), &out), STATE_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	in.identity = 7;
	in.special_use = 0;
	len = folder_state_print(&in, text);
	assert_int_equal(
	    folder_state_parse(slice_of(text, len), &out), STATE_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_int_equal(out.identity, 7);
	text[len] = '\0';
	at = strstr(text, "identity 7");
	assert_non_null(at);
	at[9] = '0';
	assert_int_equal(
	    folder_state_parse(slice_of(text, len), &out), STATE_DAMAGED);
}

static void
test_special_use_names(void **state)
{
	(void)state;
	assert_string_equal(special_use_name(SPECIAL_USE_SENT), "\\Sent");
	assert_null(special_use_name(0));
	assert_null(special_use_name(SPECIAL_USE_SENT | SPECIAL_USE_JUNK));
	assert_int_equal(
	    special_use_by_name(slice_str("\\jUNK")), SPECIAL_USE_JUNK);
	assert_int_equal(special_use_by_name(slice_str("Junk")), 0);
	for (int i = 0; i < SPECIAL_USES; i++)
		assert_int_equal(
		    special_use_by_name(slice_str(special_use_name(1U << i))),
		    1U << i);
}

static void
test_largest(void **state)
{
	struct folder_state in = sample(), out;
	char text[STATE_FILE_MAX];

	(void)state;
	for (int i = 0; i < FOLDER_LETTERS; i++)
		memset(in.keywords[i], 'A' + i, FOLDER_KEYWORD_LEN_MAX);
	assert_int_equal(folder_state_parse(
	    slice_of(text, folder_state_print(&in, text)), &out), STATE_OK);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void
test_other_version(void **state)
{
	struct folder_state s;
	struct numbers n;
	uint32_t v;

	(void)state;
	assert_int_equal(
	    folder_state_parse(slice_str("bulkhead-folder 3\nanything\n"), &s),
	    STATE_OTHER_VERSION);
	assert_int_equal(next_parse(slice_str("bulkhead-next 7\n"), &v, &n),
	    STATE_OTHER_VERSION);
	assert_int_equal(mailbox_state_parse(slice_str("bulkhead-mailbox 2\n"),
	    &v), STATE_OTHER_VERSION);
	assert_int_equal(folder_state_parse(slice_str("dovecot 1\n"), &s),
	    STATE_DAMAGED);
}

static void
test_next(void **state)
{
	struct numbers in = { 1, 1 }, max = { UINT32_MAX, MODSEQ_MAX }, out;
	char text[STATE_FILE_MAX];
	size_t len = next_print(7, &in, text);
	uint32_t v;

	(void)state;
	assert_int_equal(next_parse(slice_of(text, len), &v, &out), STATE_OK);
	assert_true(v == 7 && out.uid == 1 && out.modseq == 1);
	assert_int_equal(next_print(UINT32_MAX, &max, text) - 9, len);
	len = next_print(7, &max, text);
	assert_int_equal(next_parse(slice_of(text, len), &v, &out), STATE_OK);
	assert_true(out.uid == UINT32_MAX && out.modseq == MODSEQ_MAX);
	text[len - 3] ^= 1;
	assert_int_equal(next_parse(slice_of(text, len), &v, &out), STATE_DAMAGED);
}

static void
test_mailbox(void **state)
{
	char text[STATE_FILE_MAX];
	uint32_t v;

	(void)state;
	assert_int_equal(mailbox_state_parse(
	    slice_of(text, mailbox_state_print(4000000000u, text)), &v), STATE_OK);
	assert_true(v == 4000000000u);
	assert_int_equal(mailbox_state_parse(slice_str(""), &v), STATE_DAMAGED);
}

static void
test_keywords(void **state)
{
	static const char *const bad[] = { "", "a b", "\\Seen", "a(", "x]",
		"{5}", "a*", "100%", "\"q\"", "\xc3\xbc" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(keyword_is_good(slice_str(bad[i])));
	assert_true(keyword_is_good(slice_str("$Forwarded")));
	assert_true(keyword_is_good(slice_str("[x")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_version_two),
		cmocka_unit_test(test_special_use_names),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_other_version),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_mailbox),
		cmocka_unit_test(test_keywords),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
