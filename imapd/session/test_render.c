/* Envelope and structure as RFC 3501 section 8 shows them, and odd ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "imapd/session/render.h"
#include "imapd/session/search_text.h"

enum what { ENVELOPE, BODY, BODYSTRUCTURE };

static const struct {
	const char	*in;
	enum what	 what;
	const char	*want;
} rows[] = {
	{ "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\n"
	  "From: Terry Gray <gray@cac.washington.edu>\n"
	  "Subject: IMAP4rev1 WG mtg summary and minutes\n"
	  "To: imap@cac.washington.edu\n"
	  "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\n"
	  "Message-Id: <B27397-0100000@cac.washington.edu>\n"
	  "MIME-Version: 1.0\n"
	  "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\n", ENVELOPE,
	    "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
	    "\"IMAP4rev1 WG mtg summary and minutes\" "
	    "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	    "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	    "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	    "((NIL NIL \"imap\" \"cac.washington.edu\")) "
	    "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
	    "(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
	    "\"<B27397-0100000@cac.washington.edu>\")" },
	{ "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\nab\ncd\n", BODY,
	    "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" "
	    "8 2)" },
	/* RFC 3501 section 7.4.2: a text and an image */
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n"
	  "Content-Type: image/png; name=\"a \\\"b\"\nContent-ID: <1@x>\n"
	  "Content-Description: Compiler diff\n"
	  "Content-Transfer-Encoding: base64\nContent-MD5: abc==\n"
	  "Content-Disposition: attachment\nContent-Language: en, de\n"
	  "Content-Location: http://x\n\nAA==\n--b--\n", BODYSTRUCTURE,
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "1 1 NIL NIL NIL NIL)"
	    "(\"image\" \"png\" (\"name\" \"a \\\"b\") \"<1@x>\" "
	    "\"Compiler diff\" \"base64\" 4 \"abc==\" (\"attachment\" NIL) "
	    "(\"en\" \"de\") \"http://x\") \"mixed\" (\"boundary\" \"b\") "
	    "NIL NIL NIL)" },
	{ "Content-Type: message/rfc822\n\nSubject: i\n\nx\n", BODY,
	    "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 (NIL \"i\" NIL "
	    "NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7bit\" 3 1) 3)" },
	/* 8-bit octets cannot stand in a quoted string */
	{ "Subject: \xe9\nFrom: A: b;\n\n", ENVELOPE,
	    "(NIL {1}\r\n\xe9 ((NIL NIL \"A\" NIL)(NIL NIL \"b\" \"\")"
	    "(NIL NIL NIL NIL)) ((NIL NIL \"A\" NIL)(NIL NIL \"b\" \"\")"
	    "(NIL NIL NIL NIL)) ((NIL NIL \"A\" NIL)(NIL NIL \"b\" \"\")"
	    "(NIL NIL NIL NIL)) NIL NIL NIL NIL NIL)" },
	{ "Content-Type: multipart/mixed\n\nx\n", BODY,
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "3 1)" },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mime_parser *p = mime_parser_new(&mime_default_limits);
		struct buffer b = { 0 };
		struct mime *m;

		mime_feed(p, slice_str(rows[i].in));
		m = mime_finish(p);
		if (rows[i].what == ENVELOPE)
			render_envelope(m, &b);
		else
			render_structure(m, rows[i].what == BODYSTRUCTURE, &b);
		assert_false(b.failed);
		buffer_add_slice(&b, slice_of("", 1));
		assert_string_equal(b.at, rows[i].want);
		free(b.at);
		mime_free(m);
		mime_parser_free(p);
	}
}

/* Past the limit of depth: octets, and the grammar stays whole. */
static void
test_opaque(void **state)
{
	const struct mime_limits limits = { .depth = 1, .parts = 10,
		.header = 1000, .strings = 1000 };
	const char *in = "Content-Type: multipart/mixed; boundary=a\n\n--a\n"
	    "Content-Type: message/rfc822\n\nx\n--a--\n";
	struct mime_parser *p = mime_parser_new(&limits);
	struct buffer b = { 0 };
	struct mime *m;

	(void)state;
	mime_feed(p, slice_str(in));
	m = mime_finish(p);
	render_structure(m, false, &b);
	buffer_add_slice(&b, slice_of("", 1));
	assert_string_equal(b.at, "((\"application\" \"octet-stream\" NIL NIL "
	    "NIL \"7bit\" 1) \"mixed\")");
	free(b.at);
	mime_free(m);
	mime_parser_free(p);
}

static void
test_needle(void **state)
{
	static const struct {
		const char *needle, *text;
		bool found;
	} table[] = {
		{ "", "", true }, { "a", "", false }, { "AbC", "xaBcx", true },
		{ "aab", "aaab", true }, { "aab", "aacaab", true },
		{ "abab", "abaabab", true }, { "abc", "ab", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct slice text = slice_str(table[i].text);

		for (size_t cut = 0; cut <= text.len; cut++) {
			struct arena arena = { 0 };
			struct needle n;

			assert_int_equal(needle_init(&n,
			    slice_str(table[i].needle), &arena), 0);
			needle_feed(&n, slice_of(text.at, cut));
			needle_feed(&n, slice_skip(text, cut));
			assert_true(n.found == table[i].found);
			arena_clear(&arena);
		}
	}
}

static void
test_arena(void **state)
{
	struct arena arena = { 0 };
	size_t n = 0;

	(void)state;
	assert_null(arena_alloc(&arena, SIZE_MAX, 2));
	assert_null(arena_alloc(&arena, ARENA_MAX + 1, 1));
	while (arena_alloc(&arena, 1000, 1) != NULL)
		n++;
	assert_true(n > 0 && arena.used <= ARENA_MAX);
	arena_clear(&arena);
	assert_non_null(arena_alloc(&arena, ARENA_MAX, 1));
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_opaque),
		cmocka_unit_test(test_needle),
		cmocka_unit_test(test_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
