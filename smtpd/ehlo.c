/*
 * The reply to EHLO: RFC 5321 section 4.1.1.1.  An extension's row says what
 * is announced, and to whom.
 */
#include <stdio.h>

#include "smtpd/etrn.h"

enum {
	EHLO_TEXT_MAX = 256	/* one line, without code and CRLF */
};

static void
size_text(const struct session *s, char *out)
{
	snprintf(out, EHLO_TEXT_MAX, "SIZE %llu",
	    (unsigned long long)s->d->set->max_message_size);
}

static void
login_text(const struct session *s, char *out)
{
	auth_text(s, out, EHLO_TEXT_MAX);
}

/* RFC 9422: as many RCPTs as one transaction takes. */
static void
limits_text(const struct session *s, char *out)
{
	snprintf(out, EHLO_TEXT_MAX, "LIMITS RCPTMAX=%llu",
	    (unsigned long long)s->d->set->max_recipients);
}

static bool
smtputf8_offered(const struct session *s)
{
	return s->d->set->smtputf8;
}

static bool
vrfy_offered(const struct session *s)
{
	return s->d->set->vrfy;
}

static bool
expn_offered(const struct session *s)
{
	return s->d->set->expn;
}

static bool
terminals_offered(const struct session *s)
{
	return s->d->set->terminals && !session_is_lmtp(s);
}

static const struct extension {
	const char	*keyword;
	/* Is it announced to this client now?  NULL: to all. */
	bool		(*offered)(const struct session *);
	/* The whole line, into EHLO_TEXT_MAX octets.  NULL: the keyword. */
	void		(*text)(const struct session *, char *out);
} extensions[] = {
	{ "PIPELINING", NULL, NULL },
	{ "8BITMIME", NULL, NULL },
	{ "ENHANCEDSTATUSCODES", NULL, NULL },
	{ "CHUNKING", NULL, NULL },
	{ "BINARYMIME", NULL, NULL },	/* never without the former */
	{ "DSN", NULL, NULL },
	/* RFC 6531; 8BITMIME goes with it (section 3.1). */
	{ "SMTPUTF8", smtputf8_offered, NULL },
	{ "STARTTLS", starttls_offered, NULL },
	{ "AUTH", auth_offered, login_text },
	{ "SIZE", NULL, size_text },
	{ "LIMITS", NULL, limits_text },
	{ "ETRN", etrn_offered, NULL },
	/* RFC 5321 section 3.5.2 */
	{ "VRFY", vrfy_offered, NULL },
	{ "EXPN", expn_offered, NULL },
	/* RFC 821 section 3.4; the keywords are those of RFC 1869 */
	{ "SEND", terminals_offered, NULL },
	{ "SOML", terminals_offered, NULL },
	{ "SAML", terminals_offered, NULL },
};

static void
put_line(struct session *s, struct slice text, bool more)
{
	char line[SMTP_REPLY_LINE_MAX];

	stream_write(s->stream, line, smtp_reply_line(line, 250, NULL, text,
	    more));
}

void
ehlo_reply(struct session *s)
{
	struct slice text = slice_str(s->d->stage.hostname);
	char buf[EHLO_TEXT_MAX];

	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]);
	    i++) {
		const struct extension *e = &extensions[i];

		if (e->offered != NULL && !e->offered(s))
			continue;
		put_line(s, text, true);
		text = slice_str(e->keyword);
		if (e->text != NULL) {
			e->text(s, buf);
			text = slice_str(buf);
		}
	}
	put_line(s, text, false);
}
