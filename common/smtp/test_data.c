/*
 * The end of data, at every segmentation; dots; what is counted.  The model
 * to compare with is the definition: the first CRLF "." CRLF ends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/smtp/data.h"
#include "common/smtp/stuff.h"

/* What the definition says of a stream behind "DATA" CRLF. */
struct model {
	size_t	end;		/* octets used, the terminator counted; 0: none */
	bool	bare;		/* among the used ones */
	char	content[128];	/* when it is not bare */
	size_t	len;
};

static struct model
define(const char *in, size_t len)
{
	struct model m = { 0 };
	char s[130] = "\r\n";

	memcpy(s + 2, in, len);
	for (size_t i = 0; i + 5 <= len + 2 && m.end == 0; i++)
		if (memcmp(s + i, "\r\n.\r\n", 5) == 0)
			m.end = i + 5 - 2;
	if (m.end == 0)
		return m;
	for (size_t i = 0; i < m.end; i++) {
		m.bare |= in[i] == '\r' && in[i + 1] != '\n';
		m.bare |= in[i] == '\n' && s[i + 1] != '\r';
	}
	for (size_t i = 0; i + 3 < m.end; i++) {
		if (in[i] == '.' && s[i] == '\r' && s[i + 1] == '\n')
			continue;
		m.content[m.len++] = in[i];
	}
	return m;
}

/* Decode in pieces cut where the bits of cuts are set. */
static void
check(const char *in, size_t len, uint32_t cuts)
{
	struct model m = define(in, len);
	struct smtp_data d;
	char content[128];
	size_t at = 0, got = 0;

	smtp_data_init(&d);
	while (at < len && !smtp_data_ended(&d)) {
		size_t n = 1, out, used;
		char *piece;

		while (at + n < len && (cuts >> (at + n) & 1) == 0)
			n++;
		piece = malloc(n);
		memcpy(piece, in + at, n);
		used = smtp_data_take(&d, piece, n, &out);
		assert_true(used == n || smtp_data_ended(&d));
		memcpy(content + got, piece, out);
		got += out;
		at += used;
		free(piece);
	}
	assert_int_equal(smtp_data_ended(&d), m.end != 0);
	if (m.end == 0)
		return;
	assert_int_equal(at, m.end);
	assert_int_equal(smtp_data_is_bare(&d), m.bare);
	if (m.bare)
		return;
	assert_int_equal(got, m.len);
	assert_int_equal(d.size, m.len);
	assert_memory_equal(content, m.content, got);
}

static const char *const around[][2] = {
	{ "", "" }, { "", "\r\n" }, { "", "\r\n.\r\n" },
	{ "a\r\n", "\r\n.\r\n" }, { "a", "\r\nQUIT\r\n.\r\n" },
};

/* Every sequence of CR, LF, dot and x up to length 6, and around the end. */
static void
test_sequences(void **state)
{
	static const char letters[] = "\r\n.x";
	char in[64];

	(void)state;
	for (size_t a = 0; a < sizeof(around) / sizeof(around[0]); a++)
		for (unsigned code = 0; code < 1u << 12; code++) {
			size_t n = strlen(around[a][0]), end;

			memcpy(in, around[a][0], n);
			for (int i = 0; i < 6; i++)
				in[n++] = letters[code >> (2 * i) & 3];
			end = n + strlen(around[a][1]);
			memcpy(in + n, around[a][1], end - n);
			check(in, end, 0);
			check(in, end, UINT32_MAX);
			for (size_t cut = 1; cut < end; cut++)
				check(in, end, 1u << cut);
		}
}

/* Length 4 around a dot, at all segmentations. */
static void
test_segmentations(void **state)
{
	static const char letters[] = "\r\n.x";

	(void)state;
	for (unsigned code = 0; code < 1u << 8; code++) {
		char in[16] = "a";
		size_t n = 1;

		for (int i = 0; i < 4; i++)
			in[n++] = letters[code >> (2 * i) & 3];
		memcpy(in + n, "\r\n.\r\n", 5);
		n += 5;
		for (uint32_t cuts = 0; cuts < 1u << n; cuts += 2)
			check(in, n, cuts);
	}
}

static struct smtp_data
run(const char *text)
{
	struct smtp_data d;
	size_t len = strlen(text), out;
	char *in = malloc(len);

	memcpy(in, text, len);
	smtp_data_init(&d);
	smtp_data_take(&d, in, len, &out);
	free(in);
	return d;
}

static void
test_header(void **state)
{
	struct smtp_data d;

	(void)state;
	d = run("Received: a\r\n\tReceived: no\r\nRECEIVED : b\r\n"
		"Receivedx: c\r\nDate: d\r\n\r\nReceived: body\r\n.\r\n");
	assert_int_equal(d.received, 2);
	assert_int_equal(d.fields, 4);
	assert_true(d.has_date && !d.has_from && !d.has_message_id);
	assert_true(d.header_done && !d.header_cut);
	d = run("message-id:<x>\r\nFrom: me\r\n.\r\n");
	assert_true(d.has_message_id && d.has_from && !d.header_done);
	d = run("Hello Bob\r\nReceived: x\r\n.\r\n");
	assert_true(d.header_done && d.header_cut);
	assert_int_equal(d.received, 0);
	d = run("..Received: x\r\n.\r\n");
	assert_int_equal(d.received, 0);
	d = run("A-Very-Long-Field-Name-Indeed: x\r\nFrom: y\r\n.\r\n");
	assert_true(d.has_from);
}

static void
test_counts(void **state)
{
	struct smtp_data d = run("abc\r\n\r\n.x\r\n.\r\n");

	(void)state;
	assert_true(smtp_data_ended(&d) && !d.eight_bit);
	assert_int_equal(d.size, 10);
	assert_int_equal(d.longest, 5);
	d = run("0123456789012345678901234567890123456789\xe9\r\n.\r\n");
	assert_true(d.eight_bit);
	d = run("caf\xe9\r\n.\r\n");
	assert_true(d.eight_bit);
}

/* What the one writer stuffs, the decoder gives back; at any sizes. */
static void
test_round_trip(void **state)
{
	static const char *const texts[] = { "", "\r\n", ".\r\n", "..\r\n.\r\n",
		"a\r\n.b\r\n..c\r\n.\r\n\r\n.", "no end", ".", "x\r\n." };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t size = 2; size < 12; size++) {
			struct slice in = slice_str(texts[i]);
			struct smtp_stuff st = { 0 };
			struct smtp_data d;
			char wire[128];
			size_t n = 0, out, used;

			while (in.len > 0)
				n += smtp_stuff(&st, &in, wire + n, size);
			n += smtp_stuff_end(&st, wire + n);
			smtp_data_init(&d);
			used = smtp_data_take(&d, wire, n, &out);
			assert_true(smtp_data_ended(&d) &&
			    !smtp_data_is_bare(&d));
			assert_int_equal(used, n);
			assert_memory_equal(wire, texts[i], strlen(texts[i]));
			if (out != strlen(texts[i])) {
				/* only the missing line end may be added */
				assert_int_equal(out, strlen(texts[i]) + 2);
				assert_memory_equal(wire + out - 2, "\r\n", 2);
			}
		}
}

/* From LF, CRLF or both, in any division: the same octets as from CRLF. */
static void
test_stored(void **state)
{
	static const struct {
		const char *stored, *wire;
	} texts[] = {
		{ "", ".\r\n" },
		{ "\n", "\r\n.\r\n" },
		{ "\n\n", "\r\n\r\n.\r\n" },
		{ ".\n..\n.x", "..\r\n...\r\n..x\r\n.\r\n" },
		{ "a\n.b\r\n\n.", "a\r\n..b\r\n\r\n..\r\n.\r\n" },
		{ "a\r\nb\r\r\nc\r", "a\r\nb\r\r\nc\r\n.\r\n" },
		{ "a\rb\n", "a\rb\r\n.\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t size = 1; size < 12; size++) {
			struct slice in = slice_str(texts[i].stored);
			struct smtp_stuff st = { 0 };
			char wire[64];
			size_t n = 0;

			while (in.len > 0) {
				size_t len = in.len < size ? in.len : size;

				n += smtp_stuff_stored(
				    &st, slice_of(in.at, len), wire + n);
				in = slice_skip(in, len);
			}
			n += smtp_stuff_end(&st, wire + n);
			assert_int_equal(n, strlen(texts[i].wire));
			assert_memory_equal(wire, texts[i].wire, n);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_segmentations),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_stored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
