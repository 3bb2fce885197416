#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/settings/example_table.h"
#include "common/settings/nearest.h"

static struct settings *
parse(const char *text, struct settings_errors *e)
{
	return settings_parse(&example_schema, slice_str(text), e);
}

static void
test_empty_is_standard(void **state)
{
	struct settings_errors e;
	struct settings *s = settings_read(&example_schema, -1, &e);
	const struct example_settings *v;
	const struct example_listener *l;

	(void)state;
	assert_non_null(s);
	v = settings_values(s);
	assert_true(v->strict);
	assert_int_equal(v->timeout, 300);
	assert_int_equal(v->max_size, 35 << 20);
	assert_int_equal(v->max_sessions, 2000);
	assert_string_equal(v->greeting, "");
	assert_string_equal(v->spool, "/var/spool");
	assert_int_equal(v->bare_lf, 0);
	assert_int_equal(v->names.n, 2);
	assert_string_equal(v->names.at[1], "b");
	assert_int_equal(settings_n_groups(s), 1);
	assert_string_equal(settings_group(s, 0)->name, "smtp");
	l = settings_group(s, 0)->values;
	assert_int_equal(l->address.n, 2);
	assert_int_equal(l->address.at[0].sa.ss_family, AF_INET);
	assert_int_equal(l->address.at[1].sa.ss_family, AF_INET6);
	assert_int_equal(l->backlog, 128);
	settings_free(s);
}

static void
test_whole_file(void **state)
{
	static const char text[] =
	    "%version 1\n"
	    "# a comment\n\n"
	    "strict = off # another\r\n"
	    "  timeout=90\n"
	    "max_size = 64K\n"
	    "greeting = \"a # \\\" b\"\n"
	    "bare_lf = accept\n"
	    "names = one, \"two words\"\tthree\n"
	    "listener a-1 {\n"
	    "\taddress = 127.0.0.1:2525 [::1]:2525\n"
	    "}\n"
	    "listener b {\n"
	    "\tbacklog = 7\n"
	    "\taddress = *:26\n"
	    "}";
	struct settings_errors e;
	struct settings *s = parse(text, &e);
	const struct example_settings *v;
	const struct example_listener *l;
	const struct sockaddr_in *sin;

	(void)state;
	if (s == NULL) {
		fail_msg("%s", e.at[0]);
		return;
	}
	v = settings_values(s);
	assert_false(v->strict);
	assert_int_equal(v->timeout, 90);
	assert_int_equal(v->max_size, 65536);
	assert_string_equal(v->greeting, "a # \" b");
	assert_int_equal(v->bare_lf, 2);
	assert_int_equal(v->names.n, 3);
	assert_string_equal(v->names.at[1], "two words");
	assert_int_equal(settings_n_groups(s), 2);
	l = settings_group(s, 0)->values;
	sin = (const struct sockaddr_in *)&l->address.at[0].sa;
	assert_int_equal(ntohs(sin->sin_port), 2525);
	assert_int_equal(ntohl(sin->sin_addr.s_addr), INADDR_LOOPBACK);
	l = settings_group(s, 1)->values;
	assert_int_equal(l->backlog, 7);
	e.n = 0;
	settings_complain(&e, s, settings_group(s, 1), "backlog", "too %s",
	    "odd");
	settings_complain(&e, s, NULL, "spool", "not there");
	assert_string_equal(e.at[0], "x.conf:14: backlog: too odd");
	assert_string_equal(e.at[1], "x.conf: spool: not there");
	settings_free(s);
}

/* What is wrong, and the first sentence said about it. */
static const struct {
	const char	*text;
	const char	*error;
} wrong[] = {
	{ "timeout = 5x", "x.conf:1: timeout = 5x: not understood: write a "
	    "time such as 90, 10s, 5m, 2h, 5d or 1w" },
	{ "\ntimeout = 1s", "x.conf:2: timeout = 1s: too small: the least is "
	    "10s" },
	{ "timeout = 1w", "x.conf:1: timeout = 1w: too great: the greatest is "
	    "1h" },
	{ "timeout = -1", "x.conf:1: timeout = -1: not understood: write a "
	    "time such as 90, 10s, 5m, 2h, 5d or 1w" },
	{ "timeout =", "x.conf:1: timeout = : not understood: write a "
	    "time such as 90, 10s, 5m, 2h, 5d or 1w" },
	{ "max_size = 99999999999999999999", "x.conf:1: max_size = "
	    "99999999999999999999: not understood: write a size such as 512, "
	    "64K, 35M or 2G" },
	{ "max_size = 99999999999999T", "x.conf:1: max_size = 99999999999999T: "
	    "not understood: write a size such as 512, 64K, 35M or 2G" },
	{ "strict = perhaps", "x.conf:1: strict = perhaps: not understood: "
	    "write yes or no" },
	{ "bare_lf = acc", "x.conf:1: bare_lf = acc: not one of the choices: "
	    "write refuse|convert|accept" },
	{ "spool = var", "x.conf:1: spool = var: not an absolute path: begin "
	    "it with /" },
	{ "greeting = \"a", "x.conf:1: greeting = \"a: the closing quote is "
	    "missing: write \"text\", with \\\" for a quote within" },
	{ "greeting = \"a\" b", "x.conf:1: greeting = \"a\" b: text behind the "
	    "closing quote: put all of it between the quotes" },
	{ "greeting = 123456789012345678901", "x.conf:1: greeting = "
	    "123456789012345678901: too long: the greatest is 20" },
	{ "names = a b c d e f", "x.conf:1: names = a b c d e f: too many: "
	    "the greatest is 5" },
	{ "timeuot = 1m", "x.conf:1: there is no setting timeuot here: did "
	    "you mean timeout?" },
	{ "nothing_like_it = 1m", "x.conf:1: there is no setting "
	    "nothing_like_it here: `bulkhead config` lists those that exist" },
	{ "address = *:25", "x.conf:1: address belongs to a listener: set it "
	    "inside listener NAME { }" },
	{ "listener a {\ntimeout = 1m\naddress = *:1\n}", "x.conf:2: timeout "
	    "does not belong inside a block: set it outside of { }" },
	{ "strict = yes\nstrict = no", "x.conf:2: strict is set twice: keep "
	    "this one or that of line 1" },
	{ "\nlistener a {\n}", "x.conf:2: address is missing: add address = "
	    "and addresses such as 192.0.2.1:25, [2001:db8::1]:25 or *:25" },
	{ "listener a {\naddress = localhost:25\n}", "x.conf:2: address = "
	    "localhost:25: \"localhost:25\" is not an address: write addresses "
	    "such as 192.0.2.1:25, [2001:db8::1]:25 or *:25" },
	{ "listener a {\naddress = 127.0.0.1:65536\n}", "x.conf:2: address = "
	    "127.0.0.1:65536: \"127.0.0.1:65536\" is not an address: write "
	    "addresses such as 192.0.2.1:25, [2001:db8::1]:25 or *:25" },
	{ "listener a {\naddress = *:1", "x.conf:1: the block is never closed: "
	    "add } after its last setting" },
	{ "listener a { address = *:1 }", "x.conf:1: not understood: write "
	    "name = value, or # before a comment" },
	{ "listener {\n}", "x.conf:1: the head of a block is wrong: write "
	    "listener NAME {, and each setting on a line of its own" },
	{ "talker a {\n}", "x.conf:1: there is no kind of block talker here: "
	    "`bulkhead config` lists those that exist" },
	{ "listener a {\nlistener b {\n}", "x.conf:2: a block inside a block: "
	    "close that of line 1 with } first" },
	{ "listener a {\naddress = *:1\n}\nlistener a {\n}", "x.conf:4: "
	    "listener a is there twice: rename it, or join it with that of "
	    "line 1" },
	{ "}", "x.conf:1: } without a block: remove it" },
	{ "%version 2", "x.conf:1: a version that this program does not know: "
	    "it knows %version 1" },
	{ "\n%version 1", "x.conf:2: %version is not the first line: move it "
	    "there" },
	{ "hello", "x.conf:1: not understood: write name = value, or # before "
	    "a comment" },
	{ "\033[2J = 1", "x.conf:1: not understood: write name = value, or # "
	    "before a comment" },
	{ "timeout = \033\n", "x.conf:1: timeout = ?: not understood: write a "
	    "time such as 90, 10s, 5m, 2h, 5d or 1w" },
};

static void
test_wrong(void **state)
{
	struct settings_errors e;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_null(parse(wrong[i].text, &e));
		assert_true(e.n >= 1);
		assert_string_equal(e.at[0], wrong[i].error);
	}
}

static void
test_limits(void **state)
{
	struct settings_errors e;
	char *big = malloc(SETTINGS_FILE_MAX + 10);
	int fd = memfd_create("x", MFD_CLOEXEC);

	(void)state;
	memset(big, '\n', SETTINGS_FILE_MAX + 10);
	memset(big, '#', SETTINGS_LINE_MAX);
	settings_free(settings_parse(&example_schema,
	    slice_of(big, SETTINGS_LINE_MAX + 1), &e));
	assert_int_equal(e.n, 0);
	big[SETTINGS_LINE_MAX] = 'x';
	assert_null(settings_parse(&example_schema,
	    slice_of(big, SETTINGS_LINE_MAX + 1), &e));
	assert_string_equal(e.at[0], "x.conf:1: the line is too long: the "
	    "greatest is 4096 octets");
	memset(big, '\n', SETTINGS_FILE_MAX + 1);
	assert_int_equal(write(fd, big, SETTINGS_FILE_MAX), SETTINGS_FILE_MAX);
	settings_free(settings_read(&example_schema, fd, &e));
	assert_int_equal(e.n, 0);
	assert_int_equal(write(fd, "\n", 1), 1);
	assert_null(settings_read(&example_schema, fd, &e));
	assert_string_equal(e.at[0], "x.conf: the file is too long: the "
	    "greatest is 1048576 octets");
	/* More errors than are kept. */
	memset(big, 'x', 200);
	for (int i = 1; i < 200; i += 2)
		big[i] = '\n';
	assert_null(settings_parse(&example_schema, slice_of(big, 200), &e));
	assert_int_equal(e.n, SETTINGS_ERRORS_MAX);
	assert_null(parse("listener a {\naddress = *:1\n}\n"
	    "listener b {\naddress = *:1\n}\nlistener c {\naddress = *:1\n}\n"
	    "listener d {\naddress = *:1\n}\nlistener e {\naddress = *:1\n}\n",
	    &e));
	assert_string_equal(e.at[0], "x.conf:13: too many blocks of this "
	    "kind: the greatest number is 4");
	close(fd);
	free(big);
}

static void
test_nul(void **state)
{
	struct settings_errors e;

	(void)state;
	assert_null(settings_parse(&example_schema,
	    SLICE_LITERAL("strict = yes\0\n"), &e));
	assert_string_equal(e.at[0], "x.conf:1: a NUL in the line: a settings "
	    "file is text");
}

static void
check_timeout(const struct settings *s, struct settings_errors *e)
{
	const struct example_settings *v = settings_values(s);

	if (v->timeout == 13)
		settings_complain(e, s, NULL, "timeout", "unlucky: take 14s");
}

static void
test_check(void **state)
{
	struct settings_schema schema = example_schema;
	struct settings_errors e;

	(void)state;
	schema.check = check_timeout;
	assert_null(settings_parse(&schema, SLICE_LITERAL("timeout = 13"), &e));
	assert_string_equal(e.at[0], "x.conf:1: timeout: unlucky: take 14s");
	settings_free(settings_parse(&schema, SLICE_LITERAL("timeout = 14"),
	    &e));
	assert_int_equal(e.n, 0);
}

/* Who needs the blocks alone passes over the rest, but not inside a line. */
static void
test_only_blocks(void **state)
{
	struct settings_schema schema = example_schema;
	struct settings_errors e;
	struct settings *s;

	(void)state;
	schema.rows = NULL;
	schema.n_rows = 0;
	schema.only_blocks = true;
	s = settings_parse(&schema, SLICE_LITERAL("timeout = x\nother y {\n"
	    "a = 1\n}\nlistener q {\naddress = *:9\nunknown = 1\n}\n"), &e);
	assert_non_null(s);
	assert_int_equal(settings_n_groups(s), 1);
	settings_free(s);
	assert_null(settings_parse(&schema,
	    SLICE_LITERAL("listener q {\naddress = nowhere\n}\n"), &e));
}

static void
test_nearest(void **state)
{
	static const struct {
		const char	*a, *b;
		size_t		 want;
	} rows[] = {
		{ "", "", 0 }, { "", "abc", 3 }, { "abc", "", 3 },
		{ "abc", "abc", 0 }, { "abc", "acb", 1 }, { "abc", "xbc", 1 },
		{ "abc", "abcd", 1 }, { "abc", "bc", 1 },
		{ "kitten", "sitting", 3 }, { "ca", "abc", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(nearest_distance(slice_str(rows[i].a),
		    slice_str(rows[i].b)), rows[i].want);
}

static char *
printed(void (*print)(FILE *, const void *), const void *what)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	print(f, what);
	fclose(f);
	return text;
}

static void
print_manual(FILE *f, const void *what)
{
	settings_print_manual(f, what);
}

static void
print_example(FILE *f, const void *what)
{
	settings_print_example(f, what);
}

static void
print_listing(FILE *f, const void *what)
{
	settings_print_listing(f, what);
}

/* The example parses as it is, and also with every setting put in force. */
static void
test_example(void **state)
{
	char *text = printed(print_example, &example_schema), *at = text;
	struct settings_errors e;
	struct settings *s = parse(text, &e);

	(void)state;
	if (s == NULL) {
		fail_msg("%s", e.at[0]);
		return;
	}
	settings_free(s);
	for (; *at != '\0' && strncmp(at, "\n# Where mail", 13) != 0; at++)
		if (*at == '\n' && at[1] == '#' && at[2] != ' ')
			at[1] = ' ';
	*at = '\0';
	s = parse(text, &e);
	if (s == NULL) {
		fail_msg("%s\n%s", e.at[0], text);
		return;
	}
	settings_free(s);
	free(text);
}

/* The listing is a file that gives the same settings. */
static void
test_listing(void **state)
{
	struct settings_errors e;
	struct settings *s = parse("greeting = \"a # b\"\nnames = x \"y z\"\n"
	    "listener q {\naddress = [::1]:9\n}\n", &e);
	struct settings *again;
	char *text;

	(void)state;
	assert_non_null(s);
	text = printed(print_listing, s);
	assert_non_null(strstr(text, "greeting = \"a # b\" # x.conf:1\n"));
	assert_non_null(strstr(text, "timeout = 5m\n"));
	again = parse(text, &e);
	if (again == NULL) {
		fail_msg("%s", e.at[0]);
		return;
	}
	assert_string_equal(
	    ((const struct example_settings *)settings_values(again))->greeting,
	    "a # b");
	free(text);
	settings_free(s);
	settings_free(again);
}

static void
test_manual(void **state)
{
	char *text = printed(print_manual, &example_schema);

	(void)state;
	assert_non_null(strstr(text, ".It Ic timeout No = Ar a time such as"));
	assert_non_null(strstr(text,
	    "Silence allowed. From 10s to 1h.\n"
	    "Standard: 5m; a reload applies it.\n"));
	assert_non_null(strstr(text, ".Ss Blocks: listener\n"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_is_standard),
		cmocka_unit_test(test_whole_file),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_only_blocks),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_listing),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
