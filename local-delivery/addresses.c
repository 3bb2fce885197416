/*
 * Whose mailbox is this address?  directory knows; what it said is remembered
 * for some seconds, as long as that owner's worker runs, so that a busy
 * mailbox costs no question for each message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc/envelope.h"
#include "common/log/log.h"
#include "local-delivery/local_delivery.h"

/* ---- what we remember ---- */

static int
compare(const struct remembered *a, const struct remembered *b)
{
	size_t len = a->address.len < b->address.len ? a->address.len :
	    b->address.len;
	int c = len > 0 ? memcmp(a->address.at, b->address.at, len) : 0;

	if (c != 0 || a->address.len == b->address.len)
		return c;
	return a->address.len < b->address.len ? -1 : 1;
}

RB_GENERATE_INTERNAL(addresses, remembered, by_address, compare,
    static __attribute__((unused)))

static void
forget(struct local_delivery *ld, struct remembered *r)
{
	RB_REMOVE(addresses, &ld->addresses, r);
	TAILQ_REMOVE(&ld->addresses_by_age, r, entry);
	ld->remembered--;
	free(r);
}

void
addresses_forget(struct local_delivery *ld, uint64_t before_ms)
{
	struct remembered *r;

	while ((r = TAILQ_FIRST(&ld->addresses_by_age)) != NULL &&
	    r->since_ms < before_ms)
		forget(ld, r);
}

static struct remembered *
recall(struct local_delivery *ld, struct slice address)
{
	struct remembered key = { .address = address };

	return RB_FIND(addresses, &ld->addresses, &key);
}

static void
remember(struct local_delivery *ld, struct slice address,
    const struct directory_account *a)
{
	struct remembered *r = recall(ld, address);

	if (r != NULL)
		forget(ld, r);
	if (ld->remembered == REMEMBERED_MAX)
		forget(ld, TAILQ_FIRST(&ld->addresses_by_age));
	r = calloc(1, sizeof(*r) + address.len + a->detail.len);
	if (r == NULL)
		return;
	r->since_ms = local_delivery_now_ms();
	r->account = a->account;
	memcpy(r->text, address.at, address.len);
	r->address = slice_of(r->text, address.len);
	if (a->detail.len > 0)
		memcpy(r->text + address.len, a->detail.at, a->detail.len);
	r->detail = slice_of(r->text + address.len, a->detail.len);
	RB_INSERT(addresses, &ld->addresses, r);
	TAILQ_INSERT_TAIL(&ld->addresses_by_age, r, entry);
	ld->remembered++;
}

/* ---- asking ---- */

/* A job that wants its owner, or an owner that wants a voucher. */
struct question {
	struct job	*job;
	struct owner	*owner;
};

static void
set_detail(struct job *j, struct slice detail)
{
	if (detail.len > 0)
		memcpy(j->detail, detail.at, detail.len);
	j->d.detail = slice_of(j->detail, detail.len);
}

/* False: not now. */
static bool
send_question(struct local_delivery *ld, struct slice address,
    struct question q)
{
	struct question *kept;
	char body[DIRECTORY_BODY_MAX];
	size_t len = directory_account_ask_encode(address, body);
	uint64_t id;

	if (ld->directory == NULL || ipc_channel_full(ld->directory) ||
	    ipc_pending_full(ld->asked) || len == 0 ||
	    (kept = malloc(sizeof(*kept))) == NULL)
		return false;
	*kept = q;
	id = ipc_pending_add(ld->asked, ld->directory, kept);
	if (ipc_send(ld->directory, IPC_ACCOUNT_OF, id, slice_of(body, len),
	    NULL, 0) == 0)
		return true;
	ipc_pending_take(ld->asked, ld->directory, id);
	free(kept);
	return false;
}

static const struct delivered no_terminal = { .result = DELIVERY_FAILED,
	.code = 550, .enhanced = { 5, 2, 1 },
	.text = SLICE_LITERAL("not logged in at a terminal") };

/* Somebody was logged in at RCPT, behind an alias with others. */
static bool
has_no_terminal(const struct job *j, struct account account)
{
	return account.kind != ACCOUNT_SYSTEM &&
	    (j->d.flags & ENVELOPE_SEND) != 0;
}

void
addresses_ask(struct local_delivery *ld, struct job *j)
{
	struct remembered *r = recall(ld, j->d.recipient);
	bool none = r != NULL && has_no_terminal(j, r->account);
	struct owner *o = r != NULL && !none ?
	    owner_of_mail(ld, r->account, j) : NULL;

	if (j->d.recipient.len > DIRECTORY_ADDRESS_MAX) {
		struct delivered too_long = { .result = DELIVERY_FAILED,
			.code = 553, .enhanced = { 5, 1, 3 },
			.text = SLICE_LITERAL("address too long") };

		job_done(ld, j, &too_long);
	} else if (none) {
		job_done(ld, j, &no_terminal);
	} else if (o != NULL && o->state == OWNER_RUNNING) {
		set_detail(j, r->detail);
		owner_add(o, j, NULL);
	} else if (!send_question(ld, j->d.recipient,
	    (struct question){ .job = j })) {
		TAILQ_INSERT_TAIL(&ld->unasked, j, entry);
	}
}

bool
addresses_ask_voucher(struct owner *o)
{
	struct job *j = TAILQ_FIRST(&o->queue);

	return send_question(o->ld, j->d.recipient,
	    (struct question){ .owner = o });
}

/* ---- answers ---- */

static const struct {
	enum directory_verdict	verdict;
	struct delivered	result;
} refusals[] = {
	{ DIRECTORY_UNKNOWN, { .result = DELIVERY_FAILED, .code = 550,
	    .enhanced = { 5, 1, 1 },
	    .text = SLICE_LITERAL("no such user here") } },
	{ DIRECTORY_NO_RELAY, { .result = DELIVERY_FAILED, .code = 550,
	    .enhanced = { 5, 1, 2 },
	    .text = SLICE_LITERAL("the domain is not one of ours any more") } },
	{ DIRECTORY_TEMPFAIL, { .result = DELIVERY_DEFERRED, .code = 451,
	    .enhanced = { 4, 3, 0 },
	    .text = SLICE_LITERAL("no answer about this address now") } },
};

static void
answer_job(struct local_delivery *ld, struct job *j,
    const struct directory_account *a)
{
	struct owner *o;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].verdict == a->verdict) {
			job_done(ld, j, &refusals[i].result);
			return;
		}
	/* A program that no alias names any more must not run once again. */
	if (a->account.kind != ACCOUNT_PROGRAMS)
		remember(ld, j->d.recipient, a);
	set_detail(j, a->detail);
	if (has_no_terminal(j, a->account)) {
		job_done(ld, j, &no_terminal);
		return;
	}
	o = owner_of_mail(ld, a->account, j);
	if (o == NULL)
		job_defer(ld, j, "out of memory", false);
	else
		owner_add(o, j, &a->voucher);
}

/* The address that stood for an owner may be somebody else's by now. */
static void
answer_owner(struct owner *o, const struct directory_account *a)
{
	bool good = a->verdict == DIRECTORY_LOCAL &&
	    a->account.kind == o->account.kind &&
	    a->account.number == o->account.number;

	owner_voucher(o, good ? &a->voucher : NULL);
}

static void
ask_the_rest(struct local_delivery *ld)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&ld->unasked)) != NULL) {
		if (!send_question(ld, j->d.recipient,
		    (struct question){ .job = j }))
			return;
		TAILQ_REMOVE(&ld->unasked, j, entry);
	}
}

static int
on_account_is(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct local_delivery *ld = ctx;
	struct directory_account a;
	struct question *kept, q;

	if (directory_account_decode(m->body, &a) == -1 ||
	    (kept = ipc_pending_take(ld->asked, ch, m->id)) == NULL)
		return -1;
	q = *kept;
	free(kept);
	if (q.job != NULL)
		answer_job(ld, q.job, &a);
	else
		answer_owner(q.owner, &a);
	ask_the_rest(ld);
	return 0;
}

/* Everything is asked again when it is back; vouchers it gave are void. */
static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct local_delivery *ld = ctx;
	struct question *kept, q;

	if (ld->directory == ch) {
		ld->directory = NULL;
		stage_channel_lost(&ld->stage, IPC_DIRECTORY, 0);
	}
	while ((kept = ipc_pending_take_any(ld->asked, ch)) != NULL) {
		q = *kept;
		free(kept);
		if (q.job != NULL)
			TAILQ_INSERT_TAIL(&ld->unasked, q.job, entry);
		else
			owner_wait(q.owner);
	}
	owners_turn(ld);
	log_notice("directory-gone");
}

static void
on_drained(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	ask_the_rest(ctx);
}

static void
on_turn(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	owners_turn(ctx);
}

static const struct ipc_handler handlers[] = {
	{ IPC_ACCOUNT_IS, on_account_is },
};

static const struct ipc_events events = {
	.handlers = handlers, .count = 1, .closed = on_closed,
	.drained = on_drained, .turn = on_turn,
};

int
addresses_open(struct local_delivery *ld, int fd)
{
	if (ld->directory != NULL) {
		struct ipc_channel *former = ld->directory;

		ld->directory = NULL;
		on_closed(ld, former);
		ipc_channel_free(former);
	}
	ld->directory = ipc_channel_new(ld->stage.base, fd, IPC_LOCAL_DELIVERY,
	    IPC_DIRECTORY, &events, ld);
	if (ld->directory == NULL)
		return -1;
	ask_the_rest(ld);
	return 0;
}
