/* The commands of the TRANSACTION state, a row each. */
#include <errno.h>
#include <stdio.h>

#include "common/log/log.h"
#include "pop3d/authorization.h"
#include "pop3d/command.h"
#include "pop3d/session/transaction.h"
#include "pop3d/settings.h"

typedef void pop3_handler(struct transaction *, struct slice argument);

static void
error(struct transaction *t, const char *text)
{
	const struct pop3d_settings *s = t->session.values;

	transaction_say(t, "-ERR %s\r\n", text);
	if (++t->bad_commands < s->bad_commands_max)
		return;
	transaction_say(t, "-ERR too many errors, goodbye; nothing was "
	    "removed\r\n");
	transaction_finish(t, "errors");
}

/* The number of a message that is there; otherwise the error is said. */
static bool
message_number(struct transaction *t, struct slice *argument,
    unsigned long *n)
{
	if (pop3_number(argument, n) == -1)
		error(t, "a message number is needed");
	else if (!maildrop_has(&t->maildrop, *n))
		error(t, "no such message");
	else
		return true;
	return false;
}

static bool
no_more(struct transaction *t, struct slice argument)
{
	if (argument.len == 0)
		return true;
	error(t, "too many arguments");
	return false;
}

static void
do_stat(struct transaction *t, struct slice argument)
{
	const struct maildrop *d = &t->maildrop;

	if (no_more(t, argument))
		transaction_say(t, "+OK %lu %llu\r\n",
		    d->count - d->marked_count,
		    (unsigned long long)(d->octets - d->marked_octets));
}

static void
list_line(struct transaction *t, const char *before, unsigned long n)
{
	transaction_say(t, "%s%lu %llu\r\n", before, n,
	    (unsigned long long)maildrop_size(&t->maildrop, n));
}

static void
uidl_line(struct transaction *t, const char *before, unsigned long n)
{
	char id[FOLDER_UIDL_SIZE];

	folder_uidl(t->maildrop.inbox, n, id);
	transaction_say(t, "%s%lu %s\r\n", before, n, id);
}

/* The next lines of a listing, some at a time. */
static bool
listing(struct transaction *t,
    void (*line)(struct transaction *, const char *, unsigned long))
{
	for (int i = 0; i < 256 && t->cursor <= t->maildrop.count; i++) {
		if (maildrop_has(&t->maildrop, t->cursor))
			line(t, "", t->cursor);
		t->cursor++;
	}
	if (t->cursor <= t->maildrop.count)
		return true;
	transaction_say(t, ".\r\n");
	return false;
}

static bool
produce_list(struct transaction *t)
{
	return listing(t, list_line);
}

static bool
produce_uidl(struct transaction *t)
{
	return listing(t, uidl_line);
}

static void
do_list(struct transaction *t, struct slice argument)
{
	const struct maildrop *d = &t->maildrop;
	unsigned long n;

	if (argument.len > 0) {
		if (message_number(t, &argument, &n) && no_more(t, argument))
			list_line(t, "+OK ", n);
		return;
	}
	transaction_say(t, "+OK %lu messages (%llu octets)\r\n",
	    d->count - d->marked_count,
	    (unsigned long long)(d->octets - d->marked_octets));
	t->cursor = 1;
	transaction_produce(t, produce_list);
}

static void
do_uidl(struct transaction *t, struct slice argument)
{
	unsigned long n;

	if (argument.len > 0) {
		if (message_number(t, &argument, &n) && no_more(t, argument))
			uidl_line(t, "+OK ", n);
		return;
	}
	transaction_say(t, "+OK\r\n");
	t->cursor = 1;
	transaction_produce(t, produce_uidl);
}

static bool
produce_message(struct transaction *t)
{
	switch (retrieve_send(&t->retrieve, t->session.stream)) {
	case 1:
		return true;
	case 0:
		transaction_sent(t);
		return false;
	default:
		log_error("message-unreadable", LOG_SID(t->session.id),
		    LOG_ERRNO(errno));
		transaction_finish(t, "unreadable message");
		return false;
	}
}

static int
open_message(struct transaction *t, unsigned long n, long lines)
{
	const struct pop3d_settings *s = t->session.values;
	int fd = folder_message_open(t->maildrop.inbox, n);

	if (fd == -1)
		return -1;
	retrieve_begin(&t->retrieve, fd, lines,
	    (t->session.flags & HANDOFF_UTF8) == 0 &&
	    s->raw_headers == POP3D_HEADERS_MASK);
	return 0;
}

void
command_ahead(struct transaction *t)
{
	unsigned long n = t->retrieved + 1;

	if (t->retrieve.active || !maildrop_has(&t->maildrop, n) ||
	    open_message(t, n, -1) == -1)
		return;
	if (retrieve_prepare(&t->retrieve) == 0)
		t->ahead = n;
	else
		retrieve_end(&t->retrieve); /* RETR itself will say so */
}

/* Is it opened already, or can it be? */
static bool
begin_message(struct transaction *t, unsigned long n, long lines)
{
	bool ready = t->ahead == n && lines < 0;

	t->ahead = 0;
	if (ready || open_message(t, n, lines) == 0)
		return true;
	error(t, errno == ENOENT ? "another program has removed this message"
				 : "[SYS/TEMP] the message cannot be read now");
	return false;
}

static void
do_retr(struct transaction *t, struct slice argument)
{
	unsigned long n;

	if (!message_number(t, &argument, &n) || !no_more(t, argument) ||
	    !begin_message(t, n, -1))
		return;
	t->in_turn = n == t->retrieved + 1;
	t->retrieved = n;
	transaction_say(t, "+OK %llu octets\r\n",
	    (unsigned long long)maildrop_size(&t->maildrop, n));
	transaction_produce(t, produce_message);
}

static void
do_top(struct transaction *t, struct slice argument)
{
	unsigned long n, lines;

	if (!message_number(t, &argument, &n))
		return;
	if (pop3_number(&argument, &lines) == -1)
		error(t, "TOP takes a message number and a number of lines");
	else if (no_more(t, argument) && begin_message(t, n, (long)lines)) {
		t->in_turn = false;
		transaction_say(t, "+OK top of message\r\n");
		transaction_produce(t, produce_message);
	}
}

static void
do_dele(struct transaction *t, struct slice argument)
{
	unsigned long n;

	if (!message_number(t, &argument, &n) || !no_more(t, argument))
		return;
	maildrop_mark(&t->maildrop, n);
	transaction_say(t, "+OK message %lu will be removed at QUIT\r\n", n);
}

static void
do_rset(struct transaction *t, struct slice argument)
{
	if (!no_more(t, argument))
		return;
	maildrop_unmark_all(&t->maildrop);
	transaction_say(t, "+OK %lu messages (%llu octets)\r\n",
	    t->maildrop.count, (unsigned long long)t->maildrop.octets);
}

static void
do_noop(struct transaction *t, struct slice argument)
{
	if (no_more(t, argument))
		transaction_say(t, "+OK\r\n");
}

static void
do_capa(struct transaction *t, struct slice argument)
{
	const struct pop3d_settings *s = t->session.values;

	if (!no_more(t, argument))
		return;
	transaction_say(t, "+OK capabilities\r\n");
	if (s->login_delay > 0)
		transaction_say(t, POP3_LOGIN_DELAY,
		    (unsigned long long)s->login_delay);
	transaction_say(t, POP3_CAPABILITIES ".\r\n");
}

/*
 * The UPDATE state (RFC 1939 section 6).  The lock is released before the
 * reply, so that who has read it can log in again at once.
 */
static void
do_quit(struct transaction *t, struct slice argument)
{
	struct maildrop *d = &t->maildrop;
	int result, error;

	(void)argument;
	result = maildrop_update(d);
	error = errno;
	maildrop_close(d);
	if (result == 0) {
		transaction_say(t, "+OK bye (%lu removed)\r\n", d->removed);
	} else {
		log_error("update-failed", LOG_SID(t->session.id),
		    LOG_NUM("stayed", d->marked_count - d->removed),
		    LOG_ERRNO(error));
		transaction_say(t, "-ERR [SYS/TEMP] %lu of %lu messages could "
		    "not be removed\r\n", d->marked_count - d->removed,
		    d->marked_count);
	}
	transaction_finish(t, "quit");
}

static const struct pop3_row {
	const char	*keyword;
	pop3_handler	*handle;
} rows[] = {
	{ "STAT", do_stat },
	{ "LIST", do_list },
	{ "RETR", do_retr },
	{ "DELE", do_dele },
	{ "NOOP", do_noop },
	{ "RSET", do_rset },
	{ "REST", do_rset },	/* as some old texts and clients spell it */
	{ "TOP", do_top },
	{ "UIDL", do_uidl },
	{ "CAPA", do_capa },
	{ "QUIT", do_quit },
};

void
command_run(struct transaction *t, struct slice line)
{
	struct pop3_command c;

	if (pop3_command_parse(line, &c) != PARSE_OK) {
		error(t, "not a command");
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_equal_nocase(c.keyword,
		    slice_str(rows[i].keyword))) {
			rows[i].handle(t, c.argument);
			return;
		}
	if (slice_equal_nocase(c.keyword, slice_str("USER")) ||
	    slice_equal_nocase(c.keyword, slice_str("PASS")) ||
	    slice_equal_nocase(c.keyword, slice_str("APOP")) ||
	    slice_equal_nocase(c.keyword, slice_str("AUTH")))
		error(t, "you are logged in already");
	else if (slice_equal_nocase(c.keyword, slice_str("UTF8")))
		error(t, "UTF8 comes before the login");
	else
		error(t, "no such command");
}
