#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "common/dns/client.h"
#include "common/ipc/ipc.h"

#define S(s) SLICE_LITERAL(s)

enum { MAX = 4, TIMEOUT_MS = 80 };

/* A resolver that keeps what it was asked; tests answer for it. */
struct fixture {
	struct event_base	*base;
	struct dns_client	*client;
	struct ipc_channel	*far;
	unsigned		 asked, cancelled, far_closed, lost;
	uint64_t		 ids[64];
	char			 name[DNS_NAME_MAX + 1];
	enum dns_type		 type;
};

struct result {
	struct fixture	*f;
	unsigned	 called;
	enum dns_status	 status;
	bool		 secure;
	unsigned	 records;
	struct dns_query *drop;		/* cancelled by the answer */
	bool		 again;		/* asked anew by the answer */
};

static int
far_ask(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct fixture *f = ctx;
	struct dns_question q;

	(void)ch;
	assert_int_equal(dns_question_decode(m->body, &q), 0);
	assert_int_equal(slice_copy_str(q.name, f->name, sizeof(f->name)), 0);
	f->type = q.type;
	f->ids[f->asked++] = m->id;
	return 0;
}

static int
far_cancel(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct fixture *f = ctx;

	(void)ch, (void)m;
	f->cancelled++;
	return 0;
}

static void
far_closed(void *ctx, struct ipc_channel *ch)
{
	struct fixture *f = ctx;

	(void)ch;
	f->far = NULL;
	f->far_closed++;
}

static const struct ipc_handler far_handlers[] = {
	{ IPC_DNS_ASK, far_ask }, { IPC_DNS_CANCEL, far_cancel },
};
static const struct ipc_events far_events = { .handlers = far_handlers,
	.count = 2, .closed = far_closed };

static void
turn(struct fixture *f)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
connect_to(struct fixture *f)
{
	int sv[2];

	ipc_channel_free(f->far);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	f->far = ipc_channel_new(f->base, sv[1], IPC_RESOLVER, IPC_SMTPD,
	    &far_events, f);
	assert_int_equal(dns_client_channel(f->client, sv[0]), 0);
	turn(f);
}

static void
done(void *ctx, struct dns_answer *a)
{
	struct result *r = ctx;
	struct dns_record rec;

	r->called++;
	r->status = a->status;
	r->secure = a->secure;
	while (dns_answer_next(a, &rec))
		r->records++;
	dns_cancel(r->drop);
	if (r->again) {
		r->again = false;
		assert_non_null(dns_ask(r->f->client, DNS_A, S("again.org"),
		    done, r));
	}
}

static struct dns_query *
ask(struct fixture *f, struct result *r)
{
	r->f = f;
	return dns_ask(f->client, DNS_MX, S("example.org"), done, r);
}

static void
answer(struct fixture *f, uint64_t id, enum dns_type type)
{
	static const struct dns_record mx = { .type = DNS_MX,
		.mx = { 5, S("mx.example.org") } };
	struct dns_answer a = { .status = DNS_OK, .type = type,
		.secure = true, .ttl = 60 };
	struct dns_builder b;
	static uint8_t buf[DNS_ANSWER_MAX];
	size_t len;

	dns_builder_begin(&b, &a, buf);
	if (type == DNS_MX)
		dns_builder_add(&b, &mx);
	len = dns_builder_end(&b);
	ipc_send(f->far, IPC_DNS_ANSWER, id, slice_of(buf, len), NULL, 0);
	turn(f);
}

static void
lost(void *ctx)
{
	((struct fixture *)ctx)->lost++;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->base = event_base_new();
	f->client = dns_client_new(f->base, IPC_SMTPD, MAX, TIMEOUT_MS);
	assert_non_null(f->client);
	dns_client_on_lost(f->client, lost, f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	dns_client_free(f->client);
	ipc_channel_free(f->far);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void
answered(void **state)
{
	struct fixture *f = *state;
	struct result r = { 0 };

	connect_to(f);
	assert_non_null(ask(f, &r));
	assert_int_equal(r.called, 0);
	turn(f);
	assert_int_equal(f->asked, 1);
	assert_string_equal(f->name, "example.org");
	assert_int_equal(f->type, DNS_MX);
	answer(f, f->ids[0] + 1, DNS_MX);	/* to nothing */
	assert_int_equal(r.called, 0);
	answer(f, f->ids[0], DNS_MX);
	answer(f, f->ids[0], DNS_MX);		/* once only */
	assert_int_equal(r.called, 1);
	assert_int_equal(r.status, DNS_OK);
	assert_true(r.secure);
	assert_int_equal(r.records, 1);
	assert_int_equal(dns_client_waiting(f->client), 0);
	assert_int_equal(f->far_closed, 0);
}

static void
refused(void **state)
{
	static const struct slice bad[] = { S(""), S("a..b"), S("a b"),
		S("[192.0.2.1]"), S("example.org.") };
	struct fixture *f = *state;
	struct result r[MAX + 1] = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(dns_ask(f->client, DNS_A, bad[i], done, r));
		assert_int_equal(errno, EINVAL);
	}
	assert_null(dns_ask(f->client, (enum dns_type)255, S("a"), done, r));
	for (int i = 0; i < MAX; i++)
		assert_non_null(ask(f, &r[i]));
	assert_null(ask(f, &r[MAX]));
	assert_int_equal(errno, EAGAIN);
}

/* While resolver restarts the questions wait, and are asked again. */
static void
again(void **state)
{
	struct fixture *f = *state;
	struct result r[2] = { 0 };

	assert_non_null(ask(f, &r[0]));		/* before there is one */
	connect_to(f);
	assert_int_equal(f->asked, 1);
	assert_non_null(ask(f, &r[1]));
	turn(f);
	ipc_channel_free(f->far);		/* it dies */
	f->far = NULL;
	turn(f);
	assert_int_equal(r[0].called + r[1].called, 0);
	connect_to(f);
	assert_int_equal(f->asked, 4);
	assert_int_not_equal(f->ids[2], f->ids[0]);
	answer(f, f->ids[0], DNS_MX);		/* an id of former days */
	assert_int_equal(r[0].called + r[1].called, 0);
	answer(f, f->ids[2], DNS_MX);
	answer(f, f->ids[3], DNS_MX);
	assert_int_equal(r[0].called, 1);
	assert_int_equal(r[1].called, 1);
}

static void
cancelled(void **state)
{
	struct fixture *f = *state;
	struct result r[3] = { 0 };

	connect_to(f);
	dns_cancel(ask(f, &r[0]));
	turn(f);
	assert_int_equal(f->cancelled, 1);
	answer(f, f->ids[0], DNS_MX);		/* crossed on the way */
	assert_int_equal(r[0].called, 0);
	assert_non_null(ask(f, &r[1]));
	r[1].drop = ask(f, &r[2]);
	r[1].again = true;
	turn(f);
	answer(f, f->ids[1], DNS_MX);
	assert_int_equal(r[1].called, 1);
	assert_int_equal(r[2].called, 0);
	assert_string_equal(f->name, "again.org");
	assert_int_equal(dns_client_waiting(f->client), 1);
	dns_cancel(NULL);
}

static void
expired(void **state)
{
	struct fixture *f = *state;
	struct result r[2] = { 0 };
	struct timeval tv = { .tv_usec = 2 * TIMEOUT_MS * 1000 };

	connect_to(f);
	assert_non_null(ask(f, &r[0]));
	r[0].again = true;	/* which is asked and expires as well */
	event_base_loopexit(f->base, &tv);
	event_base_dispatch(f->base);
	assert_in_range(r[0].called, 1, 2);
	assert_int_equal(r[0].status, DNS_TEMPFAIL);
	assert_in_range(f->cancelled, 1, 2);
}

/* Whatever is not an answer closes the channel and reaches nobody. */
static void
malformed(void **state)
{
	struct fixture *f = *state;
	struct result r = { 0 };

	connect_to(f);
	assert_non_null(ask(f, &r));
	turn(f);
	answer(f, f->ids[0], DNS_A);	/* true, but not what was asked */
	assert_int_equal(f->far_closed, 1);
	assert_int_equal(f->lost, 1);
	connect_to(f);
	ipc_send(f->far, IPC_DNS_ANSWER, f->ids[f->asked - 1],
	    S("\1\0\17\0"), NULL, 0);
	turn(f);
	assert_int_equal(f->far_closed, 2);
	connect_to(f);
	answer(f, f->ids[f->asked - 1], DNS_MX);
	assert_int_equal(r.called, 1);
	assert_int_equal(r.records, 1);
	assert_int_equal(f->lost, 2);
}

static void
reverse(void **state)
{
	struct net_address a;
	char out[DNS_NAME_MAX + 1], zone[DNS_NAME_MAX];

	(void)state;
	assert_int_equal(net_address_parse(S("192.0.2.17"), &a), PARSE_OK);
	assert_int_not_equal(dns_reverse_name(&a, S(""), out), 0);
	assert_string_equal(out, "17.2.0.192.in-addr.arpa");
	assert_int_equal(dns_reverse_name(&a, S("l.example"), out), 20);
	assert_string_equal(out, "17.2.0.192.l.example");
	memset(zone, 'z', sizeof(zone));
	assert_int_equal(dns_reverse_name(&a, slice_of(zone, 253), out), 0);
	assert_int_equal(net_address_parse(S("2001:db8::1"), &a), PARSE_OK);
	assert_int_equal(dns_reverse_name(&a, S(""), out), 72);
	assert_string_equal(out, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
	a.family = NET_LOCAL;
	assert_int_equal(dns_reverse_name(&a, S(""), out), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(answered), T(refused), T(again), T(cancelled), T(expired),
		T(malformed), cmocka_unit_test(reverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
