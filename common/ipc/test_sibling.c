/* Requests to a sibling: answered once, failed once, never both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ipc/directory.h"
#include "common/ipc/sibling.h"

struct question {
	struct ask	 ask;		/* first: an ask is its question */
	int		 failed;
	struct sibling	*s;
	struct question	*drop;		/* forgotten when this one fails */
	bool		 again;		/* asked anew when it fails */
};

struct fixture {
	struct event_base *base;
	struct sibling	 s;
	struct ipc_channel *far;
	uint64_t	 last_id;
	int		 received;
};

static int
on_resolve(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct fixture *f = ctx;

	(void)ch;
	f->received++;
	f->last_id = m->id;
	return 0;
}

static void
far_closed(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	((struct fixture *)ctx)->far = NULL;
}

static const struct ipc_handler far_handlers[] = { { IPC_RESOLVE, on_resolve } };
static const struct ipc_events far_events = {
	.handlers = far_handlers, .count = 1, .closed = far_closed
};
static const struct ipc_events near_events = { .closed = NULL };

static struct slice
body(void *buf)
{
	struct directory_ask a = { SLICE_LITERAL("a@b"), SLICE_LITERAL(""),
		false };

	return slice_of(buf, directory_ask_encode(&a, buf));
}

static int
ask(struct fixture *f, struct question *q, uint64_t now)
{
	uint8_t buf[DIRECTORY_BODY_MAX];

	q->s = &f->s;
	return sibling_ask(&f->s, &q->ask, now, IPC_RESOLVE, body(buf), NULL, 0);
}

static void
failed(struct ask *a)
{
	struct question *q = (struct question *)a;
	uint8_t buf[DIRECTORY_BODY_MAX];

	q->failed++;
	if (q->drop != NULL)
		sibling_forget(q->s, &q->drop->ask);
	if (q->again)
		assert_int_equal(sibling_ask(q->s, a, 1, IPC_RESOLVE,
		    body(buf), NULL, 0), -1);
}

static void
reconnect(struct fixture *f)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	sibling_connect(&f->s, ipc_channel_new(f->base, sv[0], IPC_SMTPD,
	    IPC_DIRECTORY, &near_events, f));
	ipc_channel_free(f->far);
	f->far = ipc_channel_new(f->base, sv[1], IPC_DIRECTORY, IPC_SMTPD,
	    &far_events, f);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->base = event_base_new();
	assert_int_equal(sibling_init(&f->s, 3), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ipc_channel_free(f->far);
	ipc_channel_free(f->s.ch);
	ipc_pending_free(f->s.pending);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void
test_answer(void **state)
{
	struct fixture *f = *state;
	struct question q = { .ask.failed = failed };

	assert_int_equal(ask(f, &q, 1), -1);	/* nobody is there */
	reconnect(f);
	assert_int_equal(ask(f, &q, 1), 0);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->received, 1);
	assert_true(f->last_id == q.ask.id);
	assert_null(sibling_answered(&f->s, f->s.ch, f->last_id + 1));
	assert_ptr_equal(sibling_answered(&f->s, f->s.ch, f->last_id), &q.ask);
	assert_null(sibling_answered(&f->s, f->s.ch, f->last_id));
	assert_int_equal(q.failed, 0);
}

static void
test_bound(void **state)
{
	struct fixture *f = *state;
	struct question q[4] = { 0 };

	reconnect(f);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(f, &q[i], 1), 0);
	assert_int_equal(ask(f, &q[3], 1), -1);
	sibling_forget(&f->s, &q[1].ask);
	sibling_forget(&f->s, &q[1].ask);
	assert_int_equal(ask(f, &q[3], 1), 0);
	for (int i = 0; i < 4; i++)
		sibling_forget(&f->s, &q[i].ask);
}

static void
test_expire(void **state)
{
	struct fixture *f = *state;
	struct question q[3];

	reconnect(f);
	for (int i = 0; i < 3; i++) {
		q[i] = (struct question){ .ask.failed = failed };
		assert_int_equal(ask(f, &q[i], (uint64_t)(10 * i)), 0);
	}
	sibling_expire(&f->s, 11);
	assert_int_equal(q[0].failed + q[1].failed, 2);
	assert_int_equal(q[2].failed, 0);
	/* Too late: nobody waits for it any more. */
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_null(sibling_answered(&f->s, f->s.ch, f->last_id - 1));
	sibling_forget(&f->s, &q[2].ask);
}

static void
test_gone(void **state)
{
	struct fixture *f = *state;
	struct question q[3];

	reconnect(f);
	for (int i = 0; i < 3; i++) {
		q[i] = (struct question){ .ask.failed = failed };
		assert_int_equal(ask(f, &q[i], 1), 0);
	}
	/* The first one's owner gives up the second and tries once more. */
	q[0].drop = &q[1];
	q[0].again = true;
	reconnect(f);
	assert_int_equal(q[0].failed, 1);
	assert_int_equal(q[1].failed, 0);
	assert_int_equal(q[2].failed, 1);
	q[0].drop = NULL;
	assert_int_equal(ask(f, &q[0], 1), 0);
	sibling_forget(&f->s, &q[0].ask);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_answer), T(test_bound), T(test_expire), T(test_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
