/*
 * A message and its milters: the content that is kept, the review, and what
 * comes of it.
 */
#include <stdlib.h>
#include <unistd.h>
#include <fcntl.h>

#include <bsd/stdlib.h>

#include "common/idn/idn.h"
#include "smtpd/milter/milter.h"

enum { SHARE_MORE = 1 << 20 }; /* our fields, and those of milters */

/* ---- content that is kept ---- */

/*
 * A quarter of it all for the messages of one client, so that four of them at
 * least are needed to use it up; but its largest message, and what milters
 * make of that, always has room.
 */
static uint64_t
share(const struct smtpd *d)
{
	uint64_t least = 2 * d->set->max_message_size + SHARE_MORE;

	return d->set->milter_memory / 4 > least ? d->set->milter_memory / 4 :
	    least;
}

static void
count(struct kept *k, uint32_t octets)
{
	k->octets += octets;
	k->d->milter_octets += octets;
	k->client->kept += octets;
}

static void
count_off(struct kept *k, uint32_t octets)
{
	k->octets -= octets;
	k->d->milter_octets -= octets;
	k->client->kept -= octets;
}

int
kept_add(struct kept *k, int fd, uint32_t octets)
{
	struct kept_part *more;
	uint32_t room = k->room == 0 ? 1 : k->room * 2;

	if (k->d->milter_octets + octets > k->d->set->milter_memory ||
	    k->client->kept + octets > share(k->d))
		goto failed;
	if (k->n == k->room) {
		more = reallocarray(k->at, room, sizeof(*more));
		if (more == NULL)
			goto failed;
		k->at = more;
		k->room = room;
	}
	k->at[k->n++] = (struct kept_part){ fd, octets };
	count(k, octets);
	return 0;
failed:
	close(fd);
	return -1;
}

/* Without its first n. */
static void
drop(struct kept *k, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (k->at[i].fd != -1)
			close(k->at[i].fd);
		count_off(k, k->at[i].octets);
	}
	k->n -= n;
	if (k->n > 0)
		memmove(k->at, k->at + n, k->n * sizeof(*k->at));
}

void
kept_clear(struct kept *k)
{
	drop(k, k->n);
	free(k->at);
	*k = (struct kept){ .d = k->d, .client = k->client };
}

bool
milter_keep(struct transaction *t, int fd, uint32_t octets)
{
	if (kept_add(&t->s->milter->kept, fd, octets) == 0)
		return true;
	transaction_spoil(t, SAY_RESOURCES);
	return false;
}

int
milter_part(struct transaction *t, uint32_t *octets, bool *last)
{
	struct milter *m = t->s->milter;
	struct kept_part *p;
	int fd;

	if (m->next >= m->kept.n)
		return -1;
	p = &m->kept.at[m->next++];
	*octets = p->octets;
	*last = m->next == m->kept.n;
	fd = p->fd;
	p->fd = -1;
	t->content.part = m->next;
	t->content.total = m->kept.octets;
	return fd;
}

/* ---- the review ---- */

static int
send_part(struct milter *m, enum ipc_type type, struct milter_small *body,
    const struct kept_part *p)
{
	struct smtpd *d = m->s->d;
	int fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
	char buf[MILTER_SMALL_MAX];
	struct slice s;

	if (fd == -1)
		return -1;
	body->octets = p->octets;
	s = slice_of(buf, milter_small_encode(body, buf));
	if (type == IPC_MILTER_REVIEW)
		return milter_ask(m, type, s, fd);
	if (m->era == d->milter_era && d->milterd.ch != NULL)
		return ipc_send(d->milterd.ch, type, 0, s, &fd, 1);
	close(fd);
	return -1;
}

static int
send_all(struct transaction *t)
{
	struct milter *m = t->s->milter;
	struct milter_small body = { .session = t->s->id,
		.queue_id = t->queue_id };
	uint32_t last = m->kept.n - 1;

	for (uint32_t i = 0; i < last; i++)
		if (send_part(m, IPC_MILTER_CONTENT, &body, &m->kept.at[i]) ==
		    -1)
			return -1;
	body.own = t->received_len;
	body.parts = last;
	return send_part(m, IPC_MILTER_REVIEW, &body, &m->kept.at[last]);
}

static void
begin(struct transaction *t)
{
	struct milter *m = t->s->milter;
	struct smtpd *d = t->s->d;

	if (d->milterd.ch != NULL && ipc_channel_full(d->milterd.ch)) {
		m->is_held = true;
		TAILQ_INSERT_TAIL(&d->milters_held, m, held);
	} else if (send_all(t) == -1)
		transaction_spoil(t, SAY_MILTERS_DOWN);
}

void
milter_send_held(struct smtpd *d)
{
	struct milter *m;

	while ((m = TAILQ_FIRST(&d->milters_held)) != NULL &&
	       (d->milterd.ch == NULL || !ipc_channel_full(d->milterd.ch))) {
		TAILQ_REMOVE(&d->milters_held, m, held);
		m->is_held = false;
		transaction_conclude(m->s->t);
	}
}

void
milter_discard(struct transaction *t)
{
	const struct session *s = t->s;
	char client[NET_ADDRESS_SIZE];

	log_notice("message-discarded", LOG_QID(t->queue_id), LOG_SID(s->id),
	    LOG_CSTR("client", session_client(s, client)),
	    LOG_CSTR("milter", s->milter->by),
	    LOG_STR("from", transaction_reverse_path(t)),
	    LOG_NUM("recipients", t->n_recipients - t->n_removed),
	    LOG_NUM("size", t->data.size));
	transaction_discarded(t);
}

bool
milter_review(struct transaction *t)
{
	struct milter *m = t->s->milter;
	uint32_t octets;
	int fd;

	if (!milter_is_on(t))
		return false;
	if (m->reviewed)
		return false;
	if (m->ask.id != 0 || m->is_held)
		return true;
	/* Once; a review that was held back has done this already. */
	if (t->content.fd != -1 || m->kept.n == 0) {
		fd = content_seal(&t->content, &octets);
		if (fd == -1)
			transaction_spoil(t, SAY_RESOURCES);
		if (fd == -1 || !milter_keep(t, fd, octets))
			return true;
	}
	begin(t);
	return true;
}

/* ---- changed content ---- */

int
milter_take_part(struct milter *m, int fd, uint32_t octets)
{
	if (m->changed.n >= MILTER_PARTS_MAX) {
		close(fd);
		return -1;
	}
	/* What there is no memory for is missed when the verdict comes. */
	(void)kept_add(&m->changed, fd, octets);
	return 0;
}

static int
scan(struct smtp_data *data, const struct kept_part *p)
{
	char buf[8192];
	uint32_t at = 0;

	while (at < p->octets) {
		ssize_t n = pread(p->fd, buf, sizeof(buf), (off_t)at);

		if (n <= 0)
			return -1;
		smtp_data_chunk(data, buf, (size_t)n);
		at += (uint32_t)n;
	}
	return 0;
}

/* What stands at the end of a part: a line end, a CR, or anything. */
static enum smtp_data_place
end_of(const struct kept_part *p)
{
	char c = '\0';

	if (p->octets == 0 || pread(p->fd, &c, 1, (off_t)p->octets - 1) != 1)
		return SMTP_DATA_END;
	return c == '\n'   ? SMTP_DATA_LINE_START
	       : c == '\r' ? SMTP_DATA_AFTER_CR
			   : SMTP_DATA_IN_LINE;
}

/*
 * The changed beginning is lines as a client's are, and joins what stays as
 * the old beginning did: no octet of what stays becomes a bare CR or LF, or
 * the beginning of a line that it was not.
 */
static enum smtpd_reply
check_changed(struct transaction *t, uint32_t kept)
{
	struct milter *m = t->s->milter;
	struct smtp_data data;
	enum smtpd_reply why;
	uint64_t rest = 0;

	smtp_data_init(&data);
	for (uint32_t i = 0; i < m->changed.n; i++)
		if (scan(&data, &m->changed.at[i]) == -1)
			return SAY_RESOURCES;
	/* Behind the header section of binary content there are no lines. */
	if (!(transaction_is_binary(t) && data.header_done) &&
	    data.place != (kept == m->kept.n ? SMTP_DATA_LINE_START :
						end_of(&m->kept.at[kept - 1])))
		return SAY_NOT_LINES;
	for (uint32_t i = kept; i < m->kept.n; i++)
		rest += m->kept.at[i].octets;
	data.size += rest;
	if ((why = transaction_judge(t, &data)) != SAY_OK)
		return why;
	t->data.size = data.size;
	t->data.eight_bit |= data.eight_bit;
	return SAY_OK;
}

static enum smtpd_reply
use_changed(struct transaction *t, const struct milter_verdict *v)
{
	struct milter *m = t->s->milter;
	enum smtpd_reply why;

	if (m->changed.n != v->parts || v->parts == 0 || v->kept == 0 ||
	    v->kept > m->kept.n)
		return SAY_MILTERS_DOWN;
	if ((why = check_changed(t, v->kept)) != SAY_OK)
		return why;
	drop(&m->kept, v->kept);
	for (uint32_t i = 0; i < m->kept.n; i++) {
		struct kept_part *p = &m->kept.at[i];
		struct kept_part moved = *p;

		count_off(&m->kept, moved.octets);
		*p = (struct kept_part){ -1, 0 };
		if (kept_add(&m->changed, moved.fd, moved.octets) == -1)
			return SAY_RESOURCES;
	}
	kept_clear(&m->kept);
	m->kept = m->changed;
	m->changed = (struct kept){ .d = m->s->d, .client = m->s->client };
	return SAY_OK;
}

/* ---- the envelope ---- */

static struct recipient *
find_recipient(struct transaction *t, const struct smtp_address *a)
{
	struct recipient *r;

	TAILQ_FOREACH (r, &t->recipients, order)
		if (slice_equal(
			slice_of(r->address, r->len), smtp_address_slice(a)))
			return r;
	return NULL;
}

/* One that is there already keeps the parameters that it has. */
static int
add_recipient(struct transaction *t, const struct smtp_address *a,
    const struct smtp_rcpt_params *params)
{
	struct recipient *r;

	if ((r = find_recipient(t, a)) != NULL) {
		t->n_removed -= r->removed;
		r->removed = false;
		return 0;
	}
	if (t->n_recipients >= ENVELOPE_RECIPIENTS_MAX ||
	    (r = calloc(1, sizeof(*r) + a->len + params->orcpt.len)) == NULL)
		return -1;
	r->s = t->s;
	r->answer = SAY_RCPT_OK;
	r->added = true;
	r->len = a->len;
	memcpy(r->address, a->text, a->len);
	r->notify = (uint8_t)params->notify;
	r->orcpt_len =
	    (uint16_t)smtp_orcpt_decode(params->orcpt, r->address + r->len);
	TAILQ_INSERT_TAIL(&t->recipients, r, order);
	t->n_recipients++;
	return 0;
}

static void
remove_recipient(struct transaction *t, const struct smtp_address *a)
{
	struct recipient *r;

	/* It may have been named more than once.  Each stays in the list:
	 * LMTP owes it a reply. */
	TAILQ_FOREACH (r, &t->recipients, order)
		if (!r->removed && slice_equal(slice_of(r->address, r->len),
				       smtp_address_slice(a))) {
			r->removed = true;
			t->n_removed++;
		}
}

/* As one in a command: a domain in A-labels, and UTF-8 beside it only where the
 * whole message may have that (RFC 6531 section 3.2). */
static bool
take_address(
    const struct transaction *t, struct slice in, struct smtp_address *a)
{
	return smtp_address_parse(in, a) == PARSE_OK && idn_address(a) == 0 &&
	       (t->params.smtputf8 || slice_is_ascii(smtp_address_slice(a)));
}

static enum smtpd_reply
change_recipients(struct transaction *t, struct milter_verdict *v)
{
	struct smtp_rcpt_params params;
	struct smtp_address a;
	struct milter_change c;

	while (milter_change_next(v, &c)) {
		if (!take_address(t, c.address, &a) || a.kind == SMTP_NULL ||
		    smtp_rcpt_params_parse(c.params, &params) !=
			SMTP_PARAMS_OK ||
		    !(t->params.smtputf8 || slice_is_ascii(params.orcpt)))
			return SAY_MILTERS_DOWN;
		if (!c.add)
			remove_recipient(t, &a);
		else if (add_recipient(t, &a, &params) == -1)
			return SAY_RESOURCES;
	}
	return SAY_OK;
}

/* Of its parameters those that say how to report; the others describe the
 * content, which is what it is. */
static enum smtpd_reply
change_reverse_path(struct transaction *t, const struct milter_verdict *v)
{
	struct smtp_mail_params params;
	struct smtp_address a;
	char *at;

	if (!v->has_reverse_path)
		return SAY_OK;
	if (!take_address(t, v->reverse_path, &a) ||
	    smtp_mail_params_parse(v->reverse_params, &params) !=
		SMTP_PARAMS_OK)
		return SAY_MILTERS_DOWN;
	/* The path, its NUL, and ENVID. */
	t->instead = calloc(1, (size_t)a.len + 1 + params.envid.len);
	if (t->instead == NULL)
		return SAY_RESOURCES;
	memcpy(t->instead, a.text, a.len);
	at = t->instead + a.len + 1;
	if (params.envid.at != NULL)
		t->params.envid =
		    slice_of(at, smtp_xtext_decode(params.envid, at));
	if (params.ret != SMTP_RET_UNSAID)
		t->params.ret = params.ret;
	return SAY_OK;
}

static enum smtpd_reply
take_hold(struct transaction *t, const struct milter_verdict *v)
{
	struct milter *m = t->s->milter;

	if (!v->hold)
		return SAY_OK;
	if (asprintf(&m->hold, "quarantined by milter %.*s: %.*s",
		(int)v->milter.len, v->milter.at, (int)v->reason.len,
		v->reason.at) == -1) {
		m->hold = NULL;
		return SAY_RESOURCES;
	}
	t->hold = m->hold;
	log_notice("message-held", LOG_QID(t->queue_id), LOG_SID(t->s->id),
	    LOG_CSTR("why", t->hold));
	return SAY_OK;
}

static enum smtpd_reply
take_changes(struct transaction *t, struct milter_verdict *v)
{
	enum smtpd_reply why = SAY_OK;

	if (v->changed)
		why = use_changed(t, v);
	if (why == SAY_OK)
		why = change_reverse_path(t, v);
	if (why == SAY_OK)
		why = change_recipients(t, v);
	if (why == SAY_OK)
		why = take_hold(t, v);
	return why;
}

/* ---- the verdict ---- */

void
milter_refuse(struct session *s, const struct milter_verdict *v,
    const char *what, struct slice detail)
{
	char reason[MILTER_NAME_MAX + 8];

	snprintf(reason, sizeof(reason),
	    v->milter.len > 0 ? "milter %.*s" : "milters", (int)v->milter.len,
	    v->milter.at);
	if (v->code < 500)
		session_turn_down(
		    s, v->code, v->enhanced, v->text, reason, what, detail);
	else
		session_refuse_status(
		    s, v->code, v->enhanced, v->text, reason, what, detail);
	if (v->code == 421 && s->phase != PHASE_END)
		session_finish(s, 2000);
}

/* Nobody is left to get it. */
static void
discard_if_empty(struct transaction *t, const struct milter_verdict *v)
{
	struct milter *m = t->s->milter;

	if (t->n_recipients > t->n_removed)
		return;
	m->discard = true;
	memcpy(m->by, v->milter.at, v->milter.len);
	m->by[v->milter.len] = '\0';
}

void
milter_reviewed(struct milter *m, struct milter_verdict *v)
{
	struct session *s = m->s;
	struct transaction *t = s->t;
	enum smtpd_reply why = SAY_OK;

	m->reviewed = true;
	m->open = v->decision != MILTER_GO_ON;
	if (v->decision == MILTER_REFUSE && lmtp_answers_each(s)) {
		lmtp_refuse(s, v->code, v->enhanced, v->text, "milter");
		return;
	}
	if (v->decision == MILTER_REFUSE) {
		milter_refuse(s, v, "message", transaction_reverse_path(t));
		session_transaction_end(s);
		session_message_done(s);
		return;
	}
	if (v->decision == MILTER_GO_ON)
		why = take_changes(t, v);
	if (why != SAY_OK) {
		log_warning("milter-changes-refused", LOG_QID(t->queue_id),
		    LOG_SID(s->id), LOG_CSTR("reason", smtpd_reply_name(why)));
		transaction_spoil(t, why);
	} else
		discard_if_empty(t, v);
	transaction_conclude(t);
}
