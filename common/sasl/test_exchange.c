/* Server and client side of each mechanism against each other; the offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sasl/client.h"
#include "common/sasl/exchange.h"

#define S(s) SLICE_LITERAL(s)

static const struct sasl_client_credentials who = { .name = { "tim", 3 },
	.password = { "tanstaaf", 8 } };

static void
expect(struct slice got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.at, want, got.len);
}

/* Until the server has both; -1 when either gives up before. */
static int
converse(enum sasl_mechanism m)
{
	struct sasl_client *c = sasl_client_new(m, &who);
	struct sasl_exchange x;
	struct sasl_result r;
	char out[SASL_CLIENT_MESSAGE_MAX];
	enum sasl_client_step step;
	enum sasl_step got = SASL_SAY;
	size_t len;

	assert_non_null(c);
	sasl_exchange_begin(&x, m, &r);
	step = sasl_client_step(c, S(""), out, &len);
	for (int i = 0; i < 4 && got == SASL_SAY; i++) {
		if (step == SASL_CLIENT_WAIT)
			step = sasl_client_step(c, r.challenge, out, &len);
		assert_int_equal(step, SASL_CLIENT_SEND);
		got = sasl_exchange_take(&x, slice_of(out, len), &r);
		if (got == SASL_SAY)
			step = sasl_client_step(c, r.challenge, out, &len);
	}
	if (got == SASL_PASSWORD) {
		expect(r.name, "tim");
		expect(r.password, "tanstaaf");
		assert_true(sasl_client_satisfied(c));
		/* Nothing is left to be asked. */
		assert_int_equal(sasl_client_step(c, S("more"), out, &len),
		    SASL_CLIENT_FAIL);
	}
	sasl_exchange_clear(&x);
	sasl_client_free(c);
	return got;
}

static void
both_sides(void **state)
{
	(void)state;
	assert_int_equal(converse(SASL_PLAIN), SASL_PASSWORD);
	assert_int_equal(converse(SASL_LOGIN), SASL_PASSWORD);
	assert_int_equal(converse(SASL_SCRAM_SHA_256), SASL_FORWARD);
}

static void
wrong_responses(void **state)
{
	struct sasl_exchange x;
	struct sasl_result r;

	(void)state;
	sasl_exchange_begin(&x, SASL_PLAIN, &r);
	expect(r.challenge, "");
	assert_int_equal(sasl_exchange_take(&x, S("tim"), &r), SASL_MALFORMED);
	sasl_exchange_begin(&x, SASL_PLAIN, &r);
	assert_int_equal(sasl_exchange_take(&x, S("root\0tim\0x"), &r),
	    SASL_IDENTITY);
	sasl_exchange_begin(&x, SASL_PLAIN, &r);
	assert_int_equal(sasl_exchange_take(&x, S("tim\0tim\0x"), &r),
	    SASL_PASSWORD);
	sasl_exchange_begin(&x, SASL_LOGIN, &r);
	expect(r.challenge, "Username:");
	assert_int_equal(sasl_exchange_take(&x, S(""), &r), SASL_MALFORMED);
	sasl_exchange_begin(&x, SASL_LOGIN, &r);
	assert_int_equal(sasl_exchange_take(&x, S("tim"), &r), SASL_SAY);
	expect(r.challenge, "Password:");
	assert_int_equal(sasl_exchange_take(&x, S(""), &r), SASL_MALFORMED);
}

static void
name_too_long(void **state)
{
	char name[SASL_LOGIN_NAME_MAX + 1];
	struct sasl_exchange x;
	struct sasl_result r;

	(void)state;
	memset(name, 'a', sizeof(name));
	sasl_exchange_begin(&x, SASL_LOGIN, &r);
	assert_int_equal(sasl_exchange_take(&x, slice_of(name, sizeof(name)),
	    &r), SASL_MALFORMED);
	sasl_exchange_begin(&x, SASL_LOGIN, &r);
	assert_int_equal(sasl_exchange_take(&x, slice_of(name,
	    sizeof(name) - 1), &r), SASL_SAY);
}

/* A server that says yes without having proved itself. */
static void
scram_is_mutual(void **state)
{
	struct sasl_client *c = sasl_client_new(SASL_SCRAM_SHA_256, &who);
	char out[SASL_CLIENT_MESSAGE_MAX];
	size_t len;

	(void)state;
	assert_int_equal(sasl_client_step(c, S(""), out, &len),
	    SASL_CLIENT_SEND);
	assert_memory_equal(out, "n,,n=tim,r=", 11);
	assert_false(sasl_client_satisfied(c));
	assert_int_equal(sasl_client_step(c, S("v=AAAA"), out, &len),
	    SASL_CLIENT_FAIL);
	assert_false(sasl_client_satisfied(c));
	sasl_client_free(c);
}

static void
offers(void **state)
{
	static const struct {
		struct sasl_situation	 s;
		const char		*want;
	} rows[] = {
		{ { false, true, true }, "" },
		{ { true, false, false }, "PLAIN LOGIN" },
		{ { true, false, true }, "PLAIN LOGIN" },
		{ { true, true, false }, "SCRAM-SHA-256 PLAIN LOGIN" },
		{ { true, true, true },
		    "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN" },
	};
	char out[SASL_MECHANISM_COUNT * 5 + SASL_NAMES_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned set = sasl_offered(&rows[i].s);

		assert_string_equal(sasl_names(set, "", out, sizeof(out)),
		    rows[i].want);
		assert_int_equal(sasl_set_of(slice_str(out)), set);
	}
	assert_string_equal(sasl_names(SASL_BIT(SASL_PLAIN) |
	    SASL_BIT(SASL_LOGIN), "AUTH=", out, sizeof(out)),
	    "AUTH=PLAIN AUTH=LOGIN");
	assert_string_equal(sasl_names(~0u, "AUTH=", out, sizeof(out)),
	    "AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN "
	    "AUTH=LOGIN");
	assert_int_equal(sasl_set_of(S("CRAM-MD5 plain  X SCRAM-SHA-1")),
	    SASL_BIT(SASL_PLAIN));
	assert_int_equal(sasl_mechanism_by_name(S("scram-sha-256")),
	    SASL_SCRAM_SHA_256);
	assert_int_equal(sasl_mechanism_by_name(S("")), SASL_NONE);
}

static void
choices(void **state)
{
	static const struct sasl_client_rules clear = { false, false },
		tls = { true, false }, bound = { true, true };
	unsigned all = sasl_set_of(S("PLAIN LOGIN SCRAM-SHA-256 "
	    "SCRAM-SHA-256-PLUS"));

	(void)state;
	assert_int_equal(sasl_client_choose(all, &bound),
	    SASL_SCRAM_SHA_256_PLUS);
	assert_int_equal(sasl_client_choose(all, &tls), SASL_SCRAM_SHA_256);
	assert_int_equal(sasl_client_choose(all, &clear), SASL_SCRAM_SHA_256);
	assert_int_equal(sasl_client_choose(SASL_BIT(SASL_PLAIN), &clear),
	    SASL_NONE);
	assert_int_equal(sasl_client_choose(SASL_BIT(SASL_LOGIN), &tls),
	    SASL_LOGIN);
	assert_int_equal(sasl_client_choose(0, &bound), SASL_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides), cmocka_unit_test(wrong_responses),
		cmocka_unit_test(name_too_long),
		cmocka_unit_test(scram_is_mutual), cmocka_unit_test(offers),
		cmocka_unit_test(choices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
