#include "smtpd/policy/policy.h"

#include "smtpd/settings.h"

void
policy_of(const struct settings *smtpd, const struct rules *rules,
    struct lists *lists, struct policy *p)
{
	const struct smtpd_settings *set = settings_values(smtpd);

	lists_make(smtpd, lists);
	*p = (struct policy){
		.rules = rules, .lists = lists,
		.list_threshold = (unsigned)set->list_threshold,
		.reverse = set->reverse_name,
		.helo_resolvable = set->helo_names == 1,
		.helo_ours_refused = set->helo_own_name == 1,
		.sender_resolvable = set->sender_domains == 1,
		.trouble_defers = set->dns_trouble == 1,
	};
}

bool
policy_wants(const struct policy *p)
{
	return rules_count(p->rules) > 0 || p->lists->n > 0 ||
	    p->reverse != REVERSE_OFF || p->helo_resolvable ||
	    p->helo_ours_refused || p->sender_resolvable;
}

bool
policy_this_host(const struct settings *smtpd,
    const struct net_address *client)
{
	const struct smtpd_settings *set = settings_values(smtpd);

	return net_address_is_local(client) && !set->limit_this_host;
}

bool
policy_is_postmaster(struct slice address)
{
	static const struct slice name = SLICE_LITERAL("postmaster");

	return slice_starts_nocase(address, name) &&
	    (address.len == name.len || address.at[name.len] == '@');
}

uint16_t
policy_greeting(const struct verdict *v)
{
	if (v->code == 0)
		return 0;
	return v->action == VERDICT_REFUSE ? 554 : 421;
}
