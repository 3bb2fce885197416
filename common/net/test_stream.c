/* Streams over a socket pair: nothing lost, nothing kept, ends told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/listener.h"
#include "common/net/stream_private.h"

struct peer {
	struct event_base *base;
	struct stream_loop *loop;
	struct stream	*s;
	int		 fd;		/* the other side */
	char		 got[256];
	size_t		 got_len;
	size_t		 seen;		/* len of the last input() */
	int		 drained, ends;
	enum stream_end	 end;
	bool		 lines;		/* take whole lines only */
	bool		 pause;		/* pause after each line */
	bool		 free_on_input, free_on_end, finish_on_end;
};

static size_t
on_input(void *owner, char *at, size_t len)
{
	struct peer *p = owner;
	char *lf;

	p->seen = len;
	if (p->free_on_input) {
		stream_free(p->s);
		p->s = NULL;
		return 0;
	}
	if (p->lines) {
		lf = memchr(at, '\n', len);
		if (lf == NULL)
			return 0;
		len = (size_t)(lf - at) + 1;
	}
	assert_true(p->got_len + len <= sizeof(p->got));
	memcpy(p->got + p->got_len, at, len);
	p->got_len += len;
	if (p->pause)
		stream_pause(p->s);
	return len;
}

static void
on_drained(void *owner)
{
	((struct peer *)owner)->drained++;
}

static void
on_ended(void *owner, enum stream_end why)
{
	struct peer *p = owner;

	p->ends++;
	p->end = why;
	if (p->finish_on_end && p->ends == 1) {
		stream_write(p->s, "bye", 3);
		stream_finish(p->s, 0);
	} else if (p->free_on_end) {
		stream_free(p->s);
		p->s = NULL;
	}
}

static const struct stream_kind kind = {
	.on = { .input = on_input, .drained = on_drained, .ended = on_ended },
	.input_max = 64, .output_max = 1024,
};
static const struct stream_kind impatient = {
	.on = { .input = on_input, .drained = on_drained, .ended = on_ended },
	.input_max = 64, .output_max = 1024, .output_ms = 60,
};
static const struct stream_kind exact = {
	.on = { .input = on_input, .ended = on_ended },
	.input_max = 64, .output_max = 1024, .exact_lines = true,
};

static int
setup(void **state)
{
	struct peer *p = calloc(1, sizeof(*p));
	int sv[2];

	p->base = event_base_new();
	p->loop = stream_loop_new(p->base, 4096);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	p->s = stream_new(p->loop, sv[0], &kind, p);
	p->fd = sv[1];
	*state = p;
	return p->s == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct peer *p = *state;

	stream_free(p->s);
	stream_loop_free(p->loop);
	event_base_free(p->base);
	close(p->fd);
	free(p);
	return 0;
}

static void
turn(struct peer *p)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(p->base, EVLOOP_NONBLOCK);
}

static void
turn_ms(struct peer *p, int ms)
{
	struct timeval tv = { 0, ms * 1000 };

	event_base_loopexit(p->base, &tv);
	event_base_dispatch(p->base);
}

static void
say(struct peer *p, const char *text)
{
	assert_int_equal(write(p->fd, text, strlen(text)), strlen(text));
	turn(p);
}

static void
expect_got(struct peer *p, const char *text)
{
	assert_int_equal(p->got_len, strlen(text));
	assert_memory_equal(p->got, text, p->got_len);
}

static void
test_lines(void **state)
{
	struct peer *p = *state;

	p->lines = true;
	say(p, "a");
	assert_int_equal(stream_waiting(p->s), 1);
	say(p, "b\ncd\ne");
	expect_got(p, "ab\ncd\n");
	assert_int_equal(stream_waiting(p->s), 1);
	say(p, "\n");
	expect_got(p, "ab\ncd\ne\n");
	/* Idle again: nothing is allocated. */
	assert_null(p->s->kept);
	assert_null(p->s->out);
	assert_int_equal(stream_received(p->s), 8);
}

static void
test_overflow(void **state)
{
	struct peer *p = *state;
	char line[65];

	p->lines = true;
	memset(line, 'x', 64);
	line[64] = '\0';
	say(p, line);
	assert_int_equal(p->ends, 0);
	say(p, "y");
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end, STREAM_OVERFLOW);
}

static void
test_pause(void **state)
{
	struct peer *p = *state;

	p->lines = p->pause = true;
	say(p, "a\nb\nc\n");
	expect_got(p, "a\n");
	say(p, "d\n");
	expect_got(p, "a\n");
	for (int i = 0; i < 3; i++) {
		stream_resume(p->s);
		turn(p);
	}
	expect_got(p, "a\nb\nc\nd\n");
	close(p->fd);
	p->fd = dup(0);
	turn(p);
	assert_int_equal(p->ends, 0);
	stream_resume(p->s);
	turn(p);
	assert_int_equal(p->end, STREAM_EOF);
}

static void
test_output(void **state)
{
	struct peer *p = *state;
	char in[8192];

	stream_write(p->s, "one ", 4);
	stream_write(p->s, "two", 3);
	assert_int_equal(read(p->fd, in, sizeof(in)), -1);
	turn(p);
	assert_int_equal(read(p->fd, in, sizeof(in)), 7);
	assert_memory_equal(in, "one two", 7);
	assert_null(p->s->out);
}

/* Fill the pipe until octets stay here. */
static size_t
fill(struct peer *p)
{
	char block[512];
	size_t sent = 0;
	int size = 4608;

	setsockopt(stream_fd(p->s), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	memset(block, 'o', sizeof(block));
	while (!stream_full(p->s)) {
		assert_int_equal(p->ends, 0);
		stream_write(p->s, block, sizeof(block));
		sent += sizeof(block);
		turn(p);
	}
	return sent;
}

static void
test_full(void **state)
{
	struct peer *p = *state;
	size_t sent = fill(p), got = 0;
	char in[512];
	ssize_t n;

	assert_int_equal(p->drained, 0);
	while ((n = read(p->fd, in, sizeof(in))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(in[i], 'o');
		got += (size_t)n;
		turn(p);
	}
	assert_int_equal(got, sent);
	assert_int_equal(p->drained, 1);
	assert_int_equal(p->ends, 0);
}

static void
test_output_overflow(void **state)
{
	struct peer *p = *state;
	char block[4096];

	fill(p);
	memset(block, 'x', sizeof(block));
	stream_write(p->s, block, sizeof(block));
	assert_int_equal(p->ends, 0);
	turn(p);
	assert_int_equal(p->end, STREAM_OVERFLOW);
}

static void
test_writev(void **state)
{
	struct peer *p = *state;
	char big[8192], in[16384];
	struct iovec iov[] = { { big, sizeof(big) }, { (char *)"end", 3 } };
	struct stream_kind wide = kind;
	size_t got = 0;
	int size = 4608;

	wide.output_max = 65536;
	stream_become(p->s, &wide, p);
	setsockopt(stream_fd(p->s), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i % 251);
	stream_write(p->s, "first", 5);
	stream_writev(p->s, iov, 2);
	for (int i = 0; i < 100 && got < 5 + sizeof(big) + 3; i++) {
		ssize_t n = read(p->fd, in + got, sizeof(in) - got);

		if (n > 0)
			got += (size_t)n;
		turn(p);
	}
	assert_int_equal(got, 5 + sizeof(big) + 3);
	assert_memory_equal(in, "first", 5);
	assert_memory_equal(in + 5, big, sizeof(big));
	assert_memory_equal(in + 5 + sizeof(big), "end", 3);
	stream_become(p->s, &kind, p);
}

static void
test_peer_does_not_read(void **state)
{
	struct peer *p = *state;

	fill(p);
	stream_become(p->s, &impatient, p);
	/* Moves a little and is stuck again: the patience begins anew. */
	assert_true(read(p->fd, p->got, sizeof(p->got)) > 0);
	stream_write(p->s, "x", 1);
	turn_ms(p, 400);
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end, STREAM_TIMEOUT);
}

static void
test_deadline(void **state)
{
	struct peer *p = *state;

	p->finish_on_end = true;
	stream_deadline(p->s, 30);
	stream_deadline(p->s, 90);
	turn_ms(p, 60);
	assert_int_equal(p->ends, 0);
	turn_ms(p, 80);
	/* TIMEOUT, then a last word, then FINISHED. */
	assert_int_equal(p->ends, 2);
	assert_int_equal(p->end, STREAM_FINISHED);
	assert_int_equal(read(p->fd, p->got, sizeof(p->got)), 3);
	stream_free(p->s);
	p->s = NULL;
	assert_int_equal(read(p->fd, p->got, sizeof(p->got)), 0);
}

static void
test_deadline_rests_in_pause(void **state)
{
	struct peer *p = *state;

	stream_deadline(p->s, 40);
	stream_pause(p->s);
	turn_ms(p, 120);
	assert_int_equal(p->ends, 0);
	stream_resume(p->s);
	turn_ms(p, 100);
	assert_int_equal(p->end, STREAM_TIMEOUT);
}

static void
test_rate(void **state)
{
	struct peer *p = *state;

	stream_min_rate(p->s, 100, 50);
	say(p, "twenty octets of it.");
	turn_ms(p, 100);
	assert_int_equal(p->ends, 0);
	turn_ms(p, 1200);
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end, STREAM_SLOW);
}

static void
test_free_inside(void **state)
{
	struct peer *p = *state;

	p->free_on_input = true;
	say(p, "x");
	assert_null(p->s);
	turn(p);
}

static void
test_free_at_end(void **state)
{
	struct peer *p = *state;

	p->free_on_end = true;
	shutdown(p->fd, SHUT_WR);
	turn(p);
	assert_int_equal(p->end, STREAM_EOF);
	assert_null(p->s);
}

static void
test_broken(void **state)
{
	struct peer *p = *state;

	p->finish_on_end = true;
	close(p->fd);
	p->fd = dup(0);
	stream_pause(p->s);
	stream_write(p->s, "x", 1);
	turn(p);
	assert_int_equal(p->ends, 2);
	assert_int_equal(p->end, STREAM_ERROR);
}

static void
test_linger(void **state)
{
	struct peer *p = *state;
	char in[16];

	stream_write(p->s, "no", 2);
	stream_finish(p->s, 1000);
	say(p, "more and more");
	assert_int_equal(read(p->fd, in, sizeof(in)), 2);
	assert_int_equal(read(p->fd, in, sizeof(in)), 0);
	assert_int_equal(p->ends, 0);
	assert_int_equal(p->got_len, 0);
	shutdown(p->fd, SHUT_WR);
	turn(p);
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end, STREAM_FINISHED);
}

static void
test_exact_lines(void **state)
{
	struct peer *p = *state;
	char ahead[4], rest[16];
	size_t len = sizeof(ahead);
	int fd;

	stream_become(p->s, &exact, p);
	p->pause = p->lines = true;
	say(p, "USER bo");
	say(p, "b\nPASS x\nSTAT\n");
	expect_got(p, "USER bob\n");
	fd = stream_release(p->s, ahead, &len);
	p->s = NULL;
	assert_true(fd >= 0);
	assert_int_equal(len, 0);
	assert_int_equal(read(fd, rest, sizeof(rest)), 12);
	assert_memory_equal(rest, "PASS x\nSTAT\n", 12);
	close(fd);
}

static void
test_release_ahead(void **state)
{
	struct peer *p = *state;
	char ahead[8];
	size_t len = 2;
	int fd;

	p->pause = p->lines = true;
	say(p, "a\nbcd\n");
	assert_int_equal(stream_release(p->s, ahead, &len), -1);
	len = sizeof(ahead);
	fd = stream_release(p->s, ahead, &len);
	p->s = NULL;
	assert_int_equal(len, 4);
	assert_memory_equal(ahead, "bcd\n", 4);
	close(fd);
}

/* ---- listener ---- */

struct accepts {
	int n, trouble, fd;
};

static void
on_accept(void *arg, int fd, const struct net_address *from)
{
	struct accepts *a = arg;

	assert_int_equal(from->family, NET_LOCAL);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	a->n++;
	a->fd = fd;
}

static void
on_trouble(void *arg, int error)
{
	(void)error;
	((struct accepts *)arg)->trouble++;
}

static const struct listener_events listen_events = {
	on_accept, on_trouble, "421 full\r\n"
};

static int
dial(const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, sa, len), 0);
	return fd;
}

static void
test_listener(void **state)
{
	struct peer *p = *state;
	struct sockaddr sa = { .sa_family = AF_UNIX };
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct accepts a = { 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), c[3], hold[512], n = 0;
	char in[32];

	assert_int_equal(bind(fd, &sa, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *)&name, &len);
	struct listener *l = listener_new(p->base, fd, &listen_events, &a);
	c[0] = dial((struct sockaddr *)&name, len);
	turn(p);
	assert_int_equal(a.n, 1);
	close(a.fd);
	/* Out of descriptors: the client is told, and later ones served. */
	c[1] = dial((struct sockaddr *)&name, len);
	c[2] = socket(AF_UNIX, SOCK_STREAM, 0);
	struct rlimit old, tight;
	getrlimit(RLIMIT_NOFILE, &old);
	while (n < 512 && (hold[n] = dup(fd)) != -1 && hold[n] < 100)
		n++;
	tight = old;
	tight.rlim_cur = (rlim_t)hold[n] + 1;
	setrlimit(RLIMIT_NOFILE, &tight);
	assert_int_equal(dup(fd), -1);
	turn(p);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.trouble, 1);
	assert_int_equal(read(c[1], in, sizeof(in)), 10);
	assert_memory_equal(in, "421 full\r\n", 10);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(connect(c[2], (struct sockaddr *)&name, len), 0);
	turn_ms(p, 150);
	assert_int_equal(a.n, 2);
	close(a.fd);
	for (int i = 0; i <= n; i++)
		close(hold[i]);
	for (int i = 0; i < 3; i++)
		close(c[i]);
	listener_free(l);
	close(fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lines), T(test_overflow), T(test_pause),
		T(test_output), T(test_full), T(test_output_overflow),
		T(test_writev), T(test_peer_does_not_read), T(test_deadline),
		T(test_deadline_rests_in_pause), T(test_rate),
		T(test_free_inside), T(test_free_at_end), T(test_broken),
		T(test_linger), T(test_exact_lines), T(test_release_ahead),
		T(test_listener),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
