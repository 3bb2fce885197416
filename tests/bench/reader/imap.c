#include "tests/bench/reader/imap.h"

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAG_MAX = 16 };

static bool
has(struct slice s, const char *word)
{
	return slice_starts_nocase(s, slice_str(word));
}

/* The numbers of "* SEARCH 1 2 3". */
static uint64_t
count_numbers(struct slice s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.at[i] == ' ' && i + 1 < s.len;
	return n;
}

/* "* 12 FETCH (...)" */
static void
numbered(struct slice r, struct imap_answer *a)
{
	char *end;
	uint64_t n = strtoull(r.at + 2, &end, 10);
	struct slice word = slice_skip(r, (size_t)(end - r.at));

	if (has(word, " FETCH (")) {
		if (n == 0 || r.at[r.len - 1] != ')')
			errx(76, "no FETCH response: %.*s", (int)r.len, r.at);
		a->fetches++;
		a->literals += memchr(r.at, '\n', r.len) != NULL;
	} else if (has(word, " EXPUNGE")) {
		a->expunges++;
	} else if (has(word, " EXISTS")) {
		a->exists = n;
	}
}

static void
untagged(struct slice r, struct imap_answer *a)
{
	if (has(r, "* BYE"))
		errx(76, "%.*s", (int)r.len, r.at);
	if (has(r, "* SEARCH"))
		a->found += count_numbers(slice_skip(r, 8));
	else if (r.len > 2 && r.at[2] >= '0' && r.at[2] <= '9')
		numbered(r, a);
}

static void
append_uid(struct slice r, struct imap_answer *a)
{
	const char *at = memmem(r.at, r.len, "[APPENDUID ", 11);

	if (at != NULL && (at = strchr(at + 11, ' ')) != NULL)
		a->uid = strtoull(at, NULL, 10);
}

static struct imap_answer
answer(struct imap_client *c, const char *command)
{
	struct imap_answer a = { 0 };
	uint64_t before = c->talk.received;
	char tag[TAG_MAX];

	snprintf(tag, sizeof(tag), "a%u ", c->tag);
	for (;;) {
		struct slice r = talk_response(&c->talk);

		if (has(r, "* ")) {
			untagged(r, &a);
			continue;
		}
		if (!has(r, tag) || !has(slice_skip(r, strlen(tag)), "OK"))
			errx(76, "%.80s: %.*s", command, (int)r.len, r.at);
		append_uid(r, &a);
		a.octets = c->talk.received - before;
		return a;
	}
}

struct imap_answer
imap_do(struct imap_client *c, const char *command)
{
	talk_printf(&c->talk, "a%u %s\r\n", ++c->tag, command);
	return answer(c, command);
}

struct imap_answer
imap_append(struct imap_client *c, const char *mailbox, const void *message,
    size_t len)
{
	struct slice go_on;

	talk_printf(&c->talk, "a%u APPEND %s (\\Seen) {%zu}\r\n", ++c->tag,
	    mailbox, len);
	do
		go_on = talk_response(&c->talk);
	while (has(go_on, "* "));
	if (!has(go_on, "+"))
		errx(76, "APPEND: %.*s", (int)go_on.len, go_on.at);
	talk_send(&c->talk, message, len);
	talk_send(&c->talk, "\r\n", 2);
	return answer(c, "APPEND");
}

void
imap_open(struct imap_client *c, unsigned port, const char *user,
    const char *secret)
{
	char login[1024];
	struct slice greeting;

	c->tag = 0;
	talk_open(&c->talk, port);
	greeting = talk_response(&c->talk);
	if (!has(greeting, "* OK"))
		errx(76, "greeting: %.*s", (int)greeting.len, greeting.at);
	snprintf(login, sizeof(login), "LOGIN %s %s", user, secret);
	imap_do(c, login);
}

void
imap_close(struct imap_client *c)
{
	struct slice r;

	talk_printf(&c->talk, "a%u LOGOUT\r\n", ++c->tag);
	do
		r = talk_response(&c->talk);
	while (has(r, "* "));
	talk_close(&c->talk);
}
