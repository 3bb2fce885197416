/*
 * Workers come and go: supervisor starts one for an owner for whom directory
 * gives a voucher; where there is room for no more, the longest idle has to
 * end, and then those who have had their turn.
 */
#include "common/log/log.h"
#include "local-delivery/owner.h"

static const enum ipc_type start_of[OWNER_KINDS] = {
	[OWNER_WORKER] = IPC_WORKER_START,
	[OWNER_RUNNER] = IPC_RUNNER_START,
};

void
worker_end(struct owner *o)
{
	ipc_channel_free(o->worker);
	o->worker = NULL;
	owner_free(o);
}

/* supervisor had no room for one of the kind a moment ago. */
static bool
is_crowded(const struct local_delivery *ld, enum owner_kind kind)
{
	return local_delivery_now_ms() < ld->crowded_until_ms[kind];
}

static bool
at_most(const struct local_delivery *ld, enum owner_kind kind)
{
	return ld->workers[kind] >= (kind == OWNER_RUNNER
					    ? ld->set->runners_max
					    : ld->set->workers_max);
}

static bool
has_room(struct local_delivery *ld, enum owner_kind kind)
{
	if (!at_most(ld, kind) && !is_crowded(ld, kind))
		return true;
	if (TAILQ_EMPTY(&ld->idle[kind]))
		return false;
	worker_end(TAILQ_FIRST(&ld->idle[kind]));
	/* Its process has to be gone for supervisor, too. */
	return !is_crowded(ld, kind);
}

static void
start_waiting_of(struct local_delivery *ld, enum owner_kind kind)
{
	struct owner *o, *next;

	for (o = TAILQ_FIRST(&ld->waiting[kind]); o != NULL; o = next) {
		next = TAILQ_NEXT(o, waiting);
		if (o->queued == 0)
			continue;
		worker_want(o, NULL);
		if (o->state == OWNER_WAITING)
			return; /* no room, or directory is away */
	}
}

void
workers_start_waiting(struct local_delivery *ld)
{
	for (int kind = 0; kind < OWNER_KINDS; kind++)
		start_waiting_of(ld, (enum owner_kind)kind);
}

void
worker_give_up(struct owner *o, const char *why)
{
	struct local_delivery *ld = o->ld;

	o->queued = 0;
	jobs_defer(ld, &o->queue, why);
	owner_free(o);
	workers_start_waiting(ld);
}

void
worker_want(struct owner *o, const struct ticket *voucher)
{
	struct local_delivery *ld = o->ld;
	char body[START_BODY_MAX];
	uint64_t id;

	owner_set_state(o, OWNER_WAITING);
	if (o->queued == 0 || !has_room(ld, o->kind))
		return;
	if (voucher == NULL) {
		if (addresses_ask_voucher(o))
			owner_set_state(o, OWNER_ASKING);
		return;
	}
	id = ipc_pending_add(ld->starting, ld->stage.supervisor, o);
	if (id == 0)
		return;
	if (ipc_send(ld->stage.supervisor, start_of[o->kind], id,
		slice_of(body, start_ticket_encode(voucher, body)), NULL,
		0) == -1)
		ipc_pending_take(ld->starting, ld->stage.supervisor, id);
	else
		owner_set_state(o, OWNER_STARTING);
}

void
owner_voucher(struct owner *o, const struct ticket *voucher)
{
	if (voucher == NULL)
		worker_give_up(o, "no worker for this mailbox now");
	else
		worker_want(o, voucher);
}

void
owner_wait(struct owner *o)
{
	owner_set_state(o, OWNER_WAITING);
}

bool
worker_must_yield(const struct owner *o)
{
	return !TAILQ_EMPTY(&o->ld->waiting[o->kind]) &&
	       (at_most(o->ld, o->kind) || is_crowded(o->ld, o->kind)) &&
	       local_delivery_now_ms() - o->since_ms >= TURN_MS;
}

void
worker_yield(struct owner *o)
{
	struct local_delivery *ld = o->ld;

	ipc_channel_free(o->worker);
	o->worker = NULL;
	owner_set_state(o, OWNER_WAITING);
	workers_start_waiting(ld);
}

/* ---- supervisor's answers ---- */

/* Does an answer belong to what was asked for? */
static bool
is_of_kind(const struct owner *o, enum ipc_type type)
{
	return (o->kind == OWNER_RUNNER) ==
	       (type == IPC_RUNNER_STARTED || type == IPC_RUNNER_REFUSED);
}

static int
on_started(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct local_delivery *ld = ctx;
	struct start_account a;
	struct owner *o;
	int good;

	if (start_account_decode(m->body, &good, &a) == -1 || !good ||
	    (o = ipc_pending_take(ld->starting, ch, m->id)) == NULL)
		return -1;
	if (!is_of_kind(o, m->rule->type) ||
	    a.kind != (uint8_t)o->account.kind ||
	    a.number != o->account.number) {
		log_error("wrong-worker", LOG_NUM("account", a.number));
		worker_give_up(o, "no worker for this mailbox now");
		return 0;
	}
	if (worker_open(o, ipc_message_take_fd(m, 0)) == -1) {
		worker_give_up(o, "out of memory");
		return 0;
	}
	owner_set_state(o, OWNER_RUNNING);
	o->since_ms = local_delivery_now_ms();
	worker_hand_over(o);
	return 0;
}

static int
on_refused(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	static const char *const texts[] = {
		[START_BAD_TICKET] = "the voucher for the mailbox has expired",
		[START_NO_ACCOUNT] = "the mailbox has no usable owner or home",
		[START_BUSY] = "too many delivery workers",
		[START_FAILED] = "no worker could be started",
	};
	struct local_delivery *ld = ctx;
	enum start_refusal why;
	struct owner *o;

	if (start_refusal_decode(m->body, &why) == -1 ||
	    (o = ipc_pending_take(ld->starting, ch, m->id)) == NULL)
		return -1;
	log_warning("worker-refused", LOG_NUM("account", o->account.number),
	    LOG_CSTR("reason", texts[why]));
	if (why == START_BUSY) {
		/* Somebody's worker will end; the tick tries again. */
		ld->crowded_until_ms[o->kind] =
		    local_delivery_now_ms() + CROWDED_MS;
		owner_set_state(o, OWNER_WAITING);
		return 0;
	}
	/* directory was restarted, or we were slow: ask it once more. */
	if (why == START_BAD_TICKET && ++o->deaths < DEATHS_MAX &&
	    o->queued > 0)
		worker_want(o, NULL);
	else
		worker_give_up(o, texts[why]);
	return 0;
}

const struct ipc_handler owners_from_supervisor[] = {
	{ IPC_WORKER_STARTED, on_started },
	{ IPC_WORKER_REFUSED, on_refused },
	{ IPC_RUNNER_STARTED, on_started },
	{ IPC_RUNNER_REFUSED, on_refused },
};
const unsigned owners_from_supervisor_count =
    sizeof(owners_from_supervisor) / sizeof(owners_from_supervisor[0]);
