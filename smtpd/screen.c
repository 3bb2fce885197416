#include "smtpd/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/instance/listener.h"
#include "smtpd/milter/milter.h"
#include "smtpd/policy/greylist.h"
#include "smtpd/policy/policy.h"

enum { HOUR_MS = 3600 * 1000 };

/* ---- settings ---- */

static void
use_greylist(struct smtpd *d)
{
	if (!d->set->greylist) {
		greylist_free(d->greylist);
		d->greylist = NULL;
	} else if (d->greylist == NULL &&
	    (d->greylist = greylist_new(d->set->greylist_size)) == NULL)
		log_warning("no-greylist", LOG_CSTR("reason", "no memory"));
}

/* Under other settings everything is asked anew. */
static void
ask_again(struct session *s)
{
	struct collector *c = &s->screen->collector;

	collect_client(c);
	if (s->helo != NULL)
		collect_helo(c);
	if (s->t != NULL)
		collect_sender(c);
	if (!collect_waits(c))
		c->done(c->ctx);
}

static bool
milters_configured(const struct settings *s)
{
	for (size_t i = 0; i < settings_n_groups(s); i++) {
		const struct settings_group *g = settings_group(s, i);
		const struct listener_settings *l = g->values;

		if (strcmp(g->block->kind, "listener") == 0 && l->milters.n > 0)
			return true;
	}
	return false;
}

void
screen_use(struct smtpd *d)
{
	struct session *s, *next;

	policy_of(d->settings, d->rules, &d->lists, &d->policy);
	d->policy.names_wanted = milters_configured(d->settings);
	use_greylist(d);
	TAILQ_FOREACH_SAFE(s, &d->sessions, all, next)
		if (s->screen != NULL)
			ask_again(s);
}

static bool
wanted(const struct smtpd *d)
{
	return d->policy.names_wanted || policy_wants(&d->policy) ||
	    d->greylist != NULL;
}

static bool
is_this_host(const struct smtpd *d, const struct net_address *peer)
{
	return policy_this_host(d->settings, peer);
}

/* ---- the client ---- */

void
screen_connection(const struct smtpd *d, const struct net_address *peer,
    struct verdict *v)
{
	struct facts f = { .client = *peer,
		.this_host = is_this_host(d, peer) };

	policy_decide_connection(&d->policy, &f, v);
	v->code = policy_greeting(v);
}

static void
decide(struct screen *sc)
{
	struct session *s = sc->s;
	struct facts *f = &sc->collector.facts;

	f->login = s->login != NULL;
	f->helo_ours = slice_equal_nocase(f->helo,
	    slice_str(s->d->stage.hostname));
	policy_decide(&s->d->policy, f, &sc->verdict);
}

/* The last answer is here. */
static void
on_done(void *ctx)
{
	struct screen *sc = ctx;
	struct session *s = sc->s;

	if (!sc->mail_waits)
		return;
	sc->mail_waits = false;
	if (s->phase == PHASE_END || s->t == NULL)
		return;
	decide(sc);
	milter_mail(s->t);
	session_deadline_command(s);
	session_go_on(s, WAIT_POLICY);
}

void
screen_begin(struct session *s)
{
	struct screen *sc;

	if (door_kind(s->door) != DOOR_SMTP || !wanted(s->d) ||
	    is_this_host(s->d, &s->peer))
		return;
	if ((sc = calloc(1, sizeof(*sc))) == NULL) {
		session_close(s, SAY_NO_MEMORY);
		return;
	}
	sc->s = s;
	s->screen = sc;
	collect_init(&sc->collector, s->d->dns, &s->d->policy, on_done, sc);
	sc->collector.facts.client = s->peer;
	collect_client(&sc->collector);
}

void
screen_helo(struct session *s)
{
	if (s->screen == NULL)
		return;
	s->screen->collector.facts.helo = slice_str(s->helo);
	collect_helo(&s->screen->collector);
}

void
screen_end(struct session *s)
{
	if (s->screen == NULL)
		return;
	collect_clear(&s->screen->collector);
	free(s->screen);
	s->screen = NULL;
}

const char *
screen_client_name(const struct session *s)
{
	return s->screen == NULL ? "" : s->screen->collector.facts.name;
}

/* ---- a transaction ---- */

/* Rules and this host are above the limits of others. */
static bool
is_limited(const struct session *s)
{
	return door_kind(s->door) == DOOR_SMTP && !s->permitted &&
	    !is_this_host(s->d, &s->peer);
}

enum smtpd_reply
screen_may_mail(struct session *s)
{
	uint64_t max = s->d->set->max_messages_per_hour;

	if (max != 0 && is_limited(s) && client_count(&s->client->messages, 1,
	    smtpd_now_ms(s->d), HOUR_MS) > max)
		return SAY_CLIENT_MESSAGES;
	return SAY_OK;
}

bool
screen_mail(struct session *s)
{
	struct screen *sc = s->screen;

	if (sc == NULL)
		return true;
	sc->collector.facts.sender = transaction_reverse_path(s->t);
	collect_sender(&sc->collector);
	if (!collect_waits(&sc->collector)) {
		decide(sc);
		return true;
	}
	sc->mail_waits = true;
	session_wait(s, WAIT_POLICY);
	return false;
}

/* False: too early. */
static bool
try_greylist(struct session *s, struct slice address,
    struct recipient_refusal *why)
{
	const struct smtpd_settings *set = s->d->set;
	const struct greylist_times times = { set->greylist_delay,
		set->greylist_window, set->greylist_life };
	uint64_t wait = greylist_try(s->d->greylist, &times,
	    smtpd_now_ms(s->d) / 1000, &s->peer,
	    transaction_reverse_path(s->t), address);

	if (wait == 0)
		return true;
	*why = (struct recipient_refusal){ .code = 450,
		.enhanced = { 4, 7, 1 }, .reason = "greylist" };
	snprintf(why->own, sizeof(why->own), "Greylisted, try again in %llu seconds",
	    (unsigned long long)wait);
	why->text = slice_str(why->own);
	return false;
}

static bool
within_limit(struct session *s)
{
	uint64_t max = s->d->set->max_recipients_per_hour;

	return max == 0 || !is_limited(s) ||
	    client_count(&s->client->recipients, 1, smtpd_now_ms(s->d),
	    HOUR_MS) <= max;
}

bool
screen_recipient(struct session *s, struct slice address,
    struct recipient_refusal *why)
{
	const struct verdict *v;

	if (policy_is_postmaster(address))
		return true;
	if (s->screen != NULL) {
		v = &s->screen->verdict;
		if (v->action == VERDICT_REFUSE || v->action == VERDICT_DEFER) {
			*why = (struct recipient_refusal){ .code = v->code,
				.counts = v->action == VERDICT_REFUSE,
				.text = slice_str(v->text),
				.reason = v->rule };
			memcpy(why->enhanced, v->enhanced,
			    sizeof(why->enhanced));
			return false;
		}
		if (v->action == VERDICT_ACCEPT && !v->known &&
		    s->d->greylist != NULL && !try_greylist(s, address, why))
			return false;
	}
	if (within_limit(s))
		return true;
	recipient_refusal_of(why, SAY_CLIENT_RECIPIENTS);
	return false;
}
