/* The deflating layer over a socket pair, with a slow reader and wicked input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "imapd/session/deflate.h"

struct pair {
	int		 ours, theirs;
	struct deflate	*d;
};

static struct pair
open_pair(void)
{
	struct pair p;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fd), 0);
	p.ours = fd[0];
	p.theirs = fd[1];
	p.d = deflate_new(p.ours);
	assert_non_null(p.d);
	return p;
}

static void
close_pair(struct pair *p)
{
	deflate_layer.free(p->d);
	close(p->ours);
	close(p->theirs);
}

/* The whole goes through as the stream drives it: in front again after EAGAIN. */
static void
test_output(void **state)
{
	struct pair p = open_pair();
	size_t size = 3 * 1000 * 1000, sent = 0, got = 0;
	char *in = malloc(size), *out = malloc(size);
	unsigned char raw[777];
	bool blocked = false;
	z_stream z = { 0 };

	(void)state;
	for (size_t i = 0; i < size; i++)
		in[i] = (char)(i / 50000 % 2 ? i * 2654435761U >> 11 :
		    'a' + i % 7);
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	while (got < size) {
		ssize_t n = sent == size ? 0 : deflate_layer.send(p.d,
		    in + sent, size - sent < 60000 ? size - sent : 60000);

		if (n == -1) {
			assert_int_equal(errno, EAGAIN);
			blocked = true;
		} else
			sent += (size_t)n;
		n = recv(p.theirs, raw, sizeof(raw), 0);
		if (n == -1)
			continue;
		z.next_in = raw;
		z.avail_in = (uInt)n;
		z.next_out = (Bytef *)out + got;
		z.avail_out = (uInt)(size - got);
		(void)inflate(&z, Z_SYNC_FLUSH);
		got = size - z.avail_out;
	}
	assert_true(blocked);
	assert_memory_equal(in, out, size);
	inflateEnd(&z);
	free(in);
	free(out);
	close_pair(&p);
}

/* What is flushed can be read at once, and what is not whole is waited for. */
static void
test_input(void **state)
{
	unsigned char raw[256];
	struct pair p = open_pair();
	z_stream z = { .next_in = (Bytef *)(uintptr_t)"a NOOP\r\nb NOOP\r\n",
		.avail_in = 16, .next_out = raw, .avail_out = sizeof(raw) };
	bool wants_write = false;
	char got[8];
	size_t len;

	(void)state;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
	len = sizeof(raw) - z.avail_out;
	assert_int_equal(deflate_layer.receive(p.d, got, 8, &wants_write), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(write(p.theirs, raw, 1), 1);
	assert_int_equal(deflate_layer.receive(p.d, got, 8, &wants_write), -1);
	assert_int_equal(write(p.theirs, raw + 1, len - 1), len - 1);
	assert_int_equal(deflate_layer.receive(p.d, got, 8, &wants_write), 8);
	assert_memory_equal(got, "a NOOP\r\n", 8);
	assert_true(deflate_layer.pending(p.d));
	assert_int_equal(deflate_layer.receive(p.d, got, 8, &wants_write), 8);
	assert_memory_equal(got, "b NOOP\r\n", 8);
	assert_int_equal(deflate_layer.receive(p.d, got, 8, &wants_write), -1);
	assert_int_equal(errno, EAGAIN);
	assert_false(deflate_layer.pending(p.d));
	/* the end of the deflated stream is the end */
	z.next_out = raw;
	z.avail_out = sizeof(raw);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	len = sizeof(raw) - z.avail_out;
	assert_int_equal(write(p.theirs, raw, len), len);
	assert_int_equal(deflate_layer.receive(p.d, got, 8, &wants_write), 0);
	deflateEnd(&z);
	close_pair(&p);
}

static void
test_nonsense(void **state)
{
	struct pair p = open_pair();
	bool wants_write = false;
	char got[64];

	(void)state;
	assert_int_equal(write(p.theirs, "a NOOP\r\n\xff\xff\xff\xff", 12), 12);
	assert_int_equal(deflate_layer.receive(p.d, got, 64, &wants_write), -1);
	assert_int_equal(errno, EPROTO);
	close_pair(&p);
}

/* Blanks for ever: in constant memory, and cut off in the end. */
static void
test_bomb(void **state)
{
	struct pair p = open_pair();
	unsigned char raw[4096];
	static Bytef blanks[65536];
	z_stream z = { 0 };
	uint64_t total = 0;
	bool wants_write = false;
	char got[16384];
	ssize_t n = 0;

	(void)state;
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, 0), Z_OK);
	while (n != -1 || errno == EAGAIN) {
		z.next_out = raw;
		z.avail_out = sizeof(raw);
		while (z.avail_out > 0) {
			if (z.avail_in == 0) {
				z.next_in = blanks;
				z.avail_in = sizeof(blanks);
			}
			deflate(&z, Z_NO_FLUSH);
		}
		assert_int_equal(write(p.theirs, raw, sizeof(raw)),
		    sizeof(raw));
		while ((n = deflate_layer.receive(p.d, got, sizeof(got),
		    &wants_write)) > 0)
			total += (uint64_t)n;
		assert_true(total < 2 * INFLATE_GRACE);
	}
	assert_int_equal(errno, EPROTO);
	assert_true(total >= INFLATE_GRACE - sizeof(got));
	deflateEnd(&z);
	close_pair(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_bomb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
