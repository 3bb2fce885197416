/*
 * Recipients that are given up, and the report about them (RFC 3464).  The
 * report is durable before its cause is marked as settled: after a crash in
 * between the sender hears of it twice, never not at all.
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
	r->message->dirty = true;
}

/* ---- settled ---- */

static void
settle(struct daemon *d, struct recipient *r)
{
	struct event_result e = { .outcome = r->giving_up,
	    .attempts = r->attempts, .code = r->code };

	attempt_record(d, r, &e);
}

/* Their turn comes again: a new report is tried. */
static void
not_now(struct daemon *d, struct recipient *r)
{
	r->busy = false;
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

static void
on_report_durable(void *arg, int error)
{
	struct report *p = arg;
	struct daemon *d = p->d;
	struct message *m;

	if (error != 0)
		log_warning("report-not-queued", LOG_QID(p->m->id),
		    LOG_ERRNO(error));
	for (uint32_t i = 0; i < p->n; i++)
		error == 0 ? settle(d, p->about[i]) :
		    not_now(d, p->about[i]);
	if (error == 0) {
		log_info("bounced", LOG_QID(p->m->id),
		    LOG_ID("report", p->id), LOG_NUM("recipients", p->n));
		if ((m = queue_find(&d->queue, p->id)) != NULL)
			dispatch_message(d, m);
		flush_soon(d);
	}
	report_free(p);
}

/* ---- the report ---- */

static char *
read_head(struct daemon *d, struct message *m, size_t *len)
{
	uint64_t offset;
	int fd = queue_content_fd(&d->queue, m, &offset);
	char *head;

	*len = m->content_octets < BOUNCE_HEADERS_MAX ?
	    (size_t)m->content_octets : BOUNCE_HEADERS_MAX;
	if (fd == -1 || (head = malloc(*len + 1)) == NULL)
		return NULL;
	if (pread_all(fd, head, *len, (off_t)offset) == 0)
		return head;
	free(head);
	return NULL;
}

static void
fill_recipients(const struct report *p, struct bounce_recipient *to)
{
	for (uint32_t i = 0; i < p->n; i++) {
		const struct recipient *r = p->about[i];

		to[i] = (struct bounce_recipient){ .final = r->address,
		    .original = r->original, .code = r->code,
		    .text = slice_str(r->reason == NULL ? "" : r->reason) };
		memcpy(to[i].enhanced, r->enhanced, sizeof(to[i].enhanced));
		/* Given up is permanent, whatever the last attempt said. */
		to[i].enhanced[0] = 5;
	}
}

static char *
write_report(struct report *p, struct slice to, size_t *len)
{
	struct bounce_recipient *list = calloc(p->n, sizeof(*list));
	struct bounce b = { .hostname = slice_str(p->d->stage.hostname),
	    .to = to, .queue_id = p->id, .about = p->m->id,
	    .now = (time_t)(clock_wall_ms() / 1000),
	    .arrival = (time_t)(p->m->wall_ms / 1000),
	    .reverse_path = p->m->reverse_path, .recipients = list,
	    .n = p->n };
	size_t head_len = 0;
	char *octets = NULL, *head = read_head(p->d, p->m, &head_len);

	if (list != NULL) {
		fill_recipients(p, list);
		arc4random_buf(b.boundary, sizeof(b.boundary));
		/* Without its header, when that cannot be read any more. */
		b.headers = head == NULL ? slice_of("", 0) :
		    bounce_headers(slice_of(head, head_len));
		octets = bounce_write(&b, len);
	}
	free(head);
	free(list);
	return octets;
}

static size_t
write_envelope(const struct daemon *d, uint32_t flags, struct slice to,
    char *buf, size_t size)
{
	struct envelope e = { .reverse_path = slice_of("", 0),
	    .flags = flags, .arrival_ms = clock_wall_ms(),
	    .client = slice_of("", 0), .helo = slice_of("", 0),
	    .listener = slice_of("", 0), .protocol = slice_of("", 0) };
	struct envelope_recipient r = { .given = to,
	    .original = slice_of("", 0) };
	struct ipc_writer w;

	(void)d;
	ipc_writer_init(&w, buf, size);
	envelope_begin(&w, &e);
	envelope_put_recipient(&w, &r);
	return w.failed ? 0 : w.len;
}

static int
queue_report(struct report *p, uint32_t flags, struct slice to)
{
	struct queue *q = &p->d->queue;
	struct queue_content c = { .fd = -1 };
	char envelope[1024];
	size_t len = 0, env_len;
	char *octets;
	int error;

	if (queue_lease_ids(q, 1, &p->id) != 1)
		return ENOSPC;
	env_len = write_envelope(p->d, flags | ENVELOPE_8BITMIME, to,
	    envelope, sizeof(envelope));
	octets = env_len == 0 ? NULL : write_report(p, to, &len);
	if (octets == NULL)
		return ENOMEM;
	c.octets = octets;
	c.size = len;
	error = queue_put_message(q, p->id, slice_of(envelope, env_len), &c,
	    on_report_durable, p);
	free(octets);
	if (error == 0)
		flush_soon(p->d);
	return error;
}

/* Nobody is told: a null reverse-path is never answered (RFC 5321 section
 * 4.5.5), and of our own reports the postmaster hears once. */
static void
discard(struct report *p)
{
	log_notice("bounce-discarded", LOG_QID(p->m->id),
	    LOG_NUM("recipients", p->n));
	for (uint32_t i = 0; i < p->n; i++)
		settle(p->d, p->about[i]);
	flush_soon(p->d);
	report_free(p);
}

static void
report_send(struct report *p)
{
	const struct message *m = p->m;
	bool null_path = m->reverse_path.len == 0;
	struct slice to = m->reverse_path;
	uint32_t flags = ENVELOPE_BOUNCE;
	int error;

	if (null_path && !(m->flags & ENVELOPE_BOUNCE)) {
		discard(p);
		return;
	}
	if (null_path) {
		to = slice_str(p->d->set->double_bounce_recipient);
		flags = ENVELOPE_DOUBLE_BOUNCE;
	}
	if ((error = queue_report(p, flags, to)) != 0)
		on_report_durable(p, error);
}

/* ---- when ---- */

static bool
is_under_way(const struct recipient *r)
{
	return r->giving_up == 0 && r->busy;
}

static struct report *
report_new(struct daemon *d, struct message *m, uint32_t n)
{
	struct report *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	if ((p->about = calloc(n, sizeof(*p->about))) == NULL) {
		free(p);
		return NULL;
	}
	p->d = d;
	p->m = m;
	m->pins++;
	return p;
}

void
giveup_consider(struct daemon *d, struct message *m)
{
	struct report *p;
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct recipient *r = m->recipients[i];

		if (is_under_way(r))
			return;		/* one report for all */
		n += r->giving_up != 0 && !r->busy;
	}
	if (n == 0)
		return;
	if (n > BOUNCE_RECIPIENTS_MAX)
		n = BOUNCE_RECIPIENTS_MAX;
	if ((p = report_new(d, m, n)) == NULL)
		return;		/* chores come by again */
	for (uint32_t i = 0; i < m->n && p->n < n; i++) {
		struct recipient *r = m->recipients[i];

		if (r->giving_up == 0 || r->busy)
			continue;
		r->busy = true;
		p->about[p->n++] = r;
	}
	report_send(p);
}
