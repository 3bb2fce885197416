/*
 * Handshakes of two streams in one process, the server's signatures made by
 * tlskeyd's code at the other end of a channel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/net/stream.h"
#include "common/tls/self_signed.h"
#include "common/tls/tls.h"
#include "common/ipc/ipc.h"
#include "tlskeyd/sign.h"

enum { PAIRS = 3, CLIENTS = 300 };

struct world;

struct side {
	struct world	*w;
	struct stream	*s;
	struct tls	*tls;
	char		 got[64];
	size_t		 got_len, total;
	bool		 secured, ended, echo;
	enum stream_end	 end;
};

struct world {
	struct event_base *base;
	struct stream_loop *loop;
	struct tls_keys	*keys;
	struct tls_server *server;
	struct tls_client *client;
	struct ipc_channel *tlskeyd;	/* tlskeyd's own end */
	struct pair	 pairs[PAIRS];
	int		 chains[PAIRS], secrets[PAIRS];
	struct ipc_message held;	/* the last, when holding */
	bool		 hold, refuse;
	unsigned	 asked;
	uint64_t	 held_ids[CLIENTS];
};

static const char *const names_a[] = { "mx.example.org", "*.example.org" };
static const char *const names_b[] = { "mx.example.org" };
static const char *const names_c[] = { "other.example.net" };

/* ---- tlskeyd's end ---- */

static int
on_sign(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct world *w = ctx;
	unsigned char sig[TLS_SIGNATURE_MAX];
	char body[TLS_BODY_MAX];
	enum tls_refusal why = TLS_NO_KEY;
	struct tls_sign sign;
	size_t len = 0;

	assert_int_equal(tls_sign_decode(m->body, &sign), 0);
	w->held_ids[w->asked++ % CLIENTS] = m->id;
	if (w->hold)
		return 0;
	for (int i = 0; i < PAIRS; i++)
		if (memcmp(&w->pairs[i].id, &sign.key, sizeof(sign.key)) == 0)
			why = pair_sign(&w->pairs[i], SIDE_SERVER, sign.scheme, sign.input,
			    sig, &len);
	if (w->refuse)
		why = TLS_BUSY;
	if (why == 0)
		ipc_send(ch, IPC_TLS_SIGNED, m->id, slice_of(body,
		    tls_signed_encode(slice_of(sig, len), body)), NULL, 0);
	else
		ipc_send(ch, IPC_TLS_REFUSED, m->id, slice_of(body,
		    tls_refused_encode(why, body)), NULL, 0);
	return 0;
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	((struct world *)ctx)->tlskeyd = NULL;
}

static const struct ipc_handler handlers[] = { { IPC_TLS_SIGN, on_sign } };
static const struct ipc_events events = { .handlers = handlers, .count = 1,
	.closed = on_closed };

static void
turn(struct world *w)
{
	for (int i = 0; i < 12; i++)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
}

static void
announce(struct world *w, size_t n)
{
	static char body[TLS_BODY_MAX];
	struct tls_key_id ids[PAIRS];

	for (size_t i = 0; i < n; i++)
		ids[i] = w->pairs[i].id;
	ipc_send(w->tlskeyd, IPC_TLS_KEYS, 0, slice_of(body,
	    tls_keys_encode(ids, n, body)), NULL, 0);
}

static void
give_tickets(struct world *w, uint8_t now, uint8_t former)
{
	struct tls_ticket_keys t = { .has_former = former != 0 };
	char body[256];

	memset(&t.now, now, sizeof(t.now));
	memset(&t.former, former, sizeof(t.former));
	ipc_send(w->tlskeyd, IPC_TLS_TICKETS, 0, slice_of(body,
	    tls_tickets_encode(&t, body)), NULL, 0);
}

static void
connect_keys(struct world *w)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	if (w->tlskeyd != NULL)
		ipc_channel_free(w->tlskeyd);
	w->tlskeyd = ipc_channel_new(w->base, sv[0], IPC_TLSKEYD, IPC_SMTPD,
	    &events, w);
	assert_int_equal(tls_keys_connect(w->keys, sv[1]), 0);
}

static void
make_pair(struct world *w, int i, const char *type, const char *const *names,
    size_t n)
{
	time_t now = time(NULL);

	w->chains[i] = memfd_create("chain", 0);
	w->secrets[i] = memfd_create("key", 0);
	assert_int_equal(self_signed_write(type, names, n, now - 60,
	    now + 86400, w->chains[i], w->secrets[i]), 0);
	assert_null(pair_read(&w->pairs[i], w->chains[i], w->secrets[i]));
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	signal(SIGPIPE, SIG_IGN);
	w->base = event_base_new();
	w->loop = stream_loop_new(w->base, 16384);
	w->keys = tls_keys_new(w->base, IPC_SMTPD);
	w->server = tls_server_new(w->keys, "smtp");
	make_pair(w, 0, "EC", names_a, 2);
	make_pair(w, 1, "RSA", names_b, 1);
	make_pair(w, 2, "ED25519", names_c, 1);
	w->client = tls_client_new(w->chains[0]);
	connect_keys(w);
	tls_server_certificate(w->server, "a", w->chains[0]);
	tls_server_certificate(w->server, "b", w->chains[1]);
	tls_server_certificate(w->server, "c", w->chains[2]);
	tls_server_commit(w->server);
	assert_false(tls_server_ready(w->server));
	announce(w, PAIRS);
	give_tickets(w, 1, 0);
	turn(w);
	assert_true(tls_server_ready(w->server));
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	turn(w);
	for (int i = 0; i < PAIRS; i++) {
		pair_clear(&w->pairs[i]);
		close(w->chains[i]);
		close(w->secrets[i]);
	}
	tls_client_free(w->client);
	tls_server_free(w->server);
	tls_keys_free(w->keys);
	if (w->tlskeyd != NULL)
		ipc_channel_free(w->tlskeyd);
	stream_loop_free(w->loop);
	event_base_free(w->base);
	free(w);
	return 0;
}

/* ---- two streams ---- */

static size_t
on_input(void *owner, char *at, size_t len)
{
	struct side *side = owner;

	assert_true(side->secured);
	side->total += len;
	if (side->got_len + len <= sizeof(side->got)) {
		memcpy(side->got + side->got_len, at, len);
		side->got_len += len;
	}
	if (side->echo)
		stream_write(side->s, at, len);
	return len;
}

static void
on_secured(void *owner)
{
	((struct side *)owner)->secured = true;
}

static void
on_ended(void *owner, enum stream_end why)
{
	struct side *side = owner;

	side->ended = true;
	side->end = why;
}

static const struct stream_kind kind = {
	.on = { .input = on_input, .secured = on_secured,
	    .ended = on_ended },
	.input_max = 65536, .output_max = 1 << 20,
};

static void
sides(struct world *w, struct side *server, struct side *client)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	*server = (struct side){ .w = w };
	*client = (struct side){ .w = w };
	server->s = stream_new(w->loop, sv[0], &kind, server);
	client->s = stream_new(w->loop, sv[1], &kind, client);
}

static void
shake(struct world *w, struct side *server, struct side *client,
    const struct tls_expect *e)
{
	sides(w, server, client);
	server->tls = tls_serve(w->server, server->s);
	client->tls = tls_ask(w->client, client->s, e);
	assert_non_null(server->tls);
	assert_non_null(client->tls);
	turn(w);
}

static void
part(struct side *server, struct side *client)
{
	stream_free(server->s);
	stream_free(client->s);
}

static const struct tls_expect nothing = { .verify = TLS_VERIFY_NONE,
	.name = "" };

/* ---- the tests ---- */

static void
octets_both_ways(void **state)
{
	struct world *w = *state;
	struct side server, client;
	struct tls_info info;
	static char big[300000];

	shake(w, &server, &client, &nothing);
	assert_true(server.secured && client.secured);
	assert_int_equal(w->asked, 1);
	tls_info(server.tls, &info);
	assert_string_equal(info.version, "TLSv1.3");
	assert_int_equal(info.resumed, false);
	stream_write(client.s, "hello", 5);
	turn(w);
	assert_memory_equal(server.got, "hello", 5);
	server.echo = true;
	memset(big, 'x', sizeof(big));
	stream_write(client.s, big, sizeof(big));
	for (int i = 0; i < 100 && client.total < sizeof(big); i++)
		turn(w);
	assert_int_equal(server.total, 5 + sizeof(big));
	assert_int_equal(client.total, sizeof(big));
	/* close_notify, not only the end of the connection */
	stream_finish(client.s, 0);
	turn(w);
	assert_int_equal(client.end, STREAM_FINISHED);
	stream_free(client.s);
	turn(w);
	assert_true(server.ended);
	assert_int_equal(server.end, STREAM_EOF);
	stream_free(server.s);
}

/* SNI leads to each of the key types, and the names verify. */
static void
names_and_types(void **state)
{
	static const struct {
		const char *ask;
		int root;
		bool good;
	} rows[] = {
		{ "mx.example.org", 0, true },
		{ "MX.Example.ORG", 0, true },
		{ "anything.example.org", 0, true },
		{ "a.b.example.org", 0, false },
		{ "elsewhere.example.com", 0, false },
		{ "other.example.net", 2, true },
		{ "mx.example.org", 2, false },
	};
	struct world *w = *state;
	struct side server, client;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_expect e = { .verify = TLS_VERIFY_NAME,
			.name = rows[i].ask };

		tls_client_free(w->client);
		w->client = tls_client_new(w->chains[rows[i].root]);
		shake(w, &server, &client, &e);
		assert_int_equal(client.secured, rows[i].good);
		assert_int_equal(server.secured, rows[i].good);
		if (!rows[i].good) {
			assert_int_equal(client.end, STREAM_INSECURE);
			assert_int_equal(server.end, STREAM_INSECURE);
			assert_true(tls_not_verified(client.tls));
		}
		part(&server, &client);
	}
}

static void
fingerprints(void **state)
{
	struct world *w = *state;
	struct side server, client;
	uint8_t prints[2][TLS_FINGERPRINT_LEN] = { { 0 } };
	struct tls_expect e = { .verify = TLS_VERIFY_FINGERPRINT,
		.name = "other.example.net",
		.fingerprints = (const void *)prints, .n_fingerprints = 2 };

	shake(w, &server, &client, &e);
	assert_false(client.secured);
	part(&server, &client);
	memcpy(prints[1], w->pairs[2].id.octets, TLS_FINGERPRINT_LEN);
	shake(w, &server, &client, &e);
	assert_true(client.secured);
	part(&server, &client);
	e.n_fingerprints = 0;
	sides(w, &server, &client);
	assert_null(tls_ask(w->client, client.s, &e));
	part(&server, &client);
}

static void
dane(void **state)
{
	struct world *w = *state;
	struct side server, client;
	uint8_t id[TLS_KEY_ID_LEN];
	struct tls_tlsa records[] = {
		{ 0, 1, 1, slice_of(id, sizeof(id)) },	/* PKIX-TA: not ours */
		{ 3, 1, 1, slice_of(id, sizeof(id)) },
		{ 3, 1, 1, slice_of(id, 5) },		/* too short */
	};
	/* DANE-EE: the name need not fit. */
	struct tls_expect e = { .verify = TLS_VERIFY_DANE,
		.name = "whatever.example.com", .tlsa = records, .n_tlsa = 3 };

	memcpy(id, w->pairs[0].id.octets, sizeof(id));
	assert_int_equal(tls_tlsa_usable(records, 3), 1);
	shake(w, &server, &client, &e);
	assert_true(client.secured);
	part(&server, &client);
	id[0] ^= 1;
	shake(w, &server, &client, &e);
	assert_false(client.secured);
	assert_true(tls_not_verified(client.tls));
	part(&server, &client);
	e.n_tlsa = 1;
	sides(w, &server, &client);
	assert_null(tls_ask(w->client, client.s, &e));
	part(&server, &client);
}

/* While tlskeyd thinks, others are served, and who leaves leaves nothing. */
static void
many_in_flight(void **state)
{
	struct world *w = *state;
	static struct side servers[CLIENTS], clients[CLIENTS];
	unsigned secured = 0;

	w->hold = true;
	for (int i = 0; i < CLIENTS; i++) {
		sides(w, &servers[i], &clients[i]);
		servers[i].tls = tls_serve(w->server, servers[i].s);
		clients[i].tls = tls_ask(w->client, clients[i].s, &nothing);
	}
	turn(w);
	/* So many rest in their signature; the others wait for a place. */
	assert_int_equal(w->asked, 256);
	for (int i = 0; i < CLIENTS; i += 2)
		part(&servers[i], &clients[i]);
	w->hold = false;
	turn(w);
	/* tlskeyd dies with what it was asked, and comes again. */
	connect_keys(w);
	announce(w, PAIRS);
	for (int i = 0; i < 20; i++)
		turn(w);
	for (int i = 1; i < CLIENTS; i += 2) {
		secured += servers[i].secured;
		assert_true(servers[i].secured ||
		    servers[i].end == STREAM_INSECURE);
		part(&servers[i], &clients[i]);
	}
	assert_in_range(secured, 20, 149);
	shake(w, &servers[0], &clients[0], &nothing);
	assert_true(servers[0].secured);
	part(&servers[0], &clients[0]);
}

static void
refused(void **state)
{
	struct world *w = *state;
	struct side server, client;

	w->refuse = true;
	shake(w, &server, &client, &nothing);
	assert_int_equal(server.end, STREAM_INSECURE);
	assert_string_equal(tls_failure(server.tls),
	    tls_refusal_name(TLS_BUSY));
	part(&server, &client);
	ipc_channel_free(w->tlskeyd);
	w->tlskeyd = NULL;
	turn(w);
	assert_false(tls_server_ready(w->server));
	shake(w, &server, &client, &nothing);
	assert_string_equal(tls_failure(server.tls), "tlskeyd is not there");
	part(&server, &client);
}

/* RFC 3207 section 4.2: what came in clear is never read after it. */
static void
injected(void **state)
{
	struct world *w = *state;
	struct side server, client;

	sides(w, &server, &client);
	server.secured = true;	/* so that input in clear is taken */
	stream_pause(server.s);
	stream_write(client.s, "RSET\r\n", 6);
	turn(w);
	stream_resume(server.s);
	/* It waits in the socket: then it is no TLS. */
	server.secured = false;
	server.tls = tls_serve(w->server, server.s);
	turn(w);
	assert_int_equal(server.end, STREAM_INSECURE);
	assert_int_equal(server.total, 0);
	part(&server, &client);
}

/* A failed handshake is never followed by words in clear. */
static void
no_word_in_clear(void **state)
{
	struct world *w = *state;
	struct side server;
	char got[4096];
	ssize_t n;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	server = (struct side){ .w = w };
	server.s = stream_new(w->loop, sv[0], &kind, &server);
	stream_write(server.s, "220 go\r\n", 8);
	server.tls = tls_serve(w->server, server.s);
	stream_write(server.s, "secret", 6);
	assert_int_equal(write(sv[1], "NOOP\r\nNOOP\r\n", 12), 12);
	turn(w);
	assert_int_equal(server.end, STREAM_INSECURE);
	stream_write(server.s, "secret", 6);
	stream_finish(server.s, 0);
	turn(w);
	n = read(sv[1], got, sizeof(got));
	assert_true(n >= 8);
	assert_memory_equal(got, "220 go\r\n", 8);
	assert_null(memmem(got, (size_t)n, "secret", 6));
	stream_free(server.s);
	close(sv[1]);
}

static void
slow_handshake(void **state)
{
	struct world *w = *state;
	struct side server, client;

	sides(w, &server, &client);
	server.tls = tls_serve(w->server, server.s);
	stream_deadline(server.s, 1);
	for (int i = 0; i < 100 && !server.ended; i++) {
		usleep(1000);
		turn(w);
	}
	assert_int_equal(server.end, STREAM_TIMEOUT);
	part(&server, &client);
}

/* A pair that tlskeyd does not know waits; a broken one changes nothing. */
static void
reload(void **state)
{
	struct world *w = *state;
	struct side server, client;
	int broken = memfd_create("broken", 0);
	struct tls_expect e = { .verify = TLS_VERIFY_NAME,
		.name = "mx.example.org" };

	assert_int_equal(write(broken, "nonsense", 8), 8);
	tls_server_certificate(w->server, "a", broken);
	tls_server_certificate(w->server, "b", -1);
	tls_server_commit(w->server);	/* c is gone */
	shake(w, &server, &client, &e);
	assert_true(client.secured);
	part(&server, &client);
	e.name = "other.example.net";
	shake(w, &server, &client, &e);
	assert_false(client.secured);
	part(&server, &client);

	announce(w, 2);
	turn(w);
	tls_server_certificate(w->server, "a", w->chains[2]);
	tls_server_commit(w->server);
	e.name = "mx.example.org";
	shake(w, &server, &client, &e);	/* its key is not there: still a */
	assert_true(client.secured);
	part(&server, &client);
	announce(w, 3);
	turn(w);
	shake(w, &server, &client, &e);
	assert_false(client.secured);	/* from here on, c */
	part(&server, &client);
	close(broken);
}

/* Both ends have the same, and another connection another. */
static void
same_bindings(const struct side *server, const struct side *client,
    struct tls_bindings *a)
{
	struct tls_bindings b;

	tls_bindings(server->tls, a);
	tls_bindings(client->tls, &b);
	assert_true(tls_bindable(server->tls) && tls_bindable(client->tls));
	assert_int_equal(a->exporter_len, b.exporter_len);
	assert_memory_equal(a->exporter, b.exporter, a->exporter_len);
	assert_int_equal(a->unique_len, b.unique_len);
	assert_memory_equal(a->unique, b.unique, a->unique_len);
	assert_int_equal(a->end_point_len, b.end_point_len);
	assert_memory_equal(a->end_point, b.end_point, a->end_point_len);
}

static void
binding(void **state)
{
	struct world *w = *state;
	struct side server, client;
	struct tls_bindings a, b;

	shake(w, &server, &client, &nothing);
	same_bindings(&server, &client, &a);
	assert_int_equal(a.exporter_len, TLS_EXPORTER_LEN);
	assert_int_equal(a.unique_len, 0);	/* not of 1.3 */
	assert_int_equal(a.end_point_len, 32);
	part(&server, &client);
	shake(w, &server, &client, &nothing);
	same_bindings(&server, &client, &b);
	assert_memory_not_equal(a.exporter, b.exporter, TLS_EXPORTER_LEN);
	assert_memory_equal(a.end_point, b.end_point, a.end_point_len);
	part(&server, &client);
	assert_false(tls_bindable(NULL));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(octets_both_ways), T(names_and_types), T(fingerprints),
		T(dane), T(many_in_flight), T(refused), T(injected),
		T(no_word_in_clear), T(slow_handshake), T(reload), T(binding),
	};

	if (tls_library_start() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
