#include "common/dns/client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bsd/sys/queue.h>
#include <event2/event.h>

#include "common/clock/clock.h"
#include "common/ipc/ipc.h"
#include "common/ipc/pending.h"
#include "common/log/log.h"

struct dns_query {
	TAILQ_ENTRY(dns_query)	 entry;		/* all: first due first */
	TAILQ_ENTRY(dns_query)	 unsent_entry;
	struct dns_client	*client;
	uint64_t		 id;		/* 0: not sent */
	uint64_t		 due_ms;
	dns_done		*done;
	void			*ctx;
	enum dns_type		 type;
	size_t			 name_len;
	char			 name[];
};

TAILQ_HEAD(dns_queries, dns_query);

/*
 * A query is in all from dns_ask to its end, and either in unsent, with id 0,
 * or in pending under its id.
 */
struct dns_client {
	struct event_base	*base;
	enum ipc_role		 self;
	unsigned		 max, count;
	unsigned		 timeout_ms;
	struct ipc_channel	*channel;	/* NULL: none now */
	struct ipc_pending	*pending;
	struct dns_queries	 all, unsent;
	struct event		*timer;
	void			(*lost)(void *ctx);
	void			*lost_ctx;
};

static void
finish(struct dns_query *q)
{
	struct dns_client *c = q->client;

	TAILQ_REMOVE(&c->all, q, entry);
	if (q->id == 0)
		TAILQ_REMOVE(&c->unsent, q, unsent_entry);
	c->count--;
	free(q);
}

/* Until the first of all is due; the timer may also come too early. */
static void
arm(struct dns_client *c)
{
	struct dns_query *q = TAILQ_FIRST(&c->all);
	uint64_t now = clock_ms(), left;
	struct timeval tv;

	if (q == NULL || evtimer_pending(c->timer, NULL))
		return;
	left = q->due_ms > now ? q->due_ms - now : 0;
	tv.tv_sec = (time_t)(left / 1000);
	tv.tv_usec = (suseconds_t)(left % 1000 * 1000);
	evtimer_add(c->timer, &tv);
}

/* Take back what was sent: its answer will find nothing. */
static void
forget(struct dns_query *q)
{
	struct dns_client *c = q->client;

	if (q->id == 0)
		return;
	ipc_pending_take(c->pending, c->channel, q->id);
	ipc_send(c->channel, IPC_DNS_CANCEL, q->id, slice_of("", 0), NULL, 0);
}

static void
expire(struct dns_query *q)
{
	struct dns_answer a = { .status = DNS_TEMPFAIL, .type = q->type,
		.why = SLICE_LITERAL("no answer from resolver") };
	dns_done *done = q->done;
	void *ctx = q->ctx;

	forget(q);
	finish(q);
	done(ctx, &a);
}

static void
on_timer(int fd, short what, void *arg)
{
	struct dns_client *c = arg;
	uint64_t now = clock_ms();
	struct dns_query *q;

	(void)fd, (void)what;
	/* NOLINTNEXTLINE: what finish() freed is off the list */
	while ((q = TAILQ_FIRST(&c->all)) != NULL && q->due_ms <= now)
		expire(q);
	arm(c);
}

static void
send_query(struct dns_query *q)
{
	struct dns_client *c = q->client;
	struct dns_question question = { q->type,
		slice_of(q->name, q->name_len) };
	uint8_t buf[DNS_ASK_MAX];
	size_t len = dns_question_encode(&question, buf);
	uint64_t id = ipc_pending_add(c->pending, c->channel, q);

	assert(len > 0);	/* dns_ask has looked */
	if (id == 0)
		return;		/* no memory: it waits, perhaps for its end */
	TAILQ_REMOVE(&c->unsent, q, unsent_entry);
	q->id = id;
	ipc_send(c->channel, IPC_DNS_ASK, id, slice_of(buf, len), NULL, 0);
}

static void
send_unsent(struct dns_client *c)
{
	struct dns_query *q, *next;

	TAILQ_FOREACH_SAFE(q, &c->unsent, unsent_entry, next) {
		if (c->channel == NULL || ipc_channel_full(c->channel))
			break;
		send_query(q);
	}
}

static int
on_answer(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct dns_client *c = arg;
	struct dns_answer a;
	struct dns_query *q;
	dns_done *done;
	void *ctx;

	if (dns_answer_decode(m->body, &a) == -1)
		return -1;
	/* Cancelled or timed out while the answer was on its way? */
	if ((q = ipc_pending_take(c->pending, ch, m->id)) == NULL)
		return 0;
	done = q->done;
	ctx = q->ctx;
	if (q->type != a.type) {
		/* Not an answer to this; it is asked again, elsewhere. */
		q->id = 0;
		TAILQ_INSERT_TAIL(&c->unsent, q, unsent_entry);
		return -1;
	}
	finish(q);
	done(ctx, &a);
	return 0;
}

/* What was asked there is asked again on the next channel. */
static void
reclaim(struct dns_client *c, const struct ipc_channel *ch)
{
	struct dns_query *q;

	while ((q = ipc_pending_take_any(c->pending, ch)) != NULL) {
		q->id = 0;
		TAILQ_INSERT_TAIL(&c->unsent, q, unsent_entry);
	}
}

static void
on_closed(void *arg, struct ipc_channel *ch)
{
	struct dns_client *c = arg;

	reclaim(c, ch);
	if (c->channel != ch)
		return;
	c->channel = NULL;
	log_warning("sibling-gone", LOG_CSTR("peer", "resolver"),
	    LOG_NUM("waiting", c->count));
	if (c->lost != NULL)
		c->lost(c->lost_ctx);
}

static void
on_drained(void *arg, struct ipc_channel *ch)
{
	(void)ch;
	send_unsent(arg);
}

static const struct ipc_handler handlers[] = {
	{ IPC_DNS_ANSWER, on_answer },
};

static const struct ipc_events events = { .handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed, .drained = on_drained };

struct dns_client *
dns_client_new(struct event_base *base, enum ipc_role self, unsigned max,
    unsigned timeout_ms)
{
	struct dns_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = (struct dns_client){ .base = base, .self = self, .max = max,
		.timeout_ms = timeout_ms };
	TAILQ_INIT(&c->all);
	TAILQ_INIT(&c->unsent);
	c->pending = ipc_pending_new(max);
	c->timer = evtimer_new(base, on_timer, c);
	if (c->pending == NULL || c->timer == NULL) {
		dns_client_free(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

void
dns_client_free(struct dns_client *c)
{
	struct dns_query *q;

	if (c == NULL)
		return;
	while ((q = TAILQ_FIRST(&c->all)) != NULL)
		finish(q);	/* NOLINT: what it freed is off the list */
	if (c->channel != NULL)
		ipc_channel_free(c->channel);
	if (c->timer != NULL)
		event_free(c->timer);
	ipc_pending_free(c->pending);
	free(c);
}

void
dns_client_on_lost(struct dns_client *c, void (*lost)(void *ctx), void *ctx)
{
	c->lost = lost;
	c->lost_ctx = ctx;
}

int
dns_client_channel(struct dns_client *c, int fd)
{
	struct ipc_channel *ch = ipc_channel_new(c->base, fd, c->self,
	    IPC_RESOLVER, &events, c);

	if (ch == NULL)
		return -1;
	if (c->channel != NULL) {
		reclaim(c, c->channel);
		ipc_channel_free(c->channel);
	}
	c->channel = ch;
	send_unsent(c);
	return 0;
}

struct dns_query *
dns_ask(struct dns_client *c, enum dns_type type, struct slice name,
    dns_done *done, void *ctx)
{
	struct dns_query *q;

	if (!dns_name_valid(name) || !dns_type_valid(type)) {
		errno = EINVAL;
		return NULL;
	}
	if (c->count >= c->max) {
		errno = EAGAIN;
		return NULL;
	}
	if ((q = malloc(sizeof(*q) + name.len)) == NULL)
		return NULL;
	*q = (struct dns_query){ .client = c, .done = done, .ctx = ctx,
		.type = type, .name_len = name.len,
		.due_ms = clock_ms() + c->timeout_ms };
	memcpy(q->name, name.at, name.len);
	TAILQ_INSERT_TAIL(&c->all, q, entry);
	TAILQ_INSERT_TAIL(&c->unsent, q, unsent_entry);
	c->count++;
	arm(c);
	send_unsent(c);
	return q;
}

void
dns_cancel(struct dns_query *q)
{
	if (q == NULL)
		return;
	forget(q);
	finish(q);
}

unsigned
dns_client_waiting(const struct dns_client *c)
{
	return c->count;
}
