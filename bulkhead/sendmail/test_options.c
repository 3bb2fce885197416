#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sysexits.h>

#include "bulkhead/sendmail/sendmail.h"

#define ARGS(...) (const char *[]){ __VA_ARGS__, NULL }

static int
parse(struct sendmail_options *o, const char **argv)
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	return sendmail_options_parse(o, argc, (char **)(uintptr_t)argv);
}

static void
test_usual(void **state)
{
	struct sendmail_options o;

	(void)state;
	assert_int_equal(parse(&o, ARGS("/usr/sbin/sendmail", "-FCronDaemon",
	    "-i", "-B8BITMIME", "-oem", "root")), 0);
	assert_int_equal(o.mode, MODE_SUBMIT);
	assert_string_equal(o.full_name, "CronDaemon");
	assert_true(o.dot_is_text);
	assert_int_equal(o.recipients.count, 1);
	address_list_clear(&o.recipients);

	assert_int_equal(parse(&o, ARGS("sendmail", "-oi", "-t", "-f", "a@b.c",
	    "-bm", "-N", "success,failure", "-odb")), 0);
	assert_true(o.dot_is_text && o.recipients_in_header);
	assert_string_equal(o.reverse_path, "a@b.c");
	assert_int_equal(o.recipients.count, 0);

	assert_int_equal(parse(&o, ARGS("sendmail", "-ti", "-C/x", "--", "-bs",
	    "b")), 0);
	assert_true(o.dot_is_text && o.recipients_in_header);
	assert_string_equal(o.config_dir, "/x");
	assert_int_equal(o.mode, MODE_SUBMIT);
	assert_int_equal(o.recipients.count, 2);
	assert_string_equal(o.recipients.at[0], "-bs");
	address_list_clear(&o.recipients);
}

static void
test_modes(void **state)
{
	struct sendmail_options o;

	(void)state;
	assert_int_equal(parse(&o, ARGS("/usr/bin/mailq")), 0);
	assert_int_equal(o.mode, MODE_QUEUE_LIST);
	assert_int_equal(parse(&o, ARGS("newaliases")), 0);
	assert_int_equal(o.mode, MODE_NEWALIASES);
	assert_int_equal(parse(&o, ARGS("sendmail", "-bs")), 0);
	assert_int_equal(o.mode, MODE_SMTP);
	assert_int_equal(parse(&o, ARGS("sendmail", "-bp")), 0);
	assert_int_equal(o.mode, MODE_QUEUE_LIST);
	assert_int_equal(parse(&o, ARGS("sendmail", "-bi")), 0);
	assert_int_equal(o.mode, MODE_NEWALIASES);
	assert_int_equal(parse(&o, ARGS("sendmail", "-q30m")), 0);
	assert_int_equal(o.mode, MODE_QUEUE_FLUSH);
}

static void
test_wrong(void **state)
{
	static const char *const wrong[] = {
		"-bd", "-bt", "-b", "-Bbinary", "-Z", "-f", "-tZ"
	};
	struct sendmail_options o;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse(&o, ARGS("sendmail", wrong[i])),
		    EX_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
