#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/instance/instance.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "queue-manager/daemon.h"

static int
threads(void *ctx)
{
	struct daemon *d = ctx;

	return queue_threads(&d->queue);
}

static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	struct daemon *d = ctx;
	struct settings_errors errors = { 0 };

	settings_free(d->next_shared);
	settings_free(d->next_settings);
	d->next_shared = settings_read(&instance_schema, shared_fd, &errors);
	d->next_settings = settings_read(&queue_manager_schema, own_fd,
	    &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused", LOG_CSTR("reason", errors.at[i]));
	return d->next_settings == NULL || d->next_shared == NULL ? -1 : 0;
}

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct daemon *d = ctx;

	(void)instance;
	switch (peer) {
	case IPC_SMTPD:
	case IPC_SUBMIT:
	case IPC_LMTP:
		return intake_open(d, peer, fd);
	case IPC_DIRECTORY:
		return expand_open(d, fd);
	case IPC_LOCAL_DELIVERY:
		return dispatch_open(d, fd);
	case IPC_REMOTE_RELAY:
		return relaying_open(d, fd);
	case IPC_CONTROL:
		return operator_open(d, fd);
	default:
		close(fd);
		return -1;
	}
}

static void
use_settings(struct daemon *d)
{
	const struct queue_manager_settings *s;

	settings_free(d->settings);
	d->settings = d->next_settings;
	d->next_settings = NULL;
	settings_free(d->shared);
	d->shared = d->next_shared;
	d->next_shared = NULL;
	d->instance = settings_values(d->shared);
	d->set = s = settings_values(d->settings);
	d->limits = (struct scheduler_limits){
		.total = (unsigned)s->deliveries,
		.destination = (unsigned)s->mailbox_deliveries,
		.backoff_min_ms = s->retry_min * 1000,
		.backoff_max_ms = s->retry_max * 1000,
		.lifetime_ms = s->lifetime * 1000,
		.gather_ms = s->delivery_wait,
		.gather_most = (unsigned)s->active_messages / 2,
	};
}

static struct outbound_limits
outbound_limits(const struct daemon *d)
{
	const struct queue_manager_settings *s = d->set;

	return (struct outbound_limits){
		.total = (unsigned)s->relays,
		.destination = (unsigned)s->destination_relays,
		.rest_min_ms = s->retry_min * 1000,
		.rest_max_ms = s->retry_max * 1000,
	};
}

/* The jail's root is the spool. */
static int
open_queue(struct daemon *d)
{
	struct queue_config c = { .index_path = "/index",
	    .index_size = d->set->index_size,
	    .segment_size = d->set->segment_size,
	    .sync_delay_us = d->set->bench_sync_delay,
	    .hooks = { .dropping = dispatch_withdraw }, .ctx = d };
	int ret;

	c.root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c.root == -1) {
		log_error("spool-unusable", LOG_ERRNO(errno));
		return -1;
	}
	ret = queue_open(&d->queue, &c);
	close(c.root);
	d->queue.config.root = -1;
	return ret;
}

static int
begin_work(struct daemon *d)
{
	const struct outbound_limits limits = outbound_limits(d);

	d->scheduler = scheduler_new(&d->limits);
	d->outbound = outbound_new(&limits);
	if (d->scheduler == NULL || d->outbound == NULL || open_queue(d) == -1 ||
	    chores_start(d) == -1)
		return -1;
	d->open = true;
	intake_resume(d);
	intake_lease(d);
	return 0;
}

static int
commit(void *ctx, bool first)
{
	struct daemon *d = ctx;
	struct outbound_limits limits;

	if (d->next_settings != NULL && d->next_shared != NULL)
		use_settings(d);
	if (d->set == NULL)
		return -1;
	if (first)
		return begin_work(d);
	limits = outbound_limits(d);
	scheduler_set_limits(d->scheduler, &d->limits);
	outbound_set_limits(d->outbound, &limits);
	return 0;
}

/* What is under way elsewhere stays unknown; all else is in the spool. */
static void
stop(void *ctx)
{
	struct daemon *d = ctx;

	d->stopping = true;
	stage_finished(&d->stage, 0);
}

static const struct stage_hooks hooks = {
	.role = IPC_QUEUE_MANAGER,
	.settings = take_settings,
	.channel = take_channel,
	.commit = commit,
	.stop = stop,
};

static int
daemon_init(struct daemon *d)
{
	TAILQ_INIT(&d->peers);
	TAILQ_INIT(&d->operators);
	d->expansions = ipc_pending_new(EXPANSIONS_MAX);
	d->deliveries = ipc_pending_new(DELIVERIES_MAX);
	d->relays = ipc_pending_new(RELAYS_MAX);
	return d->expansions == NULL || d->deliveries == NULL ||
	    d->relays == NULL ? -1 : 0;
}

static void
daemon_clear(struct daemon *d)
{
	chores_stop(d);
	if (d->open) {
		relaying_clear(d);
		queue_close(&d->queue);
	}
	scheduler_free(d->scheduler);
	outbound_free(d->outbound);
	ipc_pending_free(d->expansions);
	ipc_pending_free(d->deliveries);
	ipc_pending_free(d->relays);
	settings_free(d->settings);
	settings_free(d->next_settings);
	settings_free(d->shared);
	settings_free(d->next_shared);
}

int
main(int argc, char *argv[])
{
	struct daemon d = { .open = false };
	int status;

	stage_open(argc, argv, &hooks);
	/* The spool is the jail; two threads for the disk come before the
	 * filter, which covers them too. */
	sandbox_enter_with(IPC_QUEUE_MANAGER, threads, &d);
	if (daemon_init(&d) == -1) {
		log_error("cannot-start", LOG_CSTR("reason", "no memory"));
		return 71;
	}
	stage_attach(&d.stage, &hooks, &d);
	status = stage_run(&d.stage);	/* until told to stop */
	daemon_clear(&d);
	return status;
}
