/*
 * The questions and their answers.  Every question is answered at once, in
 * the order in which they came; a peer that does not take its answers is not
 * read from until it does.
 */
#include <errno.h>

#include "common/clock/clock.h"
#include "common/ipc/directory.h"
#include "common/log/log.h"
#include "directory/directory.h"

static enum directory_verdict
verdict_of(enum book_verdict v)
{
	switch (v) {
	case BOOK_LOCAL:
		return DIRECTORY_LOCAL;
	case BOOK_UNKNOWN:
		return DIRECTORY_UNKNOWN;
	case BOOK_NO_RELAY:
		return DIRECTORY_NO_RELAY;
	case BOOK_TOO_MUCH:
		break;
	}
	return DIRECTORY_TEMPFAIL;
}

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
	return d->book.domains == NULL;
}

static int
on_resolve(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	char canonical[BOOK_ADDRESS_SIZE];
	uint8_t body[DIRECTORY_BODY_MAX];
	struct directory_resolved a = { .canonical = SLICE_LITERAL("") };
	struct directory_ask ask;

	if (directory_ask_decode(m->body, &ask) == -1)
		return -1;
	a.verdict = too_early(d) ? DIRECTORY_TEMPFAIL :
	    verdict_of(book_resolve(&d->book, ask.address, canonical));
	if (a.verdict == DIRECTORY_LOCAL)
		a.canonical = slice_str(canonical);
	return answer(ch, IPC_RESOLVED, m->id, body,
	    directory_resolved_encode(&a, body));
}

/* In as many parts as it takes, the last one marked. */
static int
send_expansion(struct directory *d, struct ipc_channel *ch, uint64_t id,
    const struct book_expansion *x)
{
	uint8_t *body = d->expanded;
	struct directory_target t = { .kind = DIRECTORY_TARGET_LOCAL };
	struct directory_part part;
	const char *p = NULL;

	directory_part_begin(&part, body);
	while ((p = book_expansion_next(x, p)) != NULL) {
		t.address = slice_str(p);
		if (directory_part_add(&part, &t))
			continue;
		if (answer(ch, IPC_EXPANDED, id, body, directory_part_end(
		    &part, DIRECTORY_LOCAL, false)) == -1)
			return -1;
		directory_part_begin(&part, body);
		directory_part_add(&part, &t);
	}
	return answer(ch, IPC_EXPANDED, id, body, directory_part_end(&part,
	    DIRECTORY_LOCAL, true));
}

/* Not ours: where it would go, for one who may relay. */
static void
add_foreign(struct directory_part *part, struct slice address)
{
	char local[USERNAME_UNQUOTED_SIZE], domain[DIRECTORY_DOMAIN_MAX];
	struct directory_target t = { .kind = DIRECTORY_TARGET_RELAY,
		.address = address };
	struct username name;

	if (address_parts(address, local, &name) != PARSE_OK ||
	    name.domain.len > sizeof(domain))
		return;
	t.domain = slice_lower(name.domain, domain);
	directory_part_add(part, &t);
}

static int
on_expand(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	struct directory_part part;
	struct book_expansion x = { 0 };
	enum book_verdict v = BOOK_TOO_MUCH;
	struct directory_ask ask;
	int result;

	if (directory_ask_decode(m->body, &ask) == -1)
		return -1;
	if (!too_early(d))
		v = book_expand(&d->book, ask.address, &x);
	if (v == BOOK_LOCAL)
		result = send_expansion(d, ch, m->id, &x);
	else {
		directory_part_begin(&part, d->expanded);
		if (v == BOOK_NO_RELAY)
			add_foreign(&part, ask.address);
		result = answer(ch, IPC_EXPANDED, m->id, d->expanded,
		    directory_part_end(&part, verdict_of(v), true));
	}
	if (v == BOOK_TOO_MUCH && !too_early(d))
		log_warning("expansion-refused",
		    LOG_STR("address", ask.address));
	book_expansion_clear(&x);
	return result;
}

static int
on_account_of(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct directory *d = ctx;
	uint8_t body[DIRECTORY_BODY_MAX];
	struct directory_account a = { 0 };
	struct book_mailbox mailbox;
	struct slice address;

	if (directory_account_ask_decode(m->body, &address) == -1)
		return -1;
	a.verdict = too_early(d) ? DIRECTORY_TEMPFAIL :
	    verdict_of(book_mailbox(&d->book, address, &mailbox));
	if (a.verdict == DIRECTORY_LOCAL) {
		a.account = mailbox.account;
		a.canonical = slice_str(mailbox.canonical);
		a.detail = slice_str(mailbox.detail);
		tickets_issue(d->vouchers, clock_ms(), a.account,
		    (uint8_t)ipc_channel_peer(ch), &a.voucher);
	}
	return answer(ch, IPC_ACCOUNT_IS, m->id, body,
	    directory_account_encode(&a, body));
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
	(void)ctx;
	(void)ch;
}

/* Which of them a peer may send, the table of messages says. */
static const struct ipc_handler handlers[] = {
	{ IPC_RESOLVE, on_resolve },
	{ IPC_EXPAND, on_expand },
	{ IPC_ACCOUNT_OF, on_account_of },
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
	if (ipc_channel_new(d->stage.base, fd, IPC_DIRECTORY, peer, &events,
	    d) != NULL)
		return 0;
	log_error("cannot-open-channel", LOG_CSTR("peer",
	    ipc_role_name(peer)), LOG_ERRNO(errno));
	return -1;
}
