/*
 * A channel delivers in order with descriptors, closes what nobody took,
 * throws out a peer that breaks a rule of the table, and survives being
 * freed inside its own handler.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/ipc/codec.h"
#include "common/ipc/ipc.h"
#include "common/ipc/start.h"
#include "common/ipc/wire.h"

struct fixture {
	struct event_base *base;
	struct ipc_channel *ch;	/* of queue-manager, towards smtpd */
	int	 far;		/* what smtpd would hold */
	unsigned handled, closed, drained;
	uint64_t last_id;
	int	 answer;	/* of the handler */
	bool	 free_inside;
	int	 taken;
};

static int
on_abort(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct fixture *f = ctx;

	f->handled++;
	assert_true(m->id == f->last_id + 1);
	f->last_id = m->id;
	if (f->free_inside) {
		ipc_channel_free(ch);
		f->ch = NULL;
	}
	return f->answer;
}

static int
on_content(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct fixture *f = ctx;

	(void)ch;
	f->handled++;
	if (f->taken == -2)
		f->taken = ipc_message_take_fd(m, 0);
	return 0;
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct fixture *f = ctx;

	assert_ptr_equal(ch, f->ch);
	f->closed++;
	f->ch = NULL;
}

static void
on_drained(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	((struct fixture *)ctx)->drained++;
}

static const struct ipc_handler handlers[] = {
	{ IPC_ENQUEUE_ABORT, on_abort },
	{ IPC_CONTENT, on_content },
};
static const struct ipc_events events = { handlers, 2, on_closed, on_drained,
	NULL };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	f->base = event_base_new();
	f->ch = ipc_channel_new(f->base, pair[0], IPC_QUEUE_MANAGER, IPC_SMTPD,
	    &events, f);
	f->far = pair[1];
	f->taken = -1;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ipc_channel_free(f->ch);
	if (f->far != -1)
		close(f->far);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void
turn(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
say(struct fixture *f, enum ipc_type type, uint64_t id, size_t len, int fd)
{
	static char body[IPC_BODY_MAX];

	assert_int_equal(ipc_send_blocking(f->far, IPC_SMTPD,
	    IPC_QUEUE_MANAGER, type, id, slice_of(body, len), &fd, fd != -1),
	    0);
}

static void
test_order(void **state)
{
	struct fixture *f = *state;

	for (uint64_t id = 1; id <= 100; id++)
		say(f, IPC_ENQUEUE_ABORT, id, 8, -1);
	turn(f);
	turn(f);
	assert_int_equal(f->handled, 100);
	assert_int_equal(f->closed, 0);
}

/* Whether a pipe's writing end is held by anybody but us. */
static bool
pipe_is_open(int reading_end)
{
	char c;

	fcntl(reading_end, F_SETFL, O_NONBLOCK);
	return read(reading_end, &c, 1) == -1;
}

static void
test_descriptors(void **state)
{
	struct fixture *f = *state;
	int p[2];

	assert_int_equal(pipe(p), 0);
	say(f, IPC_CONTENT, 1, 0, p[1]);
	close(p[1]);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_false(pipe_is_open(p[0]));	/* not taken: closed */
	close(p[0]);

	assert_int_equal(pipe(p), 0);
	f->taken = -2;
	say(f, IPC_CONTENT, 2, 0, p[1]);
	close(p[1]);
	turn(f);
	assert_true(f->taken >= 0);
	assert_true(pipe_is_open(p[0]));
	assert_true(fcntl(f->taken, F_GETFD) & FD_CLOEXEC);
	close(f->taken);
	close(p[0]);
}

/* Take all but so many of what is free below a limit near to what is used. */
static void
crowd(int *taken, size_t n, size_t leave, struct rlimit *old)
{
	struct rlimit tight;
	size_t k = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, old), 0);
	tight = (struct rlimit){ 128, old->rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	memset(taken, -1, n * sizeof(*taken));
	while (k < n && (taken[k] = fcntl(0, F_DUPFD_CLOEXEC, 0)) != -1)
		k++;
	assert_true(k > leave && k < n);
	while (leave-- > 0) {
		close(taken[--k]);
		taken[k] = -1;
	}
}

/*
 * While there is no free descriptor, or one too few, a message that carries
 * one stays with its sender; it comes whole, and in its order, when there is.
 */
static void
test_no_free_descriptor(void **state)
{
	struct fixture *f = *state;
	int p[2], taken[128];
	struct rlimit old;

	assert_int_equal(pipe(p), 0);
	say(f, IPC_CONTENT, 1, 0, p[1]);
	close(p[1]);
	for (size_t leave = 0; leave < IPC_FDS_MAX; leave++) {
		crowd(taken, 128, leave, &old);
		f->taken = -2;
		turn(f);
		turn(f);
		assert_int_equal(f->handled, 0);
		for (size_t i = 0; i < 128; i++)
			if (taken[i] != -1)
				close(taken[i]);
		setrlimit(RLIMIT_NOFILE, &old);
	}
	for (int i = 0; f->handled == 0 && i < 1000; i++) {
		turn(f);
		usleep(1000);
	}
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->closed, 0);
	assert_true(f->taken >= 0);
	assert_true(pipe_is_open(p[0]));
	close(f->taken);
	close(p[0]);
}

static void
raw(struct fixture *f, unsigned version, unsigned type, size_t announced,
    size_t len)
{
	uint8_t octets[128] = { 0 };
	struct ipc_writer w;

	ipc_writer_init(&w, octets, sizeof(octets));
	ipc_put_u8(&w, (uint8_t)version);
	ipc_put_u8(&w, 0);
	ipc_put_u16(&w, (uint16_t)type);
	ipc_put_u32(&w, (uint32_t)announced);
	ipc_put_u64(&w, 1);
	assert_true(send(f->far, octets, IPC_HEAD_LEN + len, 0) > 0);
}

static void
test_rules(void **state)
{
	static const struct {
		unsigned version, type;
		size_t announced, len;
	} rows[] = {
		{ 2, IPC_ENQUEUE_ABORT, 8, 8 },		/* version */
		{ 1, 9999, 8, 8 },			/* type */
		{ 1, IPC_ENQUEUED, 8, 8 },		/* wrong direction */
		{ 1, IPC_STAGE_STOP, 0, 0 },		/* forged sender */
		{ 1, IPC_ENQUEUE_ABORT, 9, 8 },		/* length disagrees */
		{ 1, IPC_ENQUEUE_ABORT, 100, 100 },	/* over the maximum */
		{ 1, IPC_CONTENT, 8, 8 },		/* descriptor missing */
		{ 1, IPC_ENQUEUE, 8, 8 },		/* nobody handles it */
	};

	teardown(state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f;

		setup(state);
		f = *state;
		raw(f, rows[i].version, rows[i].type, rows[i].announced,
		    rows[i].len);
		turn(f);
		assert_int_equal(f->handled, 0);
		assert_int_equal(f->closed, 1);
		teardown(state);
	}
	setup(state);
}

static void
test_malformed(void **state)
{
	struct fixture *f = *state;

	f->answer = -1;
	say(f, IPC_ENQUEUE_ABORT, 1, 8, -1);
	say(f, IPC_ENQUEUE_ABORT, 2, 8, -1);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->closed, 1);
}

static void
test_freed_inside(void **state)
{
	struct fixture *f = *state;

	f->free_inside = true;
	say(f, IPC_ENQUEUE_ABORT, 1, 8, -1);
	say(f, IPC_ENQUEUE_ABORT, 2, 8, -1);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->closed, 0);
}

static void
leave(struct fixture *f)
{
	close(f->far);
	f->far = -1;
}

static void
test_peer_gone(void **state)
{
	struct fixture *f = *state;

	leave(f);
	turn(f);
	assert_int_equal(f->closed, 1);
}

/* Known by a look before the loop comes to it, also behind its last words. */
static void
test_peer_seen_gone(void **state)
{
	struct fixture *f = *state;

	assert_false(ipc_channel_has_ended(f->ch));
	say(f, IPC_ENQUEUE_ABORT, 1, 0, -1);
	assert_false(ipc_channel_has_ended(f->ch));
	leave(f);
	assert_true(ipc_channel_has_ended(f->ch));
	turn(f);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->closed, 1);
}

/* It has not read all that we sent, nor we what it said: a look takes nothing
 * away. */
static void
test_peer_gone_without_reading(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    ipc_send(f->ch, IPC_ENQUEUED, 1, slice_of("", 0), NULL, 0), 0);
	say(f, IPC_ENQUEUE_ABORT, 1, 0, -1);
	leave(f);
	assert_true(ipc_channel_has_ended(f->ch));
	assert_true(ipc_channel_has_ended(f->ch));
	turn(f);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->closed, 1);
}

/* A peer that does not read costs a bounded queue, in order, then ENOBUFS. */
static void
test_back_pressure(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m;
	char buf[IPC_HEAD_LEN + IPC_BODY_MAX];
	uint64_t id = 0, seen = 0;

	while (ipc_send(f->ch, IPC_ENQUEUED, id + 1, slice_of("12345678", 8),
	    NULL, 0) == 0)
		id++;
	assert_true(ipc_channel_full(f->ch));
	fcntl(f->far, F_SETFL, O_NONBLOCK);
	for (;;) {
		int r = ipc_receive_blocking(f->far, IPC_SMTPD,
		    IPC_QUEUE_MANAGER, buf, sizeof(buf), &m);

		if (r == 1) {
			assert_true(m.id == ++seen);
			continue;
		}
		if (seen == id)
			break;
		turn(f);
	}
	turn(f);
	assert_int_equal(f->drained, 1);
	assert_false(ipc_channel_full(f->ch));
}

static void
test_start_fields(void **state)
{
	struct ticket t = { { 1, 2, 3 } }, u;
	struct start_account a = { 1, 77 }, b;
	char buf[START_BODY_MAX];
	uint8_t role;
	int good;
	size_t n;

	(void)state;
	n = start_redeem_encode(&t, IPC_IMAPD, buf);
	assert_int_equal(start_redeem_decode(slice_of(buf, n), &u, &role), 0);
	assert_memory_equal(&t, &u, sizeof(t));
	assert_int_equal(role, IPC_IMAPD);
	assert_int_equal(start_redeem_decode(slice_of(buf, n - 1), &u, &role),
	    -1);
	n = start_account_encode(1, &a, buf);
	assert_int_equal(start_account_decode(slice_of(buf, n), &good, &b), 0);
	assert_true(good && b.kind == 1 && b.number == 77);
	assert_int_equal(start_account_decode(slice_of(buf, n + 1), &good, &b),
	    -1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_order),
		T(test_descriptors),
		T(test_rules),
		T(test_no_free_descriptor),
		T(test_malformed),
		T(test_freed_inside),
		T(test_peer_gone),
		T(test_peer_seen_gone),
		T(test_peer_gone_without_reading),
		T(test_back_pressure),
		cmocka_unit_test(test_start_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
