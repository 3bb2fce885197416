/*
 * The channel to queue-manager (common/ipc/queue.h): leases of queue ids,
 * content part by part, envelopes; and the answers, which find their
 * transaction by the request's id.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smtpd/etrn.h"

static int
on_ids(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct smtpd *d = ctx;

	(void)ch;
	if (lease_add(&d->ids, m->body) == -1)
		return -1;
	d->lent = true;
	smtpd_open_when_ready(d);
	return 0;
}

/* ---- answers ---- */

static struct transaction *
answered(struct smtpd *d, struct ipc_channel *ch, const struct ipc_message *m,
    uint64_t queue_id)
{
	struct ask *a = sibling_answered(&d->queue, ch, m->id);
	struct transaction *t;

	if (a == NULL)
		return NULL;
	/* Nothing that is said of a message answers a question about one. */
	if (etrn_is(a)) {
		a->failed(a);
		return NULL;
	}
	t = (struct transaction *)((char *)a -
	    offsetof(struct transaction, ask));
	/* An answer about another message is no answer. */
	if (t->queue_id != queue_id) {
		a->failed(a);
		return NULL;
	}
	return t;
}

static int
on_part_kept(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct transaction *t;
	struct queue_part part;

	if (queue_part_decode(m->body, &part) == -1)
		return -1;
	t = answered(ctx, ch, m, part.queue_id);
	if (t == NULL)
		return 0;
	if (!t->asking_part) {
		t->ask.failed(&t->ask);
		return -1;
	}
	transaction_part_kept(t);
	return 0;
}

static int
on_enqueued(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct transaction *t;
	uint64_t id;

	if (queue_id_decode(m->body, &id) == -1)
		return -1;
	t = answered(ctx, ch, m, id);
	if (t == NULL)
		return 0;
	/* Only an ENQUEUE can make a message durable. */
	if (t->asking_part) {
		t->ask.failed(&t->ask);
		return -1;
	}
	transaction_queued(t);
	return 0;
}

static int
on_refused(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct queue_refused refused;
	struct transaction *t;
	struct refusal *r;

	if (queue_refused_decode(m->body, &refused) == -1)
		return -1;
	t = answered(ctx, ch, m, refused.queue_id);
	if (t == NULL)
		return 0;
	r = malloc(sizeof(*r) + refused.text.len);
	if (r == NULL) {
		t->ask.failed(&t->ask);
		return 0;
	}
	r->code = refused.code;
	memcpy(r->enhanced, refused.enhanced, sizeof(r->enhanced));
	r->len = refused.text.len;
	memcpy(r->text, refused.text.at, refused.text.len);
	transaction_refused(t, r);
	free(r);
	return 0;
}

static int
on_flush_begun(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct smtpd *d = ctx;
	struct queue_flush_answer answer;
	struct ask *a;

	if (queue_flush_answer_decode(m->body, &answer) == -1)
		return -1;
	a = sibling_answered(&d->queue, ch, m->id);
	if (a == NULL)
		return 0;
	if (!etrn_is(a)) {
		a->failed(a);
		return -1;
	}
	etrn_answered(a, &answer);
	return 0;
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct smtpd *d = ctx;

	if (d->queue.ch != ch)
		return;
	log_warning("sibling-gone", LOG_CSTR("peer", "queue-manager"));
	lease_forget(&d->ids);
	sibling_gone(&d->queue);
	stage_channel_lost(&d->stage, IPC_QUEUE_MANAGER, 0);
	/* Those that waited for room have no channel to wait for. */
	while (!TAILQ_EMPTY(&d->held))
		transaction_send(TAILQ_FIRST(&d->held));
}

static void
on_drained(void *ctx, struct ipc_channel *ch)
{
	struct smtpd *d = ctx;
	struct transaction *t;

	while (!ipc_channel_full(ch) && (t = TAILQ_FIRST(&d->held)) != NULL)
		transaction_send(t);
}

static const struct ipc_handler handlers[] = {
	{ IPC_QUEUE_IDS, on_ids },
	{ IPC_CONTENT_KEPT, on_part_kept },
	{ IPC_ENQUEUED, on_enqueued },
	{ IPC_ENQUEUE_REFUSED, on_refused },
	{ IPC_FLUSH_BEGUN, on_flush_begun },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
	.drained = on_drained,
};

int
enqueue_connect(struct smtpd *d, int fd)
{
	struct ipc_channel *ch = ipc_channel_new(d->stage.base, fd,
	    d->role, IPC_QUEUE_MANAGER, &events, d);

	if (ch == NULL)
		return -1;
	lease_forget(&d->ids);
	sibling_connect(&d->queue, ch);
	while (!TAILQ_EMPTY(&d->held))
		transaction_send(TAILQ_FIRST(&d->held));
	return 0;
}

/* ---- requests ---- */

int
enqueue_part(struct transaction *t, int fd, uint32_t octets)
{
	struct smtpd *d = t->s->d;
	struct queue_part part = {
		.queue_id = t->queue_id, .part = t->content.part - 1,
		.octets = octets,
	};

	if (t->era != d->ids.era) {
		close(fd);
		return -1;
	}
	t->known = true;
	return sibling_ask(&d->queue, &t->ask, smtpd_now_ms(d), IPC_CONTENT,
	    slice_of(d->body, queue_part_encode(&part, d->body)), &fd, 1);
}

/* The envelope says it as the parameters do. */
_Static_assert((int)SMTP_NOTIFY_DELAY == (int)ENVELOPE_NOTIFY_DELAY &&
    (int)SMTP_NOTIFY_NEVER == (int)ENVELOPE_NOTIFY_NEVER &&
    (int)SMTP_NOTIFY_SUCCESS == (int)ENVELOPE_NOTIFY_SUCCESS &&
    (int)SMTP_NOTIFY_FAILURE == (int)ENVELOPE_NOTIFY_FAILURE &&
    (int)SMTP_RET_FULL == (int)ENVELOPE_RET_FULL &&
    (int)SMTP_RET_HDRS == (int)ENVELOPE_RET_HDRS &&
    (int)SMTP_ENVID_MAX == (int)ENVELOPE_ENVID_MAX &&
    (int)SMTP_ORCPT_MAX == (int)ENVELOPE_ORIGINAL_MAX, "one meaning");

static void
write_envelope(struct ipc_writer *w, const struct transaction *t)
{
	const struct session *s = t->s;
	const struct recipient *r;
	char client[NET_ADDRESS_SIZE];
	struct timespec now;
	struct envelope e = {
		.reverse_path = transaction_reverse_path(t),
		.session = s->id,
		.client = slice_str(session_client(s, client)),
		.helo = slice_str(s->helo != NULL ? s->helo : ""),
		.listener = slice_str(door_name(s->door)),
		.protocol = slice_str(session_protocol(s)),
		.auth = slice_str(s->login != NULL ? s->login->name : ""),
		.envid = t->params.envid,
		.ret = (enum envelope_ret)t->params.ret,
		.hold = slice_str(t->hold != NULL ? t->hold : ""),
	};

	clock_gettime(CLOCK_REALTIME, &now);
	e.arrival_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (t->params.body == SMTP_BODY_8BITMIME || t->data.eight_bit)
		e.flags |= ENVELOPE_8BITMIME;
	if (transaction_is_binary(t))
		e.flags |= ENVELOPE_BINARYMIME;
	if (t->params.smtputf8)
		e.flags |= ENVELOPE_SMTPUTF8;
	if (session_is_injection(s))
		e.flags |= ENVELOPE_LOCAL;
	e.flags |= t->terminals;
	envelope_begin(w, &e);
	TAILQ_FOREACH(r, &t->recipients, order) {
		struct envelope_recipient er = {
			/* cppcheck-suppress uninitvar ; TAILQ_FOREACH sets it */
			.given = slice_of(r->address, r->len),
			.original = slice_of(r->address + r->len,
			    r->orcpt_len),
			.notify = r->notify,
		};

		if (!r->removed)
			envelope_put_recipient(w, &er);
	}
}

/* The envelope does not fit into the message: into a memfd of its own. */
static int
envelope_memfd(const struct transaction *t, uint32_t *octets)
{
	struct ipc_writer w;
	void *buf = malloc(ENVELOPE_MAX);
	int fd = -1;

	if (buf == NULL)
		return -1;
	ipc_writer_init(&w, buf, ENVELOPE_MAX);
	write_envelope(&w, t);
	if (!w.failed)
		fd = content_sealed_copy(buf, w.len);
	*octets = (uint32_t)w.len;
	free(buf);
	return fd;
}

int
enqueue_message(struct transaction *t, int fd, uint32_t octets)
{
	struct smtpd *d = t->s->d;
	struct queue_enqueue e = {
		.queue_id = t->queue_id, .last_part = t->content.part - 1,
		.last_octets = octets, .content_octets = t->content.total,
		.envelope = slice_of("", 0),
	};
	struct ipc_writer w;
	int fds[2] = { fd, -1 };
	unsigned nfds = 1;

	ipc_writer_init(&w, d->envelope, sizeof(d->envelope));
	write_envelope(&w, t);
	if (!w.failed) {
		e.envelope = slice_of(d->envelope, w.len);
		e.envelope_octets = (uint32_t)w.len;
	} else {
		fds[1] = envelope_memfd(t, &e.envelope_octets);
		nfds = 2;
	}
	if (t->era != d->ids.era || (nfds == 2 && fds[1] == -1)) {
		for (unsigned i = 0; i < nfds; i++)
			if (fds[i] != -1)
				close(fds[i]);
		return -1;
	}
	t->known = true;
	return sibling_ask(&d->queue, &t->ask, smtpd_now_ms(d), IPC_ENQUEUE,
	    slice_of(d->body, queue_enqueue_encode(&e, d->body)), fds, nfds);
}

void
enqueue_abort(struct transaction *t)
{
	struct smtpd *d = t->s->d;
	char body[QUEUE_SMALL_BODY_MAX];

	t->part_sent = false;
	if (d->queue.ch == NULL || t->era != d->ids.era)
		return;
	(void)ipc_send(d->queue.ch, IPC_ENQUEUE_ABORT, 0,
	    slice_of(body, queue_id_encode(t->queue_id, body)), NULL, 0);
}
