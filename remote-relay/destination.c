/* Where mail goes: the hosts of a destination, and the mail that waits. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "common/clock/clock.h"
#include "common/log/log.h"
#include "remote-relay/remote_relay.h"

int
destination_compare(const struct destination *a, const struct destination *b)
{
	int d = strcmp(a->domain, b->domain);

	return d != 0 ? d : strcmp(a->route->name, b->route->name);
}

RB_GENERATE(destinations, destination, by_name, destination_compare);

/* ---- what waits ---- */

struct job *
destination_next_job(struct destination *d)
{
	struct job *j = TAILQ_FIRST(&d->waiting);

	if (j == NULL)
		return NULL;
	TAILQ_REMOVE(&d->waiting, j, entry);
	d->n_waiting--;
	return j;
}

static void
settle_all(struct destination *d, const struct host *h,
    const struct outcome *why)
{
	struct job *j;

	while ((j = destination_next_job(d)) != NULL)
		job_settle(d->rr, j, h, why);
}

void
destination_retake(struct destination *d, struct job *j)
{
	TAILQ_INSERT_HEAD(&d->waiting, j, entry);
	d->n_waiting++;
}

void
destination_unreachable(struct destination *d, const struct host *h,
    const struct outcome *why)
{
	/* Others that are there, or on their way, take what waits. */
	if (d->n_links == 0)
		settle_all(d, h, why);
}

/* ---- its hosts ---- */

static void
on_lookup(void *ctx, const struct hosts *hosts, const struct outcome *why)
{
	struct destination *d = ctx;

	d->lookup = NULL;
	if (hosts == NULL) {
		settle_all(d, NULL, why);
		return;
	}
	free(d->hosts);
	d->hosts = hosts_copy(hosts);
	d->hosts_until_ms = clock_ms() + (uint64_t)hosts->ttl * 1000;
	destination_run(d);
}

static void
look_up(struct destination *d)
{
	const struct route *r = d->route;
	struct lookup_ask ask = { .dns = d->rr->dns,
		.targets = r->n_via > 0 ? r->via : &d->target,
		.n_targets = r->n_via > 0 ? r->n_via : 1,
		.fallback = r->fallback, .n_fallback = r->n_fallback,
		.port = r->set->protocol == PROTOCOL_LMTP ? PORT_LMTP :
		    (uint16_t)d->rr->set->smtp_port,
		.family = d->rr->set->address_family,
		.domain = r->n_via == 0,
		.hostname = d->rr->stage.hostname, .own = &d->rr->own };

	d->lookup = lookup_start(&ask, on_lookup, d);
}

static bool
hosts_are_fresh(const struct destination *d)
{
	/* A connection that is being made goes through them one by one. */
	return d->hosts != NULL && (d->n_opening > 0 ||
	    clock_ms() < d->hosts_until_ms);
}

/* ---- to work ---- */

static void
wait_for_room(struct destination *d)
{
	if (d->is_crowded)
		return;
	d->is_crowded = true;
	TAILQ_INSERT_TAIL(&d->rr->crowded, d, crowded);
}

/* Until the first one has got through there is no second: a host that is dead,
 * or slow to greet, is not asked twenty times over. */
static bool
wants_link(const struct destination *d)
{
	unsigned ready = d->n_links - d->n_opening;

	return d->n_waiting > d->n_opening &&
	    (ready > 0 || d->n_opening == 0) &&
	    d->n_links < d->route->set->connections_max;
}

static void
open_links(struct destination *d)
{
	struct remote_relay *rr = d->rr;
	unsigned before;

	do {
		if (!wants_link(d))
			return;
		if (rr->n_links >= rr->set->connections_max &&
		    !links_make_room(rr)) {
			wait_for_room(d);
			return;
		}
		before = d->n_links;
		link_open(d);
		/* What failed at once would do so again: the next try is when
		 * something has happened. */
	} while (d->n_links > before);
}

void
destination_run(struct destination *d)
{
	struct job *j;

	if (d->busy)
		return;
	d->busy = true;
	while ((j = destination_next_job(d)) != NULL)
		if (!link_give(d, j)) {
			destination_retake(d, j);
			break;
		}
	if (d->n_waiting > 0 && !hosts_are_fresh(d) && d->lookup == NULL)
		look_up(d);
	if (d->n_waiting > 0 && d->lookup == NULL && d->hosts != NULL)
		open_links(d);
	d->busy = false;
}

void
destinations_crowd(struct remote_relay *rr)
{
	struct destination *d;

	while (rr->n_links < rr->set->connections_max &&
	    (d = TAILQ_FIRST(&rr->crowded)) != NULL) {
		TAILQ_REMOVE(&rr->crowded, d, crowded);
		d->is_crowded = false;
		destination_run(d);
	}
}

void
destinations_room(struct remote_relay *rr)
{
	if (!TAILQ_EMPTY(&rr->crowded))
		event_active(rr->room, EV_TIMEOUT, 0);
}

/* ---- where mail belongs ---- */

/* A domain or an address literal of RFC 5321; nothing that names a port. */
static bool
take_domain(struct destination *d, struct slice domain)
{
	return slice_copy_str(domain, d->domain, sizeof(d->domain)) == 0 &&
	    target_parse(domain, &d->target) == PARSE_OK &&
	    d->target.kind != TARGET_HOST && d->target.port == 0;
}

static struct destination *
destination_new(struct remote_relay *rr, const struct route *r,
    struct slice domain)
{
	struct destination *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->rr = rr;
	d->routes = routes_hold(rr->routes);
	d->route = r;
	TAILQ_INIT(&d->waiting);
	TAILQ_INIT(&d->links);
	/* Where a route says where mail goes, the domain is but a name. */
	if (!take_domain(d, domain) && r->n_via == 0) {
		routes_release(d->routes);
		free(d);
		return NULL;
	}
	RB_INSERT(destinations, &rr->destinations, d);
	return d;
}

static struct destination *
destination_find(struct remote_relay *rr, const struct route *r,
    struct slice domain)
{
	struct destination key = { .route = r };

	if (slice_copy_str(domain, key.domain, sizeof(key.domain)) == -1)
		return NULL;
	return RB_FIND(destinations, &rr->destinations, &key);
}

void
destination_take(struct remote_relay *rr, struct job *j)
{
	const struct route *r = routes_find(rr->routes, j->y.route);
	struct destination *d;
	struct outcome o;

	if (r == NULL) {
		outcome_own(&o, 451, 3, 5, "remote-relay.conf has no route of "
		    "that name: %.*s", (int)j->y.route.len, j->y.route.at);
		job_settle(rr, j, NULL, &o);
		return;
	}
	if ((d = destination_find(rr, r, j->y.domain)) == NULL &&
	    (d = destination_new(rr, r, j->y.domain)) == NULL) {
		outcome_own(&o, 550, 1, 2, "%.*s is no domain",
		    (int)j->y.domain.len, j->y.domain.at);
		job_settle(rr, j, NULL, &o);
		return;
	}
	TAILQ_INSERT_TAIL(&d->waiting, j, entry);
	d->n_waiting++;
	destination_run(d);
}

/* ---- all of them ---- */

static void
destination_free(struct destination *d)
{
	struct remote_relay *rr = d->rr;

	lookup_cancel(d->lookup);
	if (d->is_crowded)
		TAILQ_REMOVE(&rr->crowded, d, crowded);
	RB_REMOVE(destinations, &rr->destinations, d);
	routes_release(d->routes);
	free(d->hosts);
	free(d);
}

static bool
is_unused(const struct destination *d)
{
	return d->n_waiting == 0 && d->n_links == 0 && d->lookup == NULL &&
	    (d->hosts == NULL || clock_ms() >= d->hosts_until_ms);
}

void
destinations_tick(struct remote_relay *rr)
{
	struct destination *d, *next;

	RB_FOREACH_SAFE(d, destinations, &rr->destinations, next) {
		links_retire(d, rr->set->connection_idle * 1000);
		if (is_unused(d))
			destination_free(d);
	}
}

/* Where a route is no longer there, what is under way ends by the old one. */
static void
renew(struct destination *d)
{
	struct remote_relay *rr = d->rr;
	const struct route *r = routes_find(rr->routes,
	    slice_str(d->route->name));

	links_retire(d, 0);
	if (r == NULL)
		return;
	lookup_cancel(d->lookup);
	d->lookup = NULL;
	routes_release(d->routes);
	d->routes = routes_hold(rr->routes);
	d->route = r;
	d->hosts_until_ms = 0;
	destination_run(d);
}

void
destinations_renew(struct remote_relay *rr)
{
	struct destination *d, *next;

	RB_FOREACH_SAFE(d, destinations, &rr->destinations, next)
		if (d->routes != rr->routes)
			renew(d);
}

void
destinations_stop(struct remote_relay *rr)
{
	struct destination *d;
	struct outcome o;

	outcome_own(&o, 451, 3, 2, "the relay is stopping");
	RB_FOREACH(d, destinations, &rr->destinations) {
		settle_all(d, NULL, &o);
		links_retire(d, 0);
	}
}

void
destinations_forget(struct remote_relay *rr)
{
	struct destination *d;
	struct job *j;

	RB_FOREACH(d, destinations, &rr->destinations)
		while ((j = destination_next_job(d)) != NULL) {
			j->open = 0;
			job_done(rr, j);
		}
}

void
destinations_clear(struct remote_relay *rr)
{
	struct destination *d, *next;

	destinations_forget(rr);
	RB_FOREACH_SAFE(d, destinations, &rr->destinations, next) {
		links_drop(d);
		destination_free(d);
	}
}
