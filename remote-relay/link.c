/*
 * A connection to one host of a destination: made by trying its hosts in
 * turn, used for one message after the other, kept for a while.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/clock/clock.h"
#include "common/log/log.h"
#include "remote-relay/dial.h"
#include "remote-relay/remote_relay.h"
#include "remote-relay/trust.h"

struct link {
	TAILQ_ENTRY(link) entry;
	struct destination *d;
	struct dial	*dial;
	struct client	*client;
	struct host	 host;		/* the one that it goes to ... */
	struct next_hop	 hop;		/* ... and what led there */
	struct dane	*dane;		/* what DNS asks of it, or NULL */
	struct trust	 trust;
	struct job	*lost;		/* given back unfinished */
	bool		 opening;	/* never was ready */
	bool		 idle;		/* at the front of the destination's */
	/* The hosts that were tried, by their place in the list, and in which
	 * round: those that are known to be down come in the second. */
	uint64_t	 tried;
	unsigned	 n_tried, round, next;
	bool		 has_why;
	struct outcome	 why;
	/* What the client's manner points to. */
	struct routes	*routes;	/* held */
	const struct route *route;
	struct login	*login;		/* a copy; NULL: none */
	bool		 in_clear;	/* TLS has failed with this host */
	char		 helo[256];
};

static_assert(HOSTS_MAX <= 64, "a bit for each host");

static void try_next(struct link *);
static bool try_in_clear(struct link *, const struct outcome *);

/* ---- its place among the destination's ---- */

static void
no_longer_opening(struct link *l)
{
	if (l->opening)
		l->d->n_opening--;
	l->opening = false;
}

static void
link_free(struct link *l)
{
	struct destination *d = l->d;

	no_longer_opening(l);
	TAILQ_REMOVE(&d->links, l, entry);
	d->n_links--;
	d->rr->n_links--;
	dial_cancel(l->dial);
	client_free(l->client);
	dane_free(l->dane);
	routes_release(l->routes);
	if (l->login != NULL)
		explicit_bzero(l->login, sizeof(*l->login));
	free(l->login);
	free(l);
}

/* It has gone; others may have its place. */
static void
link_gone(struct link *l)
{
	struct destination *d = l->d;

	link_free(l);
	destination_run(d);
	destinations_room(d->rr);
}

static void
set_idle(struct link *l, bool idle)
{
	struct links *links = &l->d->links;

	TAILQ_REMOVE(links, l, entry);
	if (idle)
		TAILQ_INSERT_HEAD(links, l, entry);
	else
		TAILQ_INSERT_TAIL(links, l, entry);
	l->idle = idle;
}

static void
link_quit(struct link *l)
{
	client_quit(l->client);
	l->client = NULL;
	link_free(l);
}

/* ---- messages ---- */

static bool
takes_more(const struct link *l)
{
	const struct remote_relay_settings *set = l->d->rr->set;
	unsigned n = client_messages(l->client);
	unsigned most = client_messages_max(l->client);

	return n < set->connection_messages && (most == 0 || n < most) &&
	    client_age_ms(l->client) < set->connection_age * 1000 &&
	    !l->d->rr->stopping;
}

static void
next_message(struct link *l)
{
	struct destination *d = l->d;
	struct job *j;

	while (takes_more(l) && (j = destination_next_job(d)) != NULL)
		if (client_send(l->client, j))
			return;
	if (takes_more(l) && d->rr->set->connection_idle > 0) {
		set_idle(l, true);
		return;
	}
	link_quit(l);
	destination_run(d);
	destinations_room(d->rr);
}

bool
link_give(struct destination *d, struct job *j)
{
	struct link *l;

	/* NOLINTNEXTLINE: what link_quit() freed is off the list */
	while ((l = TAILQ_FIRST(&d->links)) != NULL && l->idle &&
	    !takes_more(l))
		link_quit(l);
	if (l == NULL || !l->idle)
		return false;
	set_idle(l, false);
	if (!client_send(l->client, j))
		set_idle(l, true);
	return true;
}

/* ---- what the client says ---- */

static void
on_ready(void *owner)
{
	struct link *l = owner;
	struct destination *d = l->d;
	bool first = l->opening;

	if (first)
		down_clear(d->rr->down, &l->host.address);
	no_longer_opening(l);
	next_message(l);
	if (first)
		destination_run(d);	/* now more of them make sense */
}

static void
on_answered(void *owner, struct job *j, unsigned i, const struct outcome *o)
{
	struct link *l = owner;

	job_answered(l->d->rr, j, i, &l->host, o);
}

static void
on_returned(void *owner, struct job *j)
{
	struct link *l = owner;

	if (j->open == 0)
		job_done(l->d->rr, j);
	else
		l->lost = j;
}

/*
 * A connection that had served before has simply come to its end: that is no
 * failure of the host, nor of the message.
 */
static void
retake(struct link *l, struct job *j, bool fresh, const struct outcome *why)
{
	j->tries += fresh;
	if (j->tries >= TRIES_MAX || l->d->rr->stopping)
		job_settle(l->d->rr, j, &l->host, why);
	else
		destination_retake(l->d, j);
}

static void
mark_down(struct link *l)
{
	struct remote_relay *rr = l->d->rr;

	down_mark(rr->down, &l->host.address,
	    clock_ms() + rr->set->host_down_time * 1000);
}

static void
log_trouble(const struct link *l, const struct outcome *why)
{
	char address[NET_ADDRESS_SIZE];

	log_info("host-failed", LOG_CSTR("destination", l->d->domain),
	    LOG_CSTR("host", l->host.name), LOG_CSTR("address",
	    net_address_print(&l->host.address, address)),
	    LOG_NUM("port", l->host.address.port),
	    LOG_STR("reason", outcome_text(why)));
}

static void
remember_why(struct link *l, const struct outcome *why)
{
	log_trouble(l, why);
	mark_down(l);
	l->why = *why;
	l->has_why = true;
}

static void
on_ended(void *owner, enum client_end end, const struct outcome *why)
{
	struct link *l = owner;
	bool fresh = client_messages(l->client) <= 1;
	struct job *j = l->lost;

	l->lost = NULL;
	client_free(l->client);
	l->client = NULL;
	if (end == CLIENT_INSECURE && try_in_clear(l, why))
		return;
	if (end == CLIENT_REFUSED || end == CLIENT_INSECURE) {
		remember_why(l, why);
		try_next(l);
		return;
	}
	if (end == CLIENT_LOST && fresh) {
		log_trouble(l, why);
		mark_down(l);
	}
	if (j != NULL)
		retake(l, j, fresh, why);
	link_gone(l);
}

static const struct client_events events = {
	.ready = on_ready, .answered = on_answered, .returned = on_returned,
	.ended = on_ended,
};

/* ---- making it ---- */

static const struct host *
next_host(struct link *l)
{
	const struct hosts *hosts = l->d->hosts;
	uint64_t now = clock_ms();

	if (l->n_tried >= l->d->rr->set->hosts_max)
		return NULL;
	for (; l->round < 2; l->round++, l->next = 0)
		while (l->next < hosts->n) {
			const struct host *h = &hosts->at[l->next];
			uint64_t bit = (uint64_t)1 << l->next++;

			if ((l->tried & bit) || (l->round == 0 &&
			    down_is(l->d->rr->down, &h->address, now)))
				continue;
			l->tried |= bit;
			l->n_tried++;
			return h;
		}
	return NULL;
}

static void
give_up(struct link *l)
{
	struct destination *d = l->d;
	struct host host = l->host;
	struct outcome why = l->why;

	if (!l->has_why)
		outcome_host(&why, 4, 1, "no host could be tried");
	link_free(l);
	destination_unreachable(d, &host, &why);
	destinations_room(d->rr);
}

static void
connect_failed(struct link *l, int error)
{
	struct outcome why;

	outcome_host(&why, 4, 1, "cannot connect: %s", strerror(error));
	remember_why(l, &why);
}

static struct client_manner
manner_of(struct link *l)
{
	const struct route_settings *set = l->route->set;

	return (struct client_manner){ .helo = l->helo, .host = l->host.name,
		.lmtp = set->protocol == PROTOCOL_LMTP,
		.pipelining = set->pipelining, .chunking = set->chunking,
		.tls = l->in_clear ? TLS_POLICY_NONE : l->trust.tls,
		.wrapped = set->tls_wrapped, .expect = &l->trust.expect,
		.user = l->login != NULL ? l->login->user : "",
		.password = l->login != NULL ? l->login->password : "" };
}

static void
on_dialed(void *ctx, int fd, int error)
{
	struct link *l = ctx;
	struct client_manner manner;

	l->dial = NULL;
	if (fd == -1) {
		connect_failed(l, error);
		try_next(l);
		return;
	}
	manner = manner_of(l);
	l->client = client_new(&l->d->rr->shared, fd, &manner, &events, l);
	if (l->client == NULL) {
		connect_failed(l, errno);
		try_next(l);
	}
}

static void
log_trust(const struct link *l)
{
	const struct trust *t = &l->trust;

	log_info("tls-policy", LOG_CSTR("destination", l->d->domain),
	    LOG_STR("route", slice_str(l->route->name)),
	    LOG_CSTR("host", l->host.name), LOG_CSTR("tls", t->how),
	    LOG_BOOL("verifies-destination", t->destination),
	    LOG_CSTR("reason", t->why));
}

static bool
dial_host(struct link *l)
{
	struct remote_relay *rr = l->d->rr;
	const struct net_address *source;

	if (!route_source(l->route, &l->host.address, &source))
		return false;
	l->dial = dial_start(rr->stage.base, &l->host.address, source,
	    (unsigned)rr->set->connect_timeout * 1000, on_dialed, l);
	if (l->dial == NULL)
		connect_failed(l, errno);
	return l->dial != NULL;
}

/* RFC 7435: encryption that would do harm is left out.  A password is never
 * sent in clear: then TLS has to be. */
static bool
try_in_clear(struct link *l, const struct outcome *why)
{
	if (l->trust.tls != TLS_POLICY_MAY || l->in_clear || l->login != NULL)
		return false;
	log_trouble(l, why);
	l->in_clear = true;
	return dial_host(l);
}

/* What we are to show. */
static bool
take_certificate(struct link *l, struct outcome *why)
{
	struct tls_expect *e = &l->trust.expect;
	const char *name = l->route->set->tls_certificate;

	if (name[0] == '\0')
		return true;
	e->certificate = name;
	e->store = l->d->rr->certificates;
	if (tls_store_ready(e->store, name))
		return true;
	outcome_host(why, 3, 5, "tls_certificate: there is no certificate %s "
	    "for remote-relay, or tlskeyd does not have its key", name);
	return false;
}

/* What the host must show is known, or why it cannot be. */
static bool
approach(struct link *l)
{
	struct outcome why;

	if (trust_make(&l->trust, l->route, &l->host, &l->hop, l->dane,
	    &why) && take_certificate(l, &why)) {
		log_trust(l);
		return dial_host(l);
	}
	log_trouble(l, &why);
	l->why = why;
	l->has_why = true;
	return false;
}

static void
on_dane(void *ctx)
{
	struct link *l = ctx;

	if (!approach(l))
		try_next(l);
}

/* RFC 7672 section 2.2: what DNS asks of the host is known before it is
 * spoken to. */
static bool
begin(struct link *l)
{
	const char *why;

	dane_free(l->dane);
	l->dane = NULL;
	if (!trust_wants_dane(l->route) || !dane_applies(&l->host, &why))
		return approach(l);
	l->dane = dane_ask(l->d->rr->dns, &l->host, on_dane, l);
	if (l->dane != NULL)
		return true;
	outcome_host(&l->why, 4, 3, "the TLSA records of %s cannot be asked "
	    "for", l->host.name);
	l->has_why = true;
	return false;
}

/* The next host in turn; when there is none, the link is gone. */
static void
try_next(struct link *l)
{
	struct remote_relay *rr = l->d->rr;
	const struct host *h;

	/* Whoever waited was served by others, or is told no more. */
	if (l->d->n_waiting == 0 || rr->stopping) {
		link_gone(l);
		return;
	}
	while ((h = next_host(l)) != NULL) {
		l->host = *h;
		l->hop = l->d->hosts->hops[h->hop];
		l->in_clear = false;
		if (begin(l))
			return;
	}
	give_up(l);
}

void
link_open(struct destination *d)
{
	struct remote_relay *rr = d->rr;
	struct link *l = calloc(1, sizeof(*l));
	const struct login *login;
	struct outcome why;

	if (l == NULL) {
		outcome_own(&why, 451, 3, 0, "out of memory");
		destination_unreachable(d, NULL, &why);
		return;
	}
	l->d = d;
	l->routes = routes_hold(d->routes);
	l->route = d->route;
	l->opening = true;
	strlcpy(l->helo, rr->set->helo_name[0] != '\0' ? rr->set->helo_name :
	    rr->stage.hostname, sizeof(l->helo));
	TAILQ_INSERT_TAIL(&d->links, l, entry);
	d->n_links++;
	d->n_opening++;
	rr->n_links++;
	if ((login = logins_find(rr->logins, d->route->name)) != NULL &&
	    (l->login = malloc(sizeof(*login))) == NULL) {
		outcome_host(&l->why, 3, 0, "out of memory");
		l->has_why = true;
		give_up(l);
		return;
	}
	if (login != NULL)
		*l->login = *login;
	try_next(l);
}

/* ---- ending them ---- */

void
links_retire(struct destination *d, uint64_t idle_ms)
{
	struct link *l, *next;

	TAILQ_FOREACH_SAFE(l, &d->links, entry, next) {
		if (!l->idle)
			return;
		if (client_idle_ms(l->client) >= idle_ms || !takes_more(l))
			link_quit(l);
	}
}

bool
links_make_room(struct remote_relay *rr)
{
	struct destination *d;
	struct link *l;

	RB_FOREACH(d, destinations, &rr->destinations) {
		l = TAILQ_FIRST(&d->links);
		if (l == NULL || !l->idle)
			continue;
		link_quit(l);
		return true;
	}
	return false;
}

void
links_drop(struct destination *d)
{
	struct link *l;

	while ((l = TAILQ_FIRST(&d->links)) != NULL) {
		/* NOLINTNEXTLINE: what link_free() freed is off the list */
		struct job *j = l->client != NULL ? client_job(l->client) :
		    NULL;

		link_free(l);
		if (j != NULL)
			job_free(j);
	}
}
