/*
 * Questions under way.
 *
 * 1. A lookup is in lookups, and in its asker's, while somebody waits for it;
 *    in strays from then until libunbound has called back.
 * 2. libunbound calls back once for each question that it took.  What it says
 *    while its context is deleted is not heard (r->deleting): those questions
 *    are asked anew or of no more interest.
 * 3. Each DNS_ASK gets one DNS_ANSWER, or is cancelled.
 */
#include "resolver/resolver.h"

#include <stdlib.h>

#include <event2/event.h>
#include <unbound-event.h>
#include <unbound.h>

#include "common/clock/clock.h"
#include "common/log/log.h"
#include "resolver/packet.h"

enum { CLASS_IN = 1, SECURITY_BOGUS = 1, SECURITY_SECURE = 2 };

/* TEMPFAIL and BOGUS: how long an asker may think that it stays so. */
#define FAILURE_TTL	10

static void
send_body(struct asker *asker, uint64_t id, size_t len)
{
	ipc_send(asker->channel, IPC_DNS_ANSWER, id,
	    slice_of(asker->resolver->answer, len), NULL, 0);
	if (ipc_channel_full(asker->channel))
		ipc_channel_pause(asker->channel);
}

/* What may stand in the answer of what somebody else wrote. */
static size_t
clean(const char *why, char out[DNS_WHY_MAX])
{
	size_t n = 0;

	for (; n < DNS_WHY_MAX && why[n] != '\0'; n++)
		out[n] = why[n] < ' ' || why[n] > '~' ? '?' : why[n];
	return n;
}

static void
send_failure(struct asker *asker, uint64_t id, enum dns_type type,
    enum dns_status status, const char *why)
{
	char text[DNS_WHY_MAX];
	struct dns_answer a = { .status = status, .type = type,
		.ttl = FAILURE_TTL, .why = slice_of(text, clean(why, text)) };
	struct dns_builder b;

	dns_builder_begin(&b, &a, asker->resolver->answer);
	send_body(asker, id, dns_builder_end(&b));
}

/* Nobody waits for it any more. */
static void
detach(struct lookup *l)
{
	struct resolver *r = l->resolver;

	TAILQ_REMOVE(&r->lookups, l, entry);
	TAILQ_REMOVE(&l->asker->lookups, l, asker_entry);
	l->asker->count--;	/* NOLINT: detached once */
	l->asker = NULL;
	TAILQ_INSERT_TAIL(&r->strays, l, entry);
}

static void
lookup_free(struct lookup *l)
{
	if (l->asker != NULL)
		detach(l);
	TAILQ_REMOVE(&l->resolver->strays, l, entry);
	l->resolver->count--;
	free(l);
}

static void
fail(struct lookup *l, enum dns_status status, const char *why)
{
	struct asker *asker = l->asker;

	detach(l);
	send_failure(asker, l->id, l->type, status, why);
}

static void
log_bogus(const struct lookup *l, const char *why)
{
	log_info("dns-bogus", LOG_CSTR("name", l->name),
	    LOG_CSTR("type", dns_type_name(l->type)),
	    LOG_CSTR("reason", why));
}

static void
answer(struct lookup *l, struct slice packet, bool secure)
{
	struct dns_question q = { l->type, slice_str(l->name) };
	struct asker *asker = l->asker;
	size_t len = packet_to_answer(packet, &q, secure,
	    l->resolver->answer);

	if (len == 0) {
		fail(l, DNS_TEMPFAIL, "the servers' answer is of no use");
		return;
	}
	detach(l);
	send_body(asker, l->id, len);
}

static void
on_result(void *arg, int rcode, void *packet, int len, int security,
    char *why, int limited)
{
	struct lookup *l = arg;

	(void)limited;
	if (l->resolver->deleting)
		return;
	if (l->asker == NULL)
		;	/* invariant 1: it was a stray */
	else if (rcode != 0 || packet == NULL || len <= 0)
		fail(l, DNS_TEMPFAIL, "the servers give no answer");
	else if (security == SECURITY_BOGUS) {
		why = why != NULL ? why : (char[]){ "validation failure" };
		log_bogus(l, why);
		fail(l, DNS_BOGUS, why);
	} else
		answer(l, slice_of(packet, (size_t)len),
		    security == SECURITY_SECURE);
	lookup_free(l);
}

/* The callback may come before this returns: l may be gone then. */
static void
submit(struct lookup *l)
{
	int error = ub_resolve_event(l->resolver->context, l->name,
	    (int)l->type, CLASS_IN, l, on_result, NULL);

	if (error == 0)
		return;
	fail(l, DNS_TEMPFAIL, ub_strerror(error));
	lookup_free(l);
}

static void
arm(struct resolver *r)
{
	struct lookup *l = TAILQ_FIRST(&r->lookups);
	uint64_t now = clock_ms(), left;
	struct timeval tv;

	if (l == NULL || evtimer_pending(r->timer, NULL))
		return;
	left = l->due_ms > now ? l->due_ms - now : 0;
	tv.tv_sec = (time_t)(left / 1000);
	tv.tv_usec = (suseconds_t)(left % 1000 * 1000);
	evtimer_add(r->timer, &tv);
}

/* Strays count until libunbound gives up: it is what must not grow. */
static void
on_timer(int fd, short what, void *arg)
{
	struct resolver *r = arg;
	uint64_t now = clock_ms();
	struct lookup *l;

	(void)fd, (void)what;
	while ((l = TAILQ_FIRST(&r->lookups)) != NULL && l->due_ms <= now)
		fail(l, DNS_TEMPFAIL, "the servers do not answer in time");
	arm(r);
}

static bool
too_many(const struct asker *asker)
{
	const struct resolver *r = asker->resolver;
	uint64_t max = resolver_settings(r)->max_questions;

	return r->count >= max || asker->count >= max / 2;
}

void
lookup_start(struct asker *asker, uint64_t id, const struct dns_question *q)
{
	struct resolver *r = asker->resolver;
	struct lookup *l;

	if (too_many(asker) || (l = calloc(1, sizeof(*l))) == NULL) {
		send_failure(asker, id, q->type, DNS_TEMPFAIL,
		    "too many questions at once");
		return;
	}
	*l = (struct lookup){ .resolver = r, .asker = asker, .id = id,
		.type = q->type, .due_ms = clock_ms() +
		resolver_settings(r)->question_timeout * 1000 };
	slice_copy_str(q->name, l->name, sizeof(l->name));
	TAILQ_INSERT_TAIL(&r->lookups, l, entry);
	TAILQ_INSERT_TAIL(&asker->lookups, l, asker_entry);
	asker->count++;
	r->count++;
	submit(l);
	arm(r);
}

void
lookup_cancel(struct asker *asker, uint64_t id)
{
	struct lookup *l;

	TAILQ_FOREACH(l, &asker->lookups, asker_entry)
		if (l->id == id) {
			detach(l);
			return;
		}
}

void
lookups_abandon(struct asker *asker)
{
	struct lookup *l;

	while ((l = TAILQ_FIRST(&asker->lookups)) != NULL)
		detach(l);
}

void
lookups_again(struct resolver *r)
{
	struct lookups waiting = TAILQ_HEAD_INITIALIZER(waiting);
	struct lookup *l;

	while ((l = TAILQ_FIRST(&r->strays)) != NULL)
		lookup_free(l);		/* NOLINT: off its list */
	TAILQ_CONCAT(&waiting, &r->lookups, entry);
	/* NOLINTNEXTLINE: no stray, and those alone were freed */
	while ((l = TAILQ_FIRST(&waiting)) != NULL) {
		TAILQ_REMOVE(&waiting, l, entry);
		TAILQ_INSERT_TAIL(&r->lookups, l, entry);
		submit(l);
	}
}

int
lookups_init(struct resolver *r)
{
	TAILQ_INIT(&r->lookups);
	TAILQ_INIT(&r->strays);
	r->timer = evtimer_new(r->stage.base, on_timer, r);
	return r->timer == NULL ? -1 : 0;
}

void
lookups_clear(struct resolver *r)
{
	struct lookup *l;

	while ((l = TAILQ_FIRST(&r->lookups)) != NULL ||
	    (l = TAILQ_FIRST(&r->strays)) != NULL)
		lookup_free(l);		/* NOLINT: off its list */
	if (r->timer != NULL)
		event_free(r->timer);
}
