/*
 * supervisor(8): starts, watches, restarts, reloads and stops all the others;
 * the only process that runs as root.  map.c says who they are.
 */
#include "supervisor/supervisor.h"

#include <sys/resource.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

static void
on_signal(int sig, short what, void *arg)
{
	struct supervisor *sv = arg;

	(void)what;
	if (sig == SIGCHLD)
		process_reap(sv);
	else if (sig == SIGHUP)
		life_reload(sv, -1);
	else
		life_stop(sv);
}

static void
signals_catch(struct supervisor *sv)
{
	static const int caught[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		sv->signals[i] = evsignal_new(sv->base, caught[i], on_signal,
		    sv);
		if (sv->signals[i] == NULL ||
		    event_add(sv->signals[i], NULL) == -1) {
			log_error("cannot-start", LOG_CSTR("step", "signals"));
			exit(71);
		}
	}
}

/* Every process needs some for its descriptors; each lowers its own again. */
static void
raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return;
	if (rl.rlim_max != RLIM_INFINITY && rl.rlim_max < 65536)
		rl.rlim_max = 65536;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1 &&
	    getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static void
event_clear(struct event *e)
{
	if (e != NULL)
		event_free(e);
}

/* Everything has stopped: give back what is left, in reverse order. */
static void
clear(struct supervisor *sv)
{
	control_close(sv);
	process_clear_all(sv);
	ipc_pending_free(sv->pending);
	event_clear(sv->log_timer);
	event_clear(sv->watch);
	event_clear(sv->watch_timer);
	for (size_t i = 0; i < sizeof(sv->signals) / sizeof(sv->signals[0]);
	    i++)
		event_clear(sv->signals[i]);
	event_base_free(sv->base);
	load_clear(sv);
}

int
main(int argc, char *argv[])
{
	struct supervisor sv;

	options_parse(&sv, argc, argv);
	load_settings(&sv);		/* whole, or we do not start */
	logger_open(&sv);
	uids_check(&sv);		/* nobody else's */
	load_directories(&sv);		/* ours alone */
	load_accounts(&sv);
	raise_limits();
	if ((sv.base = event_base_new()) == NULL)
		return 71;
	signals_catch(&sv);
	owners_init(&sv);
	control_open(&sv);
	watch_open(&sv);
	logger_watch(&sv);
	process_start_all(&sv);
	event_base_dispatch(sv.base);	/* returns when all have stopped */
	clear(&sv);
	log_notice("stopped", LOG_INT("status", sv.status));
	return sv.status;
}
