/* Reports as messages of their own: what stands in them, and to whom they
 * go.  Their form is bounce.h's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts/book.h"
#include "common/log/log.h"
#include "queue-manager/bounce.h"
#include "queue-manager/daemon.h"

/* What it is about. */
struct subject {
	struct daemon	*d;
	struct message	*m;
	struct recipient *const *about;
	uint32_t	 n;
	enum report_kind kind;
};

static bool
is_failure(enum outcome o)
{
	return o == OUTCOME_BOUNCED || o == OUTCOME_EXPIRED;
}

bool
report_wanted(const struct recipient *r, enum outcome o)
{
	if (recipient_sender(r).len == 0)
		return is_failure(o) && (r->message->flags & ENVELOPE_BOUNCE);
	if (is_failure(o))
		return r->notify == 0 ||
		    (r->notify & ENVELOPE_NOTIFY_FAILURE);
	return (r->notify & ENVELOPE_NOTIFY_SUCCESS) != 0;
}

bool
report_delay_wanted(const struct recipient *r)
{
	if (recipient_sender(r).len == 0)
		return false;
	return r->notify == 0 || (r->notify & ENVELOPE_NOTIFY_DELAY);
}

/* ---- what stands in it ---- */

static enum bounce_action
action_of(const struct subject *s, const struct recipient *r)
{
	switch (s->kind) {
	case REPORT_DELAYED:
		return BOUNCE_DELAYED;
	case REPORT_EXPANDED:
		return BOUNCE_EXPANDED;
	case REPORT_LIST:
		return BOUNCE_DELIVERED;
	case REPORT_SETTLED:
		break;
	}
	if (is_failure(r->giving_up))
		return BOUNCE_FAILED;
	return r->remote_mta != NULL ? BOUNCE_RELAYED : BOUNCE_DELIVERED;
}

static struct slice
text_of(const char *s)
{
	return slice_str(s == NULL ? "" : s);
}

/* What an alias runs, a sender is not told: the alias stands for it. */
static struct slice
final_of(const struct recipient *r)
{
	return r->target == NULL && r->given.len > 0 &&
	    book_looks_like_program(r->address) ? r->given : r->address;
}

static void
fill_recipient(const struct subject *s, const struct recipient *r,
    struct bounce_recipient *to)
{
	static const uint8_t ok[3] = { 2, 0, 0 };

	*to = (struct bounce_recipient){ .action = action_of(s, r),
	    .final = final_of(r), .original = r->original, .code = r->code,
	    .text = text_of(r->reason),
	    .remote_mta = text_of(r->remote_mta) };
	memcpy(to->enhanced, r->enhanced, sizeof(to->enhanced));
	if (to->action == BOUNCE_FAILED)
		to->enhanced[0] = 5;	/* given up: whatever it was before */
	if (to->action == BOUNCE_EXPANDED || s->kind == REPORT_LIST) {
		memcpy(to->enhanced, ok, sizeof(ok));
		to->text = slice_of("", 0);
	}
	if (to->action == BOUNCE_DELAYED)
		to->retry_until = (time_t)(s->m->wall_ms / 1000 +
		    (int64_t)(s->d->limits.lifetime_ms / 1000));
}

/*
 * RFC 3461 section 4.3: the whole message only where that is asked for, and
 * for a failure.  Binary content fits into no report (RFC 3030 section 3).
 */
static bool
is_whole(const struct subject *s)
{
	const struct message *m = s->m;
	bool failed = false;

	for (uint32_t i = 0; i < s->n; i++)
		failed |= action_of(s, s->about[i]) == BOUNCE_FAILED;
	return failed && m->ret == ENVELOPE_RET_FULL &&
	    !(m->flags & ENVELOPE_BINARYMIME) &&
	    m->content_octets <= s->d->set->report_content_max;
}

/* NULL: it cannot be read any more, and the report goes without. */
static char *
read_content(const struct subject *s, bool whole, size_t *len)
{
	uint64_t offset;
	int fd = queue_content_fd(&s->d->queue, s->m, &offset);
	char *octets;

	*len = whole || s->m->content_octets < BOUNCE_HEADERS_MAX ?
	    (size_t)s->m->content_octets : BOUNCE_HEADERS_MAX;
	if (fd == -1 || (octets = malloc(*len + 1)) == NULL)
		return NULL;
	if (pread_all(fd, octets, *len, (off_t)offset) == 0)
		return octets;
	free(octets);
	return NULL;
}

/* Where a sender of its own hears of it, the rest is not for him. */
static struct bounce
bounce_of(const struct subject *s, struct slice to, uint64_t id)
{
	const struct target *t = s->about[0]->target;
	bool own = t != NULL && t->sender.len > 0;

	return (struct bounce){ .hostname = slice_str(s->d->stage.hostname),
	    .to = to, .queue_id = id, .about = s->m->id,
	    .envid = own ? slice_of("", 0) : s->m->envid,
	    .now = (time_t)(clock_wall_ms() / 1000),
	    .arrival = (time_t)(s->m->wall_ms / 1000),
	    .reverse_path = recipient_sender(s->about[0]), .n = s->n,
	    .smtputf8 = (s->m->flags & ENVELOPE_SMTPUTF8) != 0 };
}

static char *
write_report(const struct subject *s, struct bounce *b, size_t *len)
{
	struct bounce_recipient *list = calloc(s->n, sizeof(*list));
	size_t content_len = 0;
	char *octets = NULL, *content;

	b->whole = is_whole(s);
	content = read_content(s, b->whole, &content_len);
	if (content == NULL)
		b->whole = false;
	else
		b->content = slice_of(content, content_len);
	if (!b->whole)
		b->content = bounce_headers(b->content);
	if (list != NULL) {
		for (uint32_t i = 0; i < s->n; i++)
			fill_recipient(s, s->about[i], &list[i]);
		b->recipients = list;
		arc4random_buf(b->boundary, sizeof(b->boundary));
		octets = bounce_write(b, len);
	}
	b->recipients = NULL;
	free(content);
	free(list);
	return octets;
}

/* ---- as a message ---- */

static size_t
write_envelope(uint32_t flags, struct slice to, char *buf, size_t size)
{
	struct envelope e = { .reverse_path = slice_of("", 0),
	    .flags = flags, .arrival_ms = clock_wall_ms(),
	    .client = slice_of("", 0), .helo = slice_of("", 0),
	    .listener = slice_of("", 0), .protocol = slice_of("", 0) };
	struct envelope_recipient r = { .given = to,
	    .original = slice_of("", 0) };
	struct ipc_writer w;

	ipc_writer_init(&w, buf, size);
	envelope_begin(&w, &e);
	envelope_put_recipient(&w, &r);
	return w.failed ? 0 : w.len;
}

static int
queue_it(const struct subject *s, uint32_t flags, struct slice to,
    queue_done *done, void *arg, uint64_t id)
{
	struct bounce b = bounce_of(s, to, id);
	struct queue_content c = { .fd = -1, .may_relay = true };
	char envelope[1024];
	size_t len = 0, env_len;
	char *octets;
	int error;

	if (bounce_is_international(&b))
		flags |= ENVELOPE_SMTPUTF8;
	env_len = write_envelope(flags | ENVELOPE_8BITMIME, to, envelope,
	    sizeof(envelope));
	octets = env_len == 0 ? NULL : write_report(s, &b, &len);
	if (octets == NULL)
		return ENOMEM;
	c.octets = octets;
	c.size = len;
	error = queue_put_message(&s->d->queue, id,
	    slice_of(envelope, env_len), &c, done, arg);
	free(octets);
	return error;
}

int
report_queue(struct daemon *d, struct message *m,
    struct recipient *const *about, uint32_t n, enum report_kind kind,
    queue_done *done, void *arg, uint64_t *id)
{
	const struct subject s = { d, m, about, n, kind };
	struct slice to = recipient_sender(about[0]);
	uint32_t flags = ENVELOPE_BOUNCE;

	if (to.len == 0) {
		to = slice_str(d->set->double_bounce_recipient);
		flags = ENVELOPE_DOUBLE_BOUNCE;
	}
	if (queue_lease_ids(&d->queue, 1, id) != 1)
		return ENOSPC;
	return queue_it(&s, flags, to, done, arg, *id);
}

/* ---- expansions ---- */

struct expanded {
	struct daemon	*d;
	uint64_t	 id;
};

static void
on_expanded_durable(void *arg, int error)
{
	struct expanded *x = arg;
	struct message *m = error != 0 ? NULL :
	    queue_find(&x->d->queue, x->id);

	if (error != 0)
		log_warning("report-not-queued", LOG_QID(x->id),
		    LOG_ERRNO(error));
	if (m != NULL)
		dispatch_message(x->d, m);
	free(x);
}

void
report_expanded(struct daemon *d, struct recipient *r, bool list)
{
	struct expanded *x;
	int error;

	if (recipient_sender(r).len == 0 || (x = malloc(sizeof(*x))) == NULL)
		return;
	x->d = d;
	error = report_queue(d, r->message, &r, 1,
	    list ? REPORT_LIST : REPORT_EXPANDED, on_expanded_durable, x,
	    &x->id);
	if (error != 0)
		on_expanded_durable(x, error);
	else
		log_info("success-reported", LOG_QID(r->message->id),
		    LOG_ID("report", x->id), LOG_NUM("recipients", 1));
}
