/*
 * What to try now, and what came of it.  An attempt ends in exactly one of
 * delivered, deferred, failed; what was under way when local-delivery went
 * away counts as deferred with an unknown outcome, so that the next attempt
 * looks whether the message is there already.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <bsd/string.h>

#include "common/ipc/delivery.h"
#include "common/log/log.h"
#include "queue-manager/daemon.h"

/* ---- recording outcomes ---- */

static void
log_attempt(const char *event, const struct recipient *r,
    const struct attempt *a)
{
	char status[16];

	snprintf(status, sizeof(status), "%u.%u.%u", a->enhanced[0],
	    a->enhanced[1], a->enhanced[2]);
	log_info(event, LOG_QID(r->message->id), LOG_STR("to", r->address),
	    LOG_NUM("number", r->number), LOG_NUM("attempts", r->attempts),
	    LOG_NUM("code", a->code), LOG_CSTR("status", status),
	    LOG_STR("reason", a->text));
}

/* Which recipient a record is about, should it fail. */
struct recording {
	struct daemon	*d;
	struct message	*m;
	uint32_t	 number;
};

static void
on_recorded(void *arg, int error)
{
	struct recording *rec = arg;
	struct message *m = rec->m;
	struct recipient *r = m->over ? NULL :
	    message_recipient(m, rec->number);

	if (r != NULL) {
		r->busy = false;
		if (error != 0) {
			/* It may have been delivered, and nothing says so. */
			r->unknown = true;
			attempt_postponed(rec->d, r, 30000);
		}
	}
	if (r != NULL && r->state == RECIPIENT_REPORT && r->giving_up == 0 &&
	    error == 0)
		r->giving_up = OUTCOME_DELIVERED;
	if (!m->over)
		giveup_consider(rec->d, m);
	message_unpin(m);
	free(rec);
}

void
attempt_record(struct daemon *d, struct recipient *r, struct event_result *e)
{
	struct recording *rec = malloc(sizeof(*rec));

	e->number = r->number;
	if (rec == NULL) {
		attempt_postponed(d, r, 30000);
		return;
	}
	*rec = (struct recording){ d, r->message, r->number };
	rec->m->pins++;
	r->busy = true;
	if (queue_put_result(&d->queue, r->message, e, on_recorded, rec) != 0)
		on_recorded(rec, ENOMEM);
	else
		flush_later(d);
}

bool
attempt_is_too_old(const struct daemon *d, const struct recipient *r)
{
	return queue_now(&d->queue) - r->message->arrival_ms >=
	    d->limits.lifetime_ms;
}

static struct slice
cut(struct slice text)
{
	return slice_of(text.at, text.len < QUEUE_REASON_MAX ? text.len :
	    QUEUE_REASON_MAX);
}

void
attempt_deferred(struct daemon *d, struct recipient *r,
    const struct attempt *a)
{
	const struct message *m = r->message;
	struct event_result e = { .outcome = OUTCOME_DEFERRED,
	    .unknown = a->unknown, .attempts = r->attempts + 1,
	    .code = a->code, .text = cut(a->text),
	    .remote_mta = a->remote_mta };

	r->attempts++;
	memcpy(e.enhanced, a->enhanced, sizeof(e.enhanced));
	log_attempt("deferred", r, a);
	if (attempt_is_too_old(d, r)) {
		giveup_recipient(d, r, OUTCOME_EXPIRED, a);
		return;
	}
	e.due_ms = queue_now(&d->queue) +
	    scheduler_backoff(&d->limits, e.attempts, arc4random());
	if (e.due_ms > m->arrival_ms + d->limits.lifetime_ms)
		e.due_ms = m->arrival_ms + d->limits.lifetime_ms;
	r->due_ms = e.due_ms;
	attempt_record(d, r, &e);
}

void
attempt_failed(struct daemon *d, struct recipient *r,
    const struct attempt *a)
{
	r->attempts++;
	log_attempt("failed", r, a);
	giveup_recipient(d, r, OUTCOME_BOUNCED, a);
}

void
attempt_postponed(struct daemon *d, struct recipient *r, uint64_t ms)
{
	r->due_ms = queue_now(&d->queue) + ms;
	r->message->dirty = true;
}

/* A host that passes NOTIFY on reports itself (RFC 3461 section 5.2.2). */
void
attempt_delivered(struct daemon *d, struct recipient *r,
    const struct attempt *a)
{
	bool tell = !a->dsn_passed && report_wanted(r, OUTCOME_DELIVERED);
	struct event_result e = {
	    .outcome = tell ? OUTCOME_REPORT : OUTCOME_DELIVERED,
	    .attempts = r->attempts + 1, .code = a->code };

	if (tell) {
		e.due_ms = r->due_ms;
		e.text = cut(a->text);
		e.remote_mta = a->remote_mta;
		memcpy(e.enhanced, a->enhanced, sizeof(e.enhanced));
	}
	r->attempts++;
	log_attempt("delivered", r, a);
	attempt_record(d, r, &e);
}

/* ---- what is due ---- */

void
attempt_expired(struct daemon *d, struct recipient *r)
{
	char reason[QUEUE_REASON_MAX + 1], mta[QUEUE_MTA_MAX + 1];
	struct attempt a = { .code = r->code };

	/* Copies: they are set anew, from what we give. */
	strlcpy(reason, r->reason == NULL ? "" : r->reason, sizeof(reason));
	strlcpy(mta, r->remote_mta == NULL ? "" : r->remote_mta, sizeof(mta));
	memcpy(a.enhanced, r->enhanced, sizeof(a.enhanced));
	a.text = slice_str(reason);
	a.remote_mta = slice_str(mta);
	if (r->code == 0)
		a = (struct attempt){ .code = 451, .enhanced = { 4, 4, 7 },
		    .text = SLICE_LITERAL("Not delivered in time") };
	log_attempt("expired", r, &a);
	giveup_recipient(d, r, OUTCOME_EXPIRED, &a);
}

/* As the address book said when it was asked. */
static void
refuse(struct daemon *d, struct recipient *r)
{
	char reason[QUEUE_REASON_MAX + 1];
	struct attempt a = { .code = r->code };

	strlcpy(reason, r->reason == NULL ? "" : r->reason, sizeof(reason));
	a.text = slice_str(reason);
	memcpy(a.enhanced, r->enhanced, sizeof(a.enhanced));
	if (a.code < 500)
		attempt_deferred(d, r, &a);
	else
		attempt_failed(d, r, &a);
}

static void
dispatch_mailbox(struct daemon *d, struct recipient *r)
{
	if (scheduler_gather(d->scheduler, &r->job,
	    index_destination(r->address), r->attempts == 0,
	    queue_now(&d->queue)) == -1)
		attempt_postponed(d, r, 1000);
}

static void
dispatch_recipient(struct daemon *d, struct recipient *r)
{
	if (r->state == RECIPIENT_REPORT) {
		r->giving_up = OUTCOME_DELIVERED;
		return;
	}
	if (r->attempts > 0 && attempt_is_too_old(d, r)) {
		attempt_expired(d, r);
		return;
	}
	switch (r->state) {
	case RECIPIENT_FINAL:
		dispatch_mailbox(d, r);
		break;
	case RECIPIENT_REFUSED:
		refuse(d, r);
		break;
	case RECIPIENT_RELAY:	/* relaying_dispatch takes all together */
		if (r->routes != d->routes)
			expand_recipient(d, r);
		break;
	default:
		expand_recipient(d, r);
	}
}

void
dispatch_message(struct daemon *d, struct message *m)
{
	uint64_t now = queue_now(&d->queue);

	if (m->held || m->over)
		return;
	m->pins++;
	for (uint32_t i = 0; i < m->n; i++) {
		struct recipient *r = m->recipients[i];

		if (!r->busy && r->giving_up == 0 && r->due_ms <= now &&
		    r->job.state == JOB_IDLE && r->parcel == NULL)
			dispatch_recipient(d, r);
	}
	relaying_dispatch(d, m);
	giveup_consider(d, m);
	message_unpin(m);
}

void
dispatch_withdraw(void *ctx, struct recipient *r)
{
	struct daemon *d = ctx;

	scheduler_remove(d->scheduler, &r->job);
	relaying_withdraw(d, r);
}

/* ---- deliveries ---- */

/* Octets on the disk are not those that were accepted: nobody gets them. */
static void
quarantine(struct daemon *d, struct message *m)
{
	log_error("content-damaged", LOG_QID(m->id),
	    LOG_CSTR("effect", "held; see queue-manager(8)"));
	queue_put_hold(&d->queue, m, true, NULL, NULL);
	flush_soon(d);
}

int
content_open(struct daemon *d, struct message *m, uint64_t *offset)
{
	int fd = queue_content_fd(&d->queue, m, offset);
	int copy = fd == -1 ? -1 : m->n == 1 ? fd :
	    fcntl(fd, F_DUPFD_CLOEXEC, 0);

	/* Its only recipient: nobody else will need it, as a rule. */
	if (copy == fd)
		m->fd = -1;
	if (copy != -1)
		return copy;
	log_warning("content-unavailable", LOG_QID(m->id), LOG_ERRNO(errno));
	if (errno == EBADMSG || errno == ENOENT)
		quarantine(d, m);
	return -1;
}

/* A descriptor to send away, or -1 and the attempt is over. */
static int
content_for(struct daemon *d, struct recipient *r, uint64_t *offset)
{
	int fd = content_open(d, r->message, offset);

	if (fd != -1)
		return fd;
	scheduler_finish(d->scheduler, &r->job, SCHEDULER_NO_VERDICT,
	    queue_now(&d->queue));
	attempt_postponed(d, r, 5000);
	return -1;
}

static size_t
delivery_body(const struct daemon *d, const struct recipient *r,
    uint64_t offset, char body[DELIVERY_BODY_MAX])
{
	const struct message *m = r->message;
	struct delivery v = { .queue_id = m->id, .nonce = d->queue.nonce,
	    .number = r->number, .maybe_delivered = r->unknown,
	    .content_size = m->content_octets, .content_offset = offset,
	    .arrival = m->wall_ms / 1000,
	    .reverse_path = recipient_sender(r),
	    .recipient = r->address,
	    .original = r->given.len > 0 ? r->given : r->address,
	    .detail = slice_of("", 0),
	    .flags = m->flags & (ENVELOPE_8BITMIME | ENVELOPE_SMTPUTF8 |
	    ENVELOPE_BINARYMIME | ENVELOPE_TERMINALS),
	    .ret = (uint8_t)m->ret, .notify = r->notify,
	    .envid = m->envid, .orcpt = r->original };

	return delivery_encode(&v, body, DELIVERY_BODY_MAX);
}

static void
deliver(struct daemon *d, struct recipient *r)
{
	static const struct attempt bad = { .code = 550,
	    .enhanced = { 5, 1, 3 }, .text = SLICE_LITERAL("Bad address") };
	char body[DELIVERY_BODY_MAX];
	uint64_t offset, id;
	size_t len;
	int fd;

	if (r->message->held) {		/* meanwhile */
		scheduler_finish(d->scheduler, &r->job, SCHEDULER_NO_VERDICT,
		    queue_now(&d->queue));
		return;
	}
	if ((fd = content_for(d, r, &offset)) == -1)
		return;
	if ((len = delivery_body(d, r, offset, body)) == 0) {
		close(fd);
		scheduler_finish(d->scheduler, &r->job, SCHEDULER_NO_VERDICT,
		    queue_now(&d->queue));
		attempt_failed(d, r, &bad);
		giveup_consider(d, r->message);
		return;
	}
	id = ipc_pending_add(d->deliveries, d->delivery, r);
	r->busy = true;
	r->message->pins++;
	/* From here on a crash leaves its outcome unknown; recovery says so
	 * of every recipient (see recover.c). */
	ipc_send(d->delivery, IPC_DELIVER, id, slice_of(body, len), &fd, 1);
}

void
dispatch_run(struct daemon *d)
{
	struct scheduler_job *j;

	if (d->stopping)
		return;
	relaying_run(d);
	/* In a memory that is full, who waits for company keeps others from it,
	 * and may be sent back to the index himself. */
	if (!memory_has_place(d))
		scheduler_begin_gathered(d->scheduler);
	else if (d->n_intakes > 0)
		scheduler_expects(d->scheduler, queue_now(&d->queue));
	while (d->delivery != NULL && !ipc_channel_full(d->delivery) &&
	    !ipc_pending_full(d->deliveries)) {
		j = scheduler_start(d->scheduler, queue_now(&d->queue));
		if (j == NULL)
			break;
		deliver(d, (struct recipient *)j);
	}
	/* Without a channel, or with a full one, its own events go on. */
	if (d->delivery != NULL && !ipc_channel_full(d->delivery))
		start_later(d);
}

void
content_let_go(const struct daemon *d, struct message *m, bool deferred)
{
	if (m->fd == -1 ||
	    (!deferred && d->queue.n_memory <= d->set->content_descriptors))
		return;
	close(m->fd);
	m->fd = -1;
}

static void
attempt_ended(struct daemon *d, struct recipient *r,
    const struct delivered *v)
{
	struct attempt a = { .code = v->code, .text = v->text,
	    .unknown = v->unknown };
	struct message *m = r->message;

	memcpy(a.enhanced, v->enhanced, sizeof(a.enhanced));
	scheduler_finish(d->scheduler, &r->job,
	    v->result == DELIVERY_DEFERRED ? SCHEDULER_DEFERRED :
	    SCHEDULER_DONE, queue_now(&d->queue));
	r->busy = false;
	if (v->result == DELIVERY_DELIVERED)
		attempt_delivered(d, r, &a);
	else if (v->result == DELIVERY_DEFERRED)
		attempt_deferred(d, r, &a);
	else
		attempt_failed(d, r, &a);
	if (!m->over)
		giveup_consider(d, m);
	content_let_go(d, m, v->result == DELIVERY_DEFERRED);
	message_unpin(m);
}

static int
on_delivered(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct daemon *d = ctx;
	struct delivered v;
	struct recipient *r;

	if (delivered_decode(m->body, &v) == -1)
		return -1;
	if ((r = ipc_pending_take(d->deliveries, ch, m->id)) == NULL)
		return -1;
	attempt_ended(d, r, &v);
	return 0;
}

static void
on_turn(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	dispatch_run(ctx);
}

/* What was under way may have been delivered: asked again, and soon. */
static void
on_lost(struct daemon *d, struct recipient *r)
{
	struct message *m = r->message;

	scheduler_finish(d->scheduler, &r->job, SCHEDULER_NO_VERDICT,
	    queue_now(&d->queue));
	r->busy = false;
	r->unknown = true;
	attempt_postponed(d, r, 1000);
	message_unpin(m);
}

/* ---- what local-delivery forwards comes in on the same channel ---- */

static void
forwards_close(struct daemon *d)
{
	if (d->forwards != NULL)
		intake_detach(d->forwards);
	d->forwards = NULL;
}

static int
on_forwards(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct daemon *d = ctx;

	return d->delivery == ch && d->forwards != NULL ?
	    intake_message(d->forwards, ch, m) : -1;
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct daemon *d = ctx;
	struct recipient *r;
	unsigned n = 0;

	if (d->delivery == ch) {
		d->delivery = NULL;
		forwards_close(d);
		stage_channel_lost(&d->stage, IPC_LOCAL_DELIVERY, 0);
	}
	for (; (r = ipc_pending_take_any(d->deliveries, ch)) != NULL; n++)
		on_lost(d, r);
	if (n > 0)
		log_warning("deliveries-lost-sight-of", LOG_NUM("count", n));
}

static const struct ipc_handler handlers[] = {
	{ IPC_DELIVERED, on_delivered },
	{ IPC_CONTENT, on_forwards },
	{ IPC_ENQUEUE, on_forwards },
	{ IPC_ENQUEUE_ABORT, on_forwards },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
	.drained = on_turn,
	.turn = on_turn,
};

int
dispatch_open(struct daemon *d, int fd)
{
	struct ipc_channel *ch = ipc_channel_new(d->stage.base, fd,
	    IPC_QUEUE_MANAGER, IPC_LOCAL_DELIVERY, &events, d);

	if (ch == NULL)
		return -1;
	forwards_close(d);
	d->delivery = ch;
	if ((d->forwards = intake_attach(d, ch)) == NULL)
		log_error("no-forwards", LOG_ERRNO(errno));
	if (d->open)
		dispatch_run(d);
	return 0;
}
