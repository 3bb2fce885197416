/*
 * tests-bench-sink: takes mail by SMTP, counts it and throws it away.
 *
 * Usage: tests-bench-sink -p port -n messages [-t seconds]
 *
 * Listens on 127.0.0.1 and announces what most hosts do (PIPELINING, SIZE,
 * 8BITMIME).  Prints "ready" when it listens, and ends when n messages are
 * there or the time is up, with one line:
 *	received=N connections=N last=T
 * T on the monotonic clock, when the last one was there.  A command that it
 * does not expect is answered 503 and makes the program fail.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "tests/tool/number.h"

enum { BUFFER = 64 * 1024, EVENTS = 64 };

static const char END_OF_DATA[] = "\r\n.\r\n";
enum { END_LEN = sizeof(END_OF_DATA) - 1 };

struct client {
	int fd;
	bool in_data;
	size_t len;		/* octets in buf that are not read yet */
	char out[1024];
	size_t out_len;
	char buf[BUFFER + 1];
};

struct sink {
	int epoll_fd, listener;
	unsigned wanted, received, connections, errors;
	double last;
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
say(struct client *c, const char *text)
{
	size_t len = strlen(text);

	if (c->out_len + len > sizeof(c->out))
		return;		/* nobody pipelines so much */
	memcpy(c->out + c->out_len, text, len);
	c->out_len += len;
}

static const struct {
	const char *verb, *reply;
} replies[] = {
	{ "EHLO ", "250-sink.example.net\r\n250-PIPELINING\r\n"
	    "250-SIZE 0\r\n250 8BITMIME\r\n" },
	{ "HELO ", "250 sink.example.net\r\n" },
	{ "MAIL ", "250 2.1.0 Ok\r\n" },
	{ "RCPT ", "250 2.1.5 Ok\r\n" },
	{ "RSET", "250 2.0.0 Ok\r\n" },
	{ "NOOP", "250 2.0.0 Ok\r\n" },
	{ "DATA", "354 Go on\r\n" },
	{ "QUIT", "221 2.0.0 Bye\r\n" },
};

static void
command(struct sink *s, struct client *c, const char *line)
{
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		if (strncasecmp(line, replies[i].verb,
		    strlen(replies[i].verb)) == 0) {
			c->in_data = strcmp(replies[i].verb, "DATA") == 0;
			say(c, replies[i].reply);
			return;
		}
	s->errors++;
	say(c, "503 5.5.1 Not here\r\n");
}

/* Octets used up of at, 0 when more is needed. */
static size_t
take_line(struct sink *s, struct client *c, char *at, size_t len)
{
	char *end = memchr(at, '\n', len);

	if (end == NULL)
		return 0;
	*end = '\0';
	command(s, c, at);
	if (c->in_data) {
		/* So that a content of nothing ends like all others. */
		*end = '\n';
		return (size_t)(end - at) - 1;
	}
	return (size_t)(end - at) + 1;
}

static size_t
take_data(struct sink *s, struct client *c, const char *at, size_t len)
{
	const char *end = memmem(at, len, END_OF_DATA, END_LEN);

	if (end == NULL)
		return len < END_LEN ? 0 : len - (END_LEN - 1);
	c->in_data = false;
	s->received++;
	s->last = now();
	say(c, "250 2.0.0 Ok\r\n");
	return (size_t)(end - at) + END_LEN;
}

/* -1 when the connection is at its end. */
static int
client_read(struct sink *s, struct client *c)
{
	ssize_t n = read(c->fd, c->buf + c->len, BUFFER - c->len);
	size_t at = 0, used;

	if (n <= 0)
		return n == -1 && errno == EAGAIN ? 0 : -1;
	c->len += (size_t)n;
	do {
		used = c->in_data ?
		    take_data(s, c, c->buf + at, c->len - at) :
		    take_line(s, c, c->buf + at, c->len - at);
		at += used;
	} while (used > 0 && at < c->len);
	memmove(c->buf, c->buf + at, c->len - at);
	c->len -= at;
	/* What is sent is less than a socket buffer, always. */
	if (c->out_len > 0 && send(c->fd, c->out, c->out_len,
	    MSG_NOSIGNAL) != (ssize_t)c->out_len)
		return -1;
	c->out_len = 0;
	return c->len == BUFFER ? -1 : 0;
}

static void
client_new(struct sink *s)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct client *c;
	int one = 1, fd;

	if ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK)) == -1)
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(71, NULL);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->fd = fd;
	ev.data.ptr = c;
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == -1)
		err(71, "epoll_ctl");
	s->connections++;
	if (send(fd, "220 sink.example.net ESMTP\r\n", 28, MSG_NOSIGNAL) != 28)
		warn("greeting");
}

static void
serve(struct sink *s, double until)
{
	struct epoll_event events[EVENTS];

	while (s->received < s->wanted && now() < until) {
		int n = epoll_wait(s->epoll_fd, events, EVENTS, 100);

		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;

			if (c == NULL)
				client_new(s);
			else if (client_read(s, c) == -1) {
				close(c->fd);
				free(c);
			}
		}
	}
}

static void
listen_on(struct sink *s, unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event ev = { .events = EPOLLIN };
	int one = 1;

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s->listener, (struct sockaddr *)&to, sizeof(to)) == -1 ||
	    listen(s->listener, 4096) == -1 ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listener, &ev) == -1)
		err(71, "port %u", port);
}

int
main(int argc, char *argv[])
{
	struct sink s = { 0 };
	unsigned port = 0, seconds = 120;
	int ch;

	while ((ch = getopt(argc, argv, "p:n:t:")) != -1)
		switch (ch) {
		case 'p':
			port = tool_number(optarg, 1, 100000000);
			break;
		case 'n':
			s.wanted = tool_number(optarg, 1, 100000000);
			break;
		case 't':
			seconds = tool_number(optarg, 1, 100000000);
			break;
		default:
			errx(64, "usage: -p port -n messages [-t seconds]");
		}
	if (port == 0 || s.wanted == 0)
		errx(64, "-p and -n are needed");
	listen_on(&s, port);
	puts("ready");
	fflush(stdout);
	serve(&s, now() + seconds);
	printf("received=%u connections=%u last=%.6f\n", s.received,
	    s.connections, s.last);
	return s.errors == 0 && s.received >= s.wanted ? 0 : 1;
}
