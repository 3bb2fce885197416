/* What a host has to show, by the route and by what DNS says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "remote-relay/trust.h"

enum { NO_DANE = -1 };

struct row {
	int		 level;		/* of the route */
	bool		 by_mx, hop_secure, host_secure;
	int		 verdict;	/* enum dane_verdict, or NO_DANE */
	/* What comes of it; tls -1: the host must not be used. */
	int		 tls;
	enum tls_verify	 verify;
	const char	*name;		/* the first that is verified */
	size_t		 n_names;	/* further ones */
	bool		 destination;
};

#define HOST	"mx.example"
#define DOMAIN	"example.org"

static const struct row rows[] = {
	{ ROUTE_TLS_NONE, true, true, true, NO_DANE,
	    TLS_POLICY_NONE, TLS_VERIFY_NONE, HOST, 0, false },
	{ ROUTE_TLS_OPPORTUNISTIC, true, true, true, NO_DANE,
	    TLS_POLICY_MAY, TLS_VERIFY_NONE, HOST, 0, false },
	{ ROUTE_TLS_REQUIRED, true, true, true, NO_DANE,
	    TLS_POLICY_MUST, TLS_VERIFY_NONE, HOST, 0, false },
	/* The name of the host where it is nobody else's word. */
	{ ROUTE_TLS_VERIFIED, true, true, true, NO_DANE,
	    TLS_POLICY_MUST, TLS_VERIFY_NAME, HOST, 0, true },
	{ ROUTE_TLS_VERIFIED, true, false, true, NO_DANE,
	    TLS_POLICY_MUST, TLS_VERIFY_NAME, DOMAIN, 0, true },
	{ ROUTE_TLS_VERIFIED, false, false, false, NO_DANE,
	    TLS_POLICY_MUST, TLS_VERIFY_NAME, HOST, 0, true },
	{ ROUTE_TLS_FINGERPRINT, true, false, false, NO_DANE,
	    TLS_POLICY_MUST, TLS_VERIFY_FINGERPRINT, HOST, 0, true },
	/* DANE where there are records ... */
	{ ROUTE_TLS_DANE, true, true, true, DANE_RECORDS,
	    TLS_POLICY_MUST, TLS_VERIFY_DANE, HOST, 2, true },
	{ ROUTE_TLS_DANE, true, false, true, DANE_RECORDS,
	    TLS_POLICY_MUST, TLS_VERIFY_DANE, HOST, 0, false },
	{ ROUTE_TLS_DANE, false, true, true, DANE_RECORDS,
	    TLS_POLICY_MUST, TLS_VERIFY_DANE, HOST, 0, true },
	/* ... or might be ... */
	{ ROUTE_TLS_DANE, true, true, true, DANE_UNUSABLE,
	    TLS_POLICY_MUST, TLS_VERIFY_NONE, HOST, 0, false },
	{ ROUTE_TLS_DANE, true, true, true, DANE_UNKNOWN,
	    -1, 0, NULL, 0, false },
	{ ROUTE_TLS_DANE, true, false, true, DANE_UNKNOWN,
	    -1, 0, NULL, 0, false },
	/* ... or are not. */
	{ ROUTE_TLS_DANE, true, true, true, DANE_NONE,
	    TLS_POLICY_MAY, TLS_VERIFY_NONE, HOST, 0, false },
	{ ROUTE_TLS_DANE, true, false, false, NO_DANE,
	    TLS_POLICY_MAY, TLS_VERIFY_NONE, HOST, 0, false },
	/* Nothing but that. */
	{ ROUTE_TLS_DANE_ONLY, true, true, true, DANE_RECORDS,
	    TLS_POLICY_MUST, TLS_VERIFY_DANE, HOST, 2, true },
	{ ROUTE_TLS_DANE_ONLY, true, false, true, DANE_RECORDS,
	    -1, 0, NULL, 0, false },
	{ ROUTE_TLS_DANE_ONLY, false, false, true, DANE_RECORDS,
	    -1, 0, NULL, 0, false },
	{ ROUTE_TLS_DANE_ONLY, true, true, true, DANE_UNUSABLE,
	    -1, 0, NULL, 0, false },
	{ ROUTE_TLS_DANE_ONLY, true, true, true, DANE_NONE,
	    -1, 0, NULL, 0, false },
	{ ROUTE_TLS_DANE_ONLY, true, true, true, DANE_UNKNOWN,
	    -1, 0, NULL, 0, false },
	{ ROUTE_TLS_DANE_ONLY, true, true, false, NO_DANE,
	    -1, 0, NULL, 0, false },
};

static void
check(const struct row *w)
{
	struct route_settings set = { .tls = (unsigned)w->level };
	struct route r = { .name = "", .set = &set };
	struct host h = { .name = HOST, .secure = w->host_secure };
	struct next_hop hop = { .name = DOMAIN, .canonical = "real.example",
		.by_mx = w->by_mx, .secure = w->hop_secure };
	struct dane d = { .base = HOST, .why = "because" };
	struct outcome why = { 0 };
	struct trust t;
	bool good;

	d.verdict = (enum dane_verdict)w->verdict;
	good = trust_make(&t, &r, &h, &hop, w->verdict == NO_DANE ? NULL : &d,
	    &why);
	assert_int_equal(good, w->tls != -1);
	if (!good) {
		assert_int_equal(why.result, RELAY_DEFERRED);
		assert_true(why.host_down);
		return;
	}
	assert_int_equal(t.tls, w->tls);
	assert_int_equal(t.expect.verify, w->verify);
	assert_string_equal(t.expect.name, w->name);
	assert_int_equal(t.expect.n_names, w->n_names);
	assert_int_equal(t.destination, w->destination);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		check(&rows[i]);
	}
}

/* An address has no name to ask for, nor to send (RFC 6066 section 3). */
static void
test_literal(void **state)
{
	struct route_settings set = { .tls = ROUTE_TLS_DANE };
	struct route r = { .name = "", .set = &set };
	struct host h = { .name = "192.0.2.1", .literal = true };
	struct next_hop hop = { .name = "192.0.2.1", .secure = true };
	struct outcome why;
	struct trust t;

	(void)state;
	assert_true(trust_make(&t, &r, &h, &hop, NULL, &why));
	assert_int_equal(t.tls, TLS_POLICY_MAY);
	assert_string_equal(t.expect.name, "");
	set.tls = ROUTE_TLS_DANE_ONLY;
	assert_false(trust_make(&t, &r, &h, &hop, NULL, &why));
}

/* A name that is long enough leaves no room for "_25._tcp.". */
static void
test_long_name(void **state)
{
	struct host h = { .secure = true };
	const char *why;

	(void)state;
	memset(h.name, 'a', DNS_NAME_MAX - 12);
	assert_true(dane_applies(&h, &why));
	memset(h.name, 'a', DNS_NAME_MAX);
	assert_false(dane_applies(&h, &why));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows), cmocka_unit_test(test_literal),
		cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
