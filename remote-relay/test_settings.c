/* remote-relay.conf: what it takes, and what it says about what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "remote-relay/own.h"
#include "remote-relay/settings.h"
#include "remote-relay/target.h"

static void
refused(const char *text, const char *what)
{
	struct settings_errors errors = { .n = 0 };
	struct settings *s = settings_parse(&remote_relay_schema,
	    slice_str(text), &errors);

	assert_null(s);
	if (errors.n == 0 || strstr(errors.at[0], what) == NULL)
		fail_msg("%s: \"%s\" has no \"%s\"", text, errors.at[0], what);
}

static void
test_routes(void **state)
{
	static const char text[] = "smtp_port = 2525\n"
	    "route isp {\n\tvia = [smtp.isp.example]:587 [192.0.2.1]\n"
	    "\tsource_address = 192.0.2.7 2001:db8::7\n}\n"
	    "route lists {\n\tprotocol = lmtp\n\tvia = [127.0.0.1]:2003\n}\n";
	struct settings_errors errors = { .n = 0 };
	struct settings *s = settings_parse(&remote_relay_schema,
	    slice_str(text), &errors);
	const struct route_settings *r;

	(void)state;
	assert_non_null(s);
	assert_int_equal(settings_n_groups(s), 2);
	r = settings_group(s, 0)->values;
	assert_int_equal(r->via.n, 2);
	assert_int_equal(r->protocol, PROTOCOL_SMTP);
	r = settings_group(s, 1)->values;
	assert_int_equal(r->protocol, PROTOCOL_LMTP);
	assert_true(r->pipelining && r->chunking);
	settings_free(s);
}

static void
test_refused(void **state)
{
	(void)state;
	refused("route a {\n\tvia = [192.0.2.1\n}\n", "is no host");
	refused("route a {\n\tvia = host:0\n}\n", "is no host");
	refused("route a {\n\tfallback = -x-\n}\n", "is no host");
	refused("route a {\n\tprotocol = lmtp\n}\n", "with via");
	refused("route a {\n\tsource_address = here\n}\n", "is no address");
	refused("route a {\n\tsource_address = 192.0.2.1 192.0.2.2\n}\n",
	    "one family");
	refused("own_addresses = me\n", "is no address");
}

static void
test_targets(void **state)
{
	static const struct {
		const char *in;
		enum target_kind kind;
		const char *name;
		uint16_t port;
	} rows[] = {
		{ "example.org", TARGET_DOMAIN, "example.org", 0 },
		{ "example.org:587", TARGET_DOMAIN, "example.org", 587 },
		{ "[mx.example.org]", TARGET_HOST, "mx.example.org", 0 },
		{ "[mx.example.org]:25", TARGET_HOST, "mx.example.org", 25 },
		{ "[192.0.2.1]:65535", TARGET_ADDRESS, "192.0.2.1", 65535 },
		{ "[2001:db8::1]:25", TARGET_ADDRESS, "2001:db8::1", 25 },
		{ "[IPv6:2001:db8::1]", TARGET_ADDRESS, "2001:db8::1", 0 },
	};
	static const char *const bad[] = { "", "[]", "[", "]", "[a]b", "a:",
		"a:x", "a:65536", "a:1:2", "[192.0.2.1]25", "a b", "2001:db8::1",
		"a..b", "[a", "\xc3\xa9.example" };
	struct target t;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(target_parse(slice_str(rows[i].in), &t),
		    PARSE_OK);
		assert_int_equal(t.kind, rows[i].kind);
		assert_string_equal(t.name, rows[i].name);
		assert_int_equal(t.port, rows[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(target_parse(slice_str(bad[i]), &t),
		    PARSE_BAD);
}

static bool
has(const struct own_addresses *own, const char *text)
{
	struct net_address a;

	assert_int_equal(net_address_parse(slice_str(text), &a), PARSE_OK);
	return own_addresses_has(own, &a);
}

static void
test_own(void **state)
{
	static const char *words[] = { "192.0.2.1", "2001:db8::1" };
	struct settings_words more = { 2, words };
	static struct own_addresses own;

	(void)state;
	own_addresses_init(&own);	/* at least the loopback's */
	own_addresses_use(&own, true, &more);
	assert_true(has(&own, "127.0.0.1") && has(&own, "::1"));
	assert_true(has(&own, "192.0.2.1") && has(&own, "2001:db8::1"));
	assert_false(has(&own, "203.0.113.77") || has(&own, "2001:db8::77:2"));
	own_addresses_use(&own, false, &more);
	assert_false(has(&own, "127.0.0.1"));
	assert_true(has(&own, "192.0.2.1"));
	own_addresses_use(&own, false, &(struct settings_words){ 0 });
	assert_false(has(&own, "192.0.2.1"));
}

/* RFC 5321 section 4.5.3.2: no less than it says, where nothing is set. */
static void
test_timeouts(void **state)
{
	struct settings_errors errors = { .n = 0 };
	struct settings *s = settings_parse(&remote_relay_schema,
	    slice_str(""), &errors);
	const struct remote_relay_settings *set;

	(void)state;
	assert_non_null(s);
	set = settings_values(s);
	assert_true(set->greeting_timeout >= 5 * 60);
	assert_true(set->mail_timeout >= 5 * 60);
	assert_true(set->rcpt_timeout >= 5 * 60);
	assert_true(set->data_timeout >= 2 * 60);
	assert_true(set->data_block_timeout >= 3 * 60);
	assert_true(set->data_done_timeout >= 10 * 60);
	settings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_timeouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
