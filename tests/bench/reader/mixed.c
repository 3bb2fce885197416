/* The mixed load: what people's programs do, in about their proportions. */
#include <err.h>
#include <stdio.h>

#include "tests/bench/reader/acts.h"

enum { MIX_MESSAGES = 500 };

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

void
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
