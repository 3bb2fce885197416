/*
 * milterd: asks milters what they think of mail.  Captured, it has the messages
 * that it is showing to milters, and connections to these and to nobody else.
 */
#include "milterd/milterd.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/sandbox/sandbox.h"

enum { READ_SIZE = 65536 };

struct config *
config_new(struct settings *s)
{
	struct config *c = calloc(1, sizeof(*c));
	size_t n = settings_n_groups(s);

	if (c == NULL || (c->keep = calloc(n + 1, sizeof(*c->keep))) == NULL) {
		free(c);
		return NULL;
	}
	c->settings = s;
	c->set = settings_values(s);
	c->users = 1;
	for (size_t i = 0; i < n; i++)
		TAILQ_INIT(&c->keep[i].list);
	return c;
}

void
config_release(struct config *c)
{
	if (c == NULL || --c->users > 0)
		return;
	settings_free(c->settings);
	free(c->keep);
	free(c);
}

/* ---- what supervisor gives us ---- */

static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	struct milterd *d = ctx;
	struct settings_errors errors = { 0 };

	(void)shared_fd; /* all we want of it is stage.hostname */
	settings_free(d->next_settings);
	d->next_settings = settings_read(&milterd_schema, own_fd, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused", LOG_CSTR("reason", errors.at[i]));
	return d->next_settings != NULL ? 0 : -1;
}

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	if ((IPC_SMTPDS & IPC_BIT(peer)) == 0) {
		close(fd);
		return -1;
	}
	return peers_add(ctx, peer, instance, fd);
}

/* Sessions that have begun end by the settings that they began with. */
static int
commit(void *ctx, bool first)
{
	struct milterd *d = ctx;
	struct config *c;

	if (d->next_settings != NULL) {
		if ((c = config_new(d->next_settings)) == NULL)
			return -1;
		d->next_settings = NULL;
		keep_drop_all(d);
		config_release(d->config);
		d->config = c;
	}
	if (d->config == NULL)
		return -1;
	log_notice(first ? "started" : "reloaded",
	    LOG_NUM("milters", settings_n_groups(d->config->settings)));
	return 0;
}

static const struct ipc_handler from_supervisor[] = {
	{ IPC_MILTER_CONNECTED, dial_connected },
	{ IPC_MILTER_UNREACHABLE, dial_unreachable },
};

/*
 * smtpd stops before us: whatever waits for an answer has its own end.  All
 * that is an event goes now, while there is a loop.
 */
static void
stop(void *ctx)
{
	struct milterd *d = ctx;

	peers_clear(d);
	keep_drop_all(d);
	stage_finished(&d->stage, 0);
}

static const struct stage_hooks hooks = {
	.role = IPC_MILTERD,
	.settings = take_settings,
	.channel = take_channel,
	.commit = commit,
	.stop = stop,
	.more = from_supervisor,
	.more_count = sizeof(from_supervisor) / sizeof(from_supervisor[0]),
};

/* ---- the process ---- */

static int
milterd_init(struct milterd *d)
{
	TAILQ_INIT(&d->peers);
	d->loop = stream_loop_new(d->stage.base, READ_SIZE);
	if (d->loop == NULL)
		return -1;
	milterd_kind(d);
	keep_kind(d);
	if (dial_init(d) == -1 ||
	    sibling_init(&d->supervisor, MILTERD_DIALS_MAX) == -1)
		return -1;
	d->supervisor.ch = d->stage.supervisor;
	return 0;
}

/* Where supervisor has gone, peers and connections are left as they are: with
 * us they end. */
static void
milterd_clear(struct milterd *d)
{
	stream_loop_free(d->loop);
	settings_free(d->next_settings);
	if (TAILQ_EMPTY(&d->peers))
		config_release(d->config);
}

int
main(int argc, char *argv[])
{
	static struct milterd d; /* most of a MiB: too large for the stack */
	int status;

	stage_open(argc, argv, &hooks);
	sandbox_enter(IPC_MILTERD);
	stage_attach(&d.stage, &hooks, &d);
	if (milterd_init(&d) == -1) {
		log_error("cannot-start", LOG_ERRNO(errno));
		return 71;
	}
	status = stage_run(&d.stage);
	milterd_clear(&d);
	return status;
}
