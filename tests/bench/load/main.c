/*
 * tests-bench-load: N SMTP clients at once, every reply checked.
 *
 * Usage: tests-bench-load -p port [-c clients] [-n messages] [-s octets]
 *	[-m messages per connection] [-u users] [-d domain] [-r run] [-A]
 *
 * Message i goes to user u(i mod users + 1)@domain and carries the field
 * "X-Bench: run-i", by which it can be found again.  One command at a time,
 * as most clients do; a reply with another code than the one expected is an
 * error and ends that client's connection, and the program fails.
 *
 * With -A clients use TLS from the first octet and log in (AUTH PLAIN, with an
 * initial response) as u<n>@domain, whose password is "u<n>-secret", and that
 * is the reverse-path, too.
 *
 * Prints one line: accepted=N errors=N seconds=S p50_ms=.. p99_ms=.. max_ms=..
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "tests/bench/lines.h"
#include "tests/bench/load/link.h"
#include "tests/tool/number.h"

enum { REPLY_MAX = 4096, COMMAND_MAX = 512, SILENCE_MS = 60000 };

/* What the client waits for the answer to. */
enum step { GREETING, EHLO, AUTH, MAIL, RCPT, DATA, CONTENT, QUIT, STEPS };

static const struct {
	const char *name;
	int code;		/* the only right answer */
} steps[STEPS] = {
	[GREETING] = { "greeting", 220 },
	[EHLO] = { "EHLO", 250 },
	[AUTH] = { "AUTH", 235 },
	[MAIL] = { "MAIL", 250 },
	[RCPT] = { "RCPT", 250 },
	[DATA] = { "DATA", 354 },
	[CONTENT] = { "content", 250 },
	[QUIT] = { "QUIT", 221 },
};

struct client {
	struct link link;
	unsigned user;		/* who logs in */
	enum step step;
	unsigned sent_here;	/* messages on this connection */
	unsigned message;	/* number of the current one */
	uint64_t began_ns;	/* its MAIL */
	char reply[REPLY_MAX];
	size_t reply_len;
	char *out;		/* owned; what is to be sent */
	size_t out_len, out_at;
	bool stuck;		/* waits for room to send */
};

struct load {
	struct sockaddr_in to;
	unsigned clients, messages, per_connection, users;
	size_t size;
	const char *domain, *run;
	SSL_CTX *tls;		/* NULL: clear text, no login */
	int epoll_fd;
	unsigned next;		/* number of the next message */
	unsigned accepted, errors, open;
	uint64_t *took_ns;	/* one per accepted message */
	char *filler;		/* the lines of a body */
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void
watch(struct load *l, struct client *c, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(l->epoll_fd, op, c->link.fd, &ev) == -1)
		err(71, "epoll_ctl");
}

/* Send what is left; ask to be told when there is room again. */
static int
client_flush(struct load *l, struct client *c)
{
	while (c->out_at < c->out_len) {
		ssize_t n = link_send(&c->link, c->out + c->out_at,
		    c->out_len - c->out_at);

		if (n == -1 && errno == EAGAIN) {
			if (!c->stuck)
				watch(l, c, EPOLLIN | EPOLLOUT,
				    EPOLL_CTL_MOD);
			c->stuck = true;
			return 0;
		}
		if (n == -1)
			return -1;
		c->out_at += (size_t)n;
	}
	if (c->stuck)
		watch(l, c, EPOLLIN, EPOLL_CTL_MOD);
	c->stuck = false;
	return 0;
}

static size_t
client_content(struct load *l, struct client *c)
{
	size_t len, body;
	int n;

	n = snprintf(c->out, l->size + COMMAND_MAX,
	    "From: Load <load@example.net>\r\n"
	    "To: u%u@%s\r\nSubject: message %u\r\n"
	    "Message-ID: <%s-%u@example.net>\r\n"
	    "Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n"
	    "X-Bench: %s-%u\r\n\r\n",
	    c->message % l->users + 1, l->domain, c->message, l->run,
	    c->message, l->run, c->message);
	len = (size_t)n;
	body = len + 2 < l->size ? l->size - len - 2 : 0;
	if (body > 0 && l->filler[body - 1] == '\r')
		body--;		/* its LF would be missing */
	memcpy(c->out + len, l->filler, body);
	len += body;
	memcpy(c->out + len, "\r\n.\r\n", 5);
	return len + 5;
}

static int
client_auth(struct load *l, struct client *c)
{
	char secret[COMMAND_MAX / 4], coded[COMMAND_MAX / 2];
	int n = snprintf(secret, sizeof(secret), "%cu%u@%s%cu%u-secret", 0,
	    c->user, l->domain, 0, c->user);

	EVP_EncodeBlock((unsigned char *)coded, (unsigned char *)secret, n);
	return snprintf(c->out, COMMAND_MAX, "AUTH PLAIN %s\r\n", coded);
}

static int
client_mail(struct load *l, struct client *c)
{
	c->began_ns = now_ns();
	if (l->tls != NULL)
		return snprintf(c->out, COMMAND_MAX, "MAIL FROM:<u%u@%s>\r\n",
		    c->user, l->domain);
	return snprintf(c->out, COMMAND_MAX,
	    "MAIL FROM:<load@example.net>\r\n");
}

/* Put the command of this step into out, and send it. */
static int
client_say(struct load *l, struct client *c, enum step step)
{
	int n = 0;

	c->step = step;
	c->out_at = 0;
	switch (step) {
	case EHLO:
		n = snprintf(c->out, COMMAND_MAX, "EHLO load.example.net\r\n");
		break;
	case AUTH:
		n = client_auth(l, c);
		break;
	case MAIL:
		n = client_mail(l, c);
		break;
	case RCPT:
		n = snprintf(c->out, COMMAND_MAX, "RCPT TO:<u%u@%s>\r\n",
		    c->message % l->users + 1, l->domain);
		break;
	case DATA:
		n = snprintf(c->out, COMMAND_MAX, "DATA\r\n");
		break;
	case QUIT:
		n = snprintf(c->out, COMMAND_MAX, "QUIT\r\n");
		break;
	case CONTENT:
		c->out_len = client_content(l, c);
		return client_flush(l, c);
	default:
		break;
	}
	c->out_len = (size_t)n;
	return client_flush(l, c);
}

static void
client_connect(struct load *l, struct client *c)
{
	int one = 1, fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		err(71, "socket");
	if (connect(fd, (struct sockaddr *)&l->to, sizeof(l->to)) == -1)
		err(75, "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	link_open(&c->link, fd, l->tls);
	c->step = GREETING;
	c->sent_here = 0;
	c->stuck = false;
	c->reply_len = c->out_len = c->out_at = 0;
	watch(l, c, EPOLLIN, EPOLL_CTL_ADD);
	l->open++;
}

/* The connection is done; a new one where there is more to send. */
static void
client_over(struct load *l, struct client *c)
{
	link_close(&c->link);
	l->open--;
	if (l->next < l->messages && l->errors < 100)
		client_connect(l, c);
}

/* Take a number for the next message; with none left, or enough on this
 * connection, QUIT. */
static int
client_next(struct load *l, struct client *c)
{
	if (l->next >= l->messages ||
	    (l->per_connection > 0 && c->sent_here >= l->per_connection))
		return client_say(l, c, QUIT);
	c->message = l->next++;
	c->sent_here++;
	return client_say(l, c, MAIL);
}

static int
client_answered(struct load *l, struct client *c, int code)
{
	if (code != steps[c->step].code) {
		fprintf(stderr, "%s: expected %d, got %.*s\n",
		    steps[c->step].name, steps[c->step].code,
		    (int)c->reply_len, c->reply);
		return -1;
	}
	switch (c->step) {
	case GREETING:
		return client_say(l, c, EHLO);
	case EHLO:
		return l->tls != NULL ? client_say(l, c, AUTH) :
		    client_next(l, c);
	case AUTH:
		return client_next(l, c);
	case CONTENT:
		l->took_ns[l->accepted++] = now_ns() - c->began_ns;
		return client_next(l, c);
	case QUIT:
		client_over(l, c);
		return 0;
	default:
		return client_say(l, c, c->step + 1);
	}
}

/*
 * The code of the whole reply in the buffer (RFC 5321 section 4.2.1), 0 when
 * there is more to come, -1 when it is none.
 */
static int
reply_code(const char *reply, size_t len)
{
	const char *line = reply, *end;

	while ((end = memchr(line, '\n', len - (size_t)(line - reply))) !=
	    NULL) {
		if (end - line < 4 || end[-1] != '\r' || line[0] < '2' ||
		    line[0] > '5' || memcmp(line, reply, 3) != 0)
			return -1;
		if (line[3] == ' ' || line[3] == '\r')
			return (line[0] - '0') * 100 + (line[1] - '0') * 10 +
			    (line[2] - '0');
		if (line[3] != '-')
			return -1;
		line = end + 1;
	}
	return len == REPLY_MAX ? -1 : 0;
}

/* One whole reply: with TLS, what is decrypted already wakes nobody again. */
static int
client_read(struct load *l, struct client *c)
{
	int code = 0;

	while (code == 0) {
		ssize_t n = link_receive(&c->link, c->reply + c->reply_len,
		    REPLY_MAX - c->reply_len);

		if (n == -1 && errno == EAGAIN)
			return 0;
		if (n <= 0) {
			fprintf(stderr, "%s: connection lost\n",
			    steps[c->step].name);
			return -1;
		}
		c->reply_len += (size_t)n;
		code = reply_code(c->reply, c->reply_len);
	}
	if (code == -1 || client_answered(l, c, code) == -1)
		return -1;
	c->reply_len = 0;
	return 0;
}

static void
run(struct load *l, struct client *clients)
{
	struct epoll_event ev[64];

	for (unsigned i = 0; i < l->clients; i++)
		client_connect(l, &clients[i]);
	while (l->open > 0) {
		int n = epoll_wait(l->epoll_fd, ev, 64, SILENCE_MS);

		if (n == 0)
			errx(75, "silence for a minute; %u accepted",
			    l->accepted);
		for (int i = 0; i < n; i++) {
			struct client *c = ev[i].data.ptr;
			int bad = 0;

			if (c->link.fd != -1 && (ev[i].events & EPOLLOUT))
				bad = client_flush(l, c);
			if (!bad && c->link.fd != -1 && (ev[i].events & ~EPOLLOUT))
				bad = client_read(l, c);
			if (bad) {
				l->errors++;
				client_over(l, c);
			}
		}
	}
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
percentile_ms(const struct load *l, unsigned percent)
{
	uint64_t at;

	if (l->accepted == 0)
		return 0;
	at = (uint64_t)(l->accepted - 1) * percent / 100;

	return (double)l->took_ns[at] / 1e6;
}

/* Lines of 72 letters that no two messages share would only cost the client
 * time; what differs is the header section. */
static void
fill(struct load *l)
{
	l->filler = malloc(l->size + 1);
	if (l->filler == NULL)
		err(71, "memory");
	bench_lines(l->filler, l->size);
}

static void
options(struct load *l, int argc, char *argv[])
{
	unsigned port = 0;
	int c;

	l->to.sin_family = AF_INET;
	l->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((c = getopt(argc, argv, "p:c:n:s:m:u:d:r:A")) != -1)
		switch (c) {
		case 'p': port = tool_number(optarg, 0, 65535); break;
		case 'c': l->clients = tool_number(optarg, 0, 10000); break;
		case 'n': l->messages = tool_number(optarg, 0, 10000000); break;
		case 's': l->size = tool_number(optarg, 0, 64 << 20); break;
		case 'm': l->per_connection = tool_number(optarg, 0, 10000000); break;
		case 'u': l->users = tool_number(optarg, 0, 1000000); break;
		case 'd': l->domain = optarg; break;
		case 'r': l->run = optarg; break;
		case 'A': l->tls = link_tls(); break;
		default: exit(64);
		}
	l->to.sin_port = htons((uint16_t)port);
	if (port == 0 || l->clients == 0 || l->users == 0)
		errx(64, "-p port is needed; clients and users are at least 1");
}

int
main(int argc, char *argv[])
{
	struct load l = { .clients = 1, .messages = 100, .size = 2048,
		.users = 1, .domain = "example.org", .run = "run" };
	struct client *clients;
	uint64_t began;
	double seconds;

	options(&l, argc, argv);
	fill(&l);
	l.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l.took_ns = calloc(l.messages + 1, sizeof(*l.took_ns));
	clients = calloc(l.clients, sizeof(*clients));
	if (l.epoll_fd == -1 || l.took_ns == NULL || clients == NULL)
		err(71, "start");
	for (unsigned i = 0; i < l.clients; i++)
		if ((clients[i].out = malloc(l.size + COMMAND_MAX + 8)) == NULL)
			err(71, "memory");
	for (unsigned i = 0; i < l.clients; i++)
		clients[i].user = i % l.users + 1;
	began = now_ns();
	run(&l, clients);
	seconds = (double)(now_ns() - began) / 1e9;
	qsort(l.took_ns, l.accepted, sizeof(*l.took_ns), compare);
	printf("accepted=%u errors=%u seconds=%.4f p50_ms=%.2f p99_ms=%.2f "
	    "max_ms=%.2f\n", l.accepted, l.errors, seconds,
	    percentile_ms(&l, 50), percentile_ms(&l, 99),
	    percentile_ms(&l, 100));
	for (unsigned i = 0; i < l.clients; i++)
		free(clients[i].out);
	free(clients);
	free(l.took_ns);
	free(l.filler);
	SSL_CTX_free(l.tls);
	return l.errors == 0 && l.accepted == l.messages ? 0 : 1;
}
