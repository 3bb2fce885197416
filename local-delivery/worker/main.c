/*
 * local-delivery-worker: one owner's mail, delivered by a process with that
 * owner's uid, jailed in that owner's home.  Whatever deliveries have come in
 * are made durable together, and answered then.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/ipc/delivery.h"
#include "common/ipc/start.h"
#include "common/log/log.h"
#include "common/mailbox/deliver.h"
#include "common/sandbox/sandbox.h"
#include "common/stage/stage.h"

enum {
	CLEAN_EVERY_S = 3600,
	COMPANY_MS = 20		/* for what was said to follow */
};

struct worker {
	struct stage		 stage;
	struct ipc_channel	*channel;	/* to local-delivery */
	struct mailbox		*mailbox;	/* NULL: not opened yet */
	struct start_quota quota;               /* of the account */
	time_t			 cleaned;	/* monotonic seconds; 0: never */
	struct event		*company;	/* has been waited for */
	bool			 more;		/* is said to follow */
	size_t			 count;
	struct delivery_item	 items[DELIVER_BATCH_MAX];
	uint64_t		 ids[DELIVER_BATCH_MAX];
	char			*bodies[DELIVER_BATCH_MAX];
};

static int
open_mailbox(struct worker *w)
{
	int home_fd, r;

	if (w->mailbox != NULL)
		return 0;
	home_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (home_fd == -1)
		return -1;
	r = mailbox_open(home_fd, &w->mailbox);
	close(home_fd);
	if (r == 0)
		mailbox_quota_set(w->mailbox,
		    &(struct quota){ w->quota.octets, w->quota.messages });
	return r;
}

static void
answer(struct worker *w, size_t i)
{
	char body[2048];
	size_t len = delivered_encode(&w->items[i].result, body, sizeof(body));

	if (w->channel != NULL)
		ipc_send(w->channel, IPC_DELIVERED, w->ids[i],
		    slice_of(body, len), NULL, 0);
	close(w->items[i].fd);
	free(w->bodies[i]);
}

static void
clean_now_and_then(struct worker *w)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (w->cleaned != 0 && now.tv_sec - w->cleaned < CLEAN_EVERY_S)
		return;
	w->cleaned = now.tv_sec + 1;
	mailbox_clean_tmp(w->mailbox);
}

/* Whatever has come in is made durable together. */
static void
deliver_batch(struct worker *w)
{
	static const struct delivered closed = {
		.result = DELIVERY_DEFERRED, .code = 451,
		.enhanced = { 4, 2, 0 },
		.text = SLICE_LITERAL("the mailbox cannot be opened"),
	};
	bool open;

	evtimer_del(w->company);
	if (w->count == 0)
		return;
	open = open_mailbox(w) == 0;
	if (open) {
		mailbox_deliver(w->mailbox, w->items, w->count);
	} else {
		log_error("mailbox-not-opened", LOG_ERRNO(errno));
		for (size_t i = 0; i < w->count; i++)
			w->items[i].result = closed;
	}
	for (size_t i = 0; i < w->count; i++)
		answer(w, i);
	w->count = 0;
	if (open)
		clean_now_and_then(w);
}

static int
on_deliver(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct worker *w = ctx;
	struct delivery_item *it = &w->items[w->count];
	char *body = malloc(m->body.len + 1);

	(void)ch;
	if (body == NULL)
		return -1;	/* they are tried again elsewhere */
	memcpy(body, m->body.at, m->body.len);
	if (delivery_decode(slice_of(body, m->body.len), &it->d) == -1) {
		free(body);
		return -1;
	}
	it->fd = ipc_message_take_fd(m, 0);
	w->more = it->d.more;
	w->ids[w->count] = m->id;
	w->bodies[w->count++] = body;
	if (w->count == DELIVER_BATCH_MAX)
		deliver_batch(w);
	return 0;
}

static void
on_turn(void *ctx, struct ipc_channel *ch)
{
	static const struct timeval company = { .tv_usec = COMPANY_MS * 1000 };
	struct worker *w = ctx;

	(void)ch;
	if (!w->more)
		deliver_batch(w);
	else if (!evtimer_pending(w->company, NULL))
		evtimer_add(w->company, &company);
}

static void
on_company(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	deliver_batch(arg);
}

/* Nobody wants us any more. */
static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct worker *w = ctx;

	(void)ch;
	w->channel = NULL;
	stage_finished(&w->stage, 0);
}

static const struct ipc_handler handlers[] = {
	{ IPC_DELIVER, on_deliver },
};

static const struct ipc_events events = {
	.handlers = handlers, .count = 1, .closed = on_closed, .turn = on_turn,
};

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct worker *w = ctx;

	(void)instance;
	if (peer != IPC_LOCAL_DELIVERY || w->channel != NULL) {
		close(fd);
		return -1;
	}
	w->channel = ipc_channel_new(w->stage.base, fd, IPC_DELIVERY_WORKER,
	    IPC_LOCAL_DELIVERY, &events, w);
	return w->channel != NULL ? 0 : -1;
}

/* Nothing there is ours; the parent heeds it. */
static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	(void)ctx;
	(void)shared_fd;
	(void)own_fd;
	return 0;
}

static int
on_quota(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct worker *w = ctx;

	(void)ch;
	return start_quota_decode(m->body, &w->quota);
}

static const struct ipc_handler from_supervisor[] = {
	{ IPC_OWNER_QUOTA, on_quota },
};

static const struct stage_hooks hooks = {
	.role = IPC_DELIVERY_WORKER,
	.more = from_supervisor,
	.more_count = 1,
	.settings = take_settings,
	.channel = take_channel,
};

int
main(int argc, char *argv[])
{
	struct worker *w;
	int status;

	stage_open(argc, argv, &hooks);
	/* A file size limit is an error to report (EFBIG), not the end. */
	signal(SIGXFSZ, SIG_IGN);
	sandbox_enter(IPC_DELIVERY_WORKER);	/* the owner's home; one channel */
	w = calloc(1, sizeof(*w));
	if (w == NULL) {
		log_error("cannot-start", LOG_CSTR("reason", "no memory"));
		return 71;
	}
	stage_attach(&w->stage, &hooks, w);
	w->company = evtimer_new(w->stage.base, on_company, w);
	if (w->company == NULL) {
		log_error("cannot-start", LOG_CSTR("reason", "no memory"));
		return 71;
	}
	status = stage_run(&w->stage);
	event_free(w->company);
	mailbox_close(w->mailbox);
	free(w);
	return status;
}
