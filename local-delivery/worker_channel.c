/*
 * The channel of a worker or runner: jobs go over as a window, and come back
 * as what became of each.
 */
#include <fcntl.h>
#include <unistd.h>

#include "common/accounts/username.h"
#include "common/ipc/directory.h"
#include "common/log/log.h"
#include "local-delivery/owner.h"

/* ---- the worker's channel ---- */

static const struct {
	enum ipc_role role;
	enum ipc_type ask;
	const char *lost; /* what a sender is told of it */
} ends[OWNER_KINDS] = {
	[OWNER_WORKER] = { IPC_DELIVERY_WORKER, IPC_DELIVER,
	    "the delivery worker was lost" },
	[OWNER_RUNNER] = { IPC_RUNNER, IPC_FORWARD,
	    "the process for .forward was lost" },
};

static size_t
encode_job(struct owner *o, struct job *j, char *body, size_t size)
{
	struct forward_ask ask = { .target = slice_of("", 0),
		.delivery = j->d };
	char local[USERNAME_UNQUOTED_SIZE];
	struct username part;

	if (o->kind == OWNER_WORKER)
		return delivery_encode(&j->d, body, size);
	/* What an alias names is the local-part of its final address. */
	if (o->account.kind == ACCOUNT_PROGRAMS) {
		if (address_parts(j->d.recipient, local, &part) != PARSE_OK ||
		    part.local.len == 0)
			return 0;
		ask.target = part.local;
	}
	forwards_done_before(o->ld, j, &ask.done);
	return forward_ask_encode(&ask, body, size);
}

/* A copy, where the content may be needed again. */
static int
content_for(struct owner *o, struct job *j)
{
	int fd = j->fd;

	if (o->kind == OWNER_RUNNER || j->forward != NULL)
		return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	j->fd = -1;
	return fd;
}

static int
send_job(struct owner *o, struct job *j)
{
	char body[FORWARD_ASK_MAX];
	size_t len = encode_job(o, j, body, sizeof(body));
	uint64_t id;
	int fd;

	if (len == 0 || (fd = content_for(o, j)) == -1)
		return -1;
	if ((id = ipc_pending_add(o->ld->handed, o->worker, j)) == 0) {
		close(fd);
		return -1;
	}
	if (ipc_send(o->worker, ends[o->kind].ask, id, slice_of(body, len), &fd,
		1) == 0)
		return 0;
	ipc_pending_take(o->ld->handed, o->worker, id);
	return -1;
}

static unsigned
window(const struct owner *o)
{
	const struct local_delivery_settings *set = o->ld->set;

	if (o->kind == OWNER_WORKER)
		return WINDOW;
	return (unsigned)(o->account.kind == ACCOUNT_PROGRAMS
			      ? set->alias_programs_at_once
			      : set->programs_per_user);
}

static void
hand_over(struct owner *o)
{
	struct job *j;

	while (o->in_hand < window(o) && (j = TAILQ_FIRST(&o->queue)) != NULL &&
	       !ipc_channel_full(o->worker) &&
	       !ipc_pending_full(o->ld->handed)) {
		if (o->in_hand == 0)
			owner_touch(o); /* its patience begins */
		TAILQ_REMOVE(&o->queue, j, entry);
		o->queued--;
		j->d.more = o->kind == OWNER_WORKER && o->queued > 0 &&
			    o->in_hand + 1 < WINDOW;
		if (send_job(o, j) == -1) {
			job_defer(o->ld, j, "the worker takes no more", false);
			return;
		}
		o->in_hand++;
	}
}

void
worker_hand_over(struct owner *o)
{
	if (!worker_must_yield(o)) {
		hand_over(o);
		owner_note_idle(o);
	} else if (o->in_hand == 0) {
		worker_yield(o);
	}
}

/* directory hears of it, for RCPT; the setting decides what the sender does. */
static void
heed_quota(struct owner *o, struct delivered *r)
{
	bool permanent = o->ld->set->over_quota == OVER_QUOTA_PERMANENT;
	struct directory_full f = { o->account, r->full, permanent };
	uint8_t body[DIRECTORY_BODY_MAX];

	if ((r->full || (o->full && r->result == DELIVERY_DELIVERED)) &&
	    o->ld->directory != NULL) {
		ipc_send(o->ld->directory, IPC_MAILBOX_FULL, 0,
		    slice_of(body, directory_full_encode(&f, body)), NULL, 0);
		o->full = r->full;
	}
	r->full = false;
	if (permanent && r->result == DELIVERY_DEFERRED &&
	    r->enhanced[1] == 2 && r->enhanced[2] == 2) {
		r->result = DELIVERY_FAILED;
		r->code = 552;
		r->enhanced[0] = 5;
	}
}

static int
on_delivered(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct owner *o = ctx;
	struct delivered r;
	struct job *j;

	if (delivered_decode(m->body, &r) == -1 ||
	    (j = ipc_pending_take(o->ld->handed, ch, m->id)) == NULL)
		return -1;
	o->in_hand--;
	o->deaths = 0;
	owner_touch(o);
	owner_note_idle(o);
	heed_quota(o, &r);
	job_done(o->ld, j, &r);
	return 0;
}

static int
on_forwarded(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct owner *o = ctx;
	struct job *j = ipc_pending_take(o->ld->handed, ch, m->id);

	if (j == NULL)
		return -1;
	o->in_hand--;
	owner_touch(o);
	owner_note_idle(o);
	if (forwards_answer(o->ld, j, m->body) == -1) {
		job_defer(o->ld, j, "no sense could be made of .forward", true);
		return -1;
	}
	o->deaths = 0;
	return 0;
}

/* What a runner sends back is its owner's worker's now. */
static void
on_turn(void *ctx, struct ipc_channel *ch)
{
	struct owner *o = ctx;

	(void)ch;
	if (o->kind == OWNER_RUNNER)
		owners_turn(o->ld);
	worker_hand_over(o);
}

void
worker_lost(struct owner *o)
{
	struct local_delivery *ld = o->ld;
	struct ipc_channel *ch = o->worker;
	struct job *j;

	o->worker = NULL;
	while ((j = ipc_pending_take_any(ld->handed, ch)) != NULL) {
		o->in_hand--;
		job_defer(ld, j, ends[o->kind].lost, true);
	}
	if (o->queued == 0) {
		owner_free(o);
		workers_start_waiting(ld);
	} else if (++o->deaths >= DEATHS_MAX) {
		worker_give_up(o, "delivery workers die at this mailbox");
	} else {
		owner_set_state(o, OWNER_WAITING);
		workers_start_waiting(ld);
	}
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct owner *o = ctx;

	(void)ch;
	/* Then it says nothing about the mailbox: who misses our answers asks
	 * again, when all have started again. */
	if (stage_is_over(&o->ld->stage)) {
		o->worker = NULL;
		return;
	}
	log_warning("worker-lost",
	    LOG_CSTR("process", ipc_role_name(ends[o->kind].role)),
	    LOG_NUM("account", o->account.number),
	    LOG_NUM("deliveries", o->in_hand));
	worker_lost(o);
}

static const struct ipc_handler handlers[] = {
	{ IPC_DELIVERED, on_delivered },
};

static const struct ipc_handler runner_handlers[] = {
	{ IPC_FORWARDED, on_forwarded },
};

static const struct ipc_events events[OWNER_KINDS] = {
	[OWNER_WORKER] = { .handlers = handlers,
	    .count = 1,
	    .closed = on_closed,
	    .drained = on_turn,
	    .turn = on_turn },
	[OWNER_RUNNER] = { .handlers = runner_handlers,
	    .count = 1,
	    .closed = on_closed,
	    .drained = on_turn,
	    .turn = on_turn },
};

int
worker_open(struct owner *o, int fd)
{
	o->worker = ipc_channel_new(o->ld->stage.base, fd, IPC_LOCAL_DELIVERY,
	    ends[o->kind].role, &events[o->kind], o);
	return o->worker == NULL ? -1 : 0;
}
