#include "remote-relay/lookup.h"

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "remote-relay/settings.h"

enum {
	TTL_LEAST = 60, TTL_MOST = 3600,
	/* For each exchanger A and AAAA; or the one MX. */
	QUERIES_MAX = 2 * EXCHANGERS_MAX
};

struct question {
	struct lookup	*l;
	struct exchanger *e;		/* NULL: the MX records */
	struct dns_query *q;		/* NULL: answered */
};

struct lookup {
	struct lookup_ask ask;
	lookup_done	*done;
	void		*ctx;
	unsigned	 next;		/* of the targets, then of the fallback */
	bool		 starting;	/* inside lookup_start() */
	bool		 finished;
	uint16_t	 port;		/* of this target */
	struct exchangers x;		/* of this target */
	bool		 implicit;
	struct next_hop	*hops;		/* one for each target */
	struct question	 questions[QUERIES_MAX];
	unsigned	 n_questions, waiting;
	struct hosts	 hosts;
	/* The first thing that was wrong, and whether it may pass. */
	struct outcome	 why;
	bool		 failed, passes;
};

static void next_target(struct lookup *);

/* The target that is being worked on. */
static const struct target *
current(const struct lookup *l)
{
	unsigned i = l->next - 1;

	return i < l->ask.n_targets ? &l->ask.targets[i] :
	    &l->ask.fallback[i - l->ask.n_targets];
}

static struct next_hop *
hop(const struct lookup *l)
{
	return &l->hops[l->next - 1];
}

/* Is it the domain of a recipient? */
static bool
is_domain(const struct lookup *l)
{
	return l->ask.domain && l->next <= l->ask.n_targets;
}

/* ---- what is wrong ---- */

static void
set_why(struct lookup *l, const struct outcome *o)
{
	bool passes = o->result == RELAY_DEFERRED;

	/* What passes goes before what does not: we cannot know yet. */
	if (!l->failed || (passes && !l->passes))
		l->why = *o;
	l->failed = true;
	l->passes |= passes;
}

static void
no_answer(struct lookup *l, const char *what, const char *name,
    const struct dns_answer *a)
{
	struct outcome o;

	outcome_host(&o, 4, 3, "no answer for %s of %s: %.*s", what, name,
	    (int)a->why.len, a->why.at);
	set_why(l, &o);
}

/* The sender is told at once; of a setting of ours, the operator is. */
static void
no_such(struct lookup *l, uint16_t code, uint8_t subject, uint8_t detail,
    const char *what)
{
	struct outcome o;

	if (is_domain(l))
		outcome_own(&o, code, subject, detail, "%s %s",
		    current(l)->name, what);
	else
		outcome_host(&o, 3, 5, "%s %s", current(l)->name, what);
	set_why(l, &o);
}

/* ---- the end ---- */

struct hosts *
hosts_copy(const struct hosts *from)
{
	size_t size = offsetof(struct hosts, at) + from->n *
	    sizeof(from->at[0]), hops = from->n_hops * sizeof(from->hops[0]);
	struct hosts *to = malloc(size + hops);

	static_assert(alignof(struct next_hop) == 1, "it follows anything");
	if (to == NULL)
		return NULL;
	memcpy(to, from, size);
	to->hops = memcpy((char *)to + size, from->hops, hops);
	return to;
}

static void
lookup_free(struct lookup *l)
{
	free(l->hops);
	free(l);
}

static void
finish(struct lookup *l)
{
	struct outcome none;

	if (l->hosts.ttl < TTL_LEAST)
		l->hosts.ttl = TTL_LEAST;
	if (l->hosts.n > 0) {
		l->done(l->ctx, &l->hosts, NULL);
	} else if (l->failed) {
		l->done(l->ctx, NULL, &l->why);
	} else {
		outcome_host(&none, 4, 4, "no host has an address that may be "
		    "used here");
		l->done(l->ctx, NULL, &none);
	}
	if (l->starting)
		l->finished = true;
	else
		lookup_free(l);
}

static struct host *
add_host(struct lookup *l, const char *name, const struct net_address *a)
{
	struct host *h;

	if (l->hosts.n == HOSTS_MAX)
		return NULL;
	h = &l->hosts.at[l->hosts.n++];
	*h = (struct host){ .address = *a, .hop = l->next - 1 };
	h->address.port = l->port;
	memcpy(h->name, name, strnlen(name, sizeof(h->name) - 1));
	return h;
}

static void
add_exchanger(struct lookup *l, const struct exchanger *e)
{
	struct host *h;

	for (unsigned i = 0; i < e->n_addresses; i++) {
		if ((h = add_host(l, e->name, &e->addresses[i])) == NULL)
			return;
		h->secure = e->secure;
		memcpy(h->canonical, e->canonical, sizeof(h->canonical));
	}
}

static void
ttl_is(struct lookup *l, uint32_t ttl)
{
	if (ttl < l->hosts.ttl)
		l->hosts.ttl = ttl;
}

/* ---- hosts and their addresses ---- */

static bool
is_own_name(const struct lookup *l, const char *name)
{
	return l->ask.hostname != NULL && slice_equal_nocase(slice_str(name),
	    slice_str(l->ask.hostname));
}

static void
mark_self(struct lookup *l, struct exchanger *e)
{
	e->self = is_own_name(l, e->name);
	for (unsigned i = 0; i < e->n_addresses; i++)
		e->self |= own_addresses_has(l->ask.own, &e->addresses[i]);
}

/* All addresses of this target are there. */
static void
take_exchangers(struct lookup *l)	/* NOLINT(misc-no-recursion): a step a host */
{
	bool cut = false, any = l->x.n > 0;
	unsigned before = l->hosts.n;

	if (is_domain(l)) {
		for (unsigned i = 0; i < l->x.n; i++)
			mark_self(l, &l->x.at[i]);
		cut = exchangers_cut_self(&l->x);
	}
	for (unsigned i = 0; i < l->x.n; i++) {
		exchanger_interleave(&l->x.at[i]);
		add_exchanger(l, &l->x.at[i]);
	}
	if (cut)
		no_such(l, 554, 4, 6, "leads back to us");
	else if (l->hosts.n == before && any && !l->failed)
		no_such(l, 550, l->implicit ? 1 : 4, l->implicit ? 2 : 4,
		    l->implicit ? "has neither a mail exchanger nor an "
		    "address" : "has no mail exchanger with an address");
	next_target(l);
}

static void
take_record(struct lookup *l, struct exchanger *e, const struct dns_record *r)
{
	struct net_address *a = &e->addresses[e->n_addresses];

	if (e->n_addresses == EXCHANGER_ADDRESSES_MAX)
		return;
	dns_record_address(r, a);
	if (!is_domain(l) || !own_address_is_nobodys(a))
		e->n_addresses++;
}

static void
on_address(void *ctx, struct dns_answer *a)
{
	struct question *q = ctx;
	struct lookup *l = q->l;
	struct exchanger *e = q->e;
	struct dns_record r;

	q->q = NULL;
	ttl_is(l, a->ttl);
	/* Whoever can suppress the answer of one family must not be able to
	 * make the other one's count for less. */
	if (a->status == DNS_TEMPFAIL || a->status == DNS_BOGUS)
		no_answer(l, "the address", e->name, a);
	else
		e->secure &= a->secure;
	if (a->canonical.len > 0)
		slice_copy_str(a->canonical, e->canonical,
		    sizeof(e->canonical));
	while (dns_answer_next(a, &r))
		if (r.type == a->type)
			take_record(l, e, &r);
	if (--l->waiting == 0)
		take_exchangers(l);
}

static void
ask(struct lookup *l, struct exchanger *e, enum dns_type type,
    const char *name, dns_done *done)
{
	struct question *q = &l->questions[l->n_questions++];
	struct outcome o;

	assert(l->n_questions <= QUERIES_MAX);
	*q = (struct question){ .l = l, .e = e };
	q->q = dns_ask(l->ask.dns, type, slice_str(name), done, q);
	if (q->q != NULL) {
		l->waiting++;
		return;
	}
	outcome_host(&o, 4, 3, "%s cannot be asked for", name);
	set_why(l, &o);
}

static void
ask_addresses(struct lookup *l)	/* NOLINT(misc-no-recursion): a step a host */
{
	l->n_questions = l->waiting = 0;
	for (unsigned i = 0; i < l->x.n; i++) {
		struct exchanger *e = &l->x.at[i];

		e->secure = true;
		if (l->ask.family != ADDRESS_IPV4)
			ask(l, e, DNS_AAAA, e->name, on_address);
		if (l->ask.family != ADDRESS_IPV6)
			ask(l, e, DNS_A, e->name, on_address);
	}
	if (l->waiting == 0)
		take_exchangers(l);
}

/* ---- mail exchangers ---- */

static void
order(struct lookup *l)
{
	exchangers_order(&l->x, arc4random_uniform);
	if (!l->x.null) {
		ask_addresses(l);
		return;
	}
	/* RFC 7505 section 4.1. */
	no_such(l, 556, 1, 10, "takes no mail at all (null MX)");
	next_target(l);
}

static void
on_mx(void *ctx, struct dns_answer *a)
{
	struct question *q = ctx;
	struct lookup *l = q->l;
	const char *name = current(l)->name;
	struct dns_record r;

	q->q = NULL;
	ttl_is(l, a->ttl);
	hop(l)->secure = a->secure;
	hop(l)->by_mx = a->status == DNS_OK;
	slice_copy_str(a->canonical, hop(l)->canonical,
	    sizeof(hop(l)->canonical));
	switch (a->status) {
	case DNS_OK:
		while (dns_answer_next(a, &r))
			if (r.type == DNS_MX)
				exchangers_add(&l->x, r.mx.preference,
				    r.mx.exchange);
		order(l);
		return;
	case DNS_NODATA:
		/* RFC 5321 section 5.1: the implicit MX. */
		l->implicit = true;
		exchangers_add(&l->x, 0, slice_str(name));
		order(l);
		return;
	case DNS_NXDOMAIN:
		no_such(l, 550, 1, 2, "does not exist");
		break;
	default:
		no_answer(l, "the mail exchangers", name, a);
	}
	next_target(l);
}

static bool
family_is_wanted(const struct lookup *l, const struct net_address *a)
{
	return l->ask.family == ADDRESS_BOTH || a->family ==
	    (l->ask.family == ADDRESS_IPV4 ? NET_IPV4 : NET_IPV6);
}

static void
take_address(struct lookup *l, const struct target *t)
{
	struct host *h;

	if (is_domain(l) &&
	    own_addresses_has(l->ask.own, &t->address))
		no_such(l, 554, 4, 6, "leads back to us");
	else if (is_domain(l) && own_address_is_nobodys(&t->address))
		no_such(l, 550, 4, 4, "is the address of no host");
	else if (family_is_wanted(l, &t->address) &&
	    (h = add_host(l, t->name, &t->address)) != NULL)
		h->literal = true;
}

/* What does not exist for good is not helped by a fallback. */
static bool
at_the_end(const struct lookup *l)
{
	return l->next == l->ask.n_targets + l->ask.n_fallback ||
	    (l->next == l->ask.n_targets && l->hosts.n == 0 && l->failed &&
		!l->passes);
}

static void
next_target(struct lookup *l)	/* NOLINT(misc-no-recursion): a step a host */
{
	const struct target *t;

	for (;;) {
		if (at_the_end(l)) {
			finish(l);
			return;
		}
		l->next++;
		t = current(l);
		l->port = t->port != 0 ? t->port : l->ask.port;
		l->x = (struct exchangers){ 0 };
		l->implicit = false;
		*hop(l) = (struct next_hop){ .secure = true };
		memcpy(hop(l)->name, t->name, strnlen(t->name, DNS_NAME_MAX));
		l->n_questions = l->waiting = 0;
		if (t->kind != TARGET_ADDRESS)
			break;
		take_address(l, t);
	}
	if (t->kind == TARGET_HOST) {
		exchangers_add(&l->x, 0, slice_str(t->name));
		ask_addresses(l);
		return;
	}
	ask(l, NULL, DNS_MX, t->name, on_mx);
	if (l->waiting == 0)
		next_target(l);
}

struct lookup *
lookup_start(const struct lookup_ask *asked, lookup_done *done, void *ctx)
{
	struct lookup *l = calloc(1, sizeof(*l));
	struct outcome o;

	if (l == NULL || (l->hops = calloc(asked->n_targets +
	    asked->n_fallback, sizeof(l->hops[0]))) == NULL) {
		free(l);
		outcome_host(&o, 3, 0, "out of memory");
		done(ctx, NULL, &o);
		return NULL;
	}
	l->hosts.hops = l->hops;
	l->hosts.n_hops = asked->n_targets + asked->n_fallback;
	l->ask = *asked;
	l->done = done;
	l->ctx = ctx;
	l->hosts.ttl = TTL_MOST;
	l->starting = true;
	next_target(l);
	l->starting = false;	/* NOLINT: while it is set nobody frees it */
	if (!l->finished)
		return l;
	lookup_free(l);
	return NULL;
}

void
lookup_cancel(struct lookup *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < l->n_questions; i++)
		dns_cancel(l->questions[i].q);
	lookup_free(l);
}
