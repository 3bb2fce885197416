#include "remote-relay/trust.h"

#include <string.h>

#include <bsd/string.h>

bool
trust_wants_dane(const struct route *r)
{
	return r->set->tls == ROUTE_TLS_DANE ||
	    r->set->tls == ROUTE_TLS_DANE_ONLY;
}

static void
because(struct trust *t, const char *why)
{
	strlcpy(t->why, why, sizeof(t->why));
}

static void
add_name(struct trust *t, const char *name)
{
	struct tls_expect *e = &t->expect;

	if (name[0] == '\0' || strcmp(name, e->name) == 0 ||
	    e->n_names == TLS_NAMES_MAX)
		return;
	for (size_t i = 0; i < e->n_names; i++)
		if (strcmp(name, t->names[i]) == 0)
			return;
	t->names[e->n_names++] = name;
	e->names = t->names;
}

/*
 * In whose name a certificate must be.  The name of a host that MX records
 * without DNSSEC gave is anybody's: the domain itself then.
 */
static void
verify_name(struct trust *t, const struct route *r, const struct host *h,
    const struct next_hop *hop)
{
	const struct settings_words *w = &r->set->tls_names;
	bool anybodys = hop->by_mx && !hop->secure;

	t->tls = TLS_POLICY_MUST;
	t->how = "name";
	t->destination = true;
	t->expect.verify = TLS_VERIFY_NAME;
	t->expect.name = w->n > 0 ? w->at[0] : anybodys ? hop->name : h->name;
	for (size_t i = 1; i < w->n; i++)
		add_name(t, w->at[i]);
}

/*
 * RFC 7672 section 3.2: the base is the name for SNI and the first one that
 * the certificate may be in (usage DANE-TA(2) alone).  Where signed MX records
 * led to the host, the name that they belong to will do as well.
 */
static void
verify_dane(struct trust *t, const struct host *h, const struct next_hop *hop,
    const struct dane *d)
{
	t->tls = TLS_POLICY_MUST;
	t->how = "dane";
	t->destination = hop->secure;
	t->expect.verify = TLS_VERIFY_DANE;
	t->expect.name = d->base;
	t->expect.tlsa = d->at;
	t->expect.n_tlsa = d->n;
	add_name(t, h->name);
	if (hop->by_mx && hop->secure) {
		add_name(t, hop->name);
		add_name(t, hop->canonical);
	}
	because(t, d->why);
}

/* ---- DANE ---- */

/* Why a route that insists on DANE cannot use the host; NULL: it can. */
static const char *
insufficient(const struct host *h, const struct next_hop *hop,
    const struct dane *d)
{
	const char *why;

	if (hop->by_mx && !hop->secure)
		return "the MX records are not signed";
	if (!hop->secure)
		return "that there are no MX records is not signed";
	if (d != NULL)
		return d->verdict == DANE_RECORDS ? NULL : d->why;
	return dane_applies(h, &why) ? "nobody has asked" : why;
}

static void
opportunistic(struct trust *t, const char *why)
{
	t->tls = TLS_POLICY_MAY;
	t->how = "opportunistic";
	because(t, why);
}

static bool
by_dane(struct trust *t, const struct route *r, const struct host *h,
    const struct next_hop *hop, const struct dane *d, struct outcome *why)
{
	const char *reason = r->set->tls == ROUTE_TLS_DANE_ONLY ?
	    insufficient(h, hop, d) : NULL;

	if (d != NULL && d->verdict == DANE_UNKNOWN) {
		outcome_host(why, 7, 5, "%s", d->why);
		return false;
	}
	if (reason != NULL) {
		outcome_host(why, 7, 5, "tls = dane-only, and %s", reason);
		return false;
	}
	if (d == NULL) {
		dane_applies(h, &reason);
		opportunistic(t, reason);
	} else if (d->verdict == DANE_RECORDS) {
		verify_dane(t, h, hop, d);
	} else if (d->verdict == DANE_UNUSABLE) {
		t->tls = TLS_POLICY_MUST;
		t->how = "required";
		because(t, d->why);
	} else {
		opportunistic(t, d->why);
	}
	return true;
}

/* ---- all of them ---- */

static void
verify_fingerprint(struct trust *t, const struct route *r)
{
	t->tls = TLS_POLICY_MUST;
	t->how = "fingerprint";
	t->destination = true;
	t->expect.verify = TLS_VERIFY_FINGERPRINT;
	t->expect.fingerprints = r->fingerprints;
	t->expect.n_fingerprints = r->n_fingerprints;
}

bool
trust_make(struct trust *t, const struct route *r, const struct host *h,
    const struct next_hop *hop, const struct dane *d, struct outcome *why)
{
	*t = (struct trust){ .tls = TLS_POLICY_NONE, .how = "none",
		.expect.name = h->literal ? "" : h->name };
	switch (r->set->tls) {
	case ROUTE_TLS_OPPORTUNISTIC:
		opportunistic(t, "");
		break;
	case ROUTE_TLS_REQUIRED:
		t->tls = TLS_POLICY_MUST;
		t->how = "required";
		break;
	case ROUTE_TLS_VERIFIED:
		verify_name(t, r, h, hop);
		break;
	case ROUTE_TLS_FINGERPRINT:
		verify_fingerprint(t, r);
		break;
	case ROUTE_TLS_DANE:
	case ROUTE_TLS_DANE_ONLY:
		return by_dane(t, r, h, hop, d, why);
	default:
		break;
	}
	return true;
}
