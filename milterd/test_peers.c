/*
 * The channels to smtpd, from the side of an smtpd that somebody owns: it does
 * not read, floods, and says things in the wrong order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ipc/wire.h"
#include "milterd/milterd.h"

/* main.c's */
void
config_release(struct config *c)
{
	if (--c->users > 0)
		return;
	settings_free(c->settings);
	free(c->keep);
	free(c);
}

struct config *
config_new(struct settings *s)
{
	struct config *c = calloc(1, sizeof(*c));

	c->settings = s;
	c->set = settings_values(s);
	c->keep = calloc(settings_n_groups(s) + 1, sizeof(*c->keep));
	c->users = 1;
	for (size_t i = 0; i < settings_n_groups(s); i++)
		TAILQ_INIT(&c->keep[i].list);
	return c;
}

struct world {
	struct milterd	*d;
	int		 smtpd;		/* its end of the channel */
	int		 supervisor;	/* the same; it never answers */
	unsigned	 answers[9];	/* by their decision */
	unsigned	 parts;
	char said[128]; /* the last refusal */
};

static void
use(struct milterd *d, const char *text)
{
	struct settings_errors errors = { 0 };
	struct settings *s =
	    settings_parse(&milterd_schema, slice_str(text), &errors);

	assert_non_null(s);
	d->config = config_new(s);
}

static void
on_silence(void *ctx, struct ipc_channel *ch)
{
	(void)ctx;
	(void)ch;
}

static const struct ipc_events silence = { .closed = on_silence };

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int sv[2];

	w->d = calloc(1, sizeof(*w->d));
	w->d->stage.base = event_base_new();
	TAILQ_INIT(&w->d->peers);
	w->d->loop = stream_loop_new(w->d->stage.base, 65536);
	milterd_kind(w->d);
	keep_kind(w->d);
	assert_int_equal(dial_init(w->d), 0);
	assert_int_equal(sibling_init(&w->d->supervisor, MILTERD_DIALS_MAX), 0);
	use(w->d, "");
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
	    sv), 0);
	w->d->supervisor.ch = ipc_channel_new(w->d->stage.base, sv[0],
	    IPC_MILTERD, IPC_SUPERVISOR, &silence, w);
	assert_non_null(w->d->supervisor.ch);
	w->supervisor = sv[1];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
	    sv), 0);
	assert_int_equal(peers_add(w->d, IPC_SMTPD, 0, sv[0]), 0);
	w->smtpd = sv[1];
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	peers_clear(w->d);
	ipc_channel_free(w->d->supervisor.ch);
	ipc_pending_free(w->d->supervisor.pending);
	close(w->smtpd);
	close(w->supervisor);
	event_free(w->d->rest);
	stream_loop_free(w->d->loop);
	config_release(w->d->config);
	event_base_free(w->d->stage.base);
	free(w->d);
	free(w);
	return 0;
}

static void
turn(struct world *w)
{
	event_base_loop(w->d->stage.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* False: the socket takes no more. */
static bool
say(struct world *w, enum ipc_type type, uint64_t id, struct slice body,
    int fd)
{
	uint8_t head[IPC_HEAD_LEN];

	ipc_wire_head(head, type, id, body.len);
	return ipc_wire_send(w->smtpd, head, body, &fd, fd != -1,
	    MSG_DONTWAIT | MSG_NOSIGNAL) == 0;
}

static bool
ask_mail(struct world *w, uint64_t session)
{
	static const struct slice none = SLICE_LITERAL("");
	struct milter_mail m = { .session = session,
		.n_milters = 1,
		.milters = { SLICE_LITERAL("nobody") },
		.listener = SLICE_LITERAL("smtp"),
		.family = MILTER_FAMILY_IPV4,
		.address = SLICE_LITERAL("192.0.2.1"),
		.name = none,
		.own_address = none,
		.helo = SLICE_LITERAL("x"),
		.tls_version = none,
		.tls_cipher = none,
		.login = none,
		.mechanism = none,
		.reverse_path = none,
		.params = none };
	char body[MILTER_MAIL_MAX];
	size_t len = milter_mail_encode(&m, body);

	assert_true(len > 0);
	return say(w, IPC_MILTER_MAIL, session + 1000000, slice_of(body, len),
	    -1);
}

static bool
say_small(struct world *w, enum ipc_type type, uint64_t session, uint64_t id,
    int fd, uint32_t octets)
{
	struct milter_small m = { .session = session, .octets = octets };
	char body[MILTER_SMALL_MAX];

	return say(w, type, id, slice_of(body, milter_small_encode(&m, body)),
	    fd);
}

/* All that is there to be read; false: the channel has ended. */
static bool
listen_to(struct world *w)
{
	static char buf[IPC_HEAD_LEN + IPC_BODY_MAX];
	struct ipc_message m = { 0 };
	struct milter_verdict v;
	ssize_t n;

	while ((n = ipc_wire_receive(w->smtpd, buf, sizeof(buf), &m,
	    MSG_DONTWAIT)) > 0) {
		const char *why;

		for (unsigned i = 0; i < m.nfds; i++)
			close(m.fds[i]);
		assert_int_equal(ipc_wire_check(slice_of(buf, (size_t)n),
		    IPC_MILTERD, IPC_SMTPD, &m, &why), 0);
		assert_int_equal(m.rule->type, IPC_MILTER_VERDICT);
		assert_int_equal(milter_verdict_decode(m.body, &v), 0);
		assert_int_equal(m.id, v.session + 1000000);
		w->answers[v.decision]++;
		if (v.text.len > 0)
			slice_copy_str(v.text, w->said, sizeof(w->said));
	}
	return n == -1 && errno == EAGAIN;
}

/*
 * 20,000 requests by one who does not read: what is taken in is answered, to
 * the last, and more is taken in only as answers leave.
 */
static void
test_nothing_is_lost(void **state)
{
	struct world *w = *state;
	unsigned sent = 0, before;

	for (unsigned idle = 0; sent < 20000 && idle < 20; idle++) {
		before = sent;
		while (sent < 20000 && ask_mail(w, sent))
			sent++;
		turn(w);
		idle = sent > before ? 0 : idle;
	}
	/* It has stopped reading: nothing grows without limit. */
	assert_true(TAILQ_FIRST(&w->d->peers)->n_sessions < 5000);
	assert_true(sent < 20000);
	for (unsigned i = 0; i < 1000000 &&
	    (sent < 20000 || w->answers[MILTER_REFUSE] < 20000); i++) {
		while (sent < 20000 && ask_mail(w, sent))
			sent++;
		turn(w);
		assert_true(listen_to(w));
	}
	assert_int_equal(w->answers[MILTER_REFUSE], 20000);
}

/*
 * Verdicts that have to wait, more than a channel would keep, and sessions
 * that are aborted and closed meanwhile: each is answered or gone.
 */
static void
test_held_and_closed(void **state)
{
	struct world *w = *state;
	struct peer *p = TAILQ_FIRST(&w->d->peers);
	enum { N = 2 * IPC_QUEUE_MAX };
	struct session *s[N];
	struct milter_verdict v;
	unsigned asked = 0;

	for (unsigned i = 0; i < N; i++) {
		s[i] = session_new(p, i);
		assert_non_null(s[i]);
		s[i]->request = 1000000 + i;
		s[i]->asked = IPC_MILTER_RCPT;
	}
	/* As milters answer, all at once. */
	for (unsigned i = 0; i < N; i++) {
		char text[] = "a text that does not outlive this";

		v = (struct milter_verdict){ .decision = MILTER_REFUSE,
			.session = i, .milter = SLICE_LITERAL("one"),
			.code = 550, .enhanced = { 5, 7, 1 },
			.text = slice_str(text) };
		peer_verdict(s[i], &v);
		memset(text, 0, sizeof(text));
	}
	assert_false(TAILQ_EMPTY(&p->waiting));
	for (unsigned i = 0; i < N; i++) {
		if (!s[i]->held_up || i % 3 == 0) {
			asked++;
			continue;
		}
		if (i % 3 == 1)
			session_abort(s[i]);
		else
			session_free(s[i]);
	}
	for (unsigned i = 0; i < 100000 && w->answers[MILTER_REFUSE] < asked;
	    i++) {
		assert_true(listen_to(w));
		turn(w);
	}
	for (unsigned i = 0; i < 100; i++)
		turn(w);
	assert_true(listen_to(w));
	assert_int_equal(w->answers[MILTER_REFUSE], asked);
	assert_true(TAILQ_EMPTY(&p->waiting));
}

static int
sealed(uint32_t octets)
{
	int fd = memfd_create("part", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, octets), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE | F_SEAL_SEAL), 0);
	return fd;
}

/* Parts without end and never a review: they are counted, and go. */
static void
test_parts_are_bounded(void **state)
{
	struct world *w = *state;
	struct peer *p = TAILQ_FIRST(&w->d->peers);
	int fd = sealed(100);

	assert_true(ask_mail(w, 1));
	turn(w);
	assert_true(listen_to(w));
	p->n_parts = MILTERD_PARTS_MAX - 10;	/* others have those */
	for (unsigned i = 0; i < 50; i++) {
		while (!say_small(w, IPC_MILTER_CONTENT, 1, 0, fd, 100))
			turn(w);
		turn(w);
	}
	for (unsigned i = 0; i < 50; i++)
		turn(w);
	assert_int_equal(p->n_parts, MILTERD_PARTS_MAX);
	/* Its review has too few of them: 451, and all are gone. */
	assert_true(say_small(w, IPC_MILTER_REVIEW, 1, 1000001, fd, 100));
	for (unsigned i = 0; i < 50; i++)
		turn(w);
	assert_true(listen_to(w));
	assert_int_equal(w->answers[MILTER_REFUSE], 2);
	assert_int_equal(p->n_parts, MILTERD_PARTS_MAX - 10);
	close(fd);
}

static void
ask_review(struct world *w, uint64_t session, int fd)
{
	assert_true(ask_mail(w, session));
	turn(w);
	assert_true(listen_to(w));
	assert_true(say_small(
	    w, IPC_MILTER_REVIEW, session, 1000000 + session, fd, 100));
	for (unsigned i = 0; i < 50; i++)
		turn(w);
	assert_true(listen_to(w));
}

/* As many under review as a peer may have; those of another do not count. */
static void
test_reviews_are_bounded(void **state)
{
	struct world *w = *state;
	struct peer *p = TAILQ_FIRST(&w->d->peers), *other;
	int fd = sealed(100), sv[2];

	config_release(w->d->config);
	use(w->d, "max_reviews = 3\n");
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
	    sv), 0);
	assert_int_equal(peers_add(w->d, IPC_SUBMIT, 0, sv[0]), 0);
	other = TAILQ_FIRST(&w->d->peers);
	if (other == p)
		other = TAILQ_NEXT(p, all);
	p->n_reviews = 3; /* more of its own */
	ask_review(w, 1, fd);
	assert_non_null(strstr(w->said, "under review"));
	assert_int_equal(p->n_reviews, 3);
	p->n_reviews = 2;
	other->n_reviews = 3;
	ask_review(w, 2, fd);
	assert_null(strstr(w->said, "under review"));
	assert_int_equal(p->n_reviews, 2); /* it was, and is over */
	assert_int_equal(other->n_reviews, 3);
	close(sv[1]);
	close(fd);
}

/* One that supervisor has not connected yet. */
static void
with_a_milter(struct world *w)
{
	config_release(w->d->config);
	use(w->d, "milter nobody {\n\tsocket = /s\n}\n");
}

/* As many connections as a peer may have, and not one more: it is told so by
 * the milter's on_failure, and milterd has descriptors for the others. */
static void
test_streams_are_bounded(void **state)
{
	struct world *w = *state;
	struct peer *p = TAILQ_FIRST(&w->d->peers);
	unsigned share = MILTERD_DESCRIPTORS_MAX / MILTERD_PEERS_LEAST;

	with_a_milter(w);
	p->n_streams = share - 10; /* others have those */
	w->d->n_descriptors = p->n_streams;
	for (unsigned i = 0; i < 50; i++) {
		while (!ask_mail(w, i))
			turn(w);
		turn(w);
	}
	for (unsigned i = 0; i < 50; i++)
		turn(w);
	assert_true(listen_to(w));
	assert_int_equal(w->answers[MILTER_REFUSE], 40);
	assert_int_equal(p->n_streams, share);
	/* Who closes makes room. */
	for (unsigned i = 0; i < 50; i++)
		assert_true(say_small(w, IPC_MILTER_CLOSE, i, 0, -1, 0));
	for (unsigned i = 0; i < 50; i++)
		turn(w);
	assert_int_equal(p->n_streams, share - 10);
	/* A share of all descriptors is no more than what there is. */
	w->d->n_descriptors = MILTERD_DESCRIPTORS_MAX;
	assert_false(peer_counts_stream(p));
	w->d->n_descriptors = p->n_streams;
	assert_true(peer_counts_stream(p));
	peer_counts_off_stream(p);
	/* With more peers it is less. */
	w->d->n_peers = 2 * MILTERD_PEERS_LEAST;
	assert_false(peer_counts_stream(p));
	w->d->n_peers = 1;
}

/* A transaction ends with the next one, too, with a request under way or not:
 * the last is the one that is answered. */
static void
test_mail_ends_the_former(void **state)
{
	struct world *w = *state;

	with_a_milter(w);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(ask_mail(w, 7));
		turn(w);
	}
	assert_true(listen_to(w));
	assert_int_equal(TAILQ_FIRST(&w->d->peers)->n_sessions, 1);
	assert_int_equal(TAILQ_FIRST(&w->d->peers)->n_streams, 1);
	config_release(w->d->config);
	use(w->d, ""); /* no such milter: answered at once */
	assert_true(ask_mail(w, 7));
	turn(w);
	assert_true(listen_to(w));
	assert_int_equal(w->answers[MILTER_REFUSE], 1);
	assert_int_equal(TAILQ_FIRST(&w->d->peers)->n_streams, 0);
}

/* Every request in every order, without MAIL, behind ABORT, behind CLOSE. */
static void
test_out_of_order(void **state)
{
	static const enum ipc_type types[] = { IPC_MILTER_MAIL, IPC_MILTER_RCPT,
		IPC_MILTER_DATA, IPC_MILTER_CONTENT, IPC_MILTER_REVIEW,
		IPC_MILTER_ABORT, IPC_MILTER_CLOSE, IPC_MILTER_UNKNOWN };
	enum { N = sizeof(types) / sizeof(types[0]) };
	struct world *w = *state;
	int fd = sealed(10);

	with_a_milter(w);
	for (unsigned i = 0; i < N * N * N * N; i++) {
		for (unsigned k = 0, x = i; k < 4; k++, x /= N) {
			enum ipc_type t = types[x % N];
			char body[MILTER_RCPT_MAX];
			struct milter_rcpt r = { .session = 5,
				.forward_path = SLICE_LITERAL("a@b"),
				.params = SLICE_LITERAL(" NOTIFY=NEVER"),
				.text = SLICE_LITERAL("") };
			struct milter_unknown u = { 5, SLICE_LITERAL("XYZZY") };

			if (t == IPC_MILTER_MAIL)
				ask_mail(w, 5);
			else if (t == IPC_MILTER_RCPT)
				say(w, t, 1000005, slice_of(body,
				    milter_rcpt_encode(&r, body)), -1);
			else if (t == IPC_MILTER_UNKNOWN)
				say(w, t, 1000005,
				    slice_of(
					body, milter_unknown_encode(&u, body)),
				    -1);
			else
				say_small(w, t, 5, 1000005,
				    t == IPC_MILTER_CONTENT ||
				    t == IPC_MILTER_REVIEW ? fd : -1,
				    t == IPC_MILTER_CONTENT ||
				    t == IPC_MILTER_REVIEW ? 10 : 0);
			turn(w);
			if (TAILQ_EMPTY(&w->d->peers))
				break;
		}
		turn(w);
		/* Thrown out, or served; never felled. */
		if (!listen_to(w)) {
			teardown(state);
			setup(state);
			w = *state;
			with_a_milter(w);
		}
	}
	close(fd);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_nothing_is_lost),
		T(test_held_and_closed),
		T(test_parts_are_bounded),
		T(test_reviews_are_bounded),
		T(test_streams_are_bounded),
		T(test_mail_ends_the_former),
		T(test_out_of_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
