/*
 * Recipients that are over, and who has to hear of it (RFC 3464, as RFC 3461
 * asks).  A report is durable before its cause is marked as settled: after a
 * crash in between the sender hears of it twice, never not at all.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"
#include "queue-manager/bounce.h"
#include "queue-manager/daemon.h"

/* A report on its way, and those that it is about. */
struct report {
	struct daemon	*d;
	struct message	*m;		/* pinned */
	uint64_t	 id;		/* of the report */
	enum report_kind kind;
	struct recipient **about;
	uint32_t	 n;
};

void
giveup_recipient(struct daemon *d, struct recipient *r, enum outcome outcome,
    const struct attempt *a)
{
	(void)d;
	r->giving_up = outcome;
	r->code = a->code;
	memcpy(r->enhanced, a->enhanced, sizeof(r->enhanced));
	recipient_reason(r, a->text);
	recipient_remote_mta(r, a->remote_mta);
	r->message->dirty = true;
}

/* ---- the report is there ---- */

static void
settle(struct daemon *d, struct recipient *r)
{
	struct event_result e = { .outcome = r->giving_up,
	    .attempts = r->attempts, .code = r->code };

	attempt_record(d, r, &e);
}

/* It waits as before, and its sender knows. */
static void
warned(struct daemon *d, struct recipient *r)
{
	struct event_result e = { .outcome = OUTCOME_DEFERRED,
	    .unknown = r->unknown, .warned = true, .attempts = r->attempts,
	    .due_ms = r->due_ms, .code = r->code,
	    .text = slice_str(r->reason == NULL ? "" : r->reason),
	    .remote_mta = slice_str(r->remote_mta == NULL ? "" :
	    r->remote_mta) };

	memcpy(e.enhanced, r->enhanced, sizeof(e.enhanced));
	attempt_record(d, r, &e);
}

/* Their turn comes again: a new report is tried. */
static void
not_now(struct daemon *d, struct report *p, struct recipient *r)
{
	r->busy = false;
	if (p->kind == REPORT_DELAYED)
		return;		/* with the next attempt */
	r->giving_up = 0;
	attempt_postponed(d, r, 60000);
}

static void
report_free(struct report *p)
{
	message_unpin(p->m);
	free(p->about);
	free(p);
}

static bool
has_failed(const struct report *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->about[i]->giving_up == OUTCOME_BOUNCED ||
		    p->about[i]->giving_up == OUTCOME_EXPIRED)
			return true;
	return false;
}

static void
log_report(const struct report *p)
{
	log_info(p->kind == REPORT_DELAYED ? "delay-reported" :
	    has_failed(p) ? "bounced" : "success-reported",
	    LOG_QID(p->m->id), LOG_ID("report", p->id),
	    LOG_NUM("recipients", p->n));
}

static void
on_report_durable(void *arg, int error)
{
	struct report *p = arg;
	struct daemon *d = p->d;
	struct message *m;

	if (error != 0)
		log_warning("report-not-queued", LOG_QID(p->m->id),
		    LOG_ERRNO(error));
	else
		log_report(p);
	for (uint32_t i = 0; i < p->n; i++) {
		if (error != 0)
			not_now(d, p, p->about[i]);
		else if (p->kind == REPORT_DELAYED)
			warned(d, p->about[i]);
		else
			settle(d, p->about[i]);
	}
	if (error == 0) {
		if ((m = queue_find(&d->queue, p->id)) != NULL)
			dispatch_message(d, m);
		flush_soon(d);
	}
	report_free(p);
}

/* ---- when ---- */

static bool
is_under_way(const struct recipient *r)
{
	return r->giving_up == 0 && r->busy;
}

static bool
is_over(const struct daemon *d, const struct recipient *r)
{
	(void)d;
	return r->giving_up != 0 && !r->busy;
}

/* It has been waiting for so long that its sender is told of it. */
static bool
is_late(const struct daemon *d, const struct recipient *r)
{
	return d->set->delay_warning > 0 && !r->warned && !r->busy &&
	    r->giving_up == 0 && r->code >= 400 && r->code < 500 &&
	    r->parcel == NULL && r->job.state == JOB_IDLE &&
	    r->state != RECIPIENT_REPORT && report_delay_wanted(r) &&
	    queue_now(&d->queue) - r->message->arrival_ms >=
	    d->set->delay_warning * 1000;
}

static struct report *
report_new(struct daemon *d, struct message *m, enum report_kind kind)
{
	struct report *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->about = calloc(m->n, sizeof(*p->about));
	if (p->about == NULL) {
		free(p);
		return NULL;
	}
	p->d = d;
	p->m = m;
	p->kind = kind;
	m->pins++;
	return p;
}

/*
 * Those that `is` says, who have one sender, in one report.  False: there are
 * none, or memory is short and chores come by again.
 */
static bool
report_some(struct daemon *d, struct message *m, enum report_kind kind,
    bool (*is)(const struct daemon *, const struct recipient *))
{
	struct report *p = NULL;
	int error;

	for (uint32_t i = 0; i < m->n; i++) {
		struct recipient *r = m->recipients[i];

		if (!is(d, r) || (p == NULL &&
		    (p = report_new(d, m, kind)) == NULL))
			continue;
		if (p->n == BOUNCE_RECIPIENTS_MAX || (p->n > 0 &&
		    !slice_equal(recipient_sender(r),
		    recipient_sender(p->about[0]))))
			continue;
		r->busy = true;
		p->about[p->n++] = r;
	}
	if (p == NULL)
		return false;
	error = report_queue(d, m, p->about, p->n, kind, on_report_durable, p,
	    &p->id);
	if (error == 0)
		flush_soon(d);
	else
		on_report_durable(p, error);
	return error == 0;
}

/*
 * Nobody is told: the sender did not want it, or there is none.  A null
 * reverse-path is never answered (RFC 5321 section 4.5.5); of our own reports
 * the postmaster hears once.
 */
static void
settle_silently(struct daemon *d, struct message *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		struct recipient *r = m->recipients[i];

		if (!is_over(d, r) || report_wanted(r, r->giving_up))
			continue;
		n += r->giving_up != OUTCOME_DELIVERED;
		settle(d, r);
	}
	if (n > 0)
		log_notice("bounce-discarded", LOG_QID(m->id),
		    LOG_NUM("recipients", n));
}

void
giveup_consider(struct daemon *d, struct message *m)
{
	bool over = false, late = false;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct recipient *r = m->recipients[i];

		if (is_under_way(r))
			return;		/* one report for all */
		over |= is_over(d, r);
		late |= is_late(d, r);
	}
	if (!over && !late)
		return;
	m->pins++;
	settle_silently(d, m);
	while (report_some(d, m, REPORT_SETTLED, is_over))
		continue;
	while (report_some(d, m, REPORT_DELAYED, is_late))
		continue;
	message_unpin(m);
}
