/* What queue-manager gives us, and what it hears. */
#include <assert.h>
#include <errno.h>

#include "common/log/log.h"
#include "remote-relay/remote_relay.h"

static void
log_answer(const struct job *j, unsigned i, const struct host *h,
    const struct outcome *o)
{
	static const char *const events[] = {
		[RELAY_DELIVERED] = "relayed",
		[RELAY_DEFERRED] = "deferred",
		[RELAY_FAILED] = "failed",
	};
	const struct relay_recipient *r = &j->rcpt[i].r;
	char address[NET_ADDRESS_SIZE] = "";

	if (h != NULL)
		net_address_print(&h->address, address);
	log_info(events[o->result], LOG_QID(j->y.queue_id),
	    LOG_NUM("recipient", r->number), LOG_STR("to", r->address),
	    LOG_STR("route", j->y.route), LOG_CSTR("host", h != NULL ?
	    h->name : ""), LOG_CSTR("address", address),
	    LOG_NUM("code", o->code), LOG_BOOL("unknown", o->unknown),
	    LOG_STR("reason", outcome_text(o)));
}

void
job_answered(struct remote_relay *rr, struct job *j, unsigned i,
    const struct host *h, const struct outcome *o)
{
	struct relayed d = { .queue_id = j->y.queue_id,
		.number = j->rcpt[i].r.number, .result = o->result,
		.unknown = o->unknown,
		.dsn_passed = o->dsn_passed && o->result == RELAY_DELIVERED,
		.host_down = o->host_down && o->result == RELAY_DEFERRED,
		.last = j->open == 0, .code = o->code,
		.enhanced = { o->enhanced[0], o->enhanced[1], o->enhanced[2] },
		.text = outcome_text(o) };
	char body[RELAYED_BODY_MAX];
	size_t len;

	if (h != NULL)
		d.remote_mta = slice_str(h->name);
	log_answer(j, i, h, o);
	len = relayed_encode(&d, body, sizeof(body));
	assert(len > 0);
	if (rr->queue != NULL && j->from == rr->queue_number &&
	    ipc_send(rr->queue, IPC_RELAYED, j->id, slice_of(body, len), NULL,
		0) == -1)
		log_error("answer-lost", LOG_QID(j->y.queue_id),
		    LOG_ERRNO(errno));
}

static void
finish_when_done(struct remote_relay *rr)
{
	if (rr->stopping && rr->n_jobs == 0)
		stage_finished(&rr->stage, 0);
}

void
job_done(struct remote_relay *rr, struct job *j)
{
	assert(j->open == 0);
	job_free(j);
	rr->n_jobs--;
	if (rr->paused && rr->queue != NULL &&
	    rr->n_jobs < rr->set->messages_max / 4 * 3) {
		rr->paused = false;
		ipc_channel_resume(rr->queue);
	}
	finish_when_done(rr);
}

void
job_settle(struct remote_relay *rr, struct job *j, const struct host *h,
    const struct outcome *o)
{
	for (unsigned i = 0; i < j->n; i++) {
		if (j->rcpt[i].state == JOB_DONE)
			continue;
		j->rcpt[i].state = JOB_DONE;
		j->open--;
		job_answered(rr, j, i, h, o);
	}
	job_done(rr, j);
}

/* Not even looked at: every recipient is put off. */
static void
put_off(struct ipc_channel *ch, struct ipc_message *m, const char *text)
{
	struct relay_recipient r;
	struct relayed d = { .result = RELAY_DEFERRED, .code = 451,
		.enhanced = { 4, 3, 2 }, .text = slice_str(text) };
	char body[RELAYED_BODY_MAX];
	struct relay y;

	if (relay_decode(m->body, &y) == -1)
		return;
	d.queue_id = y.queue_id;
	while (relay_next(&y, &r)) {
		d.number = r.number;
		d.last = --y.n_recipients == 0;
		ipc_send(ch, IPC_RELAYED, m->id, slice_of(body,
		    relayed_encode(&d, body, sizeof(body))), NULL, 0);
	}
}

static int
on_relay(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct remote_relay *rr = ctx;
	struct job *j;

	if (rr->stopping) {
		put_off(ch, m, "the relay is stopping");
		return 0;
	}
	j = job_new(m->body, m->fds[0]);
	if (j == NULL && errno == EBADMSG)
		return -1;
	if (j == NULL) {
		put_off(ch, m, "out of memory");
		return 0;
	}
	ipc_message_take_fd(m, 0);
	j->id = m->id;
	j->from = rr->queue_number;
	if (++rr->n_jobs >= rr->set->messages_max && !rr->paused) {
		ipc_channel_pause(ch);
		rr->paused = true;
	}
	destination_take(rr, j);
	return 0;
}

/*
 * A new queue-manager will ask again for all that it has no answer to: what
 * waits here is forgotten, what is being sent goes on, as it cannot be unsaid.
 */
static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct remote_relay *rr = ctx;

	if (rr->queue != ch)
		return;
	rr->queue = NULL;
	rr->paused = false;
	log_notice("queue-manager-gone", LOG_NUM("messages", rr->n_jobs));
	destinations_forget(rr);
}

static const struct ipc_handler handlers[] = {
	{ IPC_RELAY, on_relay },
};

static const struct ipc_events events = {
	.handlers = handlers, .count = 1, .closed = on_closed,
};

int
jobs_open(struct remote_relay *rr, int fd)
{
	if (rr->queue != NULL) {
		ipc_channel_free(rr->queue);
		destinations_forget(rr);
	}
	rr->paused = false;
	rr->queue_number++;
	rr->queue = ipc_channel_new(rr->stage.base, fd, IPC_REMOTE_RELAY,
	    IPC_QUEUE_MANAGER, &events, rr);
	return rr->queue != NULL ? 0 : -1;
}
