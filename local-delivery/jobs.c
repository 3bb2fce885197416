/* What queue-manager gives us, and what it hears. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log/log.h"
#include "local-delivery/local_delivery.h"

static void
log_done(const struct job *j, const struct delivered *r)
{
	static const char *const events[] = {
		[DELIVERY_DELIVERED] = "delivered",
		[DELIVERY_DEFERRED] = "deferred",
		[DELIVERY_FAILED] = "failed",
	};

	log_info(events[r->result], LOG_QID(j->d.queue_id),
	    LOG_NUM("recipient", j->d.number), LOG_STR("to", j->d.recipient),
	    LOG_NUM("account", j->account),
	    LOG_NUM("code", r->code), LOG_STR("reason", r->text));
}

static void
job_free(struct local_delivery *ld, struct job *j)
{
	if (j->fd != -1)
		close(j->fd);
	free(j);
	ld->jobs--;
	local_delivery_relieved(ld);
}

void
job_done(struct local_delivery *ld, struct job *j, const struct delivered *r)
{
	if (j->forward != NULL)
		forwards_part_done(ld, j, r);
	else
		job_answer(ld, j, r);
}

void
job_answer(struct local_delivery *ld, struct job *j,
    const struct delivered *r)
{
	char body[2048];
	size_t len = delivered_encode(r, body, sizeof(body));

	assert(len > 0);
	log_done(j, r);
	if (ld->queue != NULL && j->from == ld->queue_number &&
	    ipc_send(ld->queue, IPC_DELIVERED, j->id, slice_of(body, len), NULL,
	    0) == -1)
		log_error("answer-lost", LOG_QID(j->d.queue_id),
		    LOG_ERRNO(errno));
	job_free(ld, j);
}

void
job_defer(struct local_delivery *ld, struct job *j, const char *text,
    bool unknown)
{
	struct delivered r = { .result = DELIVERY_DEFERRED, .code = 451,
		.enhanced = { 4, 3, 0 }, .text = slice_str(text),
		.unknown = unknown };

	job_done(ld, j, &r);
}

void
jobs_defer(struct local_delivery *ld, struct jobs *list, const char *text)
{
	struct job *j;

	while ((j = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, j, entry);
		job_defer(ld, j, text, false);
	}
}

static struct job *
job_new(struct local_delivery *ld, struct ipc_message *m)
{
	struct job *j = calloc(1, sizeof(*j) + m->body.len);

	if (j == NULL)
		return NULL;
	memcpy(j->body, m->body.at, m->body.len);
	if (delivery_decode(slice_of(j->body, m->body.len), &j->d) == -1 ||
	    j->d.detail.len != 0 || j->d.more) {
		free(j);
		errno = EBADMSG;
		return NULL;
	}
	j->id = m->id;
	j->from = ld->queue_number;
	j->fd = ipc_message_take_fd(m, 0);
	ld->jobs++;
	return j;
}

static void
refuse(struct ipc_channel *ch, uint64_t id, const char *text)
{
	struct delivered r = { .result = DELIVERY_DEFERRED, .code = 451,
		.enhanced = { 4, 3, 2 }, .text = slice_str(text) };
	char body[256];

	ipc_send(ch, IPC_DELIVERED, id,
	    slice_of(body, delivered_encode(&r, body, sizeof(body))), NULL, 0);
}

static int
on_deliver(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct local_delivery *ld = ctx;
	struct job *j;

	if (ld->stopping) {
		refuse(ch, m->id, "local delivery is stopping");
		return 0;
	}
	j = job_new(ld, m);
	if (j == NULL && errno == EBADMSG)
		return -1;
	if (j == NULL) {
		refuse(ch, m->id, "out of memory");
		return 0;
	}
	if (ld->jobs >= ld->set->deliveries_max && !ld->paused) {
		ipc_channel_pause(ch);
		ld->paused = true;
	}
	addresses_ask(ld, j);
	return 0;
}

/* What is in hand goes on; its answers find nobody. */
static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct local_delivery *ld = ctx;

	if (ld->queue != ch)
		return;
	ld->queue = NULL;
	ld->paused = false;
	forwards_channel(ld, NULL);
	owners_turn(ld);
	log_notice("queue-manager-gone");
}

static void
on_turn(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	owners_turn(ctx);
}

/* With what forwards.c hears on the same channel. */
static const struct ipc_handler handlers[] = {
	{ IPC_DELIVER, on_deliver },
	{ IPC_QUEUE_IDS, forwards_ids },
	{ IPC_CONTENT_KEPT, forwards_part_kept },
	{ IPC_ENQUEUED, forwards_enqueued },
	{ IPC_ENQUEUE_REFUSED, forwards_refused },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed, .turn = on_turn,
};

int
jobs_open(struct local_delivery *ld, int fd)
{
	forwards_channel(ld, NULL);
	ipc_channel_free(ld->queue);
	ld->paused = false;
	ld->queue_number++;
	ld->queue = ipc_channel_new(ld->stage.base, fd, IPC_LOCAL_DELIVERY,
	    IPC_QUEUE_MANAGER, &events, ld);
	forwards_channel(ld, ld->queue);
	return ld->queue != NULL ? 0 : -1;
}
