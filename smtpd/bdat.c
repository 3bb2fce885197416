/*
 * BDAT (RFC 3030): a message in chunks, each with its size before it.
 *
 * Whatever is wrong, the octets that belong to a BDAT are read and never taken
 * for commands.  Only when its size cannot be understood is there nothing to
 * do but close.
 */
#include <stdlib.h>
#include <string.h>

#include "smtpd/session.h"

/* Why this chunk is not wanted; SAY_OK: it is. */
static enum smtpd_reply
state_fault(const struct session *s)
{
	if (session_is_plain(s))
		return SAY_EHLO_FIRST;
	switch (session_state(s)) {
	case S_START:
		return session_is_lmtp(s) ? SAY_LHLO_FIRST : SAY_HELO_FIRST;
	case S_READY:
		return SAY_MAIL_FIRST;
	case S_MAIL:
		return session_is_lmtp(s) ? SAY_LMTP_NO_RECIPIENTS
					  : SAY_NO_RECIPIENTS;
	default:
		return SAY_OK;
	}
}

static void
first_chunk(struct session *s)
{
	const struct smtpd_settings *set = s->d->set;

	s->data_end_ms = smtpd_now_ms(s->d) + set->data_timeout * 1000;
	if (!transaction_data_begin(s->t))
		s->chunk_fault = SAY_QUEUE_DOWN;
}

/* The chunk is here, whole: its reply, unless it was the last. */
static void
chunk_end(struct session *s)
{
	struct transaction *t = s->t;

	if (s->chunk_fault == SAY_QUEUE_DOWN && lmtp_answers_each(s)) {
		t->fault = SAY_QUEUE_DOWN;
		transaction_chunks_end(t);
	} else if (s->chunk_fault != SAY_OK) {
		/* What failed for now leaves nothing to go on with. */
		if (s->chunk_fault == SAY_QUEUE_DOWN)
			session_transaction_end(s);
		session_message_done(s);
		session_refuse(s, (enum smtpd_reply)s->chunk_fault, "BDAT",
		    slice_of("", 0));
	} else if (s->chunk_last || t->fault != SAY_OK || t->refusal != NULL) {
		transaction_chunks_end(t);
	} else {
		s->phase = PHASE_COMMAND;
		stream_min_rate(s->stream, 0, 0);
		session_deadline_command(s);
		session_reply(s, SAY_CHUNK_OK);
	}
}

void
bdat_command(struct session *s, struct slice args)
{
	const struct smtpd_settings *set = s->d->set;

	if (smtp_bdat_parse(args, &s->chunk_left, &s->chunk_last) !=
	    PARSE_OK) {
		session_close(s, SAY_BAD_CHUNK);
		return;
	}
	/* Nothing, and not the end: that brings no message nearer. */
	if (s->chunk_left == 0 && !s->chunk_last &&
	    ++s->idle_commands > set->max_idle_commands) {
		session_close(s, SAY_IDLE_COMMANDS);
		return;
	}
	s->phase = PHASE_CHUNK;
	s->chunk_fault = state_fault(s);
	if (s->chunk_fault != SAY_OK)
		s->data_end_ms = smtpd_now_ms(s->d) + set->data_timeout * 1000;
	else if (s->t->queue_id == 0)
		first_chunk(s);
	stream_min_rate(s->stream, (unsigned)set->min_rate,
	    (unsigned)set->min_rate_grace * 1000);
	if (s->chunk_left == 0)
		chunk_end(s);
}

size_t
bdat_input(struct session *s, char *at, size_t len)
{
	if (len > s->chunk_left)
		len = (size_t)s->chunk_left;
	s->chunk_left -= len;
	if (s->chunk_fault == SAY_OK)
		transaction_chunk(s->t, at, len);
	if (s->chunk_left == 0)
		chunk_end(s);
	return len;
}
