/*
 * What ~/.forward wants besides programs and files: the owner's mailbox, and
 * other addresses, which get a new message that is handed to queue-manager
 * by the messages of common/ipc/queue.h, as smtpd does it.
 *
 * The order is: programs and files (by the runner, before we hear of it), the
 * mailbox, the addresses.  The recipient's result is the worst of them all.
 * Content is copied octet for octet behind two fields of ours; nothing of it
 * is looked at.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/enqueue/content.h"
#include "common/ipc/envelope.h"
#include "common/ipc/queue.h"
#include "common/log/log.h"
#include "common/smtp/address.h"
#include "common/smtp/date.h"
#include "local-delivery/done.h"
#include "local-delivery/local_delivery.h"

enum {
	FORWARDING_MAX = 64,	/* at once; each holds a memory file */
	PIECE = 32 * 1024,
	FIELDS_MAX = 2 * DELIVERY_ADDRESS_MAX + 512,
	DONE_MAX = 4096,
	PATIENCE_MS = 60 * 1000	/* with queue-manager */
};

enum part {
	PART_MAILBOX,		/* the worker has it */
	PART_WAITING,		/* for one of FORWARDING_MAX */
	PART_SENDING
};

struct forward {
	struct ask		 ask;		/* first */
	struct local_delivery	*ld;
	struct job		*job;
	enum part		 part;
	struct done_before	 done;
	struct delivered	 worst;		/* its text is in text */
	char			 text[DELIVERY_TEXT_MAX];
	/* The new message. */
	struct content		 content;
	uint64_t		 queue_id, copied;
	unsigned		 era;
	bool			 parts_sent, asking_part, eight_bit;
	char			*addresses[FORWARD_ADDRESSES_MAX];
	unsigned		 n_addresses;
};

static void go_on(struct forward *);
static void copy_on(struct forward *);

int
forwards_init(struct local_delivery *ld)
{
	TAILQ_INIT(&ld->forwards);
	ld->done = done_table_new(DONE_MAX);
	return ld->done == NULL ? -1 :
	    sibling_init(&ld->intake, 4 * FORWARDING_MAX);
}

void
forwards_done_before(const struct local_delivery *ld, const struct job *j,
    struct forward_done *done)
{
	const struct done_before *before = done_table_find(ld->done,
	    j->d.queue_id, j->d.number);

	memset(done, 0, sizeof(*done));
	if (before != NULL)
		*done = before->steps;
}

/* ---- results ---- */

static int
badness(const struct delivered *r)
{
	return r->result == DELIVERY_DEFERRED ? 2 :
	    r->result == DELIVERY_FAILED ? 1 : 0;
}

static void
note(struct forward *f, const struct delivered *r)
{
	bool unknown = f->worst.unknown || r->unknown;

	if (f->worst.result == 0 || badness(r) > badness(&f->worst)) {
		f->worst = *r;
		f->worst.text.len = r->text.len < sizeof(f->text) ?
		    r->text.len : sizeof(f->text);
		if (f->worst.text.len > 0)
			memcpy(f->text, r->text.at, f->worst.text.len);
		f->worst.text.at = f->text;
	}
	f->worst.unknown = unknown &&
	    f->worst.result == DELIVERY_DEFERRED;
}

static void
forward_free(struct forward *f)
{
	sibling_forget(&f->ld->intake, &f->ask);
	if (f->part == PART_SENDING)
		f->ld->forwarding--;
	content_clear(&f->content);
	for (unsigned i = 0; i < f->n_addresses; i++)
		free(f->addresses[i]);
	free(f);
}

/* Everything has an answer. */
static void
finish(struct forward *f)
{
	struct local_delivery *ld = f->ld;
	struct job *j = f->job;

	if (f->worst.result == DELIVERY_DEFERRED) {
		done_table_set(ld->done, j->d.queue_id, j->d.number,
		    &f->done);
		/* Should that be forgotten, the mailbox is looked through. */
		f->worst.unknown = f->worst.unknown || f->done.kept;
	} else {
		done_table_forget(ld->done, j->d.queue_id, j->d.number);
	}
	j->forward = NULL;
	job_answer(ld, j, &f->worst);
	forward_free(f);
}

/* ---- what the runner said ---- */

/* As the runner checked them, but the runner is the user's. */
static int
take_addresses(struct forward *f, struct forward_answer *a)
{
	struct smtp_address parsed;
	struct slice address;

	while (forward_next_address(a, &address)) {
		if (smtp_address_parse(address, &parsed) != PARSE_OK ||
		    (parsed.kind != SMTP_MAILBOX &&
		    parsed.kind != SMTP_LITERAL))
			return -1;
		address = smtp_address_slice(&parsed);
		if ((f->addresses[f->n_addresses] = strndup(address.at,
		    address.len)) == NULL)
			return -1;
		f->n_addresses++;
	}
	return 0;
}

static struct forward *
forward_new(struct local_delivery *ld, struct job *j,
    struct forward_answer *a)
{
	const struct done_before *before = done_table_find(ld->done,
	    j->d.queue_id, j->d.number);
	struct forward *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->ld = ld;
	f->job = j;
	content_init(&f->content);
	if (take_addresses(f, a) == -1) {
		forward_free(f);
		return NULL;
	}
	if (before != NULL)
		f->done = *before;
	f->done.steps = a->done;
	note(f, &a->result);
	return f;
}

/* No ~/.forward: the worker has it, as if nobody had asked. */
static void
into_mailbox(struct local_delivery *ld, struct job *j)
{
	struct owner *o = owner_get(ld, j->owner->account, OWNER_WORKER);

	if (o == NULL) {
		job_defer(ld, j, "out of memory", false);
		return;
	}
	o->no_forward_ms = local_delivery_now_ms() +
	    ld->set->forward_recheck * 1000;
	owner_add(o, j, NULL);
}

int
forwards_answer(struct local_delivery *ld, struct job *j, struct slice body)
{
	struct forward_answer a;
	struct forward *f;
	struct owner *o;

	if (forward_answer_decode(body, &a) == -1)
		return -1;
	/* An alias's program has no mailbox and forwards nothing. */
	if (j->owner->account.kind == ACCOUNT_PROGRAMS &&
	    (a.nothing || a.keep || a.n_addresses > 0))
		return -1;
	if (a.nothing) {
		into_mailbox(ld, j);
		return 0;
	}
	if ((f = forward_new(ld, j, &a)) == NULL)
		return -1;
	j->forward = f;
	if (!a.keep || f->done.kept) {
		go_on(f);
		return 0;
	}
	f->part = PART_MAILBOX;
	o = owner_get(ld, j->owner->account, OWNER_WORKER);
	if (o == NULL)
		job_defer(ld, j, "out of memory", false);
	else
		owner_add(o, j, NULL);
	return 0;
}

void
forwards_part_done(struct local_delivery *ld, struct job *j,
    const struct delivered *r)
{
	struct forward *f = j->forward;

	(void)ld;
	note(f, r);
	if (f->part == PART_MAILBOX && r->result == DELIVERY_DELIVERED)
		f->done.kept = true;
	go_on(f);
}

/* ---- the new message ---- */

static void
failed_text(struct forward *f, const char *text)
{
	struct delivered r = { .result = DELIVERY_DEFERRED, .code = 451,
		.enhanced = { 4, 3, 0 }, .text = slice_str(text) };

	note(f, &r);
}

static void
start_next(struct local_delivery *ld)	/* NOLINT(misc-no-recursion) */
{
	struct job *j;

	/* One that fails at once comes back here, and goes no further: that
	 * is the end of the recursion that the analyzer sees. */
	if (ld->starting_forwards)
		return;
	ld->starting_forwards = true;
	while (ld->forwarding < FORWARDING_MAX &&
	    (j = TAILQ_FIRST(&ld->forwards)) != NULL) {
		TAILQ_REMOVE(&ld->forwards, j, entry);
		go_on(j->forward);	/* NOLINT: it is off the list */
	}
	ld->starting_forwards = false;
}

/* Nothing of it is in queue-manager's hands any more. */
static void
give_up(struct forward *f, const char *why)	/* NOLINT(misc-no-recursion) */
{
	struct local_delivery *ld = f->ld;
	char body[QUEUE_SMALL_BODY_MAX];

	if (f->parts_sent && ld->intake.ch != NULL && f->era == ld->ids.era)
		(void)ipc_send(ld->intake.ch, IPC_ENQUEUE_ABORT, 0,
		    slice_of(body, queue_id_encode(f->queue_id, body)), NULL,
		    0);
	else if (!f->parts_sent && f->queue_id != 0 && f->era == ld->ids.era)
		lease_give_back(&ld->ids, f->queue_id);
	failed_text(f, why);
	finish(f);
	start_next(ld);
}

/* queue-manager has gone, or takes too long. */
static void
on_ask_failed(struct ask *a)
{
	give_up((struct forward *)a, "the forwarded mail was not queued");
}

/* RFC 5321 section 4.4; Delivered-To is how a loop is found again. */
static int
write_fields(struct forward *f)
{
	const struct delivery *d = &f->job->d;
	char text[FIELDS_MAX], date[SMTP_DATE_SIZE];
	struct iovec iov = { .iov_base = text };
	int n;

	smtp_date(time(NULL), date);
	n = snprintf(text, sizeof(text),
	    "Received: by %s id %012llx\r\n\tfor <%.*s>;\r\n\t%s\r\n"
	    "Delivered-To: %.*s\r\n", f->ld->stage.hostname,
	    (unsigned long long)f->queue_id, (int)d->recipient.len,
	    d->recipient.at, date, (int)d->recipient.len, d->recipient.at);
	if (n < 0 || (size_t)n >= sizeof(text)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	iov.iov_len = (size_t)n;
	return content_append(&f->content, &iov, 1);
}

static void
begin(struct forward *f)	/* NOLINT(misc-no-recursion) */
{
	struct local_delivery *ld = f->ld;

	f->part = PART_SENDING;
	ld->forwarding++;
	f->ask.failed = on_ask_failed;
	f->era = ld->ids.era;
	f->queue_id = ld->intake.ch == NULL ? 0 : lease_take(&ld->ids);
	if (f->queue_id == 0)
		give_up(f, "the queue is not there for forwarded mail");
	else if (write_fields(f) == -1)
		give_up(f, "no memory for forwarded mail");
	else
		copy_on(f);
}

static void
go_on(struct forward *f)	/* NOLINT(misc-no-recursion) */
{
	struct local_delivery *ld = f->ld;

	if (f->n_addresses == 0 || f->done.forwarded || ld->stopping) {
		if (f->n_addresses > 0 && !f->done.forwarded)
			failed_text(f, "local delivery is stopping");
		finish(f);
	} else if (ld->forwarding >= FORWARDING_MAX) {
		f->part = PART_WAITING;
		TAILQ_INSERT_TAIL(&ld->forwards, f->job, entry);
	} else {
		begin(f);
	}
}

static bool
has_eight_bit(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)at[i] >= 0x80)
			return true;
	return false;
}

/* Until the part is full or the content at its end.  -1: errno. */
static int
fill(struct forward *f)
{
	const struct delivery *d = &f->job->d;
	size_t room = content_room(&f->content);
	char piece[PIECE];

	while (f->copied < d->content_size && room > 0) {
		uint64_t left = d->content_size - f->copied;
		size_t want = left < room ? (size_t)left : room;
		ssize_t n = pread(f->job->fd, piece,
		    want < PIECE ? want : PIECE,
		    (off_t)(d->content_offset + f->copied));
		struct iovec iov = { .iov_base = piece };

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		f->eight_bit = f->eight_bit || has_eight_bit(piece, (size_t)n);
		iov.iov_len = (size_t)n;
		if (content_append(&f->content, &iov, 1) == -1)
			return -1;
		f->copied += (uint64_t)n;
		room = content_room(&f->content);
	}
	return 0;
}

/*
 * The old recipient's report says "delivered" (RFC 3461 section 4.1), so that
 * a copy's success is not told again.
 */
static uint32_t
notify_of_copy(const struct delivery *d)
{
	uint32_t notify = d->notify & ~(uint32_t)ENVELOPE_NOTIFY_SUCCESS;

	return d->notify != 0 && notify == 0 ? ENVELOPE_NOTIFY_NEVER : notify;
}

static void
write_envelope(struct ipc_writer *w, const struct forward *f)
{
	const struct delivery *d = &f->job->d;
	struct envelope e = {
		.reverse_path = d->reverse_path,
		.flags = (d->flags & ~(uint32_t)ENVELOPE_TERMINALS) |
		    ENVELOPE_FORWARDED |
		    (f->eight_bit ? ENVELOPE_8BITMIME : 0),
		.client = slice_str(""), .helo = slice_str(""),
		.listener = SLICE_LITERAL("forward"),
		.protocol = slice_str(""), .envid = d->envid,
		.ret = (enum envelope_ret)d->ret, .auth = slice_str(""),
	};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	e.arrival_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	envelope_begin(w, &e);
	for (unsigned i = 0; i < f->n_addresses; i++) {
		struct envelope_recipient r = {
			.given = slice_str(f->addresses[i]),
			.original = d->orcpt, .notify = notify_of_copy(d) };

		envelope_put_recipient(w, &r);
	}
}

static void
send_part(struct forward *f, int fd, uint32_t octets)	/* NOLINT(misc-no-recursion) */
{
	struct local_delivery *ld = f->ld;
	struct queue_part part = { .queue_id = f->queue_id,
		.part = f->content.part - 1, .octets = octets };
	char body[QUEUE_SMALL_BODY_MAX];

	f->asking_part = true;
	f->parts_sent = true;
	if (sibling_ask(&ld->intake, &f->ask, local_delivery_now_ms(),
	    IPC_CONTENT, slice_of(body, queue_part_encode(&part, body)), &fd,
	    1) == -1)
		give_up(f, "the forwarded mail was not queued");
}

static void
send_message(struct forward *f, int fd, uint32_t octets)	/* NOLINT(misc-no-recursion) */
{
	struct local_delivery *ld = f->ld;
	struct queue_enqueue e = { .queue_id = f->queue_id,
		.last_part = f->content.part - 1, .last_octets = octets,
		.content_octets = f->content.total };
	char *envelope = malloc(ENVELOPE_MAX), *body = NULL;
	int fds[2] = { fd, -1 }, r = -1;
	unsigned nfds = 1;
	struct ipc_writer w = { 0 };

	f->asking_part = false;
	if (envelope != NULL && (body = malloc(QUEUE_ENQUEUE_MAX)) != NULL) {
		ipc_writer_init(&w, envelope, ENVELOPE_MAX);
		write_envelope(&w, f);
		e.envelope_octets = (uint32_t)w.len;
		e.envelope = slice_of(envelope, w.len);
		r = w.failed ? -1 : 0;
	}
	if (r == 0 && w.len > QUEUE_ENVELOPE_INLINE) {
		e.envelope = slice_of("", 0);
		fds[nfds++] = content_sealed_copy(envelope, w.len);
		r = fds[1] == -1 ? -1 : 0;
	}
	if (r == 0) {
		f->parts_sent = true;
		r = sibling_ask(&ld->intake, &f->ask, local_delivery_now_ms(),
		    IPC_ENQUEUE, slice_of(body, queue_enqueue_encode(&e,
		    body)), fds, nfds);
	} else {
		close(fd);
	}
	free(envelope);
	free(body);
	if (r == -1)
		give_up(f, "the forwarded mail was not queued");
}

static void
copy_on(struct forward *f)	/* NOLINT(misc-no-recursion) */
{
	uint32_t octets;
	bool whole;
	int fd;

	if (f->era != f->ld->ids.era || fill(f) == -1) {
		give_up(f, "the mail could not be copied for forwarding");
		return;
	}
	whole = f->copied == f->job->d.content_size;
	if ((fd = content_seal(&f->content, &octets)) == -1)
		give_up(f, "the mail could not be copied for forwarding");
	else if (whole)
		send_message(f, fd, octets);
	else
		send_part(f, fd, octets);
}

/* ---- queue-manager's answers ---- */

int
forwards_ids(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct local_delivery *ld = ctx;

	(void)ch;
	return lease_add(&ld->ids, m->body);
}

static struct forward *
answered(struct local_delivery *ld, struct ipc_channel *ch,
    const struct ipc_message *m, uint64_t queue_id, bool part)
{
	struct forward *f = (struct forward *)sibling_answered(&ld->intake,
	    ch, m->id);

	if (f == NULL || (f->queue_id == queue_id && f->asking_part == part))
		return f;
	give_up(f, "the forwarded mail was not queued");
	return NULL;
}

int
forwards_part_kept(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct queue_part part;
	struct forward *f;

	if (queue_part_decode(m->body, &part) == -1)
		return -1;
	if ((f = answered(ctx, ch, m, part.queue_id, true)) != NULL)
		copy_on(f);
	return 0;
}

int
forwards_enqueued(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	static const struct delivered forwarded = {
		.result = DELIVERY_DELIVERED, .code = 250,
		.enhanced = { 2, 1, 5 }, .text = SLICE_LITERAL("forwarded"),
	};
	struct local_delivery *ld = ctx;
	struct forward *f;
	uint64_t id;

	if (queue_id_decode(m->body, &id) == -1)
		return -1;
	if ((f = answered(ld, ch, m, id, false)) == NULL)
		return 0;
	log_info("forwarded", LOG_QID(f->job->d.queue_id),
	    LOG_NUM("recipient", f->job->d.number),
	    LOG_STR("to", f->job->d.recipient),
	    LOG_NUM("addresses", f->n_addresses),
	    ((struct log_field){ .key = "as", .type = LOG_TYPE_ID,
	    .number = id }));
	f->done.forwarded = true;
	note(f, &forwarded);
	finish(f);
	start_next(ld);
	return 0;
}

int
forwards_refused(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct local_delivery *ld = ctx;
	struct queue_refused refused;
	struct delivered r;
	struct forward *f;

	if (queue_refused_decode(m->body, &refused) == -1)
		return -1;
	f = (struct forward *)sibling_answered(&ld->intake, ch, m->id);
	if (f == NULL)
		return 0;
	r = (struct delivered){ .result = refused.code < 500 ?
		DELIVERY_DEFERRED : DELIVERY_FAILED, .code = refused.code,
		.text = refused.text };
	memcpy(r.enhanced, refused.enhanced, sizeof(r.enhanced));
	note(f, &r);
	finish(f);
	start_next(ld);
	return 0;
}

/* ---- the channel, and time ---- */

void
forwards_channel(struct local_delivery *ld, struct ipc_channel *ch)
{
	sibling_gone(&ld->intake);
	ld->intake.ch = ch;
	lease_forget(&ld->ids);
	start_next(ld);
}

void
forwards_tick(struct local_delivery *ld)
{
	uint64_t now = local_delivery_now_ms();

	if (now > PATIENCE_MS)
		sibling_expire(&ld->intake, now - PATIENCE_MS);
}

void
forwards_clear(struct local_delivery *ld)
{
	ipc_pending_free(ld->intake.pending);
	done_table_free(ld->done);
}
