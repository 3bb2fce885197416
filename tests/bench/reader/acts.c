#include "tests/bench/reader/acts.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USER_MAX = 64 };

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

void
open_imap(const struct run *r, unsigned client, struct imap_client *c)
{
	struct who w = who_is(r, client);

	imap_open(c, r->port, w.user, w.secret);
}

/* ---- script ---- */

void
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

/* ---- by IMAP ---- */

void
append(const struct run *r, unsigned client, unsigned number)
{
	struct imap_client c;

	open_imap(r, client, &c);
	for (unsigned i = 0; i < number; i++)
		imap_append(&c, "INBOX", r->message, r->size);
	imap_close(&c);
}

void
logins(const struct run *r, unsigned client, unsigned number)
{
	for (unsigned i = 0; i < number; i++) {
		struct imap_client c;

		open_imap(r, client, &c);
		imap_do(&c, "SELECT INBOX");
		imap_close(&c);
	}
}

/* ---- by POP3 ---- */

/* A line of it that must be +OK. */
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

void
pop3_logins(const struct run *r, unsigned client, unsigned number)
{
	for (unsigned i = 0; i < number; i++) {
		struct talk t;

		open_pop3(r, client, &t);
		close_pop3(&t);
	}
}

void
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
