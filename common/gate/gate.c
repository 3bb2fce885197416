/* The process: its settings, listeners, channels, and its stop. */
#include "common/gate/private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/log/log.h"
#include "common/settings/settings.h"

enum {
	LEAVE_SECONDS = 2,
	LOGINS_MAX = 8192,
	SWEEP_SECONDS = 5,
	OPEN_ANYWAY_S = 5
};

void
gate_open(int argc, char *argv[], const struct gate_protocol *protocol)
{
	struct stage_hooks hooks = { .role = protocol->role };

	stage_open(argc, argv, &hooks);
	if (tls_library_start() == -1)
		exit(71);
}

static int
on_settings(void *ctx, int shared_fd, int own_fd)
{
	struct gate *g = ctx;
	struct settings_errors errors = { 0 };

	(void)shared_fd;
	settings_free(g->next_settings);
	g->next_settings = settings_read(g->protocol->schema, own_fd,
	    &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("bad-setting", LOG_CSTR("at", errors.at[i]));
	return g->next_settings != NULL ? 0 : -1;
}

static void
trouble(void *ctx, int error)
{
	(void)ctx;
	log_warning("cannot-accept", LOG_ERRNO(error));
}

static int
on_listener(void *ctx, const char *name, int fd)
{
	struct gate *g = ctx;
	struct gate_listener *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		close(fd);
		return -1;
	}
	l->gate = g;
	l->fd = fd;
	strlcpy(l->name, name, sizeof(l->name));
	TAILQ_INSERT_TAIL(&g->listeners, l, entry);
	return 0;
}

/*
 * Its block went with a reload: whoever came in here would be served by rules
 * that nobody wrote.  supervisor closes the socket when the stage begins anew.
 */
static void
shut_orphan(struct gate_listener *l)
{
	if (l->listener == NULL)
		return;
	log_warning("listener-without-settings", LOG_CSTR("listener", l->name),
	    LOG_CSTR("remedy", "restart the stage: until then nobody is let in"));
	listener_free(l->listener);
	l->listener = NULL;
}

/* Accept where there are settings for it, and only there.  -1: it was
 * logged. */
static int
listen_all(struct gate *g)
{
	struct gate_listener *l;

	TAILQ_FOREACH(l, &g->listeners, entry) {
		/* cppcheck-suppress uninitvar ; TAILQ_FOREACH sets it */
		if (gate_listener_block(l) == NULL) {
			shut_orphan(l);
			continue;
		}
		if (l->listener != NULL)
			continue;
		l->listener = listener_new(g->stage.base, l->fd,
		    &g->listener_events, l);
		if (l->listener == NULL) {
			log_error("cannot-listen", LOG_CSTR("listener",
			    l->name), LOG_ERRNO(errno));
			return -1;
		}
	}
	return 0;
}

static void
open_now(struct gate *g)
{
	if (g->open || g->stopping)
		return;
	g->open = true;
	event_del(g->wait);
	if (listen_all(g) == -1)
		stage_finished(&g->stage, 71);
	else
		log_info("listening", LOG_BOOL("tls",
		    tls_server_ready(g->tls)));
}

/*
 * The first clients wait in the kernel until TLS can be served, rather than
 * be told that it cannot; but not for ever, since a tlskeyd that does not come
 * is something to be told.
 */
static void
on_waited(int fd, short what, void *arg)
{
	(void)fd, (void)what;
	open_now(arg);
}

static void
keys_came(void *arg)
{
	struct gate *g = arg;

	if (g->addresses != NULL && !tls_server_waits(g->tls))
		open_now(g);
}

static int
open_first(struct gate *g)
{
	static const struct timeval patience = { .tv_sec = OPEN_ANYWAY_S };

	if ((g->addresses = clients_new(GATE_CLIENTS_MOST)) == NULL ||
	    evtimer_add(g->wait, &patience) == -1)
		return -1;
	keys_came(g);
	return 0;
}

static int
on_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct gate *g = ctx;
	struct ipc_channel *former;

	(void)instance;
	if (peer == IPC_TLSKEYD)
		return tls_keys_connect(g->tls_keys, fd);
	if (peer != IPC_AUTHD) {
		close(fd);
		return -1;
	}
	if ((former = g->authd) != NULL) { /* its end has not reached us yet */
		g->authd = NULL;
		gate_authd_events.closed(g, former);
	}
	g->authd = ipc_channel_new(g->stage.base, fd, g->protocol->role,
	    IPC_AUTHD, &gate_authd_events, g);
	return g->authd != NULL ? 0 : -1;
}

static int
on_commit(void *ctx, bool first)
{
	struct gate *g = ctx;

	if (g->next_settings != NULL) {
		settings_free(g->settings);
		g->settings = g->next_settings;
		g->next_settings = NULL;
		g->protocol->settings(settings_values(g->settings),
		    &g->limits);
	}
	tls_server_commit(g->tls);
	if (first)
		return open_first(g);
	return g->open && !g->stopping ? listen_all(g) : 0;
}

static void
on_stop(void *ctx)
{
	static const struct timeval patience = { .tv_sec = LEAVE_SECONDS };
	struct gate *g = ctx;
	struct gate_listener *l;
	struct gate_client *c, *next;

	g->stopping = true;
	TAILQ_FOREACH(l, &g->listeners, entry) {
		/* cppcheck-suppress uninitvar ; TAILQ_FOREACH sets it */
		listener_free(l->listener);
		l->listener = NULL;
		close(l->fd);
	}
	for (c = TAILQ_FIRST(&g->clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->state == CLIENT_TALKING)
			gate_client_goodbye(c, GATE_STOPPING);
	}
	/* Sessions are told by supervisor, and say goodbye through us. */
	evtimer_add(g->leave, &patience);
	gate_client_gone(g);
}

/* A session that goes on while its gate is restarted loses its client. */
static void
on_leave(int fd, short what, void *arg)
{
	struct gate *g = arg;

	(void)fd, (void)what;
	stage_finished(&g->stage, 0);
}

/* Nobody waits for a sibling without end: the client hears of it. */
static void
on_sweep(int fd, short what, void *arg)
{
	struct gate *g = arg;
	uint64_t now = stream_loop_now_ms(g->loop);
	struct gate_client *c, *next;

	(void)fd, (void)what;
	for (c = TAILQ_FIRST(&g->clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if ((c->state != CLIENT_LOGIN && c->state != CLIENT_START) ||
		    now - c->asked_ms < g->limits.login_timeout * 1000)
			continue;
		if (c->state == CLIENT_LOGIN)
			gate_login_expire(c);
		else
			gate_handover_expire(c);
	}
}

static int
sweep_begin(struct gate *g)
{
	static const struct timeval every = { .tv_sec = SWEEP_SECONDS };

	g->sweep = event_new(g->stage.base, -1, EV_PERSIST, on_sweep, g);
	g->leave = evtimer_new(g->stage.base, on_leave, g);
	g->wait = evtimer_new(g->stage.base, on_waited, g);
	return g->sweep == NULL || g->leave == NULL || g->wait == NULL ? -1 :
	    event_add(g->sweep, &every);
}

static void
gate_init(struct gate *g, const struct gate_protocol *protocol)
{
	*g = (struct gate){ .protocol = protocol };
	TAILQ_INIT(&g->listeners);
	TAILQ_INIT(&g->clients);
	g->hooks = (struct stage_hooks){ .role = protocol->role,
		.settings = on_settings, .listener = on_listener,
		.channel = on_channel, .commit = on_commit, .stop = on_stop,
		.more = gate_supervisor_handlers, .more_count = 3 };
	g->listener_events = (struct listener_events){
		.accepted = gate_client_accept, .trouble = trouble,
		.full = protocol->full };
	g->kind = (struct stream_kind){ .on = gate_stream_events,
		.input_max = protocol->input_max, .output_max = 16384,
		.output_ms = 30000, .exact_lines = true };
	arc4random_buf(&g->next_id, sizeof(g->next_id));
	g->next_id >>= 16;
}

int
gate_run(const struct gate_protocol *protocol)
{
	struct gate g;

	gate_init(&g, protocol);
	stage_attach(&g.stage, &g.hooks, &g);
	g.loop = stream_loop_new(g.stage.base, GATE_READ_SIZE);
	g.logins = ipc_pending_new(LOGINS_MAX);
	g.starts = ipc_pending_new(LOGINS_MAX);
	g.tls_keys = tls_keys_new(g.stage.base, protocol->role);
	g.tls = g.tls_keys == NULL ? NULL :
	    tls_server_new(g.tls_keys, protocol->name);
	if (g.tls == NULL || g.loop == NULL || g.logins == NULL || g.starts == NULL ||
	    sweep_begin(&g) == -1) {
		log_error("cannot-start", LOG_ERRNO(errno));
		return 71;
	}
	tls_keys_on_news(g.tls_keys, keys_came, &g);
	return stage_run(&g.stage);
}
