#include <stdarg.h>
#include <stdio.h>

#include <bsd/string.h>

#include "smtpd/policy/facts.h"

/* RFC 3463, RFC 7372 section 3.1, RFC 7505 section 4.2. */
#define POLICY		5, 7, 1
#define BAD_REVERSE	5, 7, 25
#define BAD_SENDER	5, 1, 8
#define SENDER_NULL_MX	5, 7, 27

static void __attribute__((format(printf, 7, 8)))
refuse(struct verdict *v, const char *rule, uint16_t code, uint8_t detail1,
    uint8_t detail2, uint8_t detail3, const char *format, ...)
{
	va_list ap;

	v->action = code >= 500 ? VERDICT_REFUSE : VERDICT_DEFER;
	v->code = code;
	v->enhanced[0] = detail1;
	v->enhanced[1] = detail2;
	v->enhanced[2] = detail3;
	strlcpy(v->rule, rule, sizeof(v->rule));
	va_start(ap, format);
	vsnprintf(v->text, sizeof(v->text), format, ap);
	va_end(ap);
}

/* ---- the table of clients ---- */

static void
apply_rule(const struct rule *rule, struct verdict *v)
{
	struct slice text = rule->text;
	char name[VERDICT_RULE_MAX];

	snprintf(name, sizeof(name), "clients:%u", rule->line);
	switch (rule->verdict) {
	case RULE_PERMIT:
		v->action = VERDICT_PERMIT;
		strlcpy(v->rule, name, sizeof(v->rule));
		return;
	case RULE_PASS:
		return;
	case RULE_DEFER:
		if (text.len == 0)
			text = SLICE_LITERAL("Not now, try later");
		refuse(v, name, 450, 4, 7, 1, "%.*s", (int)text.len, text.at);
		return;
	case RULE_REFUSE:
		if (text.len == 0)
			text = SLICE_LITERAL("Mail from you is refused here");
		refuse(v, name, 550, POLICY, "%.*s", (int)text.len, text.at);
		return;
	}
}

/* Nobody is held against himself. */
static bool
exempt(const struct facts *f)
{
	return f->this_host || f->login;
}

void
policy_decide_connection(const struct policy *p, const struct facts *f,
    struct verdict *v)
{
	struct rules_subject who = { .client = &f->client };
	const struct rule *rule;

	*v = (struct verdict){ .action = VERDICT_ACCEPT };
	if (f->this_host)
		return;
	rule = rules_match(p->rules, &who);
	if (rule != NULL && (rule->verdict == RULE_PERMIT ||
	    rules_first_open(p->rules) > rule->line))
		apply_rule(rule, v);
}

static bool
decide_rules(const struct policy *p, const struct facts *f, struct verdict *v)
{
	struct rules_subject who = { .client = &f->client,
		.name = slice_str(f->name), .helo = f->helo,
		.sender = f->sender, .has_sender = true };
	const struct rule *rule = rules_match(p->rules, &who);

	if (rule == NULL)
		return false;
	apply_rule(rule, v);
	return v->action != VERDICT_ACCEPT;
}

/* ---- names ---- */

static bool
decide_helo(const struct policy *p, const struct facts *f, struct verdict *v)
{
	if (p->helo_ours_refused && f->helo_ours)
		refuse(v, "helo_own_name", 550, POLICY,
		    "You are not %.*s: that is our own name",
		    (int)f->helo.len, f->helo.at);
	else if (p->helo_resolvable && f->helo_name == FACT_MISSING)
		refuse(v, "helo_names", 550, POLICY,
		    "The name of your HELO, %.*s, is not in DNS",
		    (int)f->helo.len, f->helo.at);
	else
		return false;
	return true;
}

static bool
decide_reverse(const struct policy *p, const struct facts *f,
    struct verdict *v)
{
	if (p->reverse >= REVERSE_REQUIRE && f->reverse == FACT_MISSING)
		refuse(v, "reverse_name", 550, BAD_REVERSE,
		    "Your address has no name in DNS");
	else if (p->reverse == REVERSE_CONFIRM &&
	    f->reverse == FACT_UNCONFIRMED)
		refuse(v, "reverse_name", 550, BAD_REVERSE,
		    "The name of your address does not lead back to it");
	else
		return false;
	return true;
}

static bool
decide_sender(const struct policy *p, const struct facts *f,
    struct verdict *v)
{
	if (!p->sender_resolvable)
		return false;
	if (f->sender_domain == FACT_MISSING)
		refuse(v, "sender_domains", 550, BAD_SENDER,
		    "The domain of the sender is not in DNS");
	else if (f->sender_domain == FACT_NULL_MX)
		refuse(v, "sender_domains", 550, SENDER_NULL_MX,
		    "The domain of the sender takes no mail (RFC 7505)");
	else
		return false;
	return true;
}

/* ---- block and allow lists ---- */

static void
name_lists(const struct policy *p, const struct facts *f, char *rule,
    char *text)
{
	rule[0] = text[0] = '\0';
	for (size_t i = 0; i < p->lists->n; i++) {
		const struct list *l = &p->lists->at[i];

		if ((f->listed & UINT32_C(1) << i) == 0 || l->allows)
			continue;
		strlcat(rule, rule[0] == '\0' ? "list " : ",",
		    VERDICT_RULE_MAX);
		strlcat(rule, l->name, VERDICT_RULE_MAX);
		strlcat(text, text[0] == '\0' ? "" : ", ", VERDICT_TEXT_MAX);
		strlcat(text, l->zone, VERDICT_TEXT_MAX);
	}
}

static bool
decide_lists(const struct policy *p, const struct facts *f, struct verdict *v)
{
	char rule[VERDICT_RULE_MAX], text[VERDICT_TEXT_MAX];
	long sum = 0;

	for (size_t i = 0; p->lists != NULL && i < p->lists->n; i++) {
		const struct list *l = &p->lists->at[i];

		if ((f->listed & UINT32_C(1) << i) == 0)
			continue;
		sum += l->allows ? -(long)l->weight : (long)l->weight;
		v->known |= l->allows;
	}
	if (p->lists == NULL || sum < (long)p->list_threshold)
		return false;
	name_lists(p, f, rule, text);
	refuse(v, rule, 550, POLICY, "Refused, since listed by %.200s", text);
	return true;
}

/* ---- what DNS did not say ---- */

static bool
decide_trouble(const struct policy *p, const struct facts *f,
    struct verdict *v)
{
	const char *rule = NULL;

	if (!p->trouble_defers)
		return false;
	if (p->reverse >= REVERSE_REQUIRE && f->reverse == FACT_TROUBLE)
		rule = "reverse_name";
	else if (p->helo_resolvable && f->helo_name == FACT_TROUBLE)
		rule = "helo_names";
	else if (p->sender_resolvable && f->sender_domain == FACT_TROUBLE)
		rule = "sender_domains";
	else if (f->unlisted_trouble != 0)
		rule = "list_threshold";
	if (rule == NULL)
		return false;
	refuse(v, rule, 451, 4, 4, 3, "DNS gives no answer about you, try "
	    "later");
	return true;
}

void
policy_decide(const struct policy *p, const struct facts *f,
    struct verdict *v)
{
	*v = (struct verdict){ .action = VERDICT_ACCEPT };
	if (exempt(f) || decide_rules(p, f, v) || decide_helo(p, f, v) ||
	    decide_reverse(p, f, v) || decide_sender(p, f, v) ||
	    decide_lists(p, f, v))
		return;
	decide_trouble(p, f, v);
}
