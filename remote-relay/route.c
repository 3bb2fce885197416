#include "remote-relay/route.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct routes {
	unsigned	 holds;
	struct settings	*settings;
	struct settings	*standard;	/* of the default, if not in settings */
	size_t		 n;
	struct route	 at[];
};

static unsigned
take_targets(struct target *to, const struct settings_words *words)
{
	unsigned n = 0;

	for (size_t i = 0; i < words->n && n < ROUTE_TARGETS_MAX; i++)
		if (target_parse(slice_str(words->at[i]), &to[n]) == PARSE_OK)
			n++;
	return n;
}

static void
take_route(struct route *r, const struct settings_group *g)
{
	struct net_address a;

	r->name = strcmp(g->name, ROUTE_DEFAULT) == 0 ? "" : g->name;
	r->set = g->values;
	r->n_via = take_targets(r->via, &r->set->via);
	r->n_fallback = take_targets(r->fallback, &r->set->fallback);
	for (size_t i = 0; i < r->set->tls_fingerprints.n; i++)
		if (fingerprint_parse(slice_str(r->set->tls_fingerprints.at[i]),
		    r->fingerprints[r->n_fingerprints]) == PARSE_OK)
			r->n_fingerprints++;
	for (size_t i = 0; i < r->set->source_address.n; i++) {
		if (net_address_parse(slice_str(r->set->source_address.at[i]),
		    &a) != PARSE_OK)
			continue;
		*(a.family == NET_IPV4 ? &r->source4 : &r->source6) = a;
	}
}

/* What the table has for a route that nobody wrote. */
static struct settings *
standard_route(void)
{
	struct settings_errors errors = { .n = 0 };

	return settings_parse(&remote_relay_schema,
	    SLICE_LITERAL("route " ROUTE_DEFAULT " {\n}\n"), &errors);
}

struct routes *
routes_new(struct settings *s)
{
	size_t n = settings_n_groups(s);
	struct routes *rs = calloc(1, sizeof(*rs) + (n + 1) *
	    sizeof(rs->at[0]));

	if (rs == NULL) {
		settings_free(s);
		errno = ENOMEM;
		return NULL;
	}
	rs->holds = 1;
	rs->settings = s;
	for (size_t i = 0; i < n; i++)
		take_route(&rs->at[rs->n++], settings_group(s, i));
	if (routes_find(rs, slice_of("", 0)) != NULL)
		return rs;
	if ((rs->standard = standard_route()) == NULL) {
		routes_release(rs);
		errno = ENOMEM;
		return NULL;
	}
	take_route(&rs->at[rs->n++], settings_group(rs->standard, 0));
	return rs;
}

struct routes *
routes_hold(struct routes *rs)
{
	rs->holds++;
	return rs;
}

void
routes_release(struct routes *rs)
{
	if (rs == NULL)
		return;
	assert(rs->holds > 0);
	if (--rs->holds > 0)
		return;
	settings_free(rs->settings);
	settings_free(rs->standard);
	free(rs);
}

const struct remote_relay_settings *
routes_settings(const struct routes *rs)
{
	return settings_values(rs->settings);
}

const struct route *
routes_find(const struct routes *rs, struct slice name)
{
	for (size_t i = 0; i < rs->n; i++)
		if (slice_equal(slice_str(rs->at[i].name), name))
			return &rs->at[i];
	return NULL;
}

size_t
routes_count(const struct routes *rs)
{
	return rs->n;
}

bool
route_source(const struct route *r, const struct net_address *to,
    const struct net_address **source)
{
	const struct net_address *a = to->family == NET_IPV4 ? &r->source4 :
	    &r->source6;

	*source = NULL;
	if (r->source4.family == NET_NONE && r->source6.family == NET_NONE)
		return true;
	if (a->family == NET_NONE)
		return false;
	*source = a;
	return true;
}
