/* Owners and their queues. */
#include <assert.h>
#include <stdlib.h>

#include "common/ipc/envelope.h"
#include "common/log/log.h"
#include "local-delivery/owner.h"

static int
compare(const struct owner *a, const struct owner *b)
{
	if (a->account.kind != b->account.kind)
		return a->account.kind < b->account.kind ? -1 : 1;
	if (a->account.number != b->account.number)
		return a->account.number < b->account.number ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return 0;
}

RB_GENERATE_INTERNAL(owners, owner, by_account, compare,
    static __attribute__((unused)))

void
owner_touch(struct owner *o)
{
	o->used_ms = local_delivery_now_ms();
	TAILQ_REMOVE(&o->ld->by_use, o, entry);
	TAILQ_INSERT_TAIL(&o->ld->by_use, o, entry);
}

struct owner *
owner_get(struct local_delivery *ld, struct account account,
    enum owner_kind kind)
{
	struct owner key = { .account = account, .kind = kind }, *o;

	o = RB_FIND(owners, &ld->owners, &key);
	if (o != NULL || (o = calloc(1, sizeof(*o))) == NULL)
		return o;
	o->ld = ld;
	o->account = account;
	o->kind = kind;
	o->state = OWNER_WAITING;
	TAILQ_INIT(&o->queue);
	TAILQ_INSERT_TAIL(&ld->waiting[o->kind], o, waiting);
	RB_INSERT(owners, &ld->owners, o);
	TAILQ_INSERT_TAIL(&ld->by_use, o, entry);
	owner_touch(o);
	return o;
}

void
owner_note_idle(struct owner *o)
{
	bool idle =
	    o->state == OWNER_RUNNING && o->in_hand == 0 && o->queued == 0;

	if (idle && !o->is_idle)
		TAILQ_INSERT_TAIL(&o->ld->idle[o->kind], o, idle);
	else if (!idle && o->is_idle)
		TAILQ_REMOVE(&o->ld->idle[o->kind], o, idle);
	o->is_idle = idle;
}

void
owner_set_state(struct owner *o, enum owner_state state)
{
	struct local_delivery *ld = o->ld;
	bool had = o->state == OWNER_STARTING || o->state == OWNER_RUNNING;
	bool has = state == OWNER_STARTING || state == OWNER_RUNNING;

	if (o->state == OWNER_WAITING)
		TAILQ_REMOVE(&ld->waiting[o->kind], o, waiting);
	if (state == OWNER_WAITING)
		TAILQ_INSERT_TAIL(&ld->waiting[o->kind], o, waiting);
	ld->workers[o->kind] = ld->workers[o->kind] - had + has;
	o->state = state;
	owner_touch(o);
	owner_note_idle(o);
}

static void
feed(struct owner *o)
{
	if (!o->is_fed)
		TAILQ_INSERT_TAIL(&o->ld->fed, o, fed);
	o->is_fed = true;
}

static void
unfeed(struct owner *o)
{
	if (o->is_fed)
		TAILQ_REMOVE(&o->ld->fed, o, fed);
	o->is_fed = false;
}

void
owner_free(struct owner *o)
{
	struct local_delivery *ld = o->ld;

	assert(o->queued == 0 && o->in_hand == 0 && o->worker == NULL);
	owner_set_state(o, OWNER_WAITING);
	TAILQ_REMOVE(&ld->waiting[o->kind], o, waiting);
	unfeed(o);
	TAILQ_REMOVE(&ld->by_use, o, entry);
	RB_REMOVE(owners, &ld->owners, o);
	free(o);
}

void
owner_add(struct owner *o, struct job *j, const struct ticket *voucher)
{
	struct local_delivery *ld = o->ld;

	j->owner = o;
	j->account = o->account.number;
	if (ld->stopping) {
		job_defer(ld, j, "local delivery is stopping", false);
		return;
	}
	if (o->queued + o->in_hand >= ld->set->owner_deliveries_max) {
		job_defer(ld, j, "too many deliveries wait for this mailbox",
		    false);
		return;
	}
	TAILQ_INSERT_TAIL(&o->queue, j, entry);
	o->queued++;
	owner_note_idle(o);
	if (o->state == OWNER_RUNNING)
		feed(o);
	else if (o->state == OWNER_WAITING)
		worker_want(o, voucher);
}

/* No ~/.forward a moment ago is as good as none. */
static bool
had_none(struct local_delivery *ld, struct account account)
{
	struct owner key = { .account = account, .kind = OWNER_WORKER };
	struct owner *o = RB_FIND(owners, &ld->owners, &key);

	return o != NULL && local_delivery_now_ms() < o->no_forward_ms;
}

struct owner *
owner_of_mail(struct local_delivery *ld, struct account account,
    const struct job *j)
{
	if (account.kind == ACCOUNT_PROGRAMS)
		return owner_get(ld, account, OWNER_RUNNER);
	/* Only the user may write to the user's terminals. */
	if (account.kind == ACCOUNT_SYSTEM &&
	    (j->d.flags & ENVELOPE_TERMINALS) != 0)
		return owner_get(ld, account, OWNER_RUNNER);
	/* No virtual account has a ~ to keep a file in, or programs. */
	if (account.kind == ACCOUNT_SYSTEM && ld->set->forward_files &&
	    !had_none(ld, account))
		return owner_get(ld, account, OWNER_RUNNER);
	return owner_get(ld, account, OWNER_WORKER);
}

void
owners_turn(struct local_delivery *ld)
{
	struct owner *o;

	while ((o = TAILQ_FIRST(&ld->fed)) != NULL) {
		unfeed(o);
		if (o->state == OWNER_RUNNING)
			worker_hand_over(o);
	}
}

void
owners_stop(struct local_delivery *ld)
{
	struct owner *o;

	TAILQ_FOREACH(o, &ld->by_use, entry) {
		o->queued = 0;
		jobs_defer(ld, &o->queue, "local delivery is stopping");
	}
}

/* ---- time passes ---- */

/* The runner has a deadline of its own, and only then is it stuck. */
static uint64_t
patience_ms(const struct owner *o)
{
	const struct local_delivery_settings *set = o->ld->set;

	if (o->kind == OWNER_WORKER)
		return set->worker_patience * 1000;
	return (set->program_timeout + set->mbox_lock_patience *
	    FORWARD_DONE_MAX + 60) * 1000;
}

/* True when the list of owners may have changed. */
static bool
owner_tick(struct owner *o, uint64_t now)
{
	const struct local_delivery_settings *set = o->ld->set;
	uint64_t age = now - o->used_ms;

	if (o->is_idle && age >= set->worker_idle * 1000) {
		worker_end(o);
		return true;
	}
	if (o->state == OWNER_RUNNING && o->in_hand > 0 &&
	    age >= patience_ms(o)) {
		struct ipc_channel *ch = o->worker;

		log_error("worker-stuck",
		    LOG_NUM("account", o->account.number),
		    LOG_NUM("deliveries", o->in_hand));
		worker_lost(o);
		ipc_channel_free(ch);
		return true;
	}
	if (o->state == OWNER_WAITING && o->queued == 0) {
		owner_free(o);
		return true;
	}
	return false;
}

void
owners_tick(struct local_delivery *ld)
{
	uint64_t now = local_delivery_now_ms();
	struct owner *o, *next;

	for (o = TAILQ_FIRST(&ld->by_use); o != NULL; o = next) {
		/* The rest was used later still. */
		/* NOLINTNEXTLINE: what owner_tick freed is off the list */
		if (now - o->used_ms < 1000 || o->used_ms > now)
			break;
		next = TAILQ_NEXT(o, entry);
		if (owner_tick(o, now))
			next = TAILQ_FIRST(&ld->by_use);
	}
	workers_start_waiting(ld);
}

void
owners_clear(struct local_delivery *ld)
{
	struct owner *o;

	/* NOLINTNEXTLINE: owner_free takes it off the list */
	while ((o = TAILQ_FIRST(&ld->by_use)) != NULL) {
		struct ipc_channel *ch = o->worker;	/* NOLINT: as above */

		o->worker = NULL;
		o->queued = o->in_hand = 0;
		ipc_channel_free(ch);
		owner_free(o);
	}
}
