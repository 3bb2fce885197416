/* What a message is found to be by one parse of it agrees with its octets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/mailbox/crlf.h"
#include "imapd/session/message.h"

enum { ROUNDS = 20000, PIECES_MAX = 60 };

/* Line ends of every kind, and what makes parts and headers. */
static const char *const pieces[] = {
	"\r\n",
	"\n",
	"\r",
	"\r\r\n",
	"\n\r",
	"a",
	"a: b\n",
	" ",
	"\n\n",
	"--x",
	"\n--x\n",
	"\r\n--x--\r\n",
	"--x--",
	"Content-Type: ",
	"Content-Type: multipart/mixed; boundary=x\n\n",
	"message/rfc822\n\n",
	"Content-Type: message/rfc822\r\n\r\n",
	"\xc3\xa9",
	".\n",
};

static uint32_t
some(uint32_t *seed, size_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % (uint32_t)n;
}

static size_t
make_up(uint32_t *seed, char *to)
{
	size_t len = 0;

	for (uint32_t n = some(seed, PIECES_MAX); n > 0; n--) {
		const char *piece =
		    pieces[some(seed, sizeof(pieces) / sizeof(pieces[0]))];

		memcpy(to + len, piece, strlen(piece));
		len += strlen(piece);
	}
	return len;
}

/* RFC822.SIZE is the same, counted or found with the structure. */
static void
test_size(void **state)
{
	char text[PIECES_MAX * 64];
	uint32_t seed = 3;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct message_file file = MESSAGE_FILE_NONE;
		struct crlf c = { 0 };
		size_t len = make_up(&seed, text);
		const struct mime_part *top;
		const struct mime *m;

		file.fd = memfd_create("message", MFD_CLOEXEC);
		assert_int_equal(write(file.fd, text, len), (ssize_t)len);
		m = message_file_parse(&file, NULL, 0);
		assert_non_null(m);
		assert_ptr_equal(message_file_parse(&file, NULL, 0), m);
		top = &m->parts[0];
		assert_int_equal(mime_header_octets(top) + top->octets,
		    crlf_expanded_len(&c, text, len));
		message_file_close(&file);
		assert_int_equal(file.fd, -1);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
