/*
 * One process: started, supplied, watched, started again with a growing
 * delay, told to stop, and killed when it does not.
 */
#include "supervisor/supervisor.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

enum {
	LIVED_LONG_S = 30,	/* after that a death counts as the first */
	DELAY_FIRST_MS = 100,
	DELAY_MOST_MS = 60000,
	STOP_PATIENCE_S = 20,
	LAST_WORDS_MS = 2000,
	START_TRIES = 3
};

static const char *const state_names[] = {
	[PROCESS_DOWN] = "down", [PROCESS_STARTING] = "starting",
	[PROCESS_READY] = "ready", [PROCESS_STOPPING] = "stopping",
};

static void start(struct process *);

static void
arm(struct process *p, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	event_add(p->timer, &tv);
}

/* The timer has one meaning in each state: start again, or enough waited. */
static void
on_timer(int fd, short what, void *arg)
{
	struct process *p = arg;

	(void)fd, (void)what;
	if (p->state == PROCESS_DOWN) {
		if (!p->sv->stopping)
			start(p);
		return;
	}
	log_warning("process-killed", LOG_CSTR("process", p->map->program),
	    LOG_NUM("process-id", (uint64_t)p->pid),
	    LOG_CSTR("reason", p->state == PROCESS_STOPPING ?
	    "did not stop in time" : p->channel == NULL ?
	    "closed its channel" : "past its deadline"));
	process_kill(p);
}

static int
on_ready(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct process *p = arg;

	(void)ch;
	if (m->body.len != 0)
		return -1;
	if (p->state == PROCESS_STARTING) {
		p->state = PROCESS_READY;
		log_info("process-ready", LOG_CSTR("process", p->map->program),
		    LOG_NUM("process-id", (uint64_t)p->pid),
		    LOG_NUM("uid", p->uid));
		life_ready(p->sv);
	}
	return 0;
}

static int
on_refused(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct process *p = arg;

	(void)ch;
	if (m->body.len != 0)
		return -1;
	log_error("stage-refused", LOG_CSTR("process", p->map->program),
	    LOG_CSTR("reason", "its settings or tables; see its own lines"));
	/* Only a stage of ours can end the start; a session cannot. */
	if (p->state == PROCESS_STARTING && p->map->start == START_ALWAYS)
		life_failed(p->sv, p);
	return 0;
}

/*
 * The death of its process follows, and there the restart is decided; one
 * that lives on without a channel is of no use to anybody.
 */
static void
on_closed(void *arg, struct ipc_channel *ch)
{
	struct process *p = arg;

	owners_channel_lost(p->sv, ch);
	p->channel = NULL;
	if (p->state != PROCESS_STOPPING)
		arm(p, LAST_WORDS_MS);
}

/* What is more than these stands in owners.c; put together once. */
enum { OWN_HANDLERS = 4 };
static const struct ipc_handler own_handlers[OWN_HANDLERS] = {
	{ IPC_STAGE_READY, on_ready },
	{ IPC_STAGE_REFUSED, on_refused },
	{ IPC_STAGE_CHANNEL_LOST, broker_lost },
	{ IPC_MILTER_CONNECT, milters_connect },
};

static void
channel_events_init(struct supervisor *sv)
{
	assert(OWN_HANDLERS + owner_handler_count <= SUPERVISOR_HANDLERS_MAX);
	memcpy(sv->handlers, own_handlers, sizeof(own_handlers));
	memcpy(sv->handlers + OWN_HANDLERS, owner_handlers,
	    owner_handler_count * sizeof(sv->handlers[0]));
	sv->channel_events = (struct ipc_events){ .handlers = sv->handlers,
		.count = OWN_HANDLERS + owner_handler_count,
		.closed = on_closed };
}

/* Sessions, workers and runners, as their limits count them. */
static unsigned *
counter_of(const struct process *p)
{
	if (p->map->role == IPC_RUNNER)
		return &p->sv->runners;
	if (p->map->jail != JAIL_HOME)
		return NULL;
	return p->map->role == IPC_DELIVERY_WORKER ? &p->sv->workers :
	    &p->sv->sessions;
}

/* Fork and exec, with a channel; what is more, the caller supplies. */
static int
launch(struct process *p, const struct identity *id)
{
	int pair[2], saved;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	p->pid = spawn(p->sv, p->map, id, pair[1]);
	saved = errno;
	close(pair[1]);
	if (p->pid == -1) {
		p->pid = 0;
		close(pair[0]);
		errno = saved;
		return -1;
	}
	p->uid = id->uid;
	p->since = life_now();
	p->state = PROCESS_STARTING;
	if (counter_of(p) != NULL)
		++*counter_of(p);
	/* NOLINTNEXTLINE: process_new() has set it */
	p->channel = ipc_channel_new(p->sv->base, pair[0], IPC_SUPERVISOR,
	    p->map->role, &p->sv->channel_events, p);
	if (p->channel == NULL) {
		process_kill(p);
		return -1;
	}
	return 0;
}

static int
jail_of(const struct supervisor *sv, const struct map_process *map)
{
	return map->jail == JAIL_SPOOL ? sv->spool_fd : sv->empty_fd;
}

static void
start_failed(struct process *p, const char *what)
{
	log_error("cannot-start-process", LOG_CSTR("process", p->map->program),
	    LOG_CSTR("step", what), LOG_ERRNO(errno));
	if (p->pid != 0)
		process_kill(p);
	else
		life_failed(p->sv, p);
}

static void
start(struct process *p)
{
	struct identity id;

	if (uids_of(p->sv, p->map, &id) == -1) {
		start_failed(p, "find its user");
		return;
	}
	id.jail_fd = jail_of(p->sv, p->map);
	if (launch(p, &id) == -1) {
		start_failed(p, "launch");
		arm(p, DELAY_MOST_MS);
		return;
	}
	if (supply_settings(p) == -1 || supply_tables(p, ~0U) == -1 ||
	    supply_certificates(p) == -1 || supply_listeners(p) == -1) {
		errno = EINVAL;
		life_failed(p->sv, p);
		process_kill(p);
		return;
	}
	broker_connect(p);
	supply_commit(p);
}

static struct process *
process_new(struct supervisor *sv, const struct map_process *map,
    unsigned instance)
{
	struct process *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	assert(sv != NULL);
	*p = (struct process){ .sv = sv, .map = map, .instance = instance };
	if ((p->timer = event_new(sv->base, -1, 0, on_timer, p)) == NULL) {
		free(p);
		errno = ENOMEM;
		return NULL;
	}
	TAILQ_INSERT_TAIL(&sv->processes, p, entry);
	return p;
}

static void
process_free(struct process *p)
{
	TAILQ_REMOVE(&p->sv->processes, p, entry);
	if (p->channel != NULL) {
		owners_channel_lost(p->sv, p->channel);
		ipc_channel_free(p->channel);
	}
	event_free(p->timer);
	free(p);
}

void
process_start_all(struct supervisor *sv)
{
	const struct map_process *map;
	struct process *p;

	channel_events_init(sv);
	assert(sv->base != NULL);
	for (size_t i = 0; (map = map_at(i)) != NULL; i++)
		for (unsigned n = 0;
		     map->start == START_ALWAYS && n < map->count &&
		     listeners_wanted(sv, map);
		     n++)
			if (process_new(sv, map, n) == NULL) {
				log_error("cannot-start", LOG_ERRNO(errno));
				exit(71);
			}
	TAILQ_FOREACH(p, &sv->processes, entry)
		if (!sv->stopping)
			start(p);
}

void
process_clear_all(struct supervisor *sv)
{
	struct process *p;

	broker_clear(sv);
	while ((p = TAILQ_FIRST(&sv->processes)) != NULL)
		process_free(p);	/* NOLINT: off the list */
}

struct process *
process_start_for(struct supervisor *sv, enum ipc_role role,
    struct account account, const struct identity *id)
{
	struct process *p = process_new(sv, map_process(role), 0);

	if (p == NULL)
		return NULL;
	p->account = account;
	if (launch(p, id) == -1 || supply_settings(p) == -1 ||
	    supply_tables(p, ~0U) == -1) {
		int saved = errno;

		if (p->pid != 0)
			process_kill(p);
		else
			process_free(p);
		errno = saved;
		return NULL;
	}
	if (p->map->deadline_s != 0)
		arm(p, (uint64_t)p->map->deadline_s * 1000);
	return p;
}

static uint64_t
restart_delay(const struct process *p)
{
	uint64_t ms = DELAY_FIRST_MS;

	if (p->failures == 0)
		return 0;
	for (unsigned i = 1; i < p->failures && ms < DELAY_MOST_MS; i++)
		ms *= 2;
	return ms < DELAY_MOST_MS ? ms : DELAY_MOST_MS;
}

static void
log_end(const struct process *p, int status)
{
	bool expected = p->state == PROCESS_STOPPING ||
	    (p->map->start == START_DEMAND && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0);
	enum log_level level = expected ? LEVEL_INFO : LEVEL_ERROR;

	if (WIFSIGNALED(status))
		log_at(level, "process-ended",
		    LOG_CSTR("process", p->map->program),
		    LOG_NUM("process-id", (uint64_t)p->pid),
		    LOG_CSTR("state", state_names[p->state]),
		    LOG_NUM("signal", (uint64_t)WTERMSIG(status)),
		    LOG_CSTR("meaning", WTERMSIG(status) == SIGSYS ?
		    "a system call that its sandbox forbids" :
		    strsignal(WTERMSIG(status))));
	else
		log_at(level, "process-ended",
		    LOG_CSTR("process", p->map->program),
		    LOG_NUM("process-id", (uint64_t)p->pid),
		    LOG_CSTR("state", state_names[p->state]),
		    LOG_INT("status", WEXITSTATUS(status)));
}

static void
ended(struct process *p, int status)
{
	bool was_starting = p->state == PROCESS_STARTING;

	log_end(p, status);
	p->pid = 0;
	event_del(p->timer);
	if (p->map->start == START_DEMAND) {
		if (counter_of(p) != NULL)
			--*counter_of(p);
		process_free(p);
		return;
	}
	if (p->channel != NULL) {
		owners_channel_lost(p->sv, p->channel);
		ipc_channel_free(p->channel);
		p->channel = NULL;
	}
	if (life_now() - p->since >= LIVED_LONG_S)
		p->failures = 0;
	p->state = PROCESS_DOWN;
	if (p->sv->stopping)
		return;
	/*
	 * One that exits has said why it cannot start.  One that is killed may
	 * do better the next time (a damaged cache is thrown away then).
	 */
	if (was_starting && (WIFEXITED(status) || p->failures >= START_TRIES))
		life_failed(p->sv, p);
	if (p->sv->stopping)
		return;
	arm(p, restart_delay(p));
	p->failures++;
	p->restarts++;
}

static struct process *
by_pid(struct supervisor *sv, pid_t pid)
{
	struct process *p;

	TAILQ_FOREACH(p, &sv->processes, entry)
		if (p->pid == pid)
			return p;
	return NULL;
}

void
process_reap(struct supervisor *sv)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct process *p = by_pid(sv, pid);

		if (p != NULL)
			ended(p, status);
	}
	life_process_ended(sv);
}

void
process_stop(struct process *p)
{
	if (p->pid == 0 || p->state == PROCESS_STOPPING)
		return;
	p->state = PROCESS_STOPPING;
	if (p->channel != NULL)
		ipc_send(p->channel, IPC_STAGE_STOP, 0, slice_of("", 0), NULL,
		    0);
	arm(p, STOP_PATIENCE_S * 1000);
}

/* An operator's wish is not a failure: no delay. */
void
process_restart(struct process *p)
{
	p->failures = 0;
	if (p->pid != 0)
		process_stop(p);
	else if (p->state == PROCESS_DOWN)
		arm(p, 0);
}

void
process_kill(struct process *p)
{
	if (p->pid > 0)
		kill(p->pid, SIGKILL);
}
