/*
 * tests-bench-reader: mail readers of the benchmark, every reply checked.
 *
 *	tests-bench-reader WHAT -p port [-c clients] [-n number] [-u users]
 *		[-f first] [-s octets]
 *
 * A client is a thread; client i logs in as u(i mod users + first)@example.org.
 * WHAT is one of
 *
 *	script	One IMAP session.  Commands come on standard input, a line
 *		each; for each of them a line is printed: how long it took and
 *		what was in the answer.  "RECONNECT" is a new session.
 *	append	-n messages of -s octets, into INBOX.
 *	mixed	-n operations of many kinds in INBOX.
 *	logins	-n times login by IMAP, SELECT and logout.
 *	pop3-logins	the same by POP3, with STAT.
 *	retrieve	One POP3 session: STAT, then RETR of -n messages.
 *
 * All but script print seconds=S for the whole.  The first wrong answer ends
 * the program.
 */
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "tests/bench/reader/imap.h"

enum { USER_MAX = 64, MESSAGE_MAX = 1 << 20,
	MIX_MESSAGES = 500 };

struct run;
typedef void act(const struct run *, unsigned client, unsigned n);

struct run {
	act		*act;
	unsigned	 port, clients, number, first, users, size;
	char		*message;
};

struct worker {
	const struct run *run;
	pthread_t	 thread;
	unsigned	 client;
};

struct who {
	char	 user[USER_MAX], secret[USER_MAX];
};

static struct who
who_is(const struct run *r, unsigned client)
{
	struct who w;
	unsigned n = client % r->users + r->first;

	snprintf(w.user, sizeof(w.user), "u%u@example.org", n);
	snprintf(w.secret, sizeof(w.secret), "u%u-secret", n);
	return w;
}

static void
open_imap(const struct run *r, unsigned client, struct imap_client *c)
{
	struct who w = who_is(r, client);

	imap_open(c, r->port, w.user, w.secret);
}

/* ---- script ---- */

static void
script(const struct run *r, unsigned client, unsigned number)
{
	struct imap_client c;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	(void)number;
	open_imap(r, client, &c);
	while ((len = getline(&line, &size, stdin)) > 1) {
		struct imap_answer a = { 0 };
		uint64_t began;

		line[len - 1] = '\0';
		began = now_ns();
		if (strcmp(line, "RECONNECT") == 0) {
			imap_close(&c);
			open_imap(r, client, &c);
		} else {
			a = imap_do(&c, line);
		}
		printf("seconds=%.6f fetches=%lu expunges=%lu exists=%lu "
		    "found=%lu literals=%lu octets=%lu\n",
		    (double)(now_ns() - began) / 1e9, a.fetches, a.expunges,
		    a.exists, a.found, a.literals, a.octets);
		fflush(stdout);
	}
	free(line);
	imap_close(&c);
}

/* ---- append ---- */

static void
append(const struct run *r, unsigned client, unsigned number)
{
	struct imap_client c;

	open_imap(r, client, &c);
	for (unsigned i = 0; i < number; i++)
		imap_append(&c, "INBOX", r->message, r->size);
	imap_close(&c);
}

/* ---- mixed ---- */

struct mix {
	const struct run *run;
	struct imap_client c;
	uint64_t	 seed;
};

static unsigned
mix_random(struct mix *m, unsigned below)
{
	m->seed = m->seed * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(m->seed >> 33) % below;
}

/* "UID verb n:n+span rest", of the first messages, which nobody expunges. */
static struct imap_answer
mix_some(struct mix *m, const char *verb, unsigned span, const char *rest)
{
	char command[256];
	unsigned n = mix_random(m, MIX_MESSAGES) + 1;

	snprintf(command, sizeof(command), "UID %s %u:%u %s", verb, n,
	    n + span, rest);
	return imap_do(&m->c, command);
}

static void
mix_expect(bool right, const char *what)
{
	if (!right)
		errx(76, "%s: not what was asked for", what);
}

static void
mix_append(struct mix *m)
{
	struct imap_answer a;
	char command[64];

	a = imap_append(&m->c, "INBOX", m->run->message, m->run->size);
	mix_expect(a.uid != 0, "APPEND");
	snprintf(command, sizeof(command), "UID STORE %lu +FLAGS (\\Deleted)",
	    a.uid);
	imap_do(&m->c, command);
	snprintf(command, sizeof(command), "UID EXPUNGE %lu", a.uid);
	a = imap_do(&m->c, command);
	mix_expect(a.expunges >= 1, "EXPUNGE");
}

/* Of a hundred: 25 NOOP, 20 a message, 20 a page of a list, 15 flags, 5 each
 * of a search, a look at another folder and a selection, 10 a message that
 * comes and goes. */
static void
mix_operation(struct mix *m)
{
	unsigned kind = mix_random(m, 100);

	if (kind < 25)
		imap_do(&m->c, "NOOP");
	else if (kind < 45)
		mix_expect(mix_some(m, "FETCH", 0, "(FLAGS BODY.PEEK[])")
		    .literals == 1, "BODY[]");
	else if (kind < 65)
		mix_expect(mix_some(m, "FETCH", 49, "(FLAGS ENVELOPE)")
		    .fetches >= 50, "ENVELOPE");
	else if (kind < 73)
		mix_some(m, "STORE", 0, "+FLAGS (\\Seen)");
	else if (kind < 80)
		mix_some(m, "STORE", 0, "-FLAGS (\\Seen)");
	else if (kind < 85)
		imap_do(&m->c, "UID SEARCH SUBJECT \"number 77\"");
	else if (kind < 90)
		imap_do(&m->c, "STATUS Copies (MESSAGES UIDNEXT UNSEEN)");
	else if (kind < 95)
		imap_do(&m->c, "SELECT INBOX");
	else
		mix_append(m);
}

static void
mixed(const struct run *r, unsigned client, unsigned number)
{
	struct mix m = { .run = r, .seed = client + 1 };

	open_imap(r, client, &m.c);
	mix_expect(imap_do(&m.c, "SELECT INBOX").exists >=
	    MIX_MESSAGES + 50, "SELECT");
	for (unsigned i = 0; i < number; i++)
		mix_operation(&m);
	imap_close(&m.c);
}

/* ---- logins ---- */

static void
logins(const struct run *r, unsigned client, unsigned number)
{
	for (unsigned i = 0; i < number; i++) {
		struct imap_client c;

		open_imap(r, client, &c);
		imap_do(&c, "SELECT INBOX");
		imap_close(&c);
	}
}

/* A line of POP3 that must be +OK. */
static struct slice
pop3_ok(struct talk *t, const char *what)
{
	struct slice l = talk_line(t);

	if (!slice_starts_nocase(l, SLICE_LITERAL("+OK")))
		errx(76, "%s: %.*s", what, (int)l.len, l.at);
	return l;
}

static unsigned long
open_pop3(const struct run *r, unsigned client, struct talk *t)
{
	struct who w = who_is(r, client);
	struct slice l;

	talk_open(t, r->port);
	pop3_ok(t, "greeting");
	talk_printf(t, "USER %s\r\n", w.user);
	pop3_ok(t, "USER");
	talk_printf(t, "PASS %s\r\n", w.secret);
	pop3_ok(t, "PASS");
	talk_printf(t, "STAT\r\n");
	l = pop3_ok(t, "STAT");
	return strtoul(l.at + 4, NULL, 10);
}

static void
close_pop3(struct talk *t)
{
	talk_printf(t, "QUIT\r\n");
	pop3_ok(t, "QUIT");
	talk_close(t);
}

static void
pop3_logins(const struct run *r, unsigned client, unsigned number)
{
	for (unsigned i = 0; i < number; i++) {
		struct talk t;

		open_pop3(r, client, &t);
		close_pop3(&t);
	}
}

static void
retrieve(const struct run *r, unsigned client, unsigned number)
{
	struct talk t;
	unsigned long has = open_pop3(r, client, &t);

	if (has < number)
		errx(76, "STAT: %lu messages", has);
	for (unsigned i = 1; i <= number; i++) {
		struct slice l;
		unsigned long said;

		talk_printf(&t, "RETR %u\r\n", i);
		l = pop3_ok(&t, "RETR");
		said = strtoul(l.at + 4, NULL, 10);
		if (said != talk_multiline(&t))
			errx(76, "RETR %u: not the octets that were announced",
			    i);
	}
	close_pop3(&t);
}

/* ---- the program ---- */

static const struct {
	const char	*name;
	act		*act;
} acts[] = {
	{ "script", script },
	{ "append", append },
	{ "mixed", mixed },
	{ "logins", logins },
	{ "pop3-logins", pop3_logins },
	{ "retrieve", retrieve },
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	unsigned each = w->run->number / w->run->clients;

	w->run->act(w->run, w->client, each);
	return NULL;
}

static void
fill(struct run *r)
{
	static const char head[] =
	    "From: Load <load@example.net>\r\nTo: u1@example.org\r\n"
	    "Subject: appended\r\nMessage-ID: <appended@example.net>\r\n"
	    "Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\n";
	size_t head_len = sizeof(head) - 1;

	if (r->size < head_len + 2)
		errx(64, "a message has at least %zu octets", head_len + 2);
	if ((r->message = malloc(r->size)) == NULL)
		err(71, "memory");
	memcpy(r->message, head, head_len);
	for (size_t i = 0; i < r->size - head_len; i++)
		r->message[head_len + i] = i % 74 == 72 ? '\r' :
		    i % 74 == 73 ? '\n' : (char)('a' + i % 26);
	/* No bare CR, and a line's end at the end. */
	if (r->message[r->size - 3] == '\r')
		r->message[r->size - 3] = 'x';
	memcpy(r->message + r->size - 2, "\r\n", 2);
}

static unsigned
number(const char *text, unsigned max)
{
	const char *error;
	long long n = strtonum(text, 1, max, &error);

	if (error != NULL)
		errx(64, "%s: %s", text, error);
	return (unsigned)n;
}

static void
options(struct run *r, int argc, char *argv[])
{
	int c;

	for (size_t i = 0; argc > 1 && i < sizeof(acts) / sizeof(*acts); i++)
		if (strcmp(argv[1], acts[i].name) == 0)
			r->act = acts[i].act;
	if (r->act == NULL)
		errx(64, "what?");
	optind = 2;
	while ((c = getopt(argc, argv, "p:c:n:f:u:s:")) != -1)
		switch (c) {
		case 'p': r->port = number(optarg, 65535); break;
		case 'c': r->clients = number(optarg, 1000); break;
		case 'n': r->number = number(optarg, 10000000); break;
		case 'f': r->first = number(optarg, 10000); break;
		case 'u': r->users = number(optarg, 10000); break;
		case 's': r->size = number(optarg, MESSAGE_MAX); break;
		default: exit(64);
		}
	if (r->port == 0)
		errx(64, "-p port is needed");
}

int
main(int argc, char *argv[])
{
	struct run r = { .clients = 1, .number = 1, .first = 1,
		.users = 1, .size = 2048 };
	struct worker *workers;
	uint64_t began;

	options(&r, argc, argv);
	fill(&r);
	if ((workers = calloc(r.clients, sizeof(*workers))) == NULL)
		err(71, "memory");
	began = now_ns();
	for (unsigned i = 0; i < r.clients; i++) {
		workers[i].run = &r;
		workers[i].client = i;
		if (pthread_create(&workers[i].thread, NULL, work,
		    &workers[i]) != 0)
			errx(71, "thread");
	}
	for (unsigned i = 0; i < r.clients; i++)
		pthread_join(workers[i].thread, NULL);
	if (r.act != script)
		printf("seconds=%.4f\n", (double)(now_ns() - began) / 1e9);
	free(workers);
	free(r.message);
	return 0;
}
