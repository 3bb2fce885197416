/*
 * What goes in front of a message: the Received field of RFC 5321 section
 * 4.4; for mail that a program of this host injects, the fields of RFC 5322
 * section 3.6 that it left out; and an empty line where the message has no
 * header section of its own.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/smtp/date.h"
#include "common/tls/tls.h"
#include "smtpd/session.h"

enum {
	/* HELO, client, host name, id, one path, date, and what joins them;
	 * then Date, From and Message-ID. */
	TRACE_MAX = 4096
};

/* Text under way.  What does not fit sets full, and the whole is useless. */
struct writer {
	char	*at;
	size_t	 len, size;
	bool	 full;
};

static void
put(struct writer *w, struct slice s)
{
	if (s.len > w->size - w->len) {
		w->full = true;
		return;
	}
	if (s.len > 0)
		memcpy(w->at + w->len, s.at, s.len);
	w->len += s.len;
}

static void
put_str(struct writer *w, const char *s)
{
	put(w, slice_str(s));
}

size_t
trace_queue_id(uint64_t id, char *out)
{
	static const char hex[] = "0123456789abcdef";
	int digits = 12;

	while (digits < 16 && id >> (4 * digits) != 0)
		digits++;
	for (int i = 0; i < digits; i++)
		out[i] = hex[id >> (4 * (digits - 1 - i)) & 15];
	return (size_t)digits;
}

static void
put_id(struct writer *w, uint64_t id)
{
	char out[16];

	put(w, slice_of(out, trace_queue_id(id, out)));
}

static void
put_date(struct writer *w, time_t now)
{
	char date[SMTP_DATE_SIZE];

	put(w, slice_of(date, smtp_date(now, date)));
}

/* "from HELO ([192.0.2.1])": the client's word, then what we know. */
static void
put_from(struct writer *w, const struct session *s)
{
	char address[NET_ADDRESS_SIZE];

	if (s->peer.family == NET_LOCAL) {
		put_str(w, "from ");
		put_str(w, session_is_lmtp(s) && s->helo != NULL ? s->helo
								 : "localhost");
		put_str(w, " (");
		put_str(w, net_address_print(&s->peer, address));
		put_str(w, ")");
		return;
	}
	put_str(w, "from ");
	put_str(w, s->helo != NULL ? s->helo : "unknown");
	put_str(w, " ([");
	put_str(w, net_address_literal(&s->peer, address));
	put_str(w, "])");
}

/* RFC 8314 section 4.3: the clause `tls`; the version is a comment. */
static void
put_cipher(struct writer *w, const struct session *s)
{
	struct tls_info info;

	if (!session_is_secured(s))
		return;
	tls_info(s->tls, &info);
	put_str(w, "\r\n\ttls ");
	put_str(w, info.cipher);
	put_str(w, " (");
	put_str(w, info.version);
	put_str(w, ")");
}

static void
put_received(struct writer *w, const struct transaction *t, time_t now)
{
	const struct session *s = t->s;
	const struct recipient *r = TAILQ_FIRST(&t->recipients);

	put_str(w, "Received: ");
	put_from(w, s);
	put_str(w, "\r\n\tby ");
	put_str(w, s->d->stage.hostname);
	put_str(w, " with ");
	put_str(w, session_protocol(s));
	put_str(w, " id ");
	put_id(w, t->queue_id);
	/* More than one would tell each about the others (section 7.2). */
	if (t->n_recipients == 1) {
		put_str(w, "\r\n\tfor <");
		put(w, slice_of(r->address, r->len));
		put_str(w, ">");
	}
	put_cipher(w, s);
	put_str(w, ";\r\n\t");
	put_date(w, now);
	put_str(w, "\r\n");
}

/* RFC 6409 section 8 lets a submission server complete a message. */
static void
put_missing(struct writer *w, const struct transaction *t, time_t now)
{
	if (!t->data.has_date) {
		put_str(w, "Date: ");
		put_date(w, now);
		put_str(w, "\r\n");
	}
	if (!t->data.has_from) {
		put_str(w, "From: <");
		if (t->reverse_len > 0)
			put(w, transaction_reverse_path(t));
		else {
			put_str(w, "MAILER-DAEMON@");
			put_str(w, t->s->d->stage.hostname);
		}
		put_str(w, ">\r\n");
	}
	if (!t->data.has_message_id) {
		put_str(w, "Message-ID: <");
		put_id(w, t->queue_id);
		put_str(w, ".");
		put_id(w, (uint64_t)now);
		put_str(w, "@");
		put_str(w, t->s->d->stage.hostname);
		put_str(w, ">\r\n");
	}
}

struct slice
trace_make(struct transaction *t)
{
	struct writer w = { malloc(TRACE_MAX), 0, TRACE_MAX, false };
	time_t now = time(NULL);

	if (w.at == NULL)
		return slice_of(NULL, 0);
	put_received(&w, t, now);
	t->received_len = (uint32_t)w.len;
	if (session_is_submission(t->s))
		put_missing(&w, t, now);
	/* Text that begins without a header must not become one. */
	if (t->data.header_cut && t->data.fields == 0)
		put_str(&w, "\r\n");
	if (w.full) {
		free(w.at);
		return slice_of(NULL, 0);
	}
	return slice_of(w.at, w.len);
}
