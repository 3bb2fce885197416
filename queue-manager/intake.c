/*
 * Mail from smtpd (common/ipc/queue.h).  What comes is judged as if smtpd were
 * an attacker: seals, size and kind of each memfd, and every field of the
 * envelope.  Its octets are read with pread, never mapped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/enqueue/content.h"
#include "common/ipc/queue.h"
#include "common/instance/instance.h"
#include "common/log/log.h"
#include "common/net/address.h"
#include "queue-manager/intake.h"

/* An ENQUEUE that waits to be durable. */
struct intake {
	struct job	 job;		/* first: large content's commit */
	TAILQ_ENTRY(intake) entry;
	struct daemon	*d;
	struct peer	*peer;		/* NULL: gone meanwhile */
	uint64_t	 request, queue_id;
	struct queue_content content;
	int		 fd;		/* content, ours; or -1 */
	int		 error;
	bool		 may_relay;
	const struct spool_files *files;
	size_t		 envelope_len;
	char		 envelope[];
};

/* ---- answers ---- */

struct refusal {
	uint16_t	 code;
	uint8_t		 enhanced[3];
	const char	*text;
};

static const struct refusal no_room = { 452, { 4, 3, 1 },
    "Insufficient system storage" };
static const struct refusal no_memory = { 452, { 4, 3, 0 },
    "Insufficient system resources" };
static const struct refusal not_written = { 451, { 4, 3, 0 },
    "The message could not be stored; try again" };
static const struct refusal too_large = { 552, { 5, 3, 4 },
    "Message or envelope too large for the spool" };

static const struct refusal *
refusal_of(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return &no_room;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return &no_memory;
	case EFBIG:
		return &too_large;
	default:
		return &not_written;
	}
}

static void
refuse(struct peer *p, uint64_t request, uint64_t queue_id,
    const struct refusal *why)
{
	struct queue_refused q = { .queue_id = queue_id, .code = why->code,
	    .text = slice_str(why->text) };
	char body[QUEUE_REFUSED_MAX];

	memcpy(q.enhanced, why->enhanced, sizeof(q.enhanced));
	log_warning("enqueue-refused", LOG_QID(queue_id),
	    LOG_NUM("code", why->code), LOG_CSTR("reason", why->text));
	if (p != NULL)
		ipc_send(p->ch, IPC_ENQUEUE_REFUSED, request,
		    slice_of(body, queue_refused_encode(&q, body)), NULL, 0);
}

void
refuse_error(struct peer *p, uint64_t request, uint64_t queue_id, int error)
{
	refuse(p, request, queue_id, refusal_of(error));
}

/* ---- ENQUEUE ---- */

static void
intake_free(struct intake *in)
{
	if (in->peer != NULL)
		TAILQ_REMOVE(&in->peer->intakes, in, entry);
	in->d->n_intakes--;
	if (in->fd != -1)
		close(in->fd);
	free(in);
}

/* The content's descriptor serves the first deliveries. */
static void
keep_descriptor(struct intake *in, struct message *m)
{
	struct daemon *d = in->d;

	if (d->queue.n_memory > d->set->content_descriptors)
		return;
	if (in->content.large)
		m->fd = large_file_open(&d->queue.files, m->id);
	else {
		m->fd = in->fd;
		in->fd = -1;
	}
}

static void
log_queued(const struct message *m)
{
	log_info("queued", LOG_QID(m->id), LOG_SID(m->session),
	    LOG_STR("from", m->reverse_path),
	    LOG_NUM("size", m->content_octets), LOG_NUM("recipients", m->n));
}

static void
intake_done(void *arg, int error)
{
	struct intake *in = arg;
	struct daemon *d = in->d;
	char body[QUEUE_SMALL_BODY_MAX];
	struct message *m;

	if (error != 0) {
		if (in->content.large)
			large_file_remove(&d->queue.files, in->queue_id);
		refuse(in->peer, in->request, in->queue_id,
		    refusal_of(error));
		intake_free(in);
		return;
	}
	if (in->peer != NULL)
		ipc_send(in->peer->ch, IPC_ENQUEUED, in->request,
		    slice_of(body, queue_id_encode(in->queue_id, body)),
		    NULL, 0);
	if ((m = queue_find(&d->queue, in->queue_id)) != NULL) {
		log_queued(m);
		keep_descriptor(in, m);
		if (d->queue.n_memory <= d->set->active_messages)
			dispatch_message(d, m);
	}
	intake_free(in);
}

static void
intake_put(struct intake *in)
{
	int error;

	in->content.may_relay = in->may_relay;
	error = queue_put_message(&in->d->queue, in->queue_id,
	    slice_of(in->envelope, in->envelope_len), &in->content,
	    intake_done, in);

	if (error != 0)
		intake_done(in, error);
}

static void
large_run(struct job *j)
{
	struct intake *in = (struct intake *)j;

	in->error = large_file_commit(in->files, in->fd, in->queue_id);
}

static void
large_done(struct job *j)
{
	struct intake *in = (struct intake *)j;
	struct daemon *d = in->d;

	if (in->error != 0)
		intake_done(in, in->error);
	else {
		intake_put(in);		/* which may have ended it */
		flush_now(d);
	}
}

/* The last part of content that came before in parts. */
static int
intake_large(struct intake *in, struct peer *p,
    const struct queue_enqueue *e, int fd)
{
	struct upload *u = upload_find(p, e->queue_id);
	int error = upload_append(u, fd, e->last_octets);

	in->content = (struct queue_content){ .fd = -1, .large = true,
	    .size = u->octets, .crc = u->crc };
	in->fd = u->fd;
	u->fd = -1;
	upload_end(p, u);
	if (error != 0)
		return error;
	in->files = &p->d->queue.files;
	in->job = (struct job){ .run = large_run, .done = large_done };
	worker_submit(p->d->queue.disk, &in->job);
	return 0;
}

static struct intake *
intake_new(struct peer *p, const struct queue_enqueue *e, uint64_t request)
{
	struct intake *in = calloc(1, sizeof(*in) + e->envelope_octets);

	if (in == NULL)
		return NULL;
	in->d = p->d;
	in->peer = p;
	in->request = request;
	in->queue_id = e->queue_id;
	in->envelope_len = e->envelope_octets;
	in->fd = -1;
	TAILQ_INSERT_TAIL(&p->intakes, in, entry);
	p->d->n_intakes++;
	return in;
}

/*
 * May its sender write to addresses that are not ours?  Whoever took it in
 * looked at that; here it is looked at again, by who that was.  A client of
 * port 25 may when it is one of our own networks, and one of LMTP never.
 */
static bool
may_relay(const struct peer *p, const struct envelope *env)
{
	struct net_address client;

	if (ipc_channel_peer(p->ch) == IPC_LMTP)
		return false;
	if (ipc_channel_peer(p->ch) != IPC_SMTPD)
		return true;
	return p->d->instance->relay_networks.n > 0 &&
	    net_address_parse(env->client, &client) == 0 &&
	    instance_may_relay(p->d->instance, &client);
}

/* What only queue-manager says of itself, and local-delivery of what it sends
 * on, no smtpd may say. */
static bool
is_envelope(struct intake *in)
{
	uint32_t reserved = ENVELOPE_BOUNCE | ENVELOPE_DOUBLE_BOUNCE;
	struct envelope env;

	if (ipc_channel_peer(in->peer->ch) != IPC_LOCAL_DELIVERY)
		reserved |= ENVELOPE_FORWARDED;
	if (envelope_decode(slice_of(in->envelope, in->envelope_len),
	    &env) == -1 || (env.flags & reserved) != 0)
		return false;
	in->may_relay = may_relay(in->peer, &env);
	return true;
}

/* 1: good; 0: refused; -1: malformed. */
static int
intake_envelope(struct intake *in, const struct queue_enqueue *e,
    struct ipc_message *m)
{
	bool outside = e->envelope_octets > QUEUE_ENVELOPE_INLINE;

	if ((m->nfds == 2) != outside)
		return -1;
	if (!outside)
		memcpy(in->envelope, e->envelope.at, e->envelope.len);
	else if (content_check(m->fds[1], e->envelope_octets) == -1)
		return -1;
	else if (pread_all(m->fds[1], in->envelope, e->envelope_octets, 0)
	    != 0)
		return 0;
	return is_envelope(in) ? 1 : -1;
}

static bool
is_sound(struct peer *p, const struct queue_enqueue *e, int fd)
{
	struct upload *u = upload_find(p, e->queue_id);
	uint32_t parts = u == NULL ? 0 : u->next_part;

	if (!is_leased(p, e->queue_id) || e->last_part != parts ||
	    content_check(fd, e->last_octets) == -1)
		return false;
	return e->content_octets == e->last_octets +
	    (u == NULL ? 0 : u->octets);
}

static const struct refusal *
room(const struct daemon *d, const struct queue_enqueue *e)
{
	if (d->stopping)
		return &not_written;
	if (!log_has_room(d->queue.log, e->last_octets + e->envelope_octets))
		return &no_room;
	/* The index cannot take what memory cannot hold. */
	if (d->queue.n_memory > 4 * d->set->active_messages)
		return &no_memory;
	return NULL;
}

static void
intake_begin(struct intake *in, const struct queue_enqueue *e,
    struct ipc_message *m)
{
	int error;

	if (e->last_part > 0) {
		error = intake_large(in, in->peer, e, m->fds[0]);
		if (error != 0)
			intake_done(in, error);
		return;
	}
	in->fd = ipc_message_take_fd(m, 0);
	in->content = (struct queue_content){ .fd = in->fd,
	    .size = e->last_octets };
	intake_put(in);
}

/* Back-pressure: what waits for the disk is bounded, by memory and so that a
 * burst waits for the next segment rather than being told that there is none. */
static size_t
waiting_max(const struct daemon *d)
{
	size_t max = log_waiting_max(d->queue.log);

	return max < INTAKE_WAITING_MAX ? max : INTAKE_WAITING_MAX;
}

static void
pause_if_full(struct peer *p)
{
	if (p->paused || log_waiting(p->d->queue.log) < waiting_max(p->d))
		return;
	ipc_channel_pause(p->ch);
	p->paused = true;
}

static int
on_enqueue(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct peer *p = ctx;
	const struct refusal *why;
	struct queue_enqueue e;
	struct intake *in;
	int good;

	(void)ch;
	if (queue_enqueue_decode(m->body, &e) == -1 ||
	    !is_sound(p, &e, m->fds[0]))
		return -1;
	id_use(p, e.queue_id);
	why = room(p->d, &e);
	in = why == NULL ? intake_new(p, &e, m->id) : NULL;
	if (in == NULL) {
		struct upload *u = upload_find(p, e.queue_id);

		if (u != NULL)
			upload_end(p, u);
		refuse(p, m->id, e.queue_id, why == NULL ? &no_memory : why);
		return 0;
	}
	if ((good = intake_envelope(in, &e, m)) != 1) {
		intake_free(in);
		if (good == 0)
			refuse(p, m->id, e.queue_id, &no_memory);
		return good;
	}
	intake_begin(in, &e, m);
	pause_if_full(p);
	return 0;
}

void
intake_resume(struct daemon *d)
{
	struct peer *p;

	if (log_waiting(d->queue.log) > waiting_max(d) / 2)
		return;
	TAILQ_FOREACH(p, &d->peers, entry) {
		if (!p->paused)
			continue;
		p->paused = false;
		ipc_channel_resume(p->ch);
	}
}

/* ---- peers ---- */

void
intake_detach(struct peer *p)
{
	struct intake *in;

	while (!TAILQ_EMPTY(&p->uploads))
		upload_end(p, TAILQ_FIRST(&p->uploads));
	while ((in = TAILQ_FIRST(&p->intakes)) != NULL) {
		TAILQ_REMOVE(&p->intakes, in, entry);
		in->peer = NULL;
	}
	TAILQ_REMOVE(&p->d->peers, p, entry);
	free(p->leases[0].used);
	free(p->leases[1].used);
	free(p);
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	intake_detach(ctx);
}

/* All that came in this turn goes to the disk together. */
static void
on_turn(void *ctx, struct ipc_channel *ch)
{
	struct peer *p = ctx;

	(void)ch;
	flush_now(p->d);
}

static int
on_flush_ask(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct peer *p = ctx;
	struct queue_flush_answer answer;
	struct queue_flush_ask ask;
	char body[QUEUE_SMALL_BODY_MAX];

	if (queue_flush_ask_decode(m->body, &ask) == -1)
		return -1;
	flush_asked(p->d, &ask, &answer);
	ipc_send(ch, IPC_FLUSH_BEGUN, m->id,
	    slice_of(body, queue_flush_answer_encode(&answer, body)), NULL, 0);
	return 0;
}

static const struct ipc_handler handlers[] = {
	{ IPC_FLUSH_ASK, on_flush_ask },
	{ IPC_CONTENT, on_content },
	{ IPC_ENQUEUE, on_enqueue },
	{ IPC_ENQUEUE_ABORT, on_abort },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
	.turn = on_turn,
};

static struct peer *
peer_new(struct daemon *d)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->d = d;
	TAILQ_INIT(&p->uploads);
	TAILQ_INIT(&p->intakes);
	return p;
}

static void
peer_begin(struct peer *p, struct ipc_channel *ch)
{
	p->ch = ch;
	TAILQ_INSERT_TAIL(&p->d->peers, p, entry);
	if (p->d->open)
		lease(p);
	else
		ipc_channel_pause(ch);
	p->paused = !p->d->open;
}

int
intake_open(struct daemon *d, enum ipc_role role, int fd)
{
	struct peer *p = peer_new(d);
	struct ipc_channel *ch;

	if (p == NULL) {
		close(fd);
		return -1;
	}
	ch = ipc_channel_new(d->stage.base, fd, IPC_QUEUE_MANAGER, role,
	    &events, p);
	if (ch == NULL) {
		free(p);
		return -1;
	}
	peer_begin(p, ch);
	return 0;
}

struct peer *
intake_attach(struct daemon *d, struct ipc_channel *ch)
{
	struct peer *p = peer_new(d);

	if (p != NULL)
		peer_begin(p, ch);
	return p;
}

int
intake_message(struct peer *p, struct ipc_channel *ch, struct ipc_message *m)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].type == m->rule->type) {
			int r = handlers[i].handle(p, ch, m);

			flush_soon(p->d);
			return r;
		}
	return -1;
}
