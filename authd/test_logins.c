#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "authd/authd.h"
#include "authd/verifier/verify.h"
#include "common/clock/clock.h"
#include "common/sasl/scram_client.h"

#define S(s) SLICE_LITERAL(s)

/* crypt(3) of "secret", cheap: bcrypt with the least cost. */
#define HASH "$2b$05$......................35w9tBXOiWEqF4YNx8Fn9rPUbxS7RTu"
#define HASH2 "$2b$05$......................35w9tBXOiWEqF4YNx8Fn9rPUbxS7RTv"

/*
 * authd with everybody around it played by the test: a gate, supervisor, and
 * a verifier that is the real one, in this process.
 */
struct play {
	struct authd		 a;
	int			 gate, supervisor;
	struct ipc_channel	*verifier;	/* NULL: none */
	unsigned		 offer;		/* the last gate's */
	uint8_t			 buf[IPC_BODY_MAX];
};

static const struct ipc_handler verifier_handlers[] = {
	{ IPC_VERIFY, verify_handle },
};
static const struct ipc_handler supervisor_handlers[] = {
	{ IPC_TICKET_REDEEM, logins_redeem },
	{ IPC_PAM_STARTED, helpers_started },
	{ IPC_PAM_REFUSED, helpers_refused },
};

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	(void)ctx;
	(void)ch;
}

static const struct ipc_events verifier_events = { verifier_handlers, 1,
	on_closed, NULL, NULL };
static const struct ipc_events supervisor_events = { supervisor_handlers, 3,
	on_closed, NULL, NULL };

static void
give(struct tables *t, enum stage_table table, struct slice text)
{
	int fd = memfd_create("table", MFD_CLOEXEC);

	assert_int_equal(write(fd, text.at, text.len), text.len);
	tables_take(t, table, fd);
	close(fd);
}

#define DIGITS "000102030405060708090a0b0c0d0e0f"
static const struct slice secret_file =
    SLICE_LITERAL("%version 1\n" DIGITS DIGITS "\n");

static void
tables(struct play *p, struct slice users, struct slice passwords)
{
	static const struct tables_rules rules = { "x.example", '\0', 1000,
		2000, ALIASES_PROGRAMS_NONE };
	unsigned changed;

	give(&p->a.tables, STAGE_TABLE_DOMAINS, S(""));
	give(&p->a.tables, STAGE_TABLE_USERS, users);
	give(&p->a.tables, STAGE_TABLE_PASSWORDS, passwords);
	give(&p->a.tables, STAGE_TABLE_SYSTEM_USERS,
	    S("sys:x:1000:1000::/h:/s\n"));
	give(&p->a.tables, STAGE_TABLE_SCRAM_SECRET, secret_file);
	assert_int_equal(tables_commit(&p->a.tables, &rules, &changed), 0);
	p->a.book = tables_book(&p->a.tables, &rules);
}

static void
add_verifier(struct play *p)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	p->verifier = ipc_channel_new(p->a.stage.base, ends[1],
	    IPC_AUTHD_VERIFIER, IPC_AUTHD, &verifier_events, p);
	assert_int_equal(verifiers_open(&p->a, 0, ends[0]), 0);
}

static void
turn(struct play *p)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(p->a.stage.base, EVLOOP_NONBLOCK);
}

/* What authd says first of all. */
static unsigned
offer_of(struct play *p, int gate, enum ipc_role role)
{
	struct ipc_message m;
	unsigned set = ~0u;

	turn(p);
	assert_int_equal(ipc_receive_blocking(gate, role, IPC_AUTHD, p->buf,
	    sizeof(p->buf), &m), 1);
	assert_int_equal(m.rule->type, IPC_LOGIN_OFFER);
	assert_int_equal(auth_offer_decode(m.body, &set), 0);
	return set;
}

static int
add_gate(struct play *p, enum ipc_role role)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(logins_open_gate(&p->a, ends[0], role), 0);
	p->offer = offer_of(p, ends[1], role);
	return ends[1];
}

static struct play *
play_open(const char *settings)
{
	struct settings_errors errors = { 0 };
	struct play *p = calloc(1, sizeof(*p));
	int ends[2];

	assert_int_equal(authd_init(&p->a), 0);
	p->a.stage.base = event_base_new();
	p->a.own = settings_parse(&authd_schema, slice_str(settings), &errors);
	if (p->a.own == NULL)
		fail_msg("%s", errors.at[0]);
	tables(p, S("alice@x.example 7\nbob@x.example 8\n"),
	    S("7 " HASH "\n"));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	p->a.stage.supervisor = ipc_channel_new(p->a.stage.base, ends[0],
	    IPC_AUTHD, IPC_SUPERVISOR, &supervisor_events, &p->a);
	p->supervisor = ends[1];
	p->gate = add_gate(p, IPC_IMAPD);
	add_verifier(p);
	return p;
}

static void
play_close(struct play *p)
{
	close(p->gate);
	close(p->supervisor);
	ipc_channel_free(p->verifier);
	turn(p);
	assert_true(TAILQ_EMPTY(&p->a.gates));
	assert_true(TAILQ_EMPTY(&p->a.verifiers));
	/* Nothing of a login stays behind. */
	assert_true(TAILQ_EMPTY(&p->a.logins));
	authd_clear(&p->a);
	event_base_free(p->a.stage.base);
	free(p);
}

static const struct auth_client home = { { [10] = 0xff, 0xff, 192, 0, 2, 7 } };

static void
login_from(struct play *p, int gate, enum ipc_role role, uint64_t id,
    struct slice name, struct slice password, struct auth_client client)
{
	struct auth_login in = { S("s1"), client, AUTH_ALL_ACCOUNTS, name,
		password };
	uint8_t body[AUTH_BODY_MAX];
	size_t len = auth_login_encode(&in, body);

	assert_int_not_equal(len, 0);
	assert_int_equal(ipc_send_blocking(gate, role, IPC_AUTHD, IPC_LOGIN,
	    id, slice_of(body, len), NULL, 0), 0);
	turn(p);
}

static void
login(struct play *p, uint64_t id, struct slice name, struct slice password)
{
	login_from(p, p->gate, IPC_IMAPD, id, name, password, home);
}

/* Is there something for us within ms?  0: no. */
static int
answered(struct play *p, int fd, enum ipc_role role, unsigned ms,
    struct ipc_message *m)
{
	uint64_t end = clock_ms() + ms;
	char c;

	for (;;) {
		turn(p);
		if (recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
			return ipc_receive_blocking(fd, role, IPC_AUTHD,
			    p->buf, sizeof(p->buf), m);
		if (clock_ms() >= end)
			return 0;
		usleep(1000);
	}
}

static enum ipc_type
answer_to(struct play *p, uint64_t id, unsigned ms)
{
	struct ipc_message m;

	if (answered(p, p->gate, IPC_IMAPD, ms, &m) != 1)
		return 0;
	assert_int_equal(m.id, id);
	return m.rule->type;
}

static bool
redeem(struct play *p, const struct ticket *t, enum ipc_role role,
    struct start_account *who)
{
	uint8_t body[START_BODY_MAX];
	struct ipc_message m;
	int good = 0;

	assert_int_equal(ipc_send_blocking(p->supervisor, IPC_SUPERVISOR,
	    IPC_AUTHD, IPC_TICKET_REDEEM, 3, slice_of(body,
	    start_redeem_encode(t, (uint8_t)role, body)), NULL, 0), 0);
	assert_int_equal(answered(p, p->supervisor, IPC_SUPERVISOR, 1000, &m),
	    1);
	assert_int_equal(m.rule->type, IPC_TICKET_ACCOUNT);
	assert_int_equal(start_account_decode(m.body, &good, who), 0);
	return good;
}

static void
ticket_for_the_right_password(void **state)
{
	struct play *p = play_open("");
	struct start_account who;
	struct ipc_message m;
	struct ticket ticket;
	struct slice name;

	(void)state;
	login(p, 41, S("Alice@X.example"), S("secret"));
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 1000, &m), 1);
	assert_int_equal(m.rule->type, IPC_LOGIN_TICKET);
	assert_int_equal(m.id, 41);
	assert_int_equal(auth_ticket_decode(m.body, &ticket, &name), 0);
	assert_true(slice_equal(name, S("alice@x.example")));
	assert_true(redeem(p, &ticket, IPC_IMAPD, &who));
	assert_int_equal(who.kind, ACCOUNT_VIRTUAL);
	assert_int_equal(who.number, 7);
	assert_false(redeem(p, &ticket, IPC_IMAPD, &who));
	/* A name without a domain means the default one. */
	login(p, 42, S("alice"), S("secret"));
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 1000, &m), 1);
	assert_int_equal(auth_ticket_decode(m.body, &ticket, &name), 0);
	/* Bound to the service that it was asked for. */
	assert_false(redeem(p, &ticket, IPC_POP3D, &who));
	assert_false(redeem(p, &ticket, IPC_IMAPD, &who));
	play_close(p);
}

static void
refused(void **state)
{
	static char long_password[AUTH_PASSWORD_MAX];
	static const struct {
		struct slice	name, password;
	} cases[] = {
		{ S("alice@x.example"), S("Secret") },
		{ S("alice@x.example"), S("secret ") },
		{ S("alice@x.example"), S("") },
		{ S("alice@x.example"), S("secret\0") },
		{ S("alice@x.example"), S("secret\0x") },
		{ S("bob@x.example"), S("secret") },	/* has no password */
		{ S("bob@x.example"), S("") },
		{ S("nobody@x.example"), S("secret") },
		{ S("alice@elsewhere.example"), S("secret") },
		{ S("alice+x@x.example"), S("secret") },
		{ S("root"), S("secret") },
		{ S("postmaster@x.example"), S("secret") },
		{ S(""), S("secret") },
		{ S("alice@x.example\0"), S("secret") },
		{ S("alice\n@x.example"), S("secret") },
		{ S("../alice@x.example"), S("secret") },
		{ S("alice@x.example"), { long_password, 1024 } },
	};

	(void)state;
	memset(long_password, 'a', sizeof(long_password));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct play *p = play_open("failure_delay = 0\n");
		enum auth_refusal why;
		struct ipc_message m;

		login(p, i, cases[i].name, cases[i].password);
		if (answered(p, p->gate, IPC_IMAPD, 1000, &m) != 1 ||
		    m.rule->type != IPC_LOGIN_REFUSED)
			fail_msg("case %zu was not refused", i);
		assert_int_equal(m.id, i);
		assert_int_equal(auth_refusal_decode(m.body, &why), 0);
		if (why != AUTH_DENIED)
			fail_msg("case %zu: %d", i, why);
		play_close(p);
	}
}

/* Nobody's name costs the same work, also while the table is empty. */
static void
work_for_nobody(void **state)
{
	struct play *p = play_open("failure_delay = 0\n");
	struct ipc_message m;
	enum auth_refusal why;

	(void)state;
	ipc_channel_free(p->verifier);
	p->verifier = NULL;
	turn(p);
	login(p, 1, S("nobody@x.example"), S("secret"));
	login(p, 2, S("alice@x.example"), S("wrong"));
	/* Neither is refused without a verifier's work. */
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 50, &m), 0);
	add_verifier(p);
	assert_int_equal(answer_to(p, 1, 1000), IPC_LOGIN_REFUSED);
	assert_int_equal(answer_to(p, 2, 1000), IPC_LOGIN_REFUSED);
	tables(p, S(""), S(""));
	login(p, 3, S("nobody@x.example"), S("secret"));
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 5000, &m), 1);
	assert_int_equal(auth_refusal_decode(m.body, &why), 0);
	assert_int_equal(why, AUTH_DENIED);
	play_close(p);
}

/* A refusal takes its time; who is right meanwhile, elsewhere, does not. */
static void
failures_wait(void **state)
{
	struct play *p = play_open("failure_delay = 2s\n");
	struct auth_client away = home;
	enum ipc_type types[5] = { 0 };
	uint64_t start = clock_ms();
	struct ipc_message m;
	int pop3 = add_gate(p, IPC_POP3D);
	char c;

	(void)state;
	away.octets[15]++;
	login(p, 1, S("alice@x.example"), S("wrong"));
	login(p, 2, S("nobody@x.example"), S("wrong"));
	login_from(p, pop3, IPC_POP3D, 3, S("alice@x.example"), S("secret"),
	    away);
	assert_int_equal(answered(p, pop3, IPC_POP3D, 5000, &m), 1);
	assert_int_equal(m.rule->type, IPC_LOGIN_TICKET);
	/* Its answer is there while those at home still wait. */
	assert_int_equal(recv(p->gate, &c, 1, MSG_PEEK | MSG_DONTWAIT), -1);
	/* From home, it waits behind its own failure. */
	login(p, 4, S("alice@x.example"), S("secret"));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(answered(p, p->gate, IPC_IMAPD, 8000, &m), 1);
		assert_true(clock_ms() - start >= 1950);
		types[m.id] = m.rule->type;
	}
	assert_int_equal(types[1], IPC_LOGIN_REFUSED);
	assert_int_equal(types[2], IPC_LOGIN_REFUSED);
	assert_int_equal(types[4], IPC_LOGIN_TICKET);
	close(pop3);
	play_close(p);
}

static void
cancelled_counts(void **state)
{
	struct play *p = play_open("failure_delay = 1s\n");
	uint64_t start = clock_ms();
	struct ipc_message m;

	(void)state;
	login(p, 1, S("alice@x.example"), S("wrong"));
	assert_int_equal(ipc_send_blocking(p->gate, IPC_IMAPD, IPC_AUTHD,
	    IPC_LOGIN_CANCEL, 1, S(""), NULL, 0), 0);
	/* One that never was, or is answered already: no harm. */
	assert_int_equal(ipc_send_blocking(p->gate, IPC_IMAPD, IPC_AUTHD,
	    IPC_LOGIN_CANCEL, 99, S(""), NULL, 0), 0);
	turn(p);
	login(p, 2, S("alice@x.example"), S("secret"));
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 3000, &m), 1);
	assert_int_equal(m.id, 2);
	assert_int_equal(m.rule->type, IPC_LOGIN_TICKET);
	assert_true(clock_ms() - start >= 950);
	play_close(p);
}

static void
gate_goes_away(void **state)
{
	struct play *p = play_open("failure_delay = 1s\n");
	uint64_t start;

	(void)state;
	ipc_channel_free(p->verifier);
	p->verifier = NULL;
	turn(p);
	login(p, 1, S("alice@x.example"), S("wrong"));	/* waits in a queue */
	close(p->gate);
	turn(p);
	assert_false(TAILQ_EMPTY(&p->a.logins));	/* it counts */
	start = clock_ms();
	add_verifier(p);
	turn(p);
	assert_true(TAILQ_EMPTY(&p->a.logins));
	p->gate = add_gate(p, IPC_IMAPD);
	login(p, 2, S("alice@x.example"), S("secret"));
	assert_int_equal(answer_to(p, 2, 3000), IPC_LOGIN_TICKET);
	assert_true(clock_ms() - start >= 950);	/* was made to wait */
	play_close(p);
}

static void
verifier_dies(void **state)
{
	struct play *p = play_open("");
	enum auth_refusal why;
	struct ipc_message m;

	(void)state;
	ipc_channel_pause(p->verifier);
	login(p, 1, S("alice@x.example"), S("secret"));
	ipc_channel_free(p->verifier);
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 1000, &m), 1);
	assert_int_equal(m.rule->type, IPC_LOGIN_REFUSED);
	assert_int_equal(auth_refusal_decode(m.body, &why), 0);
	assert_int_equal(why, AUTH_UNAVAILABLE);
	add_verifier(p);
	login(p, 2, S("alice@x.example"), S("secret"));
	assert_int_equal(answer_to(p, 2, 1000), IPC_LOGIN_TICKET);
	play_close(p);
}

/* More at once than is allowed: a clear answer, not memory. */
static void
bounded(void **state)
{
	struct play *p = play_open("logins_max = 5\n");
	struct ipc_message m;
	enum auth_refusal why;

	(void)state;
	ipc_channel_pause(p->verifier);
	for (uint64_t id = 1; id <= 5; id++)
		login(p, id, S("alice@x.example"), S("secret"));
	login(p, 6, S("alice@x.example"), S("secret"));
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 1000, &m), 1);
	assert_int_equal(m.id, 6);
	assert_int_equal(auth_refusal_decode(m.body, &why), 0);
	assert_int_equal(why, AUTH_UNAVAILABLE);
	ipc_channel_resume(p->verifier);
	for (uint64_t id = 1; id <= 5; id++)
		assert_int_equal(answer_to(p, id, 2000), IPC_LOGIN_TICKET);
	play_close(p);
}

/* authd asks for a helper; we play supervisor, and then the helper. */
static int
helper_for(struct play *p)
{
	struct ipc_message m;
	int ends[2];

	assert_int_equal(answered(p, p->supervisor, IPC_SUPERVISOR, 1000, &m),
	    1);
	assert_int_equal(m.rule->type, IPC_PAM_START);
	assert_int_equal(m.body.len, 0);	/* no name, no password */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(ipc_send_blocking(p->supervisor, IPC_SUPERVISOR,
	    IPC_AUTHD, IPC_PAM_STARTED, m.id, S(""), &ends[0], 1), 0);
	close(ends[0]);
	turn(p);
	return ends[1];
}

static void
pam_says(struct play *p, int helper, enum pam_verdict verdict)
{
	struct auth_pam_attempt attempt;
	struct ipc_message m;
	uint8_t body[16];

	assert_int_equal(answered(p, helper, IPC_AUTHD_PAM, 1000, &m), 1);
	assert_int_equal(m.rule->type, IPC_PAM_ATTEMPT);
	assert_int_equal(auth_pam_attempt_decode(m.body, &attempt), 0);
	assert_true(slice_equal(attempt.name, S("sys")));
	assert_true(slice_equal(attempt.password, S("pw")));
	assert_int_equal(ipc_send_blocking(helper, IPC_AUTHD_PAM, IPC_AUTHD,
	    IPC_PAM_VERDICT, m.id, slice_of(body, auth_pam_verdict_encode(
	    verdict, body)), NULL, 0), 0);
	turn(p);
	close(helper);
}

static void
system_user_by_pam(void **state)
{
	struct play *p = play_open("failure_delay = 0\n");
	struct start_account who;
	enum auth_refusal why;
	struct ipc_message m;
	struct ticket ticket;
	struct slice name;

	(void)state;
	login(p, 1, S("SYS"), S("pw"));
	pam_says(p, helper_for(p), PAM_VERDICT_GOOD);
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 1000, &m), 1);
	assert_int_equal(auth_ticket_decode(m.body, &ticket, &name), 0);
	assert_true(redeem(p, &ticket, IPC_IMAPD, &who));
	assert_int_equal(who.kind, ACCOUNT_SYSTEM);
	assert_int_equal(who.number, 1000);
	login(p, 2, S("sys@x.example"), S("pw"));
	pam_says(p, helper_for(p), PAM_VERDICT_DENIED);
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 1000, &m), 1);
	assert_int_equal(auth_refusal_decode(m.body, &why), 0);
	assert_int_equal(why, AUTH_DENIED);
	login(p, 3, S("sys"), S("pw"));
	pam_says(p, helper_for(p), PAM_VERDICT_UNAVAILABLE);
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 1000, &m), 1);
	assert_int_equal(auth_refusal_decode(m.body, &why), 0);
	assert_int_equal(why, AUTH_UNAVAILABLE);
	/* The helper dies, or lies in a way that is none. */
	login(p, 4, S("sys"), S("pw"));
	close(helper_for(p));
	assert_int_equal(answer_to(p, 4, 1000), IPC_LOGIN_REFUSED);
	assert_int_equal(p->a.helpers, 0);
	play_close(p);
}

/* An empty password never reaches PAM; nor anything while it is off. */
static void
pam_is_not_asked(void **state)
{
	struct play *p = play_open("failure_delay = 0\n");
	struct ipc_message m;

	(void)state;
	login(p, 1, S("sys"), S(""));
	assert_int_equal(answer_to(p, 1, 1000), IPC_LOGIN_REFUSED);
	login(p, 2, S("sys"), S("p\0w"));
	assert_int_equal(answer_to(p, 2, 1000), IPC_LOGIN_REFUSED);
	assert_int_equal(answered(p, p->supervisor, IPC_SUPERVISOR, 20, &m),
	    0);
	play_close(p);
	p = play_open("failure_delay = 0\npam = no\n");
	login(p, 3, S("sys"), S("pw"));
	assert_int_equal(answer_to(p, 3, 1000), IPC_LOGIN_REFUSED);
	assert_int_equal(answered(p, p->supervisor, IPC_SUPERVISOR, 20, &m),
	    0);
	play_close(p);
}

/* While PAM thinks, others log in; and only so many helpers run. */
static void
pam_blocks_nobody(void **state)
{
	struct play *p = play_open("pam_parallel = 2\n");
	struct ipc_message m;
	int helpers[2], third;

	(void)state;
	for (uint64_t id = 1; id <= 3; id++)
		login(p, id, S("sys"), S("pw"));
	helpers[0] = helper_for(p);
	helpers[1] = helper_for(p);
	assert_int_equal(answered(p, p->supervisor, IPC_SUPERVISOR, 20, &m),
	    0);
	login(p, 4, S("alice@x.example"), S("secret"));
	assert_int_equal(answer_to(p, 4, 1000), IPC_LOGIN_TICKET);
	pam_says(p, helpers[1], PAM_VERDICT_GOOD);
	assert_int_equal(answer_to(p, 2, 1000), IPC_LOGIN_TICKET);
	third = helper_for(p);
	pam_says(p, third, PAM_VERDICT_GOOD);
	assert_int_equal(answer_to(p, 3, 1000), IPC_LOGIN_TICKET);
	pam_says(p, helpers[0], PAM_VERDICT_GOOD);
	assert_int_equal(answer_to(p, 1, 1000), IPC_LOGIN_TICKET);
	play_close(p);
}

static void
pam_helper_refused(void **state)
{
	struct play *p = play_open("");
	uint8_t body[START_BODY_MAX];
	struct ipc_message m;

	(void)state;
	login(p, 1, S("sys"), S("pw"));
	assert_int_equal(answered(p, p->supervisor, IPC_SUPERVISOR, 1000, &m),
	    1);
	assert_int_equal(ipc_send_blocking(p->supervisor, IPC_SUPERVISOR,
	    IPC_AUTHD, IPC_PAM_REFUSED, m.id, slice_of(body,
	    start_refusal_encode(START_BUSY, body)), NULL, 0), 0);
	assert_int_equal(answer_to(p, 1, 1000), IPC_LOGIN_REFUSED);
	play_close(p);
}

/* A malformed message costs its sender the channel, and nobody else. */
static void
hostile_gate(void **state)
{
	static const struct {
		enum ipc_type	type;
		struct slice	body;
	} cases[] = {
		{ IPC_LOGIN, S("") },
		{ IPC_LOGIN, S("\1\0\0\0a") },
		{ IPC_LOGIN, S("\xff\xff\xff\x7f" "aaaa") },
		{ IPC_LOGIN_CANCEL, S("x") },
	};
	struct play *p = play_open("");
	struct ipc_message m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int gate = add_gate(p, IPC_POP3D);

		assert_int_equal(ipc_send_blocking(gate, IPC_POP3D, IPC_AUTHD,
		    cases[i].type, 1, cases[i].body, NULL, 0), 0);
		turn(p);
		assert_int_equal(ipc_receive_blocking(gate, IPC_POP3D,
		    IPC_AUTHD, p->buf, sizeof(p->buf), &m), 0);
		close(gate);
	}
	login(p, 9, S("alice@x.example"), S("secret"));
	assert_int_equal(answer_to(p, 9, 1000), IPC_LOGIN_TICKET);
	play_close(p);
}

/* A gate that is quicker than the tables. */
static void
too_early(void **state)
{
	struct play *p = play_open("");
	struct book book = p->a.book;
	enum auth_refusal why;
	struct ipc_message m;

	(void)state;
	p->a.book = (struct book){ 0 };
	login(p, 1, S("alice@x.example"), S("secret"));
	assert_int_equal(answered(p, p->gate, IPC_IMAPD, 1000, &m), 1);
	assert_int_equal(auth_refusal_decode(m.body, &why), 0);
	assert_int_equal(why, AUTH_UNAVAILABLE);
	p->a.book = book;
	login(p, 2, S("alice@x.example"), S("secret"));
	assert_int_equal(answer_to(p, 2, 1000), IPC_LOGIN_TICKET);
	play_close(p);
}

static void
made_up_ticket(void **state)
{
	struct play *p = play_open("");
	struct start_account who;
	struct ticket zero = { { 0 } };

	(void)state;
	assert_false(redeem(p, &zero, IPC_IMAPD, &who));
	play_close(p);
}

/* ---- SCRAM ---- */

/* RFC 7677's keys: the password is "pencil". */
#define SCRAM "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define NAME_AND_NONCE(n) "n,,n=" n ",r=0123456789"

static struct play *
scram_open(const char *settings)
{
	struct play *p = play_open(settings);

	tables(p, S("alice@x.example 7\nbob@x.example 8\n"),
	    S("7 " HASH " " SCRAM "\n"));
	return p;
}

static void
scram_start_as(struct play *p, int gate, enum ipc_role role, uint64_t id,
    struct slice message, enum auth_accounts accounts)
{
	struct auth_sasl_start in = { .session = S("s1"), .client = home,
		.accounts = accounts, .exporter = S(""), .unique = S(""),
		.end_point = S(""),
		.message = message };
	uint8_t body[AUTH_BODY_MAX];

	assert_int_equal(ipc_send_blocking(gate, role, IPC_AUTHD,
	    IPC_SASL_START, id, slice_of(body, auth_sasl_start_encode(&in,
	    body)), NULL, 0), 0);
	turn(p);
}

static void
scram_respond(struct play *p, int gate, enum ipc_role role, uint64_t id,
    uint64_t number, struct slice message)
{
	uint8_t body[AUTH_BODY_MAX];

	assert_int_equal(ipc_send_blocking(gate, role, IPC_AUTHD,
	    IPC_SASL_RESPONSE, id, slice_of(body, auth_sasl_message_encode(
	    number, message, body)), NULL, 0), 0);
	turn(p);
}

/* The next challenge, copied into out. */
static struct slice
challenged(struct play *p, int gate, enum ipc_role role, uint64_t id,
    uint64_t *number, char out[SCRAM_MESSAGE_MAX])
{
	struct ipc_message m;
	struct slice message;

	assert_int_equal(answered(p, gate, role, 1000, &m), 1);
	assert_int_equal(m.rule->type, IPC_SASL_CHALLENGE);
	assert_int_equal(m.id, id);
	assert_int_equal(auth_sasl_message_decode(m.body, number, &message),
	    0);
	memcpy(out, message.at, message.len);
	return slice_of(out, message.len);
}

/* To client-final; the last answer is the caller's to read. */
static uint64_t
converse(struct play *p, int gate, enum ipc_role role, struct slice name,
    struct slice password, struct scram_client *c)
{
	static const struct scram_client_binding none;
	char out[SCRAM_MESSAGE_MAX], in[SCRAM_MESSAGE_MAX];
	uint64_t number;
	struct slice first;
	size_t len;

	assert_int_equal(scram_client_first(c, name, &none, S("0123456789"),
	    out, &len), 0);
	scram_start_as(p, gate, role, 51, slice_of(out, len),
	    AUTH_ALL_ACCOUNTS);
	first = challenged(p, gate, role, 51, &number, in);
	assert_int_equal(scram_client_final(c, first, password, out, &len),
	    0);
	scram_respond(p, gate, role, 52, number, slice_of(out, len));
	return number;
}

static enum ipc_type
log_in_by_scram(struct play *p, int gate, enum ipc_role role,
    struct ipc_message *m)
{
	char in[SCRAM_MESSAGE_MAX];
	struct scram_client c;
	uint64_t number, before = converse(p, gate, role,
	    S("Alice@X.example"), S("pencil"), &c);

	assert_true(scram_client_verify(&c, challenged(p, gate, role, 52,
	    &number, in)));
	assert_int_not_equal(number, before);
	scram_respond(p, gate, role, 53, number, S(""));
	assert_int_equal(answered(p, gate, role, 1000, m), 1);
	assert_int_equal(m->id, 53);
	return m->rule->type;
}

static void
scram_right_password(void **state)
{
	struct play *p = scram_open("");
	struct start_account who;
	struct ipc_message m;
	struct ticket ticket;
	struct account account;
	struct slice name;
	int submit;

	(void)state;
	assert_int_equal(log_in_by_scram(p, p->gate, IPC_IMAPD, &m),
	    IPC_LOGIN_TICKET);
	assert_int_equal(auth_ticket_decode(m.body, &ticket, &name), 0);
	assert_true(slice_equal(name, S("alice@x.example")));
	assert_true(redeem(p, &ticket, IPC_IMAPD, &who));
	assert_int_equal(who.number, 7);
	/* smtpd-submit gets no ticket, but the account. */
	submit = add_gate(p, IPC_SUBMIT);
	assert_int_equal(log_in_by_scram(p, submit, IPC_SUBMIT, &m),
	    IPC_LOGIN_ACCOUNT);
	assert_int_equal(auth_account_decode(m.body, &account, &name), 0);
	assert_int_equal(account.number, 7);
	assert_true(slice_equal(name, S("alice@x.example")));
	close(submit);
	turn(p);
	play_close(p);
}

static enum auth_refusal
refused_why(struct play *p, uint64_t id, unsigned ms)
{
	enum auth_refusal why;
	struct ipc_message m;

	assert_int_equal(answered(p, p->gate, IPC_IMAPD, ms, &m), 1);
	assert_int_equal(m.rule->type, IPC_LOGIN_REFUSED);
	assert_int_equal(m.id, id);
	assert_int_equal(auth_refusal_decode(m.body, &why), 0);
	return why;
}

static void
scram_wrong_password(void **state)
{
	struct play *p = scram_open("failure_delay = 1s\n");
	uint64_t began = clock_ms();
	struct scram_client c;

	(void)state;
	converse(p, p->gate, IPC_IMAPD, S("alice"), S("pencils"), &c);
	assert_int_equal(refused_why(p, 52, 3000), AUTH_DENIED);
	assert_true(clock_ms() - began >= 900);
	/* PLAIN and SCRAM share their delays. */
	began = clock_ms();
	converse(p, p->gate, IPC_IMAPD, S("alice"), S("pencils"), &c);
	login(p, 60, S("alice"), S("secret"));
	/* The second failure waits twice as long. */
	assert_int_equal(refused_why(p, 52, 8000), AUTH_DENIED);
	assert_int_equal(answer_to(p, 60, 8000), IPC_LOGIN_TICKET);
	assert_true(clock_ms() - began >= 1900);
	play_close(p);
}

/* What a client learns of a name that nobody has. */
static void
scram_unknown_name(void **state)
{
	struct play *p = scram_open("failure_delay = 0s\n");
	char one[SCRAM_MESSAGE_MAX], two[SCRAM_MESSAGE_MAX];
	struct scram_server_first a, b;
	struct scram_client c;
	uint64_t number;

	(void)state;
	scram_start_as(p, p->gate, IPC_IMAPD, 1, S(NAME_AND_NONCE("nobody")),
	    AUTH_ALL_ACCOUNTS);
	assert_int_equal(scram_server_first_parse(challenged(p, p->gate,
	    IPC_IMAPD, 1, &number, one), &a), PARSE_OK);
	/* Another day, another table, another authd; the same secret. */
	tables(p, S("alice@x.example 1\nbob@x.example 8\n"),
	    S("1 " HASH2 " " SCRAM "\n8 " HASH " " SCRAM "\n"));
	memset(p->a.secret, 1, sizeof(p->a.secret));
	scram_start_as(p, p->gate, IPC_IMAPD, 2, S(NAME_AND_NONCE("NOBODY")),
	    AUTH_ALL_ACCOUNTS);
	assert_int_equal(scram_server_first_parse(challenged(p, p->gate,
	    IPC_IMAPD, 2, &number, two), &b), PARSE_OK);
	assert_true(slice_equal(a.salt, b.salt));
	assert_int_equal(a.salt.len, 24);
	assert_int_equal(a.iterations, 4096);
	assert_false(slice_equal(a.nonce, b.nonce));
	converse(p, p->gate, IPC_IMAPD, S("nobody"), S("pencil"), &c);
	assert_int_equal(refused_why(p, 52, 1000), AUTH_DENIED);
	/* A system user is known to PAM alone. */
	converse(p, p->gate, IPC_IMAPD, S("sys"), S("pencil"), &c);
	assert_int_equal(refused_why(p, 52, 1000), AUTH_DENIED);
	play_close(p);
}

static void
scram_out_of_turn(void **state)
{
	struct play *p = scram_open("failure_delay = 0s\n");
	char in[SCRAM_MESSAGE_MAX];
	uint8_t body[16];
	uint64_t number;
	int other = add_gate(p, IPC_POP3D);
	struct ipc_message m;

	(void)state;
	scram_respond(p, p->gate, IPC_IMAPD, 1, 12345, S("c=biws,r=x,p=y"));
	assert_int_equal(refused_why(p, 1, 1000), AUTH_UNAVAILABLE);
	scram_start_as(p, p->gate, IPC_IMAPD, 2, S("n,,m=x,n=alice,r=abc"),
	    AUTH_ALL_ACCOUNTS);
	assert_int_equal(refused_why(p, 2, 1000), AUTH_MALFORMED);
	scram_start_as(p, p->gate, IPC_IMAPD, 3, S(NAME_AND_NONCE("alice")),
	    AUTH_ALL_ACCOUNTS);
	challenged(p, p->gate, IPC_IMAPD, 3, &number, in);
	/* Another gate cannot go on with it, nor end it. */
	scram_respond(p, other, IPC_POP3D, 4, number, S("c=biws,r=x,p=y"));
	assert_int_equal(answered(p, other, IPC_POP3D, 1000, &m), 1);
	assert_int_equal(m.rule->type, IPC_LOGIN_REFUSED);
	assert_int_equal(ipc_send_blocking(other, IPC_POP3D, IPC_AUTHD,
	    IPC_SASL_ABORT, 5, slice_of(body, auth_sasl_abort_encode(number,
	    body)), NULL, 0), 0);
	turn(p);
	assert_false(TAILQ_EMPTY(&p->a.logins));
	scram_respond(p, p->gate, IPC_IMAPD, 6, number, S("nonsense"));
	assert_int_equal(refused_why(p, 6, 1000), AUTH_MALFORMED);
	assert_true(TAILQ_EMPTY(&p->a.logins));
	/* Its own gate ends it, and then it is gone. */
	scram_start_as(p, p->gate, IPC_IMAPD, 7, S(NAME_AND_NONCE("alice")),
	    AUTH_ALL_ACCOUNTS);
	challenged(p, p->gate, IPC_IMAPD, 7, &number, in);
	assert_int_equal(ipc_send_blocking(p->gate, IPC_IMAPD, IPC_AUTHD,
	    IPC_SASL_ABORT, 8, slice_of(body, auth_sasl_abort_encode(number,
	    body)), NULL, 0), 0);
	turn(p);
	assert_true(TAILQ_EMPTY(&p->a.logins));
	/* What is open ends with its gate. */
	scram_start_as(p, other, IPC_POP3D, 9, S(NAME_AND_NONCE("alice")),
	    AUTH_ALL_ACCOUNTS);
	challenged(p, other, IPC_POP3D, 9, &number, in);
	close(other);
	turn(p);
	assert_true(TAILQ_EMPTY(&p->a.logins));
	play_close(p);
}

static void
scram_offers(void **state)
{
	struct play *p = scram_open("");
	int other = add_gate(p, IPC_POP3D);

	(void)state;
	/* There is a system user, and PAM. */
	assert_int_equal(p->offer, AUTH_OFFER_VIRTUAL);
	tables(p, S("alice@x.example 7\nbob@x.example 8\n"),
	    S("7 " HASH " " SCRAM "\n8 " HASH " -\n"));
	offers_tell(&p->a);
	assert_int_equal(offer_of(p, other, IPC_POP3D), 0);
	close(other);
	turn(p);
	play_close(p);
	p = scram_open("pam = no\n");
	other = add_gate(p, IPC_POP3D);
	assert_int_equal(p->offer, AUTH_OFFER_VIRTUAL | AUTH_OFFER_ALL);
	close(other);
	turn(p);
	play_close(p);
}

/* The numbers of RFC 1939 section 7. */
static void
apop(void **state)
{
	static const uint8_t right[AUTH_DIGEST_LEN] = { 0xc4, 0xc9, 0x33, 0x4b,
		0xac, 0x56, 0x0e, 0xcc, 0x97, 0x9e, 0x58, 0x00, 0x1b, 0x3e,
		0x22, 0xfb };
	static const struct {
		struct slice	 name;
		struct slice	 timestamp;
		uint8_t		 change;	/* of the first octet */
		enum ipc_type	 answer;
	} cases[] = {
		{ S("alice@x.example"),
		    S("<1896.697170952@dbc.mtview.ca.us>"), 0,
		    IPC_LOGIN_TICKET },
		{ S("alice@x.example"),
		    S("<1896.697170952@dbc.mtview.ca.us>"), 1,
		    IPC_LOGIN_REFUSED },
		{ S("alice@x.example"),
		    S("<1896.697170953@dbc.mtview.ca.us>"), 0,
		    IPC_LOGIN_REFUSED },
		/* Without a secret, and nobody at all. */
		{ S("bob@x.example"),
		    S("<1896.697170952@dbc.mtview.ca.us>"), 0,
		    IPC_LOGIN_REFUSED },
		{ S("carol@x.example"),
		    S("<1896.697170952@dbc.mtview.ca.us>"), 0,
		    IPC_LOGIN_REFUSED },
	};
	struct play *p = scram_open("failure_delay = 0s\n");
	int gate = add_gate(p, IPC_POP3D);

	(void)state;
	tables(p, S("alice@x.example 7\nbob@x.example 8\n"),
	    S("7 " HASH " - dGFuc3RhYWY=\n8 " HASH " -\n"));
	offers_tell(&p->a);
	assert_int_equal(offer_of(p, gate, IPC_POP3D), AUTH_OFFER_APOP);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct auth_apop in = { .session = S("s1"), .client = home,
			.name = cases[i].name,
			.timestamp = cases[i].timestamp };
		uint8_t body[AUTH_BODY_MAX];
		struct ipc_message m;

		memcpy(in.digest, right, sizeof(right));
		in.digest[0] ^= cases[i].change;
		assert_int_equal(ipc_send_blocking(gate, IPC_POP3D, IPC_AUTHD,
		    IPC_LOGIN_APOP, i, slice_of(body, auth_apop_encode(&in,
		    body)), NULL, 0), 0);
		assert_int_equal(answered(p, gate, IPC_POP3D, 1000, &m), 1);
		assert_int_equal(m.rule->type, cases[i].answer);
	}
	close(gate);
	turn(p);
	play_close(p);
}

/* A listener for virtual accounts: a system user is nobody there. */
static void
virtual_accounts_alone(void **state)
{
	struct play *p = scram_open("failure_delay = 0s\n");
	struct auth_login in = { S("s1"), home, AUTH_VIRTUAL_ACCOUNTS,
		S("sys"), S("secret") };
	uint8_t body[AUTH_BODY_MAX];

	(void)state;
	assert_int_equal(ipc_send_blocking(p->gate, IPC_IMAPD, IPC_AUTHD,
	    IPC_LOGIN, 9, slice_of(body, auth_login_encode(&in, body)), NULL,
	    0), 0);
	/* No helper is asked for. */
	assert_int_equal(refused_why(p, 9, 1000), AUTH_DENIED);
	assert_int_equal(p->a.helpers, 0);
	play_close(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scram_right_password),
		cmocka_unit_test(scram_wrong_password),
		cmocka_unit_test(scram_unknown_name),
		cmocka_unit_test(scram_out_of_turn),
		cmocka_unit_test(scram_offers),
		cmocka_unit_test(apop),
		cmocka_unit_test(virtual_accounts_alone),
		cmocka_unit_test(ticket_for_the_right_password),
		cmocka_unit_test(refused),
		cmocka_unit_test(work_for_nobody),
		cmocka_unit_test(failures_wait),
		cmocka_unit_test(cancelled_counts),
		cmocka_unit_test(gate_goes_away),
		cmocka_unit_test(verifier_dies),
		cmocka_unit_test(bounded),
		cmocka_unit_test(system_user_by_pam),
		cmocka_unit_test(pam_is_not_asked),
		cmocka_unit_test(pam_blocks_nobody),
		cmocka_unit_test(pam_helper_refused),
		cmocka_unit_test(hostile_gate),
		cmocka_unit_test(too_early),
		cmocka_unit_test(made_up_ticket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
