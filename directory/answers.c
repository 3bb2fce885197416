/*
 * The questions and their answers.  Every question is answered at once, in
 * the order in which they came; a peer that does not take its answers is not
 * read from until it does.
 */
#include <errno.h>
#include <time.h>

#include "common/clock/clock.h"
#include "common/ipc/directory.h"
#include "common/log/log.h"
#include "common/terminals/logins.h"
#include "directory/directory.h"

/* Back-pressure: with many answers waiting, no further questions. */
static int
answer(struct ipc_channel *ch, enum ipc_type type, uint64_t id,
    const void *body, size_t len)
{
	int result = len == 0 ? -1 :
	    ipc_send(ch, type, id, slice_of(body, len), NULL, 0);

	if (ipc_channel_full(ch))
		ipc_channel_pause(ch);
	return result;
}

static void
on_drained(void *ctx, struct ipc_channel *ch)
{
	(void)ctx;
	ipc_channel_resume(ch);
}

/* Channels come before the tables do, at the start. */
static bool
too_early(const struct directory *d)
{
	return d->ways.book.domains == NULL;
}

/* The directions, for a question of today. */
static const struct directions *
today(struct directory *d)
{
	d->ways.day = srs_day((int64_t)time(NULL));
	return &d->ways;
}

/* Is it the account's own address, that no alias stands for? */
struct sole {
	struct slice canonical;
	unsigned targets;
	bool itself;
};

static int
see_target(
    void *ctx, enum directory_verdict verdict, const struct directory_target *t)
{
	struct sole *s = ctx;

	(void)verdict;
	s->targets++;
	s->itself = s->targets == 1 && t->kind == DIRECTORY_TARGET_LOCAL &&
		    slice_equal_nocase(t->address, s->canonical);
	return s->itself ? 0 : -1;
}

/* Of a mailbox that is known to be full the client hears at RCPT. */
static void
refuse_full(struct directory *d, const struct directory_ask *ask,
    struct directory_resolved *a)
{
	struct sole sole = { .canonical = a->canonical };
	const struct directory_refusal *why;
	struct book_mailbox mailbox;

	if (a->verdict != DIRECTORY_LOCAL ||
	    book_mailbox(&d->ways.book, ask->address, &mailbox) != BOOK_LOCAL ||
	    (why = full_find(&d->full, mailbox.account, clock_ms())) == NULL)
		return;
	directions_expand(today(d), ask, see_target, &sole);
	if (!sole.itself)
		return;
	*a = (struct directory_resolved){ .verdict = DIRECTORY_REFUSED,
		.refusal = *why };
}

static int
on_full(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	struct directory_full f;

	(void)ch;
	if (directory_full_decode(m->body, &f) == -1)
		return -1;
	full_set(&d->full, &f, clock_ms());
	return 0;
}

static int
on_resolve(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	char canonical[BOOK_ADDRESS_SIZE];
	uint8_t body[DIRECTORY_BODY_MAX];
	struct directory_resolved a = { .verdict = DIRECTORY_TEMPFAIL };
	struct directory_ask ask;

	if (directory_ask_decode(m->body, &ask) == -1)
		return -1;
	if (!too_early(d))
		directions_resolve(today(d), &ask, canonical, &a);
	refuse_full(d, &ask, &a);
	return answer(ch, IPC_RESOLVED, m->id, body,
	    directory_resolved_encode(&a, body));
}

/* An answer to EXPAND on its way, in as many parts as it takes. */
struct reply {
	struct directory	*d;
	struct ipc_channel	*ch;
	uint64_t		 id;
	struct directory_part	 part;
	int			 result;
};

static int
send_part(struct reply *r, enum directory_verdict verdict, bool last)
{
	r->result = answer(r->ch, IPC_EXPANDED, r->id, r->d->expanded,
	    directory_part_end(&r->part, verdict, last));
	return r->result;
}

static int
add_target(void *ctx, enum directory_verdict verdict,
    const struct directory_target *t)
{
	struct reply *r = ctx;

	if (directory_part_add(&r->part, t))
		return 0;
	if (send_part(r, verdict, false) == -1)
		return -1;
	directory_part_begin(&r->part, r->d->expanded);
	directory_part_add(&r->part, t);
	return 0;
}

static int
on_expand(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	struct reply r = { .d = d, .ch = ch, .id = m->id };
	enum directory_verdict v = DIRECTORY_TEMPFAIL;
	struct directory_ask ask;

	if (directory_ask_decode(m->body, &ask) == -1)
		return -1;
	directory_part_begin(&r.part, d->expanded);
	if (!too_early(d)) {
		v = directions_expand(today(d), &ask, add_target, &r);
		if (v == DIRECTORY_TEMPFAIL)
			log_warning("expansion-refused",
			    LOG_STR("address", ask.address));
	}
	return r.result == -1 ? -1 : send_part(&r, v, true);
}

/* The first part, as far as a client is told. */
struct members {
	struct directory_part	part;
	bool			all;
};

static int
add_member(void *ctx, enum directory_verdict verdict,
    const struct directory_target *t)
{
	struct members *m = ctx;

	(void)verdict;
	/* What the host does with its mail is not a client's to know. */
	if (t->kind == DIRECTORY_TARGET_LOCAL &&
	    book_looks_like_program(t->address))
		return 0;
	m->all = m->part.count < DIRECTORY_MEMBERS_MAX &&
	    directory_part_add(&m->part, t);
	return m->all ? 0 : -1;
}

/* What is not ours has no members: nobody asks us where it would go. */
static int
on_members_of(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	struct directory_ask ask = { .reverse_path = slice_of("", 0) };
	enum directory_verdict v = DIRECTORY_TEMPFAIL;
	struct members members = { .all = true };

	if (directory_account_ask_decode(m->body, &ask.address) == -1)
		return -1;
	directory_part_begin(&members.part, d->expanded);
	if (!too_early(d))
		v = directions_expand(today(d), &ask, add_member, &members);
	return answer(ch, IPC_MEMBERS, m->id, d->expanded,
	    directory_part_end(&members.part, v, members.all));
}

/* One of the targets is a user of this host who is logged in. */
static bool
somebody_is_there(const struct directory *d, const struct book_expansion *x)
{
	const struct system_user *u;
	char name[LOGIN_TEXT];

	for (size_t i = 0; d->utmp != -1 && i < x->count; i++) {
		const struct account *a = &x->targets[i].account;

		if (x->targets[i].kind == BOOK_TARGET_MAILBOX &&
		    a->kind == ACCOUNT_SYSTEM && d->ways.book.system != NULL &&
		    (u = system_users_by_uid(d->ways.book.system,
		    a->number)) != NULL &&
		    slice_copy_str(u->name, name, sizeof(name)) == 0 &&
		    login_has(d->utmp, name))
			return true;
	}
	return false;
}

static int
on_terminal_ask(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	enum directory_terminal v = DIRECTORY_TERMINAL_LATER;
	struct book_expansion x;
	struct slice address;
	uint8_t body[16];

	if (directory_account_ask_decode(m->body, &address) == -1)
		return -1;
	if (!too_early(d)) {
		v = book_expand(&d->ways.book, address, &x) == BOOK_LOCAL &&
		    somebody_is_there(d, &x) ? DIRECTORY_TERMINAL_YES :
		    DIRECTORY_TERMINAL_NO;
		book_expansion_clear(&x);
	}
	return answer(ch, IPC_TERMINAL_IS, m->id, body,
	    directory_terminal_encode(v, body));
}

static int
on_account_of(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	uint8_t body[DIRECTORY_BODY_MAX];
	struct directory_account a = { 0 };
	struct book_mailbox mailbox;
	char program[ALIASES_PROGRAM_MAX + 1];
	enum book_verdict v = BOOK_LATER;
	struct slice address;

	if (directory_account_ask_decode(m->body, &address) == -1)
		return -1;
	if (!too_early(d) && book_program(&d->ways.book, address, program)) {
		mailbox.account = (struct account){ ACCOUNT_PROGRAMS, 0 };
		mailbox.detail[0] = '\0';
		v = BOOK_LOCAL;
	} else if (!too_early(d)) {
		v = book_mailbox(&d->ways.book, address, &mailbox);
	}
	a.verdict = v == BOOK_LOCAL ? DIRECTORY_LOCAL :
	    v == BOOK_UNKNOWN ? DIRECTORY_UNKNOWN :
	    v == BOOK_NO_RELAY ? DIRECTORY_NO_RELAY : DIRECTORY_TEMPFAIL;
	if (a.verdict == DIRECTORY_LOCAL) {
		a.account = mailbox.account;
		a.canonical = a.account.kind == ACCOUNT_PROGRAMS ? address :
		    slice_str(mailbox.canonical);
		a.detail = slice_str(mailbox.detail);
		tickets_issue(d->vouchers, clock_ms(), a.account,
		    (uint8_t)ipc_channel_peer(ch), &a.voucher);
	}
	return answer(ch, IPC_ACCOUNT_IS, m->id, body,
	    directory_account_encode(&a, body));
}

static int
on_sender_ask(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	uint8_t body[SENDER_BODY_MAX];
	struct account who;
	struct slice address;

	if (sender_ask_decode(m->body, &who, &address) == -1)
		return -1;
	return answer(ch, IPC_SENDER_IS, m->id, body, sender_verdict_encode(
	    too_early(d) ? SENDER_TEMPFAIL : sender_verdict(d, &who, address),
	    body));
}

/* The role in it is who presented the voucher to supervisor. */
int
answer_voucher(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	uint8_t body[START_BODY_MAX];
	struct start_account who = { 0 };
	struct account account;
	struct ticket voucher;
	uint8_t role;
	int good;

	if (start_redeem_decode(m->body, &voucher, &role) == -1)
		return -1;
	good = tickets_redeem(d->vouchers, clock_ms(), &voucher, role,
	    &account) == 0;
	if (good) {
		who.kind = (uint8_t)account.kind;
		who.number = account.number;
	} else
		log_warning("voucher-refused", LOG_CSTR("from",
		    ipc_role_name((enum ipc_role)role)));
	return ipc_send(ch, IPC_VOUCHER_ACCOUNT, m->id, slice_of(body,
	    start_account_encode(good, &who, body)), NULL, 0);
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct directory *d = ctx;

	if (d->queue == ch)
		d->queue = NULL;
}

/* Which of them a peer may send, the table of messages says. */
static const struct ipc_handler handlers[] = {
	{ IPC_RESOLVE, on_resolve },
	{ IPC_EXPAND, on_expand },
	{ IPC_MEMBERS_OF, on_members_of },
	{ IPC_ACCOUNT_OF, on_account_of },
	{ IPC_TERMINAL_ASK, on_terminal_ask },
	{ IPC_MAILBOX_FULL, on_full },
	{ IPC_SENDER_ASK, on_sender_ask },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
	.drained = on_drained,
};

int
answers_open(struct directory *d, enum ipc_role peer, int fd)
{
	struct ipc_channel *ch = ipc_channel_new(d->stage.base, fd,
	    IPC_DIRECTORY, peer, &events, d);

	if (ch == NULL) {
		log_error("cannot-open-channel", LOG_CSTR("peer",
		    ipc_role_name(peer)), LOG_ERRNO(errno));
		return -1;
	}
	if (peer == IPC_QUEUE_MANAGER)
		d->queue = ch;
	return 0;
}

void
answers_tables_new(struct directory *d)
{
	if (d->queue != NULL)
		ipc_send(d->queue, IPC_TABLES_NEW, 0, slice_of("", 0), NULL, 0);
}
