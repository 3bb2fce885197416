#include "smtpd/policy/collect.h"

#include <errno.h>
#include <stdlib.h>

#include <bsd/string.h>

enum {
	/* Reverse names that are looked at; more is somebody's joke. */
	REVERSE_NAMES_MAX = 4
};

enum kind {
	ASK_PTR, ASK_FORWARD, ASK_LIST, ASK_HELO, ASK_SENDER_MX, ASK_SENDER
};

struct question {
	TAILQ_ENTRY(question) entry;
	struct collector *c;
	struct dns_query *query;
	enum kind	 kind;
	enum collect_of	 of;
	unsigned	 list;		/* ASK_LIST */
	char		 name[];	/* ASK_FORWARD */
};

static void on_answer(void *ctx, struct dns_answer *a);

/* ---- asking ---- */

static void
question_free(struct question *q)
{
	TAILQ_REMOVE(&q->c->questions, q, entry);
	free(q);
}

/* -1: DNS cannot say now.  A name that DNS cannot have gives 1. */
static int
ask(struct collector *c, enum kind kind, enum collect_of of, unsigned list,
    enum dns_type type, struct slice name)
{
	struct question *q = malloc(sizeof(*q) + name.len + 1);

	if (q == NULL)
		return -1;
	*q = (struct question){ .c = c, .kind = kind, .of = of,
		.list = list };
	memcpy(q->name, name.at, name.len);
	q->name[name.len] = '\0';
	TAILQ_INSERT_TAIL(&c->questions, q, entry);
	q->query = dns_ask(c->dns, type, name, on_answer, q);
	if (q->query == NULL) {
		int result = errno == EINVAL ? 1 : -1;

		question_free(q);
		return result;
	}
	return 0;
}

/* Good news stays; trouble is better than nothing. */
static void
learn(enum fact *f, enum dns_status status)
{
	if (status == DNS_OK)
		*f = FACT_GOOD;
	else if (*f != FACT_GOOD &&
	    (status == DNS_TEMPFAIL || status == DNS_BOGUS))
		*f = FACT_TROUBLE;
}

static void
ask_fact(struct collector *c, enum kind kind, enum collect_of of,
    enum dns_type type, struct slice name, enum fact *f)
{
	if (ask(c, kind, of, 0, type, name) == -1)
		learn(f, DNS_TEMPFAIL);
}

/* Is name in list i?  name is the whole, with the zone. */
static void
ask_list(struct collector *c, enum collect_of of, unsigned i,
    struct slice name)
{
	if (ask(c, ASK_LIST, of, i, DNS_A, name) == -1)
		c->facts.unlisted_trouble |= UINT32_C(1) << i;
}

/* All lists of names of that kind: name.zone (RFC 5782 section 2.2). */
static void
ask_name_lists(struct collector *c, enum collect_of of, enum list_of kind,
    struct slice name)
{
	const struct lists *lists = c->policy->lists;
	char whole[2 * DNS_NAME_MAX + 2];
	size_t zone;

	for (unsigned i = 0; i < lists->n; i++) {
		if (lists->at[i].of != kind || !dns_name_valid(name))
			continue;
		zone = strlen(lists->at[i].zone);
		memcpy(whole, name.at, name.len);
		whole[name.len] = '.';
		memcpy(whole + name.len + 1, lists->at[i].zone, zone);
		ask_list(c, of, i, slice_of(whole, name.len + 1 + zone));
	}
}

static void
ask_address_lists(struct collector *c)
{
	const struct lists *lists = c->policy->lists;
	char name[DNS_NAME_MAX + 1];
	size_t len;

	for (unsigned i = 0; i < lists->n; i++) {
		if (lists->at[i].of != LIST_OF_ADDRESS)
			continue;
		len = dns_reverse_name(&c->facts.client,
		    slice_str(lists->at[i].zone), name);
		if (len > 0)
			ask_list(c, COLLECT_CLIENT, i, slice_of(name, len));
	}
}

/* ---- the reverse name ---- */

static void
name_confirmed(struct collector *c, const char *name)
{
	if (c->facts.reverse == FACT_GOOD)
		return;
	c->facts.reverse = FACT_GOOD;
	strlcpy(c->facts.name, name, sizeof(c->facts.name));
	ask_name_lists(c, COLLECT_CLIENT, LIST_OF_NAME, slice_str(name));
}

/* RFC 8601 section 2.7.3: does one of the names lead back? */
static void
on_ptr(struct collector *c, struct dns_answer *a)
{
	enum dns_type type = c->facts.client.family == NET_IPV4 ? DNS_A :
	    DNS_AAAA;
	struct dns_record rec;

	learn(&c->facts.reverse, a->status);
	if (a->status != DNS_OK)
		return;
	c->facts.reverse = FACT_UNCONFIRMED;
	for (unsigned i = 0; i < REVERSE_NAMES_MAX &&
	    dns_answer_next(a, &rec); i++)
		if (ask(c, ASK_FORWARD, COLLECT_CLIENT, 0, type, rec.name) ==
		    -1)
			learn(&c->facts.reverse, DNS_TEMPFAIL);
}

static void
on_forward(struct collector *c, const char *name, struct dns_answer *a)
{
	const struct net_address *client = &c->facts.client;
	struct net_address there;
	struct dns_record rec;

	if (a->status == DNS_TEMPFAIL || a->status == DNS_BOGUS)
		learn(&c->facts.reverse, a->status);
	while (dns_answer_next(a, &rec)) {
		dns_record_address(&rec, &there);
		if (there.family == client->family &&
		    memcmp(there.octets, client->octets,
			there.family == NET_IPV4 ? 4 : 16) == 0)
			name_confirmed(c, name);
	}
}

/* ---- lists, HELO, sender ---- */

static void
on_list(struct collector *c, unsigned i, struct dns_answer *a)
{
	uint32_t bit = UINT32_C(1) << i;
	struct net_address address;
	struct dns_record rec;

	if (a->status == DNS_TEMPFAIL || a->status == DNS_BOGUS)
		c->facts.unlisted_trouble |= bit;
	while (dns_answer_next(a, &rec)) {
		dns_record_address(&rec, &address);
		if (list_matches(&c->policy->lists->at[i], &address))
			c->facts.listed |= bit;
	}
}

/* RFC 5321 section 5.1: MX, else the address of the domain itself. */
static void
on_sender_mx(struct collector *c, const char *domain, struct dns_answer *a)
{
	struct slice name = slice_str(domain);
	struct dns_record rec;

	if (a->status == DNS_NODATA) {
		ask_fact(c, ASK_SENDER, COLLECT_SENDER, DNS_A, name,
		    &c->facts.sender_domain);
		ask_fact(c, ASK_SENDER, COLLECT_SENDER, DNS_AAAA, name,
		    &c->facts.sender_domain);
		return;
	}
	learn(&c->facts.sender_domain, a->status);
	if (a->status == DNS_OK && a->count == 1 && dns_answer_next(a, &rec) &&
	    rec.mx.exchange.len == 0)
		c->facts.sender_domain = FACT_NULL_MX;
}

static void
on_answer(void *ctx, struct dns_answer *a)
{
	struct question *q = ctx;
	struct collector *c = q->c;

	switch (q->kind) {
	case ASK_PTR:
		on_ptr(c, a);
		break;
	case ASK_FORWARD:
		on_forward(c, q->name, a);
		break;
	case ASK_LIST:
		on_list(c, q->list, a);
		break;
	case ASK_HELO:
		learn(&c->facts.helo_name, a->status);
		break;
	case ASK_SENDER_MX:
		on_sender_mx(c, q->name, a);
		break;
	case ASK_SENDER:
		learn(&c->facts.sender_domain, a->status);
		break;
	}
	question_free(q);
	if (TAILQ_EMPTY(&c->questions))
		c->done(c->ctx);
}

/* ---- the whole ---- */

void
collect_init(struct collector *c, struct dns_client *dns,
    const struct policy *policy, void (*done)(void *ctx), void *ctx)
{
	*c = (struct collector){ .dns = dns, .policy = policy, .done = done,
		.ctx = ctx };
	TAILQ_INIT(&c->questions);
}

static void
cancel(struct collector *c, enum collect_of of)
{
	struct question *q, *next;

	TAILQ_FOREACH_SAFE(q, &c->questions, entry, next)
		if (q->of == of) {
			dns_cancel(q->query);
			question_free(q);
		}
}

void
collect_clear(struct collector *c)
{
	cancel(c, COLLECT_CLIENT);
	cancel(c, COLLECT_HELO);
	cancel(c, COLLECT_SENDER);
}

/* What lists of that kind said before. */
static void
forget_lists(struct collector *c, enum list_of kind)
{
	const struct lists *lists = c->policy->lists;

	for (unsigned i = 0; i < lists->n; i++)
		if (lists->at[i].of == kind) {
			c->facts.listed &= ~(UINT32_C(1) << i);
			c->facts.unlisted_trouble &= ~(UINT32_C(1) << i);
		}
}

void
collect_client(struct collector *c)
{
	const struct policy *p = c->policy;
	char name[DNS_NAME_MAX + 1];
	size_t len;

	cancel(c, COLLECT_CLIENT);
	c->facts.listed = c->facts.unlisted_trouble = 0;
	c->facts.reverse = FACT_UNKNOWN;
	c->facts.name[0] = '\0';
	ask_address_lists(c);
	if (p->reverse == REVERSE_OFF && !p->names_wanted && !rules_want_names(p->rules) &&
	    !lists_have(p->lists, LIST_OF_NAME))
		return;
	c->facts.reverse = FACT_MISSING;
	len = dns_reverse_name(&c->facts.client, slice_of("", 0), name);
	if (len > 0)
		ask_fact(c, ASK_PTR, COLLECT_CLIENT, DNS_PTR,
		    slice_of(name, len), &c->facts.reverse);
}

void
collect_helo(struct collector *c)
{
	struct slice helo = c->facts.helo;

	cancel(c, COLLECT_HELO);
	forget_lists(c, LIST_OF_HELO);
	c->facts.helo_name = FACT_UNKNOWN;
	/* An address literal says what the connection says. */
	if (helo.len == 0 || helo.at[0] == '[')
		return;
	ask_name_lists(c, COLLECT_HELO, LIST_OF_HELO, helo);
	if (!c->policy->helo_resolvable)
		return;
	c->facts.helo_name = FACT_MISSING;
	ask_fact(c, ASK_HELO, COLLECT_HELO, DNS_A, helo, &c->facts.helo_name);
	ask_fact(c, ASK_HELO, COLLECT_HELO, DNS_AAAA, helo,
	    &c->facts.helo_name);
	ask_fact(c, ASK_HELO, COLLECT_HELO, DNS_MX, helo,
	    &c->facts.helo_name);
}

/* The domain of a reverse-path; empty for none and for an address literal. */
static struct slice
sender_domain(struct slice sender)
{
	const char *at = sender.len == 0 ? NULL :
	    memrchr(sender.at, '@', sender.len);
	struct slice domain;

	if (at == NULL)
		return slice_of("", 0);
	domain = slice_skip(sender, (size_t)(at - sender.at) + 1);
	return domain.len > 0 && domain.at[0] == '[' ? slice_of("", 0) :
	    domain;
}

void
collect_sender(struct collector *c)
{
	struct slice domain = sender_domain(c->facts.sender);

	cancel(c, COLLECT_SENDER);
	forget_lists(c, LIST_OF_SENDER);
	c->facts.sender_domain = FACT_UNKNOWN;
	if (domain.len == 0)
		return;
	ask_name_lists(c, COLLECT_SENDER, LIST_OF_SENDER, domain);
	if (!c->policy->sender_resolvable)
		return;
	c->facts.sender_domain = FACT_MISSING;
	ask_fact(c, ASK_SENDER_MX, COLLECT_SENDER, DNS_MX, domain,
	    &c->facts.sender_domain);
}

bool
collect_waits(const struct collector *c)
{
	return !TAILQ_EMPTY(&c->questions);
}
