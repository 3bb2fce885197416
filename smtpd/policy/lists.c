#include "smtpd/policy/lists.h"

enum parse
list_reply_parse(struct slice word, struct list_reply *r)
{
	static const struct slice bits = SLICE_LITERAL("bits:");
	unsigned long long n;

	*r = (struct list_reply){ .bits = 0 };
	if (slice_starts_nocase(word, bits)) {
		if (slice_number(slice_skip(word, bits.len), 255, &n) == -1 ||
		    n == 0)
			return PARSE_BAD;
		r->bits = (unsigned)n;
		return PARSE_OK;
	}
	if (net_network_parse(word, &r->network) != PARSE_OK ||
	    r->network.loopback || r->network.address.family != NET_IPV4)
		return PARSE_BAD;
	return PARSE_OK;
}

void
lists_check(const struct settings *s, const struct settings_group *g,
    struct settings_errors *errors)
{
	const struct list_settings *l = g->values;
	struct list_reply r;

	if (!dns_name_valid(slice_str(l->zone)))
		settings_complain(errors, s, g, "zone", "\"%s\" is no domain: "
		    "write a name such as list.example.org", l->zone);
	for (size_t i = 0; i < l->replies.n; i++)
		if (list_reply_parse(slice_str(l->replies.at[i]), &r) !=
		    PARSE_OK)
			settings_complain(errors, s, g, "replies",
			    "\"%s\" is no answer of a list: write 127.0.0.2, "
			    "127.0.0.4/30 or bits:6", l->replies.at[i]);
}

void
lists_make(const struct settings *s, struct lists *lists)
{
	lists->n = 0;
	for (size_t i = 0; i < settings_n_groups(s); i++) {
		const struct settings_group *g = settings_group(s, i);
		const struct list_settings *set = g->values;
		struct list *l;

		if (strcmp(g->block->kind, "list") != 0 ||
		    lists->n == LISTS_MAX)
			continue;
		l = &lists->at[lists->n++];
		*l = (struct list){ .name = g->name, .zone = set->zone,
			.of = (enum list_of)set->of, .allows = set->kind == 1,
			.weight = (unsigned)set->weight };
		for (size_t k = 0; k < set->replies.n &&
		    l->n_replies < LIST_REPLIES_MAX; k++)
			if (list_reply_parse(slice_str(set->replies.at[k]),
			    &l->replies[l->n_replies]) == PARSE_OK)
				l->n_replies++;
	}
}

bool
list_matches(const struct list *l, const struct net_address *a)
{
	for (size_t i = 0; i < l->n_replies; i++) {
		const struct list_reply *r = &l->replies[i];

		if (r->bits != 0 ? a->octets[0] == 127 &&
		    (a->octets[3] & r->bits) != 0 :
		    net_network_has(&r->network, a))
			return true;
	}
	return false;
}

bool
lists_have(const struct lists *lists, enum list_of of)
{
	for (size_t i = 0; i < lists->n; i++)
		if (lists->at[i].of == of)
			return true;
	return false;
}
