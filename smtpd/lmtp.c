/*
 * LMTP (RFC 2033): what is different when another mail system hands mail over
 * to this one.  Its commands stand with all others (commands.c); here is the
 * one thing that is not a command: a message is answered once for each
 * recipient that was accepted, in the order of the RCPTs, also where one was
 * named twice (section 4.2).
 *
 * Twenty thousand recipients have more replies than the output takes at once:
 * the transaction stays until the client has read enough of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/instance/listener.h"
#include "common/net/network.h"
#include "smtpd/session.h"

struct lmtp_answer {
	const struct recipient *next;	/* to be answered */
	uint16_t	 code;
	uint8_t		 enhanced[3];
	bool		 counts;	/* as an error of the client */
	size_t		 len;
	char		 text[];
};

bool
lmtp_may_connect(const struct door *door, const struct net_address *peer)
{
	const struct listener_settings *l = door_settings(door);
	struct net_network n;

	/* Whom the socket's mode let in. */
	if (peer->family == NET_LOCAL)
		return true;
	for (size_t i = 0; l != NULL && i < l->lmtp_from.n; i++)
		if (net_network_parse(slice_str(l->lmtp_from.at[i]), &n) ==
		    PARSE_OK && net_network_has(&n, peer))
			return true;
	return false;
}

bool
lmtp_answers_each(const struct session *s)
{
	/* RFC 2033 section 4.3: a chunk that is not the last one gets one
	 * reply, whatever it says. */
	return session_is_lmtp(s) && s->t != NULL &&
	    s->t->n_recipients > 0 &&
	    (s->phase != PHASE_CHUNK || s->chunk_last);
}

static void
put_answer(struct session *s, const struct lmtp_answer *a)
{
	char line[SMTP_REPLY_LINE_MAX], text[SMTP_REPLY_LINE_MAX];
	int n = snprintf(text, sizeof(text), "%.*s for <%.*s>", (int)a->len,
	    a->text, (int)a->next->len, a->next->address);

	stream_write(s->stream, line, smtp_reply_line(line, a->code,
	    a->enhanced, slice_of(text, n < (int)sizeof(text) ? (size_t)n :
	    sizeof(text) - 1), 0));
}

void
lmtp_go_on(struct session *s)
{
	struct lmtp_answer *a = s->t != NULL ? s->t->answer : NULL;
	bool counts;

	if (a == NULL)
		return;
	while (a->next != NULL) {
		if (stream_full(s->stream))
			return;	/* drained() comes back here */
		if (!a->next->added)
			put_answer(s, a);
		a->next = TAILQ_NEXT(a->next, order);
	}
	counts = a->counts;
	session_transaction_end(s);
	session_message_done(s);
	if (counts)
		session_count_error(s);
}

void
lmtp_answer(struct session *s, uint16_t code, const uint8_t enhanced[3],
    struct slice text, bool counts)
{
	struct lmtp_answer *a = malloc(sizeof(*a) + text.len);

	if (a == NULL) {
		session_close(s, SAY_NO_MEMORY);
		return;
	}
	*a = (struct lmtp_answer){ .next = TAILQ_FIRST(&s->t->recipients),
		.code = code, .counts = counts, .len = text.len,
		.enhanced = { enhanced[0], enhanced[1], enhanced[2] } };
	if (text.len > 0)
		memcpy(a->text, text.at, text.len);
	s->t->answer = a;
	/* No further command before the last of them. */
	session_wait(s, WAIT_QUEUE);
	lmtp_go_on(s);
}

void
lmtp_refuse(struct session *s, uint16_t code, const uint8_t enhanced[3],
    struct slice text, const char *reason)
{
	session_note_refusal(s, code, enhanced, reason, "message",
	    transaction_reverse_path(s->t));
	lmtp_answer(s, code, enhanced, text, true);
}
