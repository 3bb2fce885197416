#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "directory/directory.h"

#define S(s) SLICE_LITERAL(s)

/* directory on one end, an asker of our choice on the other. */
struct desk {
	struct directory	*d;
	int			 fd;
	enum ipc_role		 role;
	uint8_t			 buf[IPC_BODY_MAX];
};

static void
give(struct tables *t, enum stage_table table, struct slice text)
{
	int fd = memfd_create("table", MFD_CLOEXEC);

	assert_int_equal(write(fd, text.at, text.len), text.len);
	tables_take(t, table, fd);
	close(fd);
}

static void
desk_open(struct desk *k, enum ipc_role role, struct slice aliases)
{
	static const struct tables_rules rules = { "x.example", '+', 0, 0,
		ALIASES_PROGRAMS_TABLE };
	unsigned changed;
	int ends[2];

	k->d = calloc(1, sizeof(*k->d));
	tables_init(&k->d->tables, STAGE_TABLE_BIT(STAGE_TABLE_DOMAINS));
	k->role = role;
	k->d->stage.base = event_base_new();
	k->d->vouchers = tickets_new(64);
	give(&k->d->tables, STAGE_TABLE_DOMAINS, S(""));
	give(&k->d->tables, STAGE_TABLE_USERS, S("alice@x.example 7\n"
	    "carol@x.example 8\n"));
	give(&k->d->tables, STAGE_TABLE_SYSTEM_USERS, S(""));
	give(&k->d->tables, STAGE_TABLE_ROUTES, S("no.example error 551 5.1.6 "
	    "moved\nfrom:y.example smart\n"));
	give(&k->d->tables, STAGE_TABLE_ALIASES, aliases);
	assert_int_equal(tables_commit(&k->d->tables, &rules, &changed), 0);
	k->d->ways.book = tables_book(&k->d->tables, &rules);
	k->d->ways.routes = k->d->tables.routes;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	k->fd = ends[1];
	assert_int_equal(answers_open(k->d, role, ends[0]), 0);
}

static void
desk_close(struct desk *k)
{
	close(k->fd);
	event_base_loop(k->d->stage.base, EVLOOP_NONBLOCK);
	tables_clear(&k->d->tables);
	tickets_free(k->d->vouchers);
	event_base_free(k->d->stage.base);
	free(k->d);
}

static void
ask(struct desk *k, enum ipc_type type, uint64_t id, struct slice address)
{
	struct directory_ask with_path = { address, S("sender@y.example"),
		false };
	uint8_t body[DIRECTORY_BODY_MAX];
	size_t len = type == IPC_ACCOUNT_OF ?
	    directory_account_ask_encode(address, body) :
	    directory_ask_encode(&with_path, body);

	assert_int_equal(ipc_send_blocking(k->fd, k->role, IPC_DIRECTORY,
	    type, id, slice_of(body, len), NULL, 0), 0);
	event_base_loop(k->d->stage.base, EVLOOP_NONBLOCK);
}

/* 1: a message; 0: directory has closed the channel. */
static int
receive(struct desk *k, struct ipc_message *m)
{
	return ipc_receive_blocking(k->fd, k->role, IPC_DIRECTORY, k->buf,
	    sizeof(k->buf), m);
}

static void
resolve(void **state)
{
	struct desk *k = calloc(1, sizeof(*k));
	struct directory_resolved a;
	struct ipc_message m;

	(void)state;
	desk_open(k, IPC_SMTPD, S("info: alice\n"));
	ask(k, IPC_RESOLVE, 17, S("INFO@X.example"));
	ask(k, IPC_RESOLVE, 18, S("info@elsewhere.example"));
	assert_int_equal(receive(k, &m), 1);
	assert_int_equal(m.rule->type, IPC_RESOLVED);
	assert_int_equal(m.id, 17);
	assert_int_equal(directory_resolved_decode(m.body, &a), 0);
	assert_int_equal(a.verdict, DIRECTORY_LOCAL);
	assert_true(slice_equal(a.canonical, S("info@x.example")));
	assert_int_equal(receive(k, &m), 1);
	assert_int_equal(m.id, 18);
	assert_int_equal(directory_resolved_decode(m.body, &a), 0);
	assert_int_equal(a.verdict, DIRECTORY_NO_RELAY);
	desk_close(k);
	free(k);
}

static void
expand_in_parts(void **state)
{
	enum { N = BOOK_EXPANSION_MAX };
	struct desk *k = calloc(1, sizeof(*k));
	char *text = malloc(N * 20), *at = text;
	struct directory_expanded e;
	struct ipc_message m;
	struct directory_target t;
	unsigned found = 0, parts = 0;

	(void)state;
	at += sprintf(at, "all:");
	for (unsigned i = 0; i < N; i++)
		at += sprintf(at, " alice+%u,\n", i);
	desk_open(k, IPC_QUEUE_MANAGER, slice_of(text, (size_t)(at - text)));
	ask(k, IPC_EXPAND, 5, S("all"));
	do {
		event_base_loop(k->d->stage.base, EVLOOP_NONBLOCK);
		assert_int_equal(receive(k, &m), 1);
		assert_int_equal(m.id, 5);
		assert_int_equal(directory_expanded_decode(m.body, &e), 0);
		assert_int_equal(e.verdict, DIRECTORY_LOCAL);
		while (directory_expanded_next(&e, &t)) {
			char want[40];

			snprintf(want, sizeof(want), "alice+%u@x.example",
			    found++);
			assert_true(slice_equal(t.address, slice_str(want)));
			assert_int_equal(t.kind, DIRECTORY_TARGET_LOCAL);
			assert_int_equal(t.reverse_path.len, 0);
		}
		parts++;
	} while (!e.last);
	assert_int_equal(found, N);
	assert_true(parts > 10);
	ask(k, IPC_EXPAND, 6, S("nobody"));
	assert_int_equal(receive(k, &m), 1);
	assert_int_equal(directory_expanded_decode(m.body, &e), 0);
	assert_int_equal(e.verdict, DIRECTORY_UNKNOWN);
	ask(k, IPC_EXPAND, 7, S("Bob@Elsewhere.Example"));
	assert_int_equal(receive(k, &m), 1);
	assert_int_equal(directory_expanded_decode(m.body, &e), 0);
	assert_int_equal(e.verdict, DIRECTORY_NO_RELAY);
	assert_true(directory_expanded_next(&e, &t));
	assert_int_equal(t.kind, DIRECTORY_TARGET_RELAY);
	assert_true(slice_equal(t.address, S("Bob@Elsewhere.Example")));
	assert_true(slice_equal(t.domain, S("elsewhere.example")));
	assert_true(slice_equal(t.route, S("smart")));	/* by reverse-path */
	desk_close(k);
	free(text);
	free(k);
}

/* Redeem as supervisor would, on a channel of its own. */
static bool
redeem(struct desk *k, const struct ticket *voucher, enum ipc_role presenter,
    struct start_account *who)
{
	static const struct ipc_handler handlers[] = {
		{ IPC_VOUCHER_REDEEM, answer_voucher },
	};
	static const struct ipc_events events = { .handlers = handlers,
		.count = 1 };
	uint8_t body[START_BODY_MAX], buf[64];
	struct ipc_channel *ch;
	struct ipc_message m;
	int ends[2], good = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	ch = ipc_channel_new(k->d->stage.base, ends[0], IPC_DIRECTORY,
	    IPC_SUPERVISOR, &events, k->d);
	assert_int_equal(ipc_send_blocking(ends[1], IPC_SUPERVISOR,
	    IPC_DIRECTORY, IPC_VOUCHER_REDEEM, 9, slice_of(body,
	    start_redeem_encode(voucher, (uint8_t)presenter, body)), NULL, 0),
	    0);
	event_base_loop(k->d->stage.base, EVLOOP_NONBLOCK);
	assert_int_equal(ipc_receive_blocking(ends[1], IPC_SUPERVISOR,
	    IPC_DIRECTORY, buf, sizeof(buf), &m), 1);
	assert_int_equal(m.id, 9);
	assert_int_equal(start_account_decode(m.body, &good, who), 0);
	ipc_channel_free(ch);
	close(ends[1]);
	return good;
}

static void
voucher_once(void **state)
{
	struct desk *k = calloc(1, sizeof(*k));
	struct start_account who;
	struct directory_account a;
	struct ticket voucher;
	struct ipc_message m;

	(void)state;
	desk_open(k, IPC_LOCAL_DELIVERY, S("bob: alice\n"));
	ask(k, IPC_ACCOUNT_OF, 1, S("Alice+Box@x.example"));
	assert_int_equal(receive(k, &m), 1);
	assert_int_equal(directory_account_decode(m.body, &a), 0);
	assert_int_equal(a.verdict, DIRECTORY_LOCAL);
	assert_int_equal(a.account.number, 7);
	assert_true(slice_equal(a.canonical, S("alice@x.example")));
	assert_true(slice_equal(a.detail, S("Box")));
	voucher = a.voucher;
	assert_true(redeem(k, &voucher, IPC_LOCAL_DELIVERY, &who));
	assert_int_equal(who.kind, ACCOUNT_VIRTUAL);
	assert_int_equal(who.number, 7);
	assert_false(redeem(k, &voucher, IPC_LOCAL_DELIVERY, &who));
	/* An alias is nobody's mailbox. */
	ask(k, IPC_ACCOUNT_OF, 2, S("bob@x.example"));
	assert_int_equal(receive(k, &m), 1);
	assert_int_equal(directory_account_decode(m.body, &a), 0);
	assert_int_equal(a.verdict, DIRECTORY_UNKNOWN);
	desk_close(k);
	free(k);
}

/* A peer that is quicker than the tables: later, and no guess. */
static void
too_early(void **state)
{
	static const struct {
		enum ipc_role	role;
		enum ipc_type	type;
	} cases[] = {
		{ IPC_SMTPD, IPC_RESOLVE },
		{ IPC_QUEUE_MANAGER, IPC_EXPAND },
		{ IPC_LOCAL_DELIVERY, IPC_ACCOUNT_OF },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct desk *k = calloc(1, sizeof(*k));
		struct ipc_message m;

		desk_open(k, cases[i].role, S(""));
		k->d->ways.book = (struct book){ 0 };
		ask(k, cases[i].type, 1, S("alice@x.example"));
		assert_int_equal(receive(k, &m), 1);
		assert_int_equal(m.body.at[0], DIRECTORY_TEMPFAIL);
		desk_close(k);
		free(k);
	}
}

/* What a peer may not say, or says malformed, ends its channel alone. */
static void
hostile_peer(void **state)
{
	static const struct {
		enum ipc_role	role;
		enum ipc_type	type;
		struct slice	body;
	} cases[] = {
		{ IPC_SMTPD, IPC_RESOLVE, S("") },
		{ IPC_SMTPD, IPC_RESOLVE, S("\xff\xff\xff\xff" "a") },
		{ IPC_SMTPD, IPC_RESOLVE, S("\1\0\0\0a\0\0\0\0" "b") },
		{ IPC_SMTPD, IPC_RESOLVE, S("\1\0\0\0\n\0\0\0\0") },
		{ IPC_SMTPD, IPC_RESOLVE, S("\0\0\0\0\0\0\0\0") },
		{ IPC_QUEUE_MANAGER, IPC_EXPAND, S("\2\0\0\0a") },
		{ IPC_LOCAL_DELIVERY, IPC_ACCOUNT_OF, S("\2\0\0") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct desk *k = calloc(1, sizeof(*k));
		struct ipc_message m;

		desk_open(k, cases[i].role, S(""));
		assert_int_equal(ipc_send_blocking(k->fd, k->role,
		    IPC_DIRECTORY, cases[i].type, 1, cases[i].body, NULL, 0),
		    0);
		event_base_loop(k->d->stage.base, EVLOOP_NONBLOCK);
		assert_int_equal(receive(k, &m), 0);
		desk_close(k);
		free(k);
	}
}

static void
senders(void **state)
{
	static const struct {
		uint32_t		 number;
		struct slice		 address;
		enum sender_verdict	 want;
	} rows[] = {
		{ 7, S("alice@x.example"), SENDER_OWN },
		{ 7, S("ALICE@X.example"), SENDER_OWN },
		{ 7, S("\"alice\"@x.example"), SENDER_OWN },
		{ 7, S("info@x.example"), SENDER_OWN },
		{ 7, S("both@x.example"), SENDER_OWN },
		{ 8, S("both@x.example"), SENDER_OWN },
		{ 8, S("info@x.example"), SENDER_FOREIGN },
		{ 8, S("alice@x.example"), SENDER_FOREIGN },
		{ 7, S("nobody@x.example"), SENDER_FOREIGN },
		{ 7, S("alice@elsewhere.example"), SENDER_FOREIGN },
		{ 7, S("alice"), SENDER_OWN },
		{ 9, S("alice@x.example"), SENDER_FOREIGN },
	};
	struct desk *k = calloc(1, sizeof(*k));

	(void)state;
	desk_open(k, IPC_SUBMIT, S("info: alice\nboth: alice, carol\n"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct account who = { ACCOUNT_VIRTUAL, rows[i].number };
		uint8_t body[SENDER_BODY_MAX];
		enum sender_verdict v;
		struct ipc_message m;

		assert_int_equal(ipc_send_blocking(k->fd, k->role,
		    IPC_DIRECTORY, IPC_SENDER_ASK, i, slice_of(body,
		    sender_ask_encode(&who, rows[i].address, body)), NULL, 0),
		    0);
		event_base_loop(k->d->stage.base, EVLOOP_NONBLOCK);
		assert_int_equal(receive(k, &m), 1);
		assert_int_equal(m.rule->type, IPC_SENDER_IS);
		assert_int_equal(m.id, i);
		assert_int_equal(sender_verdict_decode(m.body, &v), 0);
		assert_int_equal(v, rows[i].want);
	}
	desk_close(k);
	free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senders),
		cmocka_unit_test(resolve),
		cmocka_unit_test(expand_in_parts),
		cmocka_unit_test(voucher_once),
		cmocka_unit_test(too_early),
		cmocka_unit_test(hostile_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
