/* One mail transaction: MAIL, RCPT, and the data by DATA or BDAT. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/envelope.h"
#include "common/smtp/stuff.h"
#include "remote-relay/client_private.h"

enum { BLOCKS_PER_TURN = 16 }; /* of content, for one client */

static_assert((int)SMTP_WRITE_NEVER == (int)ENVELOPE_NOTIFY_NEVER &&
    (int)SMTP_WRITE_SUCCESS == (int)ENVELOPE_NOTIFY_SUCCESS &&
    (int)SMTP_WRITE_FAILURE == (int)ENVELOPE_NOTIFY_FAILURE &&
    (int)SMTP_WRITE_DELAY == (int)ENVELOPE_NOTIFY_DELAY,
    "NOTIFY is one set of bits");

/* ---- recipients ---- */

static void
answer(struct client *c, unsigned i, const struct outcome *o)
{
	struct job *j = c->t.job;
	struct outcome told = *o;

	assert(j->rcpt[i].state != JOB_DONE && j->open > 0);
	if (told.result == RELAY_DELIVERED)
		told.dsn_passed = c->t.plan.dsn;
	j->rcpt[i].state = JOB_DONE;
	j->open--;
	c->on->answered(c->owner, j, i, &told);
}

/* All recipients in that state. */
static void
answer_all(struct client *c, enum job_state state, const struct outcome *o)
{
	struct job *j = c->t.job;

	for (unsigned i = 0; i < j->n; i++)
		if (j->rcpt[i].state == state)
			answer(c, i, o);
}

static void
answer_everybody(struct client *c, const struct outcome *o)
{
	for (enum job_state s = JOB_OPEN; s < JOB_DONE; s++)
		answer_all(c, s, o);
}

/* The next recipient from *at in that state; false: there is none. */
static bool
next_in_state(const struct job *j, unsigned *at, enum job_state state)
{
	while (*at < j->n && j->rcpt[*at].state != state)
		(*at)++;
	return *at < j->n;
}

/* ---- the end of a transaction ---- */

void
transaction_stop(struct client *c)
{
	turns_remove(&c->shared->turns, &c->turn);
	conversion_clear(&c->conversion);
}

static void
give_back(struct client *c)
{
	struct job *j = c->t.job;

	transaction_stop(c);
	c->t.job = NULL;
	c->on->returned(c->owner, j);
}

static void start(struct client *);

/* RFC 9422: the peer takes so many recipients; the others come next. */
static void
finish(struct client *c)
{
	if (c->t.job->open > 0) {
		start(c);
		return;
	}
	give_back(c);
	client_become_ready(c);
}

void
transaction_lost(struct client *c, const struct outcome *why)
{
	struct transaction *t = &c->t;
	struct outcome o;

	if (t->ended && !t->mail_refused) {
		outcome_own(&o, 451, 4, 2, "%.*s; the message may have been "
		    "taken", (int)(why->text_len < 400 ? why->text_len : 400),
		    why->text);
		o.unknown = true;
		answer_all(c, JOB_SENT, &o);
		answer_all(c, JOB_ACCEPTED, &o);
	}
	job_reopen(t->job);
	give_back(c);
}

/* ---- content ---- */

/* We cannot go on, and must not end what the peer has of it so far. */
static void
content_failed(struct client *c, int error)
{
	struct outcome o;

	if (error == EBADMSG)
		outcome_own(&o, 554, 6, 0, "the content has a CR or LF that is "
		    "no line end (RFC 5321 section 2.3.8)");
	else
		outcome_own(&o, 451, 3, 0, "the content cannot be read: %s",
		    strerror(error));
	answer_everybody(c, &o);
	c->t.ended = false;
	client_fail(c, &o);
}

/* Everything is written: from here on the outcome is the peer's to know. */
static void
content_done(struct client *c)
{
	struct transaction *t = &c->t;

	t->step = STEP_FINAL;
	t->ended = true;
	client_expect(c, EXPECT_FINAL, c->manner.lmtp ? t->accepted : 1);
}

/* One block as DATA has it; with its end when it is the last. */
static size_t
stuff(struct client *c, size_t len, bool last)
{
	struct smtp_stuff st = { c->t.in_line, c->t.after_cr };
	struct slice in = slice_of(c->shared->block, len);
	size_t n = smtp_stuff(&st, &in, c->shared->stuffed,
	    (size_t)2 * CONTENT_BLOCK);

	assert(in.len == 0);
	if (last)
		n += smtp_stuff_end(&st, c->shared->stuffed + n);
	c->t.in_line = st.in_line;
	c->t.after_cr = st.after_cr;
	return n;
}

/* The rest in a later turn: a peer that reads fast is not to keep the others
 * waiting. */
static void
pump_again(void *ctx)
{
	struct client *c = ctx;

	client_enter(c);
	transaction_drained(c);
	client_leave(c);
}

static void
pump_later(struct client *c)
{
	c->turn.run = pump_again;
	c->turn.ctx = c;
	turns_add(&c->shared->turns, &c->turn);
}

static void
pump(struct client *c)
{
	struct transaction *t = &c->t;
	bool last = content_left(&t->content) == 0;
	unsigned blocks = 0;

	while (t->step == STEP_CONTENT && !stream_full(c->s) &&
	    !stream_broken(c->s)) {
		struct iovec v = { .iov_base = c->shared->block };
		ssize_t n;

		if (blocks++ == BLOCKS_PER_TURN) {
			pump_later(c);
			return;
		}
		n = content_read(&t->content, c->shared->block, CONTENT_BLOCK);
		if (n == -1) {
			content_failed(c, errno);
			return;
		}
		last = content_left(&t->content) == 0;
		v.iov_len = (size_t)n;
		if (!t->plan.bdat) {
			v.iov_base = c->shared->stuffed;
			v.iov_len = stuff(c, (size_t)n, last);
		}
		if (v.iov_len > 0)
			stream_writev(c->s, &v, 1);
		if (last && !stream_broken(c->s))
			content_done(c);
	}
}

void
transaction_drained(struct client *c)
{
	if (c->t.step == STEP_CONTENT)
		pump(c);
}

/* RFC 3030: the content as one chunk, the last. */
static void
write_bdat(struct client *c)
{
	char line[48];
	int len = snprintf(line, sizeof(line), "BDAT %llu LAST\r\n",
	    (unsigned long long)content_left(&c->t.content));

	client_write(c, slice_of(line, (size_t)len));
}

/* ---- commands ---- */

static void
write_mail(struct client *c)
{
	char line[SMTP_COMMAND_WRITE_MAX];
	size_t len = smtp_mail_write(&c->t.plan.mail, line, sizeof(line));

	assert(len > 0);	/* the plan was made of what can be written */
	client_write(c, slice_of(line, len));
	client_expect(c, EXPECT_MAIL, 1);
}

/* 0: there is nobody left for this transaction. */
static unsigned
write_one_rcpt(struct client *c)
{
	struct transaction *t = &c->t;
	unsigned max = c->caps.rcpt_max != 0 ? c->caps.rcpt_max : UINT32_MAX;

	for (; t->sent < max && next_in_state(t->job, &t->next_rcpt, JOB_OPEN);
	    t->next_rcpt++) {
		const struct relay_recipient *r = &t->job->rcpt[t->next_rcpt].r;
		struct smtp_rcpt_write w = { .address = r->address,
			.smtputf8 = t->plan.mail.smtputf8 };
		char line[SMTP_COMMAND_WRITE_MAX];
		struct outcome o;
		size_t len;

		if (!w.smtputf8 && !slice_is_ascii(r->address)) {
			plan_no_utf8(&o);
			answer(c, t->next_rcpt, &o);
			continue;
		}
		if (t->plan.dsn) {
			w.notify = r->notify;
			w.orcpt = r->original;
		}
		if ((len = smtp_rcpt_write(&w, line, sizeof(line))) == 0) {
			outcome_own(&o, 553, 1, 3, "that is no address");
			answer(c, t->next_rcpt, &o);
			continue;
		}
		client_write(c, slice_of(line, len));
		t->job->rcpt[t->next_rcpt++].state = JOB_SENT;
		t->sent++;
		return 1;
	}
	return 0;
}

static void
write_rcpts(struct client *c)
{
	unsigned n = 0;

	while (write_one_rcpt(c) > 0)
		n++;
	if (n > 0)
		client_expect(c, EXPECT_RCPT, n);
}

static void
write_data(struct client *c)
{
	struct transaction *t = &c->t;

	if (t->plan.bdat) {
		write_bdat(c);
		t->step = STEP_CONTENT;
		pump(c);
		return;
	}
	client_write(c, slice_str("DATA\r\n"));
	client_expect(c, EXPECT_DATA, 1);
	t->step = STEP_DATA;
}

/*
 * Small content goes with its commands in one piece where the peer takes
 * that, and is checked before anything is written.  LMTP cannot: how many
 * replies come to the data depends on those to RCPT.
 */
static bool
fits_one_piece(const struct client *c)
{
	return c->pipelining && c->t.plan.bdat && !c->manner.lmtp &&
	    content_left(&c->t.content) <= CONTENT_BLOCK;
}

static void
write_in_one_piece(struct client *c)
{
	struct transaction *t = &c->t;

	if (t->sent == 0) {
		t->step = STEP_RCPT;
		return;
	}
	write_bdat(c);
	t->step = STEP_CONTENT;
	pump(c);
}

/* Behind RSET, if there was any. */
static void
begin_mail(struct client *c)
{
	struct transaction *t = &c->t;

	c->dirty = true;	/* until its end is answered */
	t->step = STEP_MAIL;
	write_mail(c);
	if (!c->pipelining)
		return;
	write_rcpts(c);
	t->step = STEP_RCPT;
	if (fits_one_piece(c))
		write_in_one_piece(c);
	else if (!t->plan.bdat && t->sent > 0)
		write_data(c);
}

static void
start(struct client *c)
{
	struct transaction *t = &c->t;

	*t = (struct transaction){
		.job = t->job, .plan = t->plan, .step = STEP_RSET
	};
	content_init(&t->content, t->job->fd, t->job->y.content_offset,
	    t->job->y.content_size, t->plan.binary);
	if ((t->content.converted = c->conversion.d) != NULL)
		downgrade_rewind(c->conversion.d);
	if (c->dirty) {
		client_write(c, slice_str("RSET\r\n"));
		client_expect(c, EXPECT_RSET, 1);
		if (!c->pipelining)
			return;
	}
	begin_mail(c);
}

static ssize_t
read_content(void *ctx, uint64_t at, void *buf, size_t len)
{
	const struct job *j = ctx;

	return pread(j->fd, buf, len, (off_t)(j->y.content_offset + at));
}

/* RFC 6152 section 3: fit for a host that takes less, or not at all. */
static void
cannot_convert(
    const struct client *c, enum downgrade_verdict v, struct outcome *why)
{
	if (v == DOWNGRADE_FAILED)
		outcome_own(why, 451, 3, 0, "the content cannot be converted: "
		    "%s", strerror(errno));
	else
		outcome_own(why, 554, 6, 3,
		    "the next host does not take %s, "
		    "and converting it would break the message",
		    c->t.plan.keep_8bit ? "binary content" : "8-bit content");
}

static void
on_converted(void *ctx, enum downgrade_verdict v)
{
	struct client *c = ctx;
	struct outcome why;

	client_enter(c);
	if (v == DOWNGRADE_OK) {
		start(c);
	} else {
		cannot_convert(c, v, &why);
		answer_everybody(c, &why);
		finish(c);
	}
	client_leave(c);
}

static void
convert(struct client *c)
{
	struct job *j = c->t.job;

	c->t.step = STEP_CONVERT;
	conversion_begin(&c->shared->conversions, &c->conversion,
	    &(struct downgrade_source){ read_content, j, j->y.content_size },
	    c->t.plan.keep_8bit ? DOWNGRADE_KEEP_8BIT : 0, on_converted, c);
}

static bool
plan(struct client *c, struct job *j)
{
	struct plan_content content = { .utf8_header =
		plan_wants_ascii_header(j, &c->caps) &&
		content_header_is_8bit(j->fd, j->y.content_offset,
		    j->y.content_size) };
	struct outcome why;

	c->t = (struct transaction){ .job = j };
	if (plan_make(j, &content, &c->caps, c->manner.chunking, c->logged_in,
		&c->t.plan, &why) == PLAN_GO)
		return true;
	answer_everybody(c, &why);
	give_back(c);
	return false;
}

bool
client_send(struct client *c, struct job *j)
{
	assert(c->phase == CLIENT_READY && j->open > 0);
	if (!plan(c, j))
		return false;
	c->phase = CLIENT_BUSY;
	c->messages++;
	client_enter(c);
	if (c->t.plan.convert)
		convert(c);
	else
		start(c);
	client_leave(c);
	return true;
}

/* ---- replies ---- */

/* The next recipient, or the data when there is none. */
static void
after_rcpt(struct client *c)
{
	if (!c->t.mail_refused && write_one_rcpt(c) > 0)
		client_expect(c, EXPECT_RCPT, 1);
	else if (c->t.accepted == 0)
		finish(c);
	else
		write_data(c);
}

void
transaction_advance(struct client *c)
{
	struct transaction *t = &c->t;

	switch (t->step) {
	case STEP_RSET:
		begin_mail(c);
		break;
	case STEP_MAIL:
		if (t->mail_refused) {
			finish(c);
			break;
		}
		t->step = STEP_RCPT;
		after_rcpt(c);
		break;
	case STEP_RCPT:
		after_rcpt(c);
		break;
	case STEP_DATA:
	case STEP_FINAL:
		finish(c);
		break;
	case STEP_CONVERT:
	case STEP_CONTENT:
		break;
	}
}

static void
mail_reply(struct client *c)
{
	struct outcome o;

	if (c->reply.code / 100 == 2)
		return;
	outcome_reply(&o, &c->reply, 0, 0);
	c->t.mail_refused = true;
	/* What was written behind it may have left the peer anywhere. */
	c->dirty = c->n_expected > 0;
	answer_everybody(c, &o);
}

/* RFC 5321 section 4.5.3.1.10: 552 to RCPT is "too many", and passes. */
static void
rcpt_reply(struct client *c)
{
	struct transaction *t = &c->t;
	struct outcome o;
	unsigned i;

	if (t->mail_refused)
		return;
	if (!next_in_state(t->job, &t->next_answer, JOB_SENT))
		assert(false);
	i = t->next_answer++;
	if (c->reply.code / 100 == 2) {
		t->job->rcpt[i].state = JOB_ACCEPTED;
		t->accepted++;
		return;
	}
	if (c->reply.code == 552) {
		c->reply.code = 452;
		c->reply.enhanced[0] = 0;
	}
	outcome_reply(&o, &c->reply, c->reply.code == 452 ? 5 : 0,
	    c->reply.code == 452 ? 3 : 0);
	answer(c, i, &o);
}

/* "354" for a transaction in which nobody is left (RFC 2920 section 3.1). */
static void
end_empty_data(struct client *c)
{
	struct outcome o;

	if (c->manner.lmtp) {
		outcome_host(&o, 5, 0, "DATA was accepted without any "
		    "recipient");
		client_fail(c, &o);
		return;
	}
	client_write(c, slice_str(".\r\n"));
	client_expect(c, EXPECT_FINAL, 1);
	c->t.step = STEP_FINAL;
}

static void
data_reply(struct client *c)
{
	struct transaction *t = &c->t;
	struct outcome o;

	if (c->reply.code == 354 && t->accepted == 0) {
		end_empty_data(c);
		return;
	}
	if (c->reply.code == 354) {
		t->step = STEP_CONTENT;
		pump(c);
		return;
	}
	if (c->reply.code < 400) {
		outcome_host(&o, 5, 0, "%u is no answer to DATA",
		    c->reply.code);
		client_fail(c, &o);
		return;
	}
	outcome_reply(&o, &c->reply, 0, 0);
	answer_all(c, JOB_ACCEPTED, &o);
}

static void
final_reply(struct client *c)
{
	struct transaction *t = &c->t;
	struct outcome o;
	bool closes = c->reply.code == 421;

	outcome_reply(&o, &c->reply, 0, 0);
	o.host_down = closes;
	if (!c->manner.lmtp)
		answer_all(c, JOB_ACCEPTED, &o);
	else if (next_in_state(t->job, &t->next_final, JOB_ACCEPTED))
		answer(c, t->next_final++, &o);
	/* RFC 3030 section 2: after a BDAT that failed comes RSET. */
	if (c->n_expected == 0 && (c->reply.code < 400 || !t->plan.bdat))
		c->dirty = false;
	if (closes)
		client_fail(c, &o);
}

void
transaction_reply(struct client *c, enum expect kind)
{
	struct outcome o;

	switch (kind) {
	case EXPECT_RSET:
		if (c->reply.code / 100 != 2) {
			outcome_host(&o, 5, 0, "%u is no answer to RSET",
			    c->reply.code);
			client_fail(c, &o);
		}
		break;
	case EXPECT_MAIL:
		mail_reply(c);
		break;
	case EXPECT_RCPT:
		rcpt_reply(c);
		break;
	case EXPECT_DATA:
		data_reply(c);
		break;
	case EXPECT_FINAL:
		final_reply(c);
		break;
	default:
		assert(false);
	}
}

/*
 * The peer has seen enough.  What it says counts, but we are in the middle of
 * the data, and the only way out of that is to close the connection.
 */
void
transaction_early_reply(struct client *c)
{
	struct outcome o;

	if (c->reply.code < 400) {
		outcome_host(&o, 5, 0, "%u before the end of the data",
		    c->reply.code);
	} else {
		outcome_reply(&o, &c->reply, 0, 0);
		o.host_down = c->reply.code == 421;
		if (!o.host_down)
			answer_all(c, JOB_ACCEPTED, &o);
	}
	client_fail(c, &o);
}
