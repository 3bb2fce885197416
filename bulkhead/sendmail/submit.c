/*
 * One message: from standard input, through the injection socket, into the
 * queue.  Either every recipient is taken or none: a caller that sees status
 * 0 has nothing left to do, and one that sees another may try again without
 * sending anybody the message twice.
 */
#include "bulkhead/sendmail/client.h"
#include "bulkhead/sendmail/from.h"
#include "bulkhead/sendmail/recipients.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

struct submission {
	const struct sendmail_options	*o;
	const struct sendmail_site	*site;
	char		 caller[SENDMAIL_ADDRESS_MAX + 1];
	char		 full_name[256];
	char		 reverse_path[SENDMAIL_ADDRESS_MAX + 1];
	struct address_list recipients;
	struct header	 header;
	struct input	 input;
	struct client	 client;
	/* What was refused last; the client knows why. */
	const char	*what;
	int		 permanent;	/* the status, if it was for good */
};

/* Who calls: name of the real uid, and the full name of the passwd file. */
static int
find_caller(struct submission *s)
{
	const struct passwd *pw = getpwuid(getuid());
	char name[32];
	size_t n;

	snprintf(name, sizeof(name), "uid%lu", (unsigned long)getuid());
	if (recipient_qualify(pw == NULL ? name : pw->pw_name, s->site->domain,
		s->caller) == -1)
		return sendmail_fail(EX_NOUSER, "your name is too long");
	if (pw == NULL)
		return 0;
	n = strcspn(pw->pw_gecos, ",");
	if (n < sizeof(s->full_name))
		memcpy(s->full_name, pw->pw_gecos, n);
	return 0;
}

/* -f gives the reverse-path, "<>" the null one; else it is the caller. */
static int
find_reverse_path(struct submission *s)
{
	const char *given = s->o->reverse_path;
	struct address_list one = { 0 };
	int status = 0;

	if (given == NULL)
		given = s->caller;
	if (given[0] == '\0' || strcmp(given, "<>") == 0)
		return 0;
	if (recipients_take(slice_str(given), &one) != PARSE_OK ||
	    one.count != 1 ||
	    recipient_qualify(one.at[0], s->site->domain, s->reverse_path) == -1)
		status = sendmail_fail(EX_USAGE,
		    "%s cannot be a reverse-path", given);
	address_list_clear(&one);
	return status;
}

static int
add_all(struct submission *s, const struct address_list *from)
{
	char whole[SENDMAIL_ADDRESS_MAX + 1];

	for (size_t i = 0; i < from->count; i++) {
		if (recipient_qualify(from->at[i], s->site->domain, whole) == -1)
			return sendmail_fail(EX_DATAERR,
			    "%s: the address is too long", from->at[i]);
		if (address_list_add(&s->recipients, slice_str(whole)) == -1)
			return sendmail_fail(EX_DATAERR,
			    "more recipients than the %d of one message",
			    SENDMAIL_RECIPIENTS_MAX);
	}
	return 0;
}

/* From the command line, and with -t from the header. */
static int
find_recipients(struct submission *s)
{
	const struct address_list *words = &s->o->recipients;
	struct address_list given = { 0 };
	int status = 0;

	for (size_t i = 0; i < words->count && status == 0; i++)
		if (recipients_take(slice_str(words->at[i]), &given) !=
		    PARSE_OK)
			status = sendmail_fail(EX_USAGE,
			    "%s cannot be a recipient", words->at[i]);
	if (status == 0)
		status = add_all(s, &given);
	address_list_clear(&given);
	if (status == 0 && s->o->recipients_in_header)
		status = add_all(s, s->header.has_resent ?
			&s->header.resent_to : &s->header.to);
	if (status == 0 && s->recipients.count == 0)
		status = sendmail_fail(EX_USAGE, "no recipients%s",
		    s->o->recipients_in_header ?
			" in the To, Cc and Bcc fields" :
			": name them, or use -t");
	return status;
}

/* What a reply means to the caller, in the words of <sysexits.h>. */
static int
refused(struct submission *s, const char *what, int permanent)
{
	s->what = what;
	return s->client.code >= 500 ? permanent : EX_TEMPFAIL;
}

/* RFC 6531 section 3.4: an address needs SMTPUTF8.  A header field that is
 * not encoded does not: programs have always written such, and where they
 * arrived they still do. */
static bool
beyond_ascii(const struct submission *s)
{
	if (!slice_is_ascii(slice_str(s->reverse_path)))
		return true;
	for (size_t i = 0; i < s->recipients.count; i++)
		if (!slice_is_ascii(slice_str(s->recipients.at[i])))
			return true;
	return false;
}

/* Everything before the content. */
static int
send_envelope(struct submission *s)
{
	struct client *c = &s->client;
	bool eight, utf8;

	if (client_open(c, s->site->socket_path, s->site->wait_s) == -1)
		return refused(s, "the mail system cannot be reached",
		    EX_UNAVAILABLE);
	eight = c->eightbitmime && !s->o->seven_bit;
	utf8 = c->smtputf8 && beyond_ascii(s);
	if (client_command(c, "MAIL FROM:<%s>%s%s", s->reverse_path,
		eight ? " BODY=8BITMIME" : "", utf8 ? " SMTPUTF8" : "") !=
	    250)
		return refused(s, s->reverse_path[0] == '\0' ? "<>" :
		    s->reverse_path, EX_UNAVAILABLE);
	for (size_t i = 0; i < s->recipients.count; i++) {
		int code = client_command(c, "RCPT TO:<%s>",
		    s->recipients.at[i]);

		if (code != 250 && code != 251)
			return refused(s, s->recipients.at[i], EX_NOUSER);
	}
	if (client_command(c, "DATA") != 354)
		return refused(s, "DATA", EX_UNAVAILABLE);
	return 0;
}

/* A line or a part of one, with the dot of RFC 5321 section 4.5.2. */
static int
put_piece(struct client *c, struct slice piece, bool first, bool last)
{
	if (first && piece.len > 0 && piece.at[0] == '.' &&
	    client_put(c, SLICE_LITERAL(".")) == -1)
		return -1;
	if (client_put(c, piece) == -1)
		return -1;
	return last ? client_put(c, SLICE_LITERAL("\r\n")) : 0;
}

static int
put_header(struct client *c, const struct header *h)
{
	struct slice rest = slice_of(h->kept.at, h->kept.len);
	struct slice body = slice_of(h->first_body.at, h->first_body.len);

	while (rest.len > 0) {
		const char *lf = memchr(rest.at, '\n', rest.len);
		size_t len = (size_t)(lf - rest.at) + 1;

		if (put_piece(c, slice_of(rest.at, len), true, false) == -1)
			return -1;
		rest = slice_skip(rest, len);
	}
	if (client_put(c, SLICE_LITERAL("\r\n")) == -1)
		return -1;
	if (body.len == 0)
		return 0;
	return put_piece(c, body, true, !h->first_body_open);
}

/*
 * The content.  A read that fails leaves the end of data unsaid, so that the
 * suite forgets what it got.
 */
static int
send_content(struct submission *s)
{
	struct client *c = &s->client;
	bool first, last;
	struct slice piece;
	int got = 0, sent = put_header(c, &s->header);

	while (sent == 0 && s->header.body_follows &&
	    (got = input_piece(&s->input, &piece, &first, &last)) == 1)
		sent = put_piece(c, piece, first, last);
	s->what = NULL;
	if (got == -1)
		return sendmail_fail(EX_IOERR,
		    "the message cannot be read: %s", strerror(errno));
	if (sent == -1 || client_put(c, SLICE_LITERAL(".\r\n")) == -1)
		return refused(s, "not accepted", EX_UNAVAILABLE);
	if (client_finish(c) != 250)
		return refused(s, "not accepted", EX_DATAERR);
	return 0;
}

/*
 * As long as no content has been read, "not now" is a reason to wait: the
 * suite may be starting, or one of its stages.
 */
static int
converse(struct submission *s)
{
	struct client *c = &s->client;
	struct patience patience;
	int status;

	patience_init(&patience, s->site->wait_s);
	while ((status = send_envelope(s)) == EX_TEMPFAIL) {
		client_close(c);
		if (!patience_left(&patience))
			break;
	}
	if (status == 0)
		status = send_content(s);
	if (status == 0)
		client_command(c, "QUIT");
	else if (s->what != NULL)
		sendmail_fail(status, "%s: %s", s->what, c->text);
	client_close(c);
	return status;
}

static int
prepare(struct submission *s)
{
	const char *name = s->o->full_name;
	int status;

	if ((status = find_caller(s)) != 0 ||
	    (status = find_reverse_path(s)) != 0 ||
	    (status = header_read(&s->header, &s->input,
		 s->o->recipients_in_header)) != 0 ||
	    (status = find_recipients(s)) != 0)
		return status;
	if (from_complete(&s->header,
		s->reverse_path[0] == '\0' ? s->caller : s->reverse_path,
		name == NULL ? s->full_name : name) == -1)
		return sendmail_fail(EX_DATAERR,
		    "the header section is too long");
	return 0;
}

int
sendmail_submit(const struct sendmail_options *o,
    const struct sendmail_site *site)
{
	struct submission s = { .o = o, .site = site };
	int status;

	input_init(&s.input, STDIN_FILENO, o->dot_is_text);
	if ((status = prepare(&s)) == 0)
		status = converse(&s);
	header_clear(&s.header);
	address_list_clear(&s.recipients);
	return status;
}
