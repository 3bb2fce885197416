#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "smtpd/policy/facts.h"

#define S(s) SLICE_LITERAL(s)

/* Three lists: two against, of weight 2 and 3, one in favour, of weight 4. */
static const struct lists lists = { 3, {
	{ .name = "one", .zone = "one.example", .weight = 2 },
	{ .name = "two", .zone = "two.example", .weight = 3 },
	{ .name = "good", .zone = "good.example", .weight = 4,
	    .allows = true } } };

static const struct slice table = S(
    "192.0.2.1 permit\n192.0.2.2 refuse Go away.\n192.0.2.3 defer\n"
    "192.0.2.4 pass\nfrom:vip.example permit\n192.0.2.6 refuse\n");

/* What differs from a client about whom there is nothing to say. */
static const struct decision {
	const char	*client;
	enum fact	 reverse, helo_name, sender_domain;
	bool		 helo_ours, this_host, login;
	uint32_t	 listed, trouble;
	const char	*sender;
	/* The settings: only these differ from case to case. */
	int		 reverse_setting;
	bool		 trouble_defers;
	/* The verdict. */
	enum verdict_action action;
	uint16_t	 code;
	uint8_t		 enhanced[3];
	const char	*rule;
} cases[] = {
	{ .client = "192.0.2.9" },
	/* ---- the table ---- */
	{ .client = "192.0.2.1", .listed = 3, .action = VERDICT_PERMIT,
	    .rule = "clients:1" },
	{ .client = "192.0.2.2", .action = VERDICT_REFUSE, .code = 550,
	    .enhanced = { 5, 7, 1 }, .rule = "clients:2" },
	{ .client = "192.0.2.3", .action = VERDICT_DEFER, .code = 450,
	    .enhanced = { 4, 7, 1 }, .rule = "clients:3" },
	{ .client = "192.0.2.4" },
	{ .client = "192.0.2.4", .listed = 3, .action = VERDICT_REFUSE,
	    .code = 550, .enhanced = { 5, 7, 1 }, .rule = "list one,two" },
	{ .client = "192.0.2.6", .sender = "a@vip.example",
	    .action = VERDICT_PERMIT, .rule = "clients:5" },
	{ .client = "192.0.2.6", .action = VERDICT_REFUSE, .code = 550,
	    .enhanced = { 5, 7, 1 }, .rule = "clients:6" },
	{ .client = "192.0.2.2", .this_host = true },
	{ .client = "192.0.2.2", .login = true },
	/* ---- HELO ---- */
	{ .client = "192.0.2.9", .helo_ours = true, .action = VERDICT_REFUSE,
	    .code = 550, .enhanced = { 5, 7, 1 }, .rule = "helo_own_name" },
	{ .client = "192.0.2.9", .helo_ours = true, .login = true },
	{ .client = "192.0.2.9", .helo_name = FACT_MISSING,
	    .action = VERDICT_REFUSE, .code = 550, .enhanced = { 5, 7, 1 },
	    .rule = "helo_names" },
	{ .client = "192.0.2.9", .helo_name = FACT_GOOD },
	{ .client = "192.0.2.9", .helo_name = FACT_TROUBLE },
	{ .client = "192.0.2.9", .helo_name = FACT_TROUBLE,
	    .trouble_defers = true, .action = VERDICT_DEFER, .code = 451,
	    .enhanced = { 4, 4, 3 }, .rule = "helo_names" },
	/* ---- the reverse name, RFC 7372 section 3.1 ---- */
	{ .client = "192.0.2.9", .reverse = FACT_MISSING },
	{ .client = "192.0.2.9", .reverse = FACT_MISSING,
	    .reverse_setting = REVERSE_LOOKUP },
	{ .client = "192.0.2.9", .reverse = FACT_MISSING,
	    .reverse_setting = REVERSE_REQUIRE, .action = VERDICT_REFUSE,
	    .code = 550, .enhanced = { 5, 7, 25 }, .rule = "reverse_name" },
	{ .client = "192.0.2.9", .reverse = FACT_UNCONFIRMED,
	    .reverse_setting = REVERSE_REQUIRE },
	{ .client = "192.0.2.9", .reverse = FACT_UNCONFIRMED,
	    .reverse_setting = REVERSE_CONFIRM, .action = VERDICT_REFUSE,
	    .code = 550, .enhanced = { 5, 7, 25 }, .rule = "reverse_name" },
	{ .client = "192.0.2.9", .reverse = FACT_GOOD,
	    .reverse_setting = REVERSE_CONFIRM },
	{ .client = "192.0.2.9", .reverse = FACT_TROUBLE,
	    .reverse_setting = REVERSE_CONFIRM },
	{ .client = "192.0.2.9", .reverse = FACT_TROUBLE,
	    .reverse_setting = REVERSE_CONFIRM, .trouble_defers = true,
	    .action = VERDICT_DEFER, .code = 451, .enhanced = { 4, 4, 3 },
	    .rule = "reverse_name" },
	{ .client = "192.0.2.9", .reverse = FACT_TROUBLE,
	    .reverse_setting = REVERSE_LOOKUP, .trouble_defers = true },
	/* ---- the sender's domain ---- */
	{ .client = "192.0.2.9", .sender_domain = FACT_MISSING,
	    .action = VERDICT_REFUSE, .code = 550, .enhanced = { 5, 1, 8 },
	    .rule = "sender_domains" },
	{ .client = "192.0.2.9", .sender_domain = FACT_NULL_MX,
	    .action = VERDICT_REFUSE, .code = 550, .enhanced = { 5, 7, 27 },
	    .rule = "sender_domains" },
	{ .client = "192.0.2.9", .sender_domain = FACT_TROUBLE,
	    .trouble_defers = true, .action = VERDICT_DEFER, .code = 451,
	    .enhanced = { 4, 4, 3 }, .rule = "sender_domains" },
	/* ---- lists; the threshold is 3 ---- */
	{ .client = "192.0.2.9", .listed = 1 },
	{ .client = "192.0.2.9", .listed = 2, .action = VERDICT_REFUSE,
	    .code = 550, .enhanced = { 5, 7, 1 }, .rule = "list two" },
	{ .client = "192.0.2.9", .listed = 7 },	/* 2 + 3 - 4 */
	{ .client = "192.0.2.9", .listed = 1, .trouble = 2 },
	{ .client = "192.0.2.9", .listed = 1, .trouble = 2,
	    .trouble_defers = true, .action = VERDICT_DEFER, .code = 451,
	    .enhanced = { 4, 4, 3 }, .rule = "list_threshold" },
	/* What is certain comes before what nobody knows. */
	{ .client = "192.0.2.9", .listed = 2, .helo_name = FACT_TROUBLE,
	    .trouble_defers = true, .action = VERDICT_REFUSE, .code = 550,
	    .enhanced = { 5, 7, 1 }, .rule = "list two" },
};

static void
decide(void **state)
{
	struct table_error err;
	struct rules *rules = rules_compile(table, &err);

	(void)state;
	assert_non_null(rules);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct decision *c = &cases[i];
		struct policy p = { .rules = rules, .lists = &lists,
			.list_threshold = 3, .reverse = c->reverse_setting,
			.helo_resolvable = true, .helo_ours_refused = true,
			.sender_resolvable = true,
			.trouble_defers = c->trouble_defers };
		struct facts f = { .this_host = c->this_host,
			.login = c->login, .reverse = c->reverse,
			.helo_name = c->helo_name,
			.sender_domain = c->sender_domain,
			.helo_ours = c->helo_ours, .helo = S("h.example"),
			.sender = slice_str(c->sender != NULL ? c->sender :
			    "s@example.net"), .listed = c->listed,
			.unlisted_trouble = c->trouble };
		struct verdict v;

		assert_int_equal(net_address_parse(slice_str(c->client),
		    &f.client), PARSE_OK);
		policy_decide(&p, &f, &v);
		if (v.action != c->action || v.code != c->code ||
		    memcmp(v.enhanced, c->enhanced, 3) != 0 ||
		    strcmp(v.rule, c->rule != NULL ? c->rule : "") != 0)
			fail_msg("case %zu: %d %u %u.%u.%u %s", i, v.action,
			    v.code, v.enhanced[0], v.enhanced[1],
			    v.enhanced[2], v.rule);
		assert_int_equal(v.text[0] != '\0', v.code != 0);
	}
	rules_free(rules);
}

/* Nothing set: nothing is refused, whatever is known. */
static void
nothing_set(void **state)
{
	struct lists none = { 0 };
	struct policy p = { .lists = &none, .list_threshold = 1 };
	struct facts f = { .reverse = FACT_MISSING,
		.helo_name = FACT_MISSING, .sender_domain = FACT_NULL_MX,
		.helo_ours = true, .unlisted_trouble = 0 };
	struct verdict v;

	(void)state;
	policy_decide(&p, &f, &v);
	assert_int_equal(v.action, VERDICT_ACCEPT);
	policy_decide_connection(&p, &f, &v);
	assert_int_equal(v.action, VERDICT_ACCEPT);
}

/* At the connection only what no later rule could turn round. */
static void
connection(void **state)
{
	static const struct {
		const char	*client;
		enum verdict_action action;
	} few[] = {
		{ "192.0.2.1", VERDICT_PERMIT }, { "192.0.2.2",
		    VERDICT_REFUSE }, { "192.0.2.3", VERDICT_DEFER },
		{ "192.0.2.4", VERDICT_ACCEPT },
		/* from:vip.example stands above it. */
		{ "192.0.2.6", VERDICT_ACCEPT },
		{ "192.0.2.9", VERDICT_ACCEPT },
	};
	struct table_error err;
	struct rules *rules = rules_compile(table, &err);
	struct policy p = { .rules = rules, .lists = &lists,
		.list_threshold = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++) {
		struct facts f = { .listed = 3 };
		struct verdict v;

		net_address_parse(slice_str(few[i].client), &f.client);
		policy_decide_connection(&p, &f, &v);
		assert_int_equal(v.action, few[i].action);
		f.this_host = true;
		policy_decide_connection(&p, &f, &v);
		assert_int_equal(v.action, VERDICT_ACCEPT);
	}
	rules_free(rules);
}

static void
known(void **state)
{
	struct policy p = { .lists = &lists, .list_threshold = 3 };
	struct facts f = { .listed = 4 };
	struct verdict v;

	(void)state;
	policy_decide(&p, &f, &v);
	assert_true(v.known);
	f.listed = 1;
	policy_decide(&p, &f, &v);
	assert_false(v.known);
}

static void
replies(void **state)
{
	static const struct {
		struct slice	word;
		bool		good, zen2, zen10, other;
	} words[] = {
		{ S("127.0.0.0/8"), true, true, true, false },
		{ S("127.0.0.2"), true, true, false, false },
		{ S("127.0.0.8/30"), true, false, true, false },
		{ S("bits:2"), true, true, true, false },
		{ S("bits:8"), true, false, true, false },
		{ S("bits:0"), false, 0, 0, 0 },
		{ S("bits:256"), false, 0, 0, 0 },
		{ S("loopback"), false, 0, 0, 0 },
		{ S("::1"), false, 0, 0, 0 },
		{ S("127.0.0.1/8"), false, 0, 0, 0 },
		{ S(""), false, 0, 0, 0 },
	};
	struct net_address zen2, zen10, other;

	(void)state;
	net_address_parse(S("127.0.0.2"), &zen2);
	net_address_parse(S("127.0.0.10"), &zen10);
	net_address_parse(S("192.0.2.10"), &other);	/* a parked domain */
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct list l = { .n_replies = 1 };

		assert_int_equal(list_reply_parse(words[i].word,
		    &l.replies[0]) == PARSE_OK, words[i].good);
		if (!words[i].good)
			continue;
		assert_int_equal(list_matches(&l, &zen2), words[i].zen2);
		assert_int_equal(list_matches(&l, &zen10), words[i].zen10);
		assert_int_equal(list_matches(&l, &other), words[i].other);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decide),
		cmocka_unit_test(nothing_set),
		cmocka_unit_test(connection),
		cmocka_unit_test(known),
		cmocka_unit_test(replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
