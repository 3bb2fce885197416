#include "tests/bench/reader/talk.h"

#include <sys/socket.h>
#include <netinet/tcp.h>

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, SEND_MAX = 4096, SILENCE_S = 120 };

uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void
talk_open(struct talk *t, unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval silence = { .tv_sec = SILENCE_S };
	int one = 1;

	*t = (struct talk){ .size = BUFFER, .buf = malloc(BUFFER),
		.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (t->buf == NULL || t->fd == -1)
		err(71, "socket");
	if (connect(t->fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		err(75, "connect");
	setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(t->fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
}

void
talk_close(struct talk *t)
{
	close(t->fd);
	free(t->buf);
}

void
talk_send(struct talk *t, const void *octets, size_t len)
{
	const char *at = octets;

	while (len > 0) {
		ssize_t n = send(t->fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			err(75, "send");
		at += n;
		len -= (size_t)n;
	}
}

void
talk_printf(struct talk *t, const char *fmt, ...)
{
	char line[SEND_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		errx(70, "a command is too long");
	talk_send(t, line, (size_t)n);
}

/* Something more; what is in the buffer may move. */
static void
more(struct talk *t)
{
	ssize_t n;

	if (t->from > 0 && (t->from == t->to || t->to == t->size)) {
		memmove(t->buf, t->buf + t->from, t->to - t->from);
		t->to -= t->from;
		t->from = 0;
	}
	if (t->to == t->size) {
		t->size *= 2;
		t->buf = realloc(t->buf, t->size);
		if (t->buf == NULL)
			err(71, "memory");
	}
	n = recv(t->fd, t->buf + t->to, t->size - t->to, 0);
	if (n == -1)
		err(75, "recv");
	if (n == 0)
		errx(75, "the server ended the connection");
	t->to += (size_t)n;
	t->received += (uint64_t)n;
}

/* Where the line that begins so far behind the first octet ends, behind its
 * LF. */
static size_t
line_end(struct talk *t, size_t at)
{
	size_t seen = at;

	for (;;) {
		char *start = t->buf + t->from;
		char *lf = memchr(start + seen, '\n', t->to - t->from - seen);

		if (lf != NULL) {
			if (lf == start + at || lf[-1] != '\r')
				errx(76, "a line without CRLF");
			return (size_t)(lf - start) + 1;
		}
		seen = t->to - t->from;
		more(t);
	}
}

static struct slice
take(struct talk *t, size_t len)
{
	struct slice s = slice_of(t->buf + t->from, len - 2);

	t->from += len;
	return s;
}

struct slice
talk_line(struct talk *t)
{
	return take(t, line_end(t, 0));
}

/* "...{123}" CRLF: 123; else -1. */
static long
literal_of(const char *line, size_t len)
{
	size_t at = len - 3;

	if (len < 5 || line[at] != '}')
		return -1;
	while (at > 0 && line[at - 1] >= '0' && line[at - 1] <= '9')
		at--;
	if (at == 0 || line[at - 1] != '{' || at == len - 3)
		return -1;
	return strtol(line + at, NULL, 10);
}

struct slice
talk_response(struct talk *t)
{
	size_t at = 0;

	for (;;) {
		size_t end = line_end(t, at);
		long n = literal_of(t->buf + t->from + at, end - at);

		if (n == -1)
			return take(t, end);
		at = end + (size_t)n;
		while (t->to - t->from < at)
			more(t);
	}
}

size_t
talk_multiline(struct talk *t)
{
	size_t octets = 0;

	for (;;) {
		struct slice l = talk_line(t);

		if (l.len > 0 && l.at[0] == '.') {
			if (l.len == 1)
				return octets;
			l.len--;
		}
		octets += l.len + 2;
	}
}
