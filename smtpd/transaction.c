#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/smtp/strip.h"
#include "smtpd/milter/milter.h"
#include "smtpd/recipients.h"

enum {
	/* The longest header section that a submission may have: it waits
	 * for its end to be completed. */
	EARLY_MAX = 256 * 1024
};

static void ask_failed(struct ask *);

struct transaction *
transaction_new(struct session *s, const struct smtp_address *reverse_path,
    const struct smtp_mail_params *params)
{
	struct slice text = milter_wanted(s) ? params->text : slice_of("", 0);
	struct transaction *t = calloc(1, sizeof(*t) + reverse_path->len +
	    params->envid.len + text.len);
	char *at;

	if (t == NULL)
		return NULL;
	t->s = s;
	t->ask.failed = ask_failed;
	t->params = *params;
	t->fault = SAY_OK;
	TAILQ_INIT(&t->recipients);
	content_init(&t->content);
	smtp_data_init(&t->data);
	t->reverse_len = reverse_path->len;
	memcpy(t->reverse_path, reverse_path->text, reverse_path->len);
	at = t->reverse_path + t->reverse_len;
	t->params.envid = slice_of(at, smtp_xtext_decode(params->envid, at));
	at += t->params.envid.len;
	t->params.text = slice_of(at, smtp_params_copy(text, at));
	return t;
}

static void
hold(struct transaction *t, bool on)
{
	if (on == t->is_held)
		return;
	t->is_held = on;
	if (on)
		TAILQ_INSERT_TAIL(&t->s->d->held, t, held);
	else
		TAILQ_REMOVE(&t->s->d->held, t, held);
}

static void
drop_content(struct transaction *t)
{
	content_clear(&t->content);
	free((void *)(uintptr_t)t->trace.at);
	t->trace = slice_of(NULL, 0);
	free(t->early);
	t->early = NULL;
	t->early_len = 0;
}

void
transaction_free(struct transaction *t)
{
	struct recipient *r;

	if (t == NULL)
		return;
	hold(t, false);
	if (t->part_sent)
		enqueue_abort(t);
	milter_transaction_end(t);
	sibling_forget(&t->s->d->queue, &t->ask);
	sibling_forget(&t->s->d->directory, &t->sender);
	recipients_uncharge(t);
	if (t->queue_id != 0 && !t->known && t->era == t->s->d->ids.era)
		lease_give_back(&t->s->d->ids, t->queue_id);
	while ((r = TAILQ_FIRST(&t->recipients)) != NULL) {
		TAILQ_REMOVE(&t->recipients, r, order);
		free(r);
	}
	drop_content(t);
	free(t->refusal);
	free(t->answer);
	free(t->instead);
	free(t);
}

struct slice
transaction_reverse_path(const struct transaction *t)
{
	if (t->instead != NULL)
		return slice_str(t->instead);
	return slice_of(t->reverse_path, t->reverse_len);
}

bool
transaction_data_begin(struct transaction *t)
{
	t->queue_id = lease_take(&t->s->d->ids);
	t->era = t->s->d->ids.era;
	return t->queue_id != 0;
}

/* ---- content ---- */

/* From here on the content is read to its end and thrown away. */
static void
spoil(struct transaction *t, enum smtpd_reply why)
{
	if (t->fault == SAY_OK)
		t->fault = why;
	drop_content(t);
}

void
transaction_spoil(struct transaction *t, enum smtpd_reply why)
{
	spoil(t, why);
}

enum smtpd_reply
transaction_judge(const struct transaction *t, const struct smtp_data *data)
{
	const struct smtpd_settings *set = t->s->d->set;

	/* Behind the header section of binary content there are no lines. */
	bool lines = !transaction_is_binary(t) || !data->header_done;

	if (lines ? smtp_data_is_bare(data) : data->bare_header)
		return SAY_NOT_LINES;
	if (data->size > set->max_message_size)
		return SAY_TOO_BIG;
	if (lines && (data->longest > set->max_text_line ||
	    data->line > set->max_text_line))
		return SAY_TEXT_LINE_LONG;
	if (data->received > set->max_received)
		return SAY_LOOP;
	/* SMTPUTF8 says that there may be some, too (RFC 6532 section 3). */
	if (data->eight_bit && set->undeclared_8bit != 0 &&
	    t->params.body < SMTP_BODY_8BITMIME && !t->params.smtputf8)
		return SAY_NOT_8BIT;
	return SAY_OK;
}

/* This part is full and more is to come. */
static bool
send_part(struct transaction *t)
{
	uint32_t octets;
	int fd = content_seal(&t->content, &octets);

	assert(!t->asking_part);
	if (fd == -1) {
		spoil(t, SAY_RESOURCES);
		return false;
	}
	if (milter_is_on(t))
		return milter_keep(t, fd, octets);
	if (enqueue_part(t, fd, octets) == -1) {
		spoil(t, SAY_QUEUE_DOWN);
		return false;
	}
	t->asking_part = t->part_sent = true;
	return true;
}

static void
append_slice(struct transaction *t, char *at, size_t len)
{
	while (len > 0) {
		size_t n = content_room(&t->content);
		struct iovec iov;

		if (n == 0) {
			if (!send_part(t))
				return;
			continue;
		}
		if (n > len)
			n = len;
		iov = (struct iovec){ at, n };
		if (content_append(&t->content, &iov, 1) == -1) {
			spoil(t, SAY_RESOURCES);
			return;
		}
		at += n;
		len -= n;
	}
}

/* In one call where it fits into this part, as it nearly always does. */
static void
append(struct transaction *t, struct iovec *iov, int n)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (len <= content_room(&t->content)) {
		if (content_append(&t->content, iov, n) == -1)
			spoil(t, SAY_RESOURCES);
		return;
	}
	for (int i = 0; i < n && t->fault == SAY_OK; i++)
		append_slice(t, iov[i].iov_base, iov[i].iov_len);
}

/*
 * Is it known what has to stand in front of the content?  Whether there is a
 * header section at all tells its first line; which fields it lacks, its end.
 */
static bool
front_known(const struct transaction *t)
{
	if (t->ended || t->data.header_done)
		return true;
	return !session_is_submission(t->s) && t->data.fields > 0;
}

static enum smtpd_reply
keep_early(struct transaction *t, const char *at, size_t len)
{
	char *p;

	if (len == 0)
		return SAY_OK;
	if (t->early_len > EARLY_MAX)
		return SAY_HEADER_LONG;
	p = realloc(t->early, t->early_len + len);
	if (p == NULL)
		return SAY_RESOURCES;
	memcpy(p + t->early_len, at, len);
	t->early = p;
	t->early_len += len;
	return SAY_OK;
}

/* The first octets: what stands in front of them is known. */
static void
store_first(struct transaction *t, char *at, size_t len)
{
	struct iovec iov[3];

	t->started = true;
	t->trace = trace_make(t);
	if (t->trace.at == NULL) {
		spoil(t, SAY_RESOURCES);
		return;
	}
	iov[0] = (struct iovec){ (char *)(uintptr_t)t->trace.at,
		t->trace.len };
	iov[1] = (struct iovec){ t->early, t->early_len };
	iov[2] = (struct iovec){ at, len };
	append(t, iov, 3);
	free(t->early);
	t->early = NULL;
	t->early_len = 0;
}

/* Of a submission, the whole header section comes first. */
static void
store_early(struct transaction *t, char *at, size_t len)
{
	enum smtpd_reply why = keep_early(t, at, len);

	if (why != SAY_OK)
		spoil(t, why);
	else if (front_known(t)) {
		t->early_len = smtp_strip_bcc(t->early, t->early_len);
		store_first(t, at, 0);
	}
}

static void
store(struct transaction *t, char *at, size_t len)
{
	struct iovec iov = { at, len };

	if (t->started && len > 0)
		append(t, &iov, 1);
	else if (!t->started && session_is_submission(t->s))
		store_early(t, at, len);
	/* What cannot be kept is stored as if it had a header. */
	else if (!t->started &&
	    (front_known(t) || keep_early(t, at, len) != SAY_OK))
		store_first(t, at, len);
}

/* ---- the end ---- */

static void
submit(struct transaction *t)
{
	uint32_t octets;
	bool last = true;
	int fd;

	if (t->s->d->queue.ch != NULL && ipc_channel_full(t->s->d->queue.ch)) {
		hold(t, true);
		return;
	}
	fd = milter_is_on(t) ? milter_part(t, &octets, &last) :
	    content_seal(&t->content, &octets);
	if (fd == -1)
		spoil(t, SAY_RESOURCES);
	else if ((last ? enqueue_message(t, fd, octets) :
	    enqueue_part(t, fd, octets)) == -1)
		spoil(t, SAY_QUEUE_DOWN);
	else if (!last)
		t->asking_part = t->part_sent = true;
}

/* The reply to the final dot, and the end of all this. */
static void
refuse(struct transaction *t)
{
	struct session *s = t->s;
	struct refusal *r = t->refusal;
	const struct smtp_status *why = smtpd_reply_status(t->fault);

	if (lmtp_answers_each(s)) {
		if (r != NULL)
			lmtp_refuse(s, r->code, r->enhanced,
			    slice_of(r->text, r->len), "queue-manager");
		else
			lmtp_refuse(s, why->code, why->enhanced,
			    slice_str(why->text), smtpd_reply_name(t->fault));
		return;
	}
	if (r != NULL)
		session_refuse_status(s, r->code, r->enhanced,
		    slice_of(r->text, r->len), "queue-manager", "message",
		    transaction_reverse_path(t));
	else
		session_refuse(s, t->fault, "message",
		    transaction_reverse_path(t));
	session_transaction_end(s);
	session_message_done(s);
}

/* The data has ended: hand over, or say why not. */
static void
conclude(struct transaction *t)
{
	bool good = t->fault == SAY_OK && t->refusal == NULL;

	if (good && milter_discards(t)) {
		milter_discard(t);
		return;
	}
	if (good && !t->asking_part && !milter_review(t))
		submit(t);
	if (t->fault != SAY_OK || t->refusal != NULL)
		refuse(t);
}

void
transaction_conclude(struct transaction *t)
{
	conclude(t);
}

void
transaction_send(struct transaction *t)
{
	hold(t, false);
	conclude(t);
}

size_t
transaction_data(struct transaction *t, char *at, size_t len)
{
	size_t n, used = smtp_data_take(&t->data, at, len, &n);

	t->ended = smtp_data_ended(&t->data);
	if (t->fault == SAY_OK && t->refusal == NULL) {
		enum smtpd_reply why = transaction_judge(t, &t->data);

		if (why == SAY_OK)
			store(t, at, n);
		else
			spoil(t, why);
	}
	if (t->ended) {
		session_wait(t->s, WAIT_QUEUE);
		conclude(t);
	} else if (t->asking_part &&
	    content_room(&t->content) < SMTPD_INPUT_MAX)
		session_wait(t->s, WAIT_QUEUE);
	return used;
}

static void
take_chunk(struct transaction *t, char *at, size_t len)
{
	enum smtpd_reply why;

	smtp_data_chunk(&t->data, at, len);
	if (t->fault != SAY_OK || t->refusal != NULL)
		return;
	if ((why = transaction_judge(t, &t->data)) == SAY_OK)
		store(t, at, len);
	else
		spoil(t, why);
}

void
transaction_chunk(struct transaction *t, char *at, size_t len)
{
	take_chunk(t, at, len);
	if (t->asking_part && content_room(&t->content) < SMTPD_INPUT_MAX)
		session_wait(t->s, WAIT_QUEUE);
}

void
transaction_chunks_end(struct transaction *t)
{
	char line_end[] = "\r\n";

	/* A message is lines; and a CR alone at the end is a bare one.  Binary
	 * content ends where it ends (RFC 3030 section 3). */
	if (transaction_is_binary(t) && t->data.header_done)
		;
	else if (t->data.place == SMTP_DATA_AFTER_CR)
		spoil(t, SAY_NOT_LINES);
	else if (t->data.place != SMTP_DATA_LINE_START)
		take_chunk(t, line_end, 2);
	t->ended = true;
	/* What waits for the end of the header section waits no more. */
	if (t->fault == SAY_OK && t->refusal == NULL)
		store(t, line_end, 0);
	session_wait(t->s, WAIT_QUEUE);
	conclude(t);
}

/* ---- answers ---- */

/* A part is settled; go on reading, or with what waited for it. */
static void
part_settled(struct transaction *t)
{
	t->asking_part = false;
	if (t->ended)
		conclude(t);
	else
		session_go_on(t->s, WAIT_QUEUE);
}

void
transaction_part_kept(struct transaction *t)
{
	part_settled(t);
}

static void
log_accepted(const struct transaction *t)
{
	const struct session *s = t->s;
	const struct recipient *first = TAILQ_FIRST(&t->recipients);
	char client[NET_ADDRESS_SIZE];

	log_info("message-accepted", LOG_QID(t->queue_id), LOG_SID(s->id),
	    LOG_CSTR("client", session_client(s, client)),
	    LOG_STR("from", transaction_reverse_path(t)),
	    LOG_STR("to", slice_of(first->address, first->len)),
	    LOG_NUM("recipients", t->n_recipients - t->n_removed),
	    LOG_NUM("size", t->data.size));
}

void
transaction_queued(struct transaction *t)
{
	static const uint8_t ok[3] = { 2, 0, 0 };
	struct session *s = t->s;
	char line[SMTP_REPLY_LINE_MAX], text[64] = "Queued as ";
	size_t len = strlen(text);

	log_accepted(t);
	len += trace_queue_id(t->queue_id, text + len);
	t->part_sent = false;	/* it did come to an ENQUEUE */
	t->charged = 0;		/* spent */
	s->messages++;
	if (lmtp_answers_each(s)) {
		lmtp_answer(s, 250, ok, slice_of(text, len), false);
		return;
	}
	stream_write(s->stream, line,
	    smtp_reply_line(line, 250, ok, slice_of(text, len), 0));
	session_transaction_end(s);
	session_message_done(s);
}

void
transaction_discarded(struct transaction *t)
{
	static const uint8_t ok[3] = { 2, 0, 0 };
	struct session *s = t->s;

	s->messages++;
	if (lmtp_answers_each(s)) {
		lmtp_answer(s, 250, ok, SLICE_LITERAL("Ok"), false);
		return;
	}
	session_reply(s, SAY_OK);
	session_transaction_end(s);
	session_message_done(s);
}

void
transaction_refused(struct transaction *t, const struct refusal *r)
{
	size_t size = sizeof(*r) + r->len;

	t->refusal = malloc(size);
	if (t->refusal != NULL)
		memcpy(t->refusal, r, size);
	else
		t->fault = SAY_QUEUE_DOWN;
	t->part_sent = false;	/* queue-manager has forgotten it already */
	drop_content(t);
	part_settled(t);
}

static void
ask_failed(struct ask *a)
{
	struct transaction *t = (struct transaction *)
	    ((char *)a - offsetof(struct transaction, ask));

	spoil(t, SAY_QUEUE_DOWN);
	part_settled(t);
}
