/*
 * The life of the whole: ready when every stage is, nothing half started,
 * reloaded stage by stage, stopped from the outside inwards.
 */
#include "supervisor/supervisor.h"

#include <stdio.h>
#include <unistd.h>

#include <event2/event.h>

enum { STOP_PHASES = 4 };

time_t
life_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void
tell_starter(struct supervisor *sv, const char *text)
{
	if (sv->ready_fd == -1)
		return;
	dprintf(sv->ready_fd, "%s\n", text);
	close(sv->ready_fd);
	sv->ready_fd = -1;
}

void
life_ready(struct supervisor *sv)
{
	struct process *p;

	if (sv->ready || sv->stopping)
		return;
	TAILQ_FOREACH(p, &sv->processes, entry)
		if (p->map->start == START_ALWAYS && p->state != PROCESS_READY)
			return;
	sv->ready = true;
	log_notice("ready", LOG_CSTR("hostname", sv->hostname),
	    LOG_CSTR("configuration", sv->conf_dir),
	    LOG_BOOL("network-namespace", sv->netns_fd != -1));
	tell_starter(sv, "READY");
	notify("READY=1\nSTATUS=serving\n");
}

/* Before all are ready, one that cannot start ends the attempt. */
void
life_failed(struct supervisor *sv, const struct process *p)
{
	char text[128];

	if (sv->ready || sv->stopping)
		return;
	snprintf(text, sizeof(text), "%s could not start; its log lines say "
	    "why", p->map->program);
	log_error("cannot-start", LOG_CSTR("reason", text));
	tell_starter(sv, text);
	sv->status = 78;
	life_stop(sv);
}

int
life_reload(struct supervisor *sv, int role)
{
	struct process *p;
	int reached = 0;

	load_accounts(sv);
	notify("RELOADING=1\n");
	TAILQ_FOREACH(p, &sv->processes, entry) {
		if (p->channel == NULL || p->state == PROCESS_STOPPING ||
		    p->map->start != START_ALWAYS ||
		    (role != -1 && p->map->role != (enum ipc_role)role))
			continue;
		if (supply_settings(p) == 0 && supply_tables(p, ~0U) == 0 &&
		    supply_certificates(p) == 0) {
			supply_commit(p);
			reached++;
		}
	}
	notify("READY=1\n");
	log_notice("reloaded", LOG_NUM("processes", (uint64_t)reached));
	return reached;
}

static bool
phase_is_over(const struct supervisor *sv)
{
	const struct process *p;

	TAILQ_FOREACH(p, &sv->processes, entry)
		if (p->pid != 0 && p->map->stop_phase <= sv->stop_phase)
			return false;
	return true;
}

static void
stop_phase(struct supervisor *sv)
{
	struct process *p;

	TAILQ_FOREACH(p, &sv->processes, entry)
		if (p->map->stop_phase <= sv->stop_phase)
			process_stop(p);
}

void
life_stop(struct supervisor *sv)
{
	if (sv->stopping)
		return;
	sv->stopping = true;
	log_notice("stopping");
	notify("STOPPING=1\n");
	stop_phase(sv);
	life_process_ended(sv);
}

/* One more has gone: is it the last of its phase? */
void
life_process_ended(struct supervisor *sv)
{
	if (!sv->stopping)
		return;
	while (phase_is_over(sv)) {
		if (++sv->stop_phase >= STOP_PHASES) {
			event_base_loopexit(sv->base, NULL);
			return;
		}
		stop_phase(sv);
	}
}
