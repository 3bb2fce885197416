#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "local-delivery/local_delivery.h"

enum { ASKED_MAX = 1024, STARTING_MAX = 1024, HANDED_MAX = 16384 };

uint64_t
local_delivery_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
finish_when_done(struct local_delivery *ld)
{
	if (ld->stopping && ld->jobs == 0)
		stage_finished(&ld->stage, 0);
}

void
local_delivery_relieved(struct local_delivery *ld)
{
	if (ld->paused && ld->queue != NULL &&
	    ld->jobs < ld->set->deliveries_max / 4 * 3) {
		ld->paused = false;
		ipc_channel_resume(ld->queue);
	}
	finish_when_done(ld);
}

static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	struct local_delivery *ld = ctx;
	struct settings_errors errors = { 0 };

	(void)shared_fd;
	settings_free(ld->next_settings);
	ld->next_settings = settings_read(&local_delivery_schema, own_fd,
	    &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused", LOG_CSTR("reason", errors.at[i]));
	return ld->next_settings == NULL ? -1 : 0;
}

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct local_delivery *ld = ctx;

	(void)instance;
	if (peer == IPC_DIRECTORY)
		return addresses_open(ld, fd);
	return jobs_open(ld, fd);
}

static int
commit(void *ctx, bool first)
{
	struct local_delivery *ld = ctx;

	(void)first;
	if (ld->next_settings != NULL) {
		settings_free(ld->settings);
		ld->settings = ld->next_settings;
		ld->next_settings = NULL;
		ld->set = settings_values(ld->settings);
	}
	/* Tables may have changed as well; directory says so to nobody. */
	addresses_forget(ld, UINT64_MAX);
	return ld->settings != NULL ? 0 : -1;
}

/* What workers have in hand is waited for; the rest waits in the spool. */
static void
stop(void *ctx)
{
	struct local_delivery *ld = ctx;

	ld->stopping = true;
	jobs_defer(ld, &ld->unasked, "local delivery is stopping");
	owners_stop(ld);
	finish_when_done(ld);
}

static void
on_tick(int fd, short what, void *arg)
{
	struct local_delivery *ld = arg;
	uint64_t now = local_delivery_now_ms();

	(void)fd;
	(void)what;
	if (ld->set == NULL)
		return;
	if (now > REMEMBERED_S * 1000)
		addresses_forget(ld, now - REMEMBERED_S * 1000);
	owners_tick(ld);
	forwards_tick(ld);
}

static const struct stage_hooks hooks_plain = {
	.role = IPC_LOCAL_DELIVERY,
	.settings = take_settings,
	.channel = take_channel,
	.commit = commit,
	.stop = stop,
};

static int
local_delivery_init(struct local_delivery *ld)
{
	RB_INIT(&ld->owners);
	RB_INIT(&ld->addresses);
	TAILQ_INIT(&ld->unasked);
	TAILQ_INIT(&ld->by_use);
	for (int kind = 0; kind < OWNER_KINDS; kind++) {
		TAILQ_INIT(&ld->waiting[kind]);
		TAILQ_INIT(&ld->idle[kind]);
	}
	TAILQ_INIT(&ld->fed);
	TAILQ_INIT(&ld->addresses_by_age);
	ld->asked = ipc_pending_new(ASKED_MAX);
	ld->starting = ipc_pending_new(STARTING_MAX);
	ld->handed = ipc_pending_new(HANDED_MAX);
	return ld->asked == NULL || ld->starting == NULL ||
	    ld->handed == NULL ? -1 : forwards_init(ld);
}

static void
local_delivery_clear(struct local_delivery *ld)
{
	owners_clear(ld);
	forwards_clear(ld);
	addresses_forget(ld, UINT64_MAX);
	event_free(ld->tick);
	ipc_pending_free(ld->asked);
	ipc_pending_free(ld->starting);
	ipc_pending_free(ld->handed);
	settings_free(ld->settings);
	settings_free(ld->next_settings);
}

int
main(int argc, char *argv[])
{
	static const struct timeval second = { .tv_sec = 1 };
	struct stage_hooks hooks = hooks_plain;
	struct local_delivery ld = { .queue = NULL };
	int status;

	hooks.more = owners_from_supervisor;
	hooks.more_count = owners_from_supervisor_count;
	stage_open(argc, argv, &hooks);
	sandbox_enter(IPC_LOCAL_DELIVERY);	/* empty jail; channels only */
	if (local_delivery_init(&ld) == -1) {
		log_error("cannot-start", LOG_CSTR("reason", "no memory"));
		return 71;
	}
	stage_attach(&ld.stage, &hooks, &ld);
	ld.tick = event_new(ld.stage.base, -1, EV_PERSIST, on_tick, &ld);
	if (ld.tick == NULL || event_add(ld.tick, &second) == -1) {
		log_error("cannot-start", LOG_CSTR("reason", "no memory"));
		return 71;
	}
	status = stage_run(&ld.stage);
	local_delivery_clear(&ld);
	return status;
}
