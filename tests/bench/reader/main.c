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
#include <string.h>
#include <unistd.h>

#include "tests/bench/lines.h"
#include "tests/bench/reader/acts.h"
#include "tests/tool/number.h"

enum { MESSAGE_MAX = 1 << 20 };

struct worker {
	const struct run *run;
	pthread_t	 thread;
	unsigned	 client;
};

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
	bench_lines(r->message + head_len, r->size - head_len);
	/* No bare CR, and a line's end at the end. */
	if (r->message[r->size - 3] == '\r')
		r->message[r->size - 3] = 'x';
	memcpy(r->message + r->size - 2, "\r\n", 2);
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
		case 'p': r->port = tool_number(optarg, 1, 65535); break;
		case 'c': r->clients = tool_number(optarg, 1, 1000); break;
		case 'n': r->number = tool_number(optarg, 1, 10000000); break;
		case 'f': r->first = tool_number(optarg, 1, 10000); break;
		case 'u': r->users = tool_number(optarg, 1, 10000); break;
		case 's': r->size = tool_number(optarg, 1, MESSAGE_MAX); break;
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
