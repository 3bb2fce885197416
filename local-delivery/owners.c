/* Owners, their queues and their workers. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/directory.h"
#include "common/ipc/envelope.h"
#include "common/accounts/username.h"
#include "common/log/log.h"
#include "local-delivery/local_delivery.h"

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

/* What differs between them. */
static const struct kind {
	enum ipc_role	 role;
	enum ipc_type	 start;
	const char	*lost;		/* what a sender is told of it */
} kinds[OWNER_KINDS] = {
	[OWNER_WORKER] = { IPC_DELIVERY_WORKER, IPC_WORKER_START,
	    "the delivery worker was lost" },
	[OWNER_RUNNER] = { IPC_RUNNER, IPC_RUNNER_START,
	    "the process for .forward was lost" },
};

static void hand_over(struct owner *);
static void want_worker(struct owner *, const struct ticket *);
static void worker_lost(struct owner *);

static void
touch(struct owner *o)
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
	touch(o);
	return o;
}

static void
set_state(struct owner *o, enum owner_state state)
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
	touch(o);
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

/* Nothing to do and no worker. */
static void
owner_free(struct owner *o)
{
	struct local_delivery *ld = o->ld;

	assert(o->queued == 0 && o->in_hand == 0 && o->worker == NULL);
	set_state(o, OWNER_WAITING);
	TAILQ_REMOVE(&ld->waiting[o->kind], o, waiting);
	unfeed(o);
	TAILQ_REMOVE(&ld->by_use, o, entry);
	RB_REMOVE(owners, &ld->owners, o);
	free(o);
}

/* ---- workers come and go ---- */

static bool
is_idle(const struct owner *o)
{
	return o->state == OWNER_RUNNING && o->in_hand == 0 && o->queued == 0;
}

static void
end_worker(struct owner *o)
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
	return ld->workers[kind] >= (kind == OWNER_RUNNER ?
	    ld->set->runners_max : ld->set->workers_max);
}

static bool
has_room(struct local_delivery *ld, enum owner_kind kind)
{
	struct owner *o;

	if (!at_most(ld, kind) && !is_crowded(ld, kind))
		return true;
	TAILQ_FOREACH(o, &ld->by_use, entry)
		if (o->kind == kind && is_idle(o)) {
			end_worker(o);
			/* Its process has to be gone for supervisor, too. */
			return !is_crowded(ld, kind);
		}
	return false;
}

static void
start_waiting_of(struct local_delivery *ld, enum owner_kind kind)
{
	struct owner *o, *next;

	for (o = TAILQ_FIRST(&ld->waiting[kind]); o != NULL; o = next) {
		next = TAILQ_NEXT(o, waiting);
		if (o->queued == 0)
			continue;
		want_worker(o, NULL);
		if (o->state == OWNER_WAITING)
			return;		/* no room, or directory is away */
	}
}

/* A process has ended: whose turn is it? */
static void
start_waiting(struct local_delivery *ld)
{
	for (int kind = 0; kind < OWNER_KINDS; kind++)
		start_waiting_of(ld, (enum owner_kind)kind);
}

/* There is no worker and will be none: put all off. */
static void
give_up(struct owner *o, const char *why)
{
	struct local_delivery *ld = o->ld;

	o->queued = 0;
	jobs_defer(ld, &o->queue, why);
	owner_free(o);
	start_waiting(ld);
}

/* Never frees the owner: where a worker cannot be asked for now, it waits. */
static void
want_worker(struct owner *o, const struct ticket *voucher)
{
	struct local_delivery *ld = o->ld;
	char body[START_BODY_MAX];
	uint64_t id;

	set_state(o, OWNER_WAITING);
	if (o->queued == 0 || !has_room(ld, o->kind))
		return;
	if (voucher == NULL) {
		if (addresses_ask_voucher(o))
			set_state(o, OWNER_ASKING);
		return;
	}
	id = ipc_pending_add(ld->starting, ld->stage.supervisor, o);
	if (id == 0)
		return;
	if (ipc_send(ld->stage.supervisor, kinds[o->kind].start, id, slice_of(body,
	    start_ticket_encode(voucher, body)), NULL, 0) == -1)
		ipc_pending_take(ld->starting, ld->stage.supervisor, id);
	else
		set_state(o, OWNER_STARTING);
}

void
owner_voucher(struct owner *o, const struct ticket *voucher)
{
	if (voucher == NULL)
		give_up(o, "no worker for this mailbox now");
	else
		want_worker(o, voucher);
}

void
owner_wait(struct owner *o)
{
	set_state(o, OWNER_WAITING);
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
	if (o->state == OWNER_RUNNING)
		feed(o);
	else if (o->state == OWNER_WAITING)
		want_worker(o, voucher);
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
			hand_over(o);
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

/* ---- the worker's channel ---- */

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
	if (ipc_send(o->worker, o->kind == OWNER_RUNNER ? IPC_FORWARD :
	    IPC_DELIVER, id, slice_of(body, len), &fd, 1) == 0)
		return 0;
	ipc_pending_take(o->ld->handed, o->worker, id);
	return -1;
}

/* Others wait for a worker, and this one has had its turn. */
static bool
must_yield(const struct owner *o)
{
	return !TAILQ_EMPTY(&o->ld->waiting[o->kind]) &&
	    (at_most(o->ld, o->kind) || is_crowded(o->ld, o->kind)) &&
	    local_delivery_now_ms() - o->since_ms >= TURN_MS;
}

static void
yield(struct owner *o)
{
	struct local_delivery *ld = o->ld;

	ipc_channel_free(o->worker);
	o->worker = NULL;
	set_state(o, OWNER_WAITING);
	start_waiting(ld);
}

static unsigned
window(const struct owner *o)
{
	const struct local_delivery_settings *set = o->ld->set;

	if (o->kind == OWNER_WORKER)
		return WINDOW;
	return (unsigned)(o->account.kind == ACCOUNT_PROGRAMS ?
	    set->alias_programs_at_once : set->programs_per_user);
}

/* The owner may have no worker afterwards. */
static void
hand_over(struct owner *o)
{
	struct job *j;

	if (must_yield(o)) {
		if (o->in_hand == 0)
			yield(o);
		return;
	}
	while (o->in_hand < window(o) && (j = TAILQ_FIRST(&o->queue)) != NULL &&
	    !ipc_channel_full(o->worker) && !ipc_pending_full(o->ld->handed)) {
		if (o->in_hand == 0)
			touch(o);	/* its patience begins */
		TAILQ_REMOVE(&o->queue, j, entry);
		o->queued--;
		j->d.more = o->kind == OWNER_WORKER && o->queued > 0 && o->in_hand + 1 < WINDOW;
		if (send_job(o, j) == -1) {
			job_defer(o->ld, j, "the worker takes no more", false);
			return;
		}
		o->in_hand++;
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
	touch(o);
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
	touch(o);
	if (forwards_answer(o->ld, j, m->body) == -1) {
		job_defer(o->ld, j, "no sense could be made of .forward",
		    true);
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
	hand_over(o);
}

/* Died, or said something it may not: what it had may have been delivered. */
static void
worker_lost(struct owner *o)
{
	struct local_delivery *ld = o->ld;
	struct ipc_channel *ch = o->worker;
	struct job *j;

	o->worker = NULL;
	while ((j = ipc_pending_take_any(ld->handed, ch)) != NULL) {
		o->in_hand--;
		job_defer(ld, j, kinds[o->kind].lost, true);
	}
	if (o->queued == 0) {
		owner_free(o);
		start_waiting(ld);
	} else if (++o->deaths >= DEATHS_MAX) {
		give_up(o, "delivery workers die at this mailbox");
	} else {
		set_state(o, OWNER_WAITING);
		start_waiting(ld);
	}
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct owner *o = ctx;

	(void)ch;
	log_warning("worker-lost",
	    LOG_CSTR("process", ipc_role_name(kinds[o->kind].role)),
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
	[OWNER_WORKER] = { .handlers = handlers, .count = 1,
	    .closed = on_closed, .drained = on_turn, .turn = on_turn },
	[OWNER_RUNNER] = { .handlers = runner_handlers, .count = 1,
	    .closed = on_closed, .drained = on_turn, .turn = on_turn },
};

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
		give_up(o, "no worker for this mailbox now");
		return 0;
	}
	o->worker = ipc_channel_new(ld->stage.base, ipc_message_take_fd(m, 0),
	    IPC_LOCAL_DELIVERY, kinds[o->kind].role, &events[o->kind], o);
	if (o->worker == NULL) {
		give_up(o, "out of memory");
		return 0;
	}
	set_state(o, OWNER_RUNNING);
	o->since_ms = local_delivery_now_ms();
	hand_over(o);
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
		ld->crowded_until_ms[o->kind] = local_delivery_now_ms() +
		    CROWDED_MS;
		set_state(o, OWNER_WAITING);
		return 0;
	}
	/* directory was restarted, or we were slow: ask it once more. */
	if (why == START_BAD_TICKET && ++o->deaths < DEATHS_MAX &&
	    o->queued > 0)
		want_worker(o, NULL);
	else
		give_up(o, texts[why]);
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

	if (is_idle(o) && age >= set->worker_idle * 1000) {
		end_worker(o);
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
	start_waiting(ld);
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
