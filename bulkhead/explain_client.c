/*
 * What the rules and checks of smtpd say about one client: by the functions
 * of smtpd/policy that decide in production, without the facts that only DNS
 * has.  Those are named.
 */
#include "bulkhead/explain.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bsd/string.h>

#include "bulkhead/address_tables.h"
#include "bulkhead/tables.h"
#include "common/dns/client.h"
#include "smtpd/settings.h"

/* ---- deciding ---- */

static bool
load(struct explained_client *c, struct check_report *r)
{
	struct table_error err = { 0 };
	struct settings_errors errors;
	int fd = conf_open(r->b, smtpd_schema.file);
	size_t len;
	char *text;

	c->settings = settings_read(&smtpd_schema, fd, &errors);
	if (fd != -1)
		close(fd);
	if (c->settings == NULL) {
		check_error(r, "%s/%s", r->b->conf_dir, errors.at[0]);
		return false;
	}
	if ((text = tables_read(r->b, "clients", &len, &err)) != NULL)
		c->rules = rules_compile(slice_of(text, len), &err);
	free(text);
	if (c->rules == NULL)
		address_tables_complain(r, "clients", &err);
	return c->rules != NULL;
}

bool
explain_client_decide(struct explained_client *c, struct check_report *r)
{
	struct facts *f = &c->facts;

	if (!load(c, r))
		return false;
	policy_of(c->settings, c->rules, &c->lists, &c->policy);
	*f = (struct facts){ .client = c->address,
		.this_host = policy_this_host(c->settings, &c->address),
		.reverse = c->name.len > 0 ? FACT_GOOD : FACT_UNKNOWN,
		.helo = c->helo, .sender = c->sender,
		.helo_ours = slice_equal_nocase(c->helo,
		    slice_str(r->b->hostname)) };
	slice_copy_str(c->name, f->name, sizeof(f->name));
	policy_decide_connection(&c->policy, f, &c->verdict);
	c->at_once = c->verdict.action >= VERDICT_DEFER;
	if (c->at_once)
		c->verdict.code = policy_greeting(&c->verdict);
	else if (!c->to_postmaster)
		policy_decide(&c->policy, f, &c->verdict);
	return true;
}

void
explain_client_clear(struct explained_client *c)
{
	settings_free(c->settings);
	rules_free(c->rules);
}

bool
explain_client_passes(const struct explained_client *c)
{
	return c->verdict.action < VERDICT_DEFER;
}

void
explain_client_refusal(const struct explained_client *c)
{
	const struct verdict *v = &c->verdict;

	printf("%s is %s: %u %u.%u.%u %s\n", c->at_once ? "The connection" :
	    "RCPT", v->action == VERDICT_DEFER ? "put off" : "refused",
	    v->code, v->enhanced[0], v->enhanced[1], v->enhanced[2], v->text);
}

/* ---- why ---- */

static const struct rule *
rule_of(const struct explained_client *c)
{
	const struct rules_subject who = { .client = &c->address,
		.name = c->name, .helo = c->helo, .sender = c->sender,
		.has_sender = !c->at_once };

	return c->facts.this_host ? NULL : rules_match(c->rules, &who);
}

static void
tell_setting(const struct explained_client *c, const char *name)
{
	explain_line(smtpd_schema.file, settings_line(c->settings, NULL,
	    name), NULL);
}

void
explain_client_because(const struct explained_client *c)
{
	static const char *const words[] = { "permit", "pass", "defer",
		"refuse" };
	const struct rule *rule = rule_of(c);
	char client[NET_ADDRESS_SIZE];

	if (c->facts.this_host) {
		tell_setting(c, "limit_this_host");
		printf("%s is this host: nothing is held against it\n",
		    net_address_print(&c->address, client));
	} else if (c->to_postmaster && !c->at_once) {
		explain_line("(always)", 0, NULL);
		puts("everybody reaches the postmaster");
	} else if (rule != NULL) {
		explain_line("clients", rule->line, NULL);
		printf("%.*s %s\n", (int)rule->pattern.len, rule->pattern.at,
		    words[rule->verdict]);
	} else {
		explain_line("clients", 0, NULL);
		printf("no line about %s\n", net_address_print(&c->address,
		    client));
	}
	/* A check of names, whose setting is the rule. */
	if (c->verdict.action == VERDICT_REFUSE && strncmp(c->verdict.rule,
	    "clients:", 8) != 0) {
		tell_setting(c, c->verdict.rule);
		printf("%s\n", c->verdict.rule);
	}
}

/* ---- what DNS could change ---- */

/* A line about a name that is not given, above the one that decides now. */
static unsigned
name_above(const struct explained_client *c, bool helo)
{
	const struct rule *rule = rule_of(c);
	unsigned line = rules_first_name(c->rules, helo);

	return (helo ? c->helo : c->name).len > 0 || line == UINT_MAX ||
	    (rule != NULL && rule->line < line) ? 0 : line;
}

static void
name_rules(const struct explained_client *c)
{
	unsigned name = name_above(c, false), helo = name_above(c, true);

	if (name > 0) {
		explain_line("clients", name, NULL);
		puts("this line or one below is about the name that DNS has "
		    "for the client; give it: name NAME");
	}
	if (helo > 0) {
		explain_line("clients", helo, NULL);
		puts("this line or one below is about the name in HELO; give "
		    "it: helo NAME");
	}
}

static void
names(const struct explained_client *c)
{
	const struct policy *p = &c->policy;

	name_rules(c);
	if (p->helo_ours_refused && c->helo.len == 0) {
		tell_setting(c, "helo_own_name");
		puts("it calls itself by our name in HELO");
	}
	if (p->helo_resolvable) {
		tell_setting(c, "helo_names");
		puts("the name in its HELO is not in DNS");
	}
	if (p->reverse >= REVERSE_REQUIRE && c->name.len == 0) {
		tell_setting(c, "reverse_name");
		puts(p->reverse == REVERSE_CONFIRM ?
		    "its address has no name in DNS that leads back to it" :
		    "its address has no name in DNS");
	}
	if (p->sender_resolvable && c->sender.len > 0) {
		tell_setting(c, "sender_domains");
		puts("the domain of the sender is not in DNS, or takes no "
		    "mail");
	}
}

/* What is looked up in a list. */
static const char *
subject_of(const struct explained_client *c, const struct list *l,
    char out[DNS_NAME_MAX + 1])
{
	static const char *const unknown[] = { "ADDRESS", "NAME", "HELO",
		"SENDER" };
	const char *at = c->sender.len == 0 ? NULL :
	    memrchr(c->sender.at, '@', c->sender.len);
	struct slice name = slice_str(unknown[l->of]);
	size_t len;

	if (l->of == LIST_OF_NAME && c->name.len > 0)
		name = c->name;
	else if (l->of == LIST_OF_HELO && c->helo.len > 0)
		name = c->helo;
	else if (l->of == LIST_OF_SENDER && at != NULL)
		name = slice_skip(c->sender, (size_t)(at - c->sender.at) + 1);
	if (l->of == LIST_OF_ADDRESS && (len = dns_reverse_name(&c->address,
	    slice_str(l->zone), out)) > 0)
		out[len] = '\0';
	else
		snprintf(out, DNS_NAME_MAX + 1, "%.*s.%s", (int)name.len,
		    name.at, l->zone);
	return out;
}

static void
dns_lists(const struct explained_client *c)
{
	char name[DNS_NAME_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < settings_n_groups(c->settings); i++) {
		const struct settings_group *g = settings_group(c->settings,
		    i);
		const struct list *l = &c->lists.at[n];

		if (strcmp(g->block->kind, "list") != 0 || n == c->lists.n)
			continue;
		n++;
		explain_line(smtpd_schema.file, g->line, NULL);
		printf("list %s has %s: %c%u of %u\n", l->name,
		    subject_of(c, l, name), l->allows ? '-' : '+', l->weight,
		    c->policy.list_threshold);
	}
}

/* Names may stand above a line that refuses; checks come behind them all. */
static bool
may_change(const struct explained_client *c)
{
	const struct smtpd_settings *set = settings_values(c->settings);

	if (c->facts.this_host || c->to_postmaster || c->at_once ||
	    c->verdict.action == VERDICT_PERMIT)
		return false;
	if (explain_client_passes(c))
		return policy_wants(&c->policy) || set->greylist;
	return name_above(c, false) > 0 || name_above(c, true) > 0;
}

void
explain_client_unless(const struct explained_client *c)
{
	const struct smtpd_settings *set = settings_values(c->settings);

	if (!may_change(c))
		return;
	puts("\nunless (DNS was not asked)");
	if (!explain_client_passes(c)) {
		name_rules(c);
		return;
	}
	names(c);
	dns_lists(c);
	if (set->greylist) {
		tell_setting(c, "greylist");
		printf("it never wrote to this recipient: put off for %llu "
		    "seconds\n", (unsigned long long)set->greylist_delay);
	}
}
