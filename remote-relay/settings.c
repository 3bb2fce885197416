#include "remote-relay/settings.h"

#include "common/net/address.h"
#include "remote-relay/fingerprint.h"
#include "remote-relay/target.h"

#define ROW(...) SETTING_ROW(struct remote_relay_settings, __VA_ARGS__)
static const struct setting rows[] = { REMOTE_RELAY_SETTINGS(ROW) };
#undef ROW

#define ROW(...) SETTING_ROW(struct route_settings, __VA_ARGS__)
static const struct setting route_rows[] = { ROUTE_SETTINGS(ROW) };

static const struct settings_block blocks[] = {
	{
		.kind = "route", .rows = route_rows,
		.n_rows = sizeof(route_rows) / sizeof(route_rows[0]),
		.size = sizeof(struct route_settings), .max = 1000,
		.meaning = "A way for mail that the routes table names.  The "
		    "one named " ROUTE_DEFAULT " is for mail that it does not "
		    "name.",
	},
};

static void
check_addresses(const struct settings *s, const struct settings_group *g,
    const char *name, const struct settings_words *words,
    struct settings_errors *errors)
{
	struct net_address a;

	for (size_t i = 0; i < words->n; i++)
		if (net_address_parse(slice_str(words->at[i]), &a) != PARSE_OK)
			settings_complain(errors, s, g, name, "\"%s\" is no "
			    "address: write 192.0.2.1 or 2001:db8::1",
			    words->at[i]);
}

static void
check_targets(const struct settings *s, const struct settings_group *g,
    const char *name, const struct settings_words *words,
    struct settings_errors *errors)
{
	struct target t;

	for (size_t i = 0; i < words->n; i++)
		if (target_parse(slice_str(words->at[i]), &t) != PARSE_OK)
			settings_complain(errors, s, g, name, "\"%s\" is no "
			    "host: write [mail.example.org]:587, "
			    "[192.0.2.1]:25 or example.org", words->at[i]);
}

static void
check_sources(const struct settings *s, const struct settings_group *g,
    const struct route_settings *r, struct settings_errors *errors)
{
	struct net_address a, b;
	const struct settings_words *w = &r->source_address;

	check_addresses(s, g, "source_address", w, errors);
	if (w->n == 2 &&
	    net_address_parse(slice_str(w->at[0]), &a) == PARSE_OK &&
	    net_address_parse(slice_str(w->at[1]), &b) == PARSE_OK &&
	    a.family == b.family)
		settings_complain(errors, s, g, "source_address",
		    "two addresses of one family: one of each at most");
}

static bool
any_address(const struct settings_words *words)
{
	struct target t;

	for (size_t i = 0; i < words->n; i++)
		if (target_parse(slice_str(words->at[i]), &t) == PARSE_OK &&
		    t.kind == TARGET_ADDRESS)
			return true;
	return false;
}

static void
check_tls(const struct settings *s, const struct settings_group *g,
    const struct route_settings *r, struct settings_errors *errors)
{
	uint8_t octets[FINGERPRINT_LEN];

	for (size_t i = 0; i < r->tls_fingerprints.n; i++)
		if (fingerprint_parse(slice_str(r->tls_fingerprints.at[i]),
		    octets) != PARSE_OK)
			settings_complain(errors, s, g, "tls_fingerprints",
			    "\"%s\" is no SHA-256: write 64 hexadecimal "
			    "digits", r->tls_fingerprints.at[i]);
	if (r->tls == ROUTE_TLS_FINGERPRINT && r->tls_fingerprints.n == 0)
		settings_complain(errors, s, g, "tls", "fingerprint, but "
		    "tls_fingerprints has none");
	if (r->tls_certificate[0] != '\0' &&
	    (r->tls <= ROUTE_TLS_OPPORTUNISTIC || r->tls == ROUTE_TLS_DANE))
		settings_complain(errors, s, g, "tls_certificate", "needs tls "
		    "= required, verified, fingerprint or dane-only: whoever "
		    "has to be shown who we are is not to be spoken to in "
		    "clear");
	if (r->tls_wrapped && (r->tls <= ROUTE_TLS_OPPORTUNISTIC ||
	    r->tls == ROUTE_TLS_DANE))
		settings_complain(errors, s, g, "tls_wrapped", "needs tls = "
		    "required, verified, fingerprint or dane-only");
	if (r->tls == ROUTE_TLS_DANE_ONLY && (any_address(&r->via) ||
	    any_address(&r->fallback)))
		settings_complain(errors, s, g, "tls", "dane-only, but an "
		    "address has no TLSA records: name the host");
}

static void
check(const struct settings *s, struct settings_errors *errors)
{
	const struct remote_relay_settings *own = settings_values(s);

	check_addresses(s, NULL, "own_addresses", &own->own_addresses, errors);
	for (size_t i = 0; i < settings_n_groups(s); i++) {
		const struct settings_group *g = settings_group(s, i);
		const struct route_settings *r = g->values;

		check_targets(s, g, "via", &r->via, errors);
		check_targets(s, g, "fallback", &r->fallback, errors);
		check_sources(s, g, r, errors);
		check_tls(s, g, r, errors);
		if (r->protocol == PROTOCOL_LMTP && r->via.n == 0)
			settings_complain(errors, s, g, "protocol", "LMTP is "
			    "not for the Internet (RFC 2033 section 5): say "
			    "where it goes with via");
	}
}

const struct settings_schema remote_relay_schema = {
	.file = "remote-relay.conf",
	.size = sizeof(struct remote_relay_settings),
	SETTINGS_ROWS(rows),
	SETTINGS_BLOCKS(blocks),
	.check = check,
};
