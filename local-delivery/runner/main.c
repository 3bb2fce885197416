/*
 * local-delivery-runner: one system user's ~/.forward, read and obeyed with
 * that user's rights.  See runner.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/accounts/system_users.h"
#include "common/instance/instance.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "local-delivery/runner/runner.h"

uint64_t
runner_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- the channel to local-delivery ---- */

static int
on_forward(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	char *body = malloc(m->body.len + 1);

	(void)ch;
	if (body == NULL)
		return -1;	/* it is tried again later */
	memcpy(body, m->body.at, m->body.len);
	return task_begin(ctx, m->id, body, m->body.len,
	    ipc_message_take_fd(m, 0)) ? 0 : -1;
}

/* Nobody wants us any more: neither what is under way. */
static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct runner *rn = ctx;

	(void)ch;
	rn->channel = NULL;
	stage_finished(&rn->stage, 0);
}

static const struct ipc_handler handlers[] = {
	{ IPC_FORWARD, on_forward },
};

static const struct ipc_events events = {
	.handlers = handlers, .count = 1, .closed = on_closed,
};

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct runner *rn = ctx;

	(void)instance;
	if (peer != IPC_LOCAL_DELIVERY || rn->channel != NULL) {
		close(fd);
		return -1;
	}
	rn->channel = ipc_channel_new(rn->stage.base, fd, IPC_RUNNER,
	    IPC_LOCAL_DELIVERY, &events, rn);
	return rn->channel != NULL ? 0 : -1;
}

/* ---- what supervisor gives ---- */

/* Are we the one whom aliases' programs run as? */
static int
take_shared(struct runner *rn, int fd)
{
	struct settings_errors errors = { 0 };
	struct settings *s = settings_read(&instance_schema, fd, &errors);
	uid_t uid;
	gid_t gid;

	if (s == NULL)
		return -1;
	rn->for_aliases = instance_programs_user(settings_values(s), &uid,
	    &gid) == 0 && uid == getuid();
	strlcpy(rn->utmp, ((const struct instance_settings *)
	    settings_values(s))->utmp_file, sizeof(rn->utmp));
	settings_free(s);
	return 0;
}

static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	struct settings_errors errors = { 0 };
	struct runner *rn = ctx;
	struct settings *s;

	if (take_shared(rn, shared_fd) == -1)
		return -1;
	s = settings_read(&local_delivery_schema, own_fd, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused", LOG_CSTR("reason", errors.at[i]));
	if (s == NULL)
		return -1;
	settings_free(rn->settings);
	rn->settings = s;
	rn->set = settings_values(s);
	return 0;
}

static void
user_clear(struct runner_user *u)
{
	free(u->name);
	free(u->home);
	free(u->shell);
	*u = (struct runner_user){ NULL, NULL, NULL };
}

/* An instance with numeric uids has no name for its programs_user. */
static int
nameless(struct runner *rn)
{
	if (!rn->for_aliases)
		return -1;
	rn->user.name = strdup(INSTANCE_PROGRAMS_USER);
	rn->user.home = strdup("/");
	rn->user.shell = strdup("/bin/sh");
	return rn->user.name == NULL || rn->user.home == NULL ||
	    rn->user.shell == NULL ? -1 : 0;
}

static int
find_user(struct runner *rn, const struct system_users *all)
{
	const struct system_user *u = system_users_by_uid(all, getuid());
	struct slice shell;

	user_clear(&rn->user);
	if (u == NULL)
		return nameless(rn);
	/* passwd(5): an empty one is the standard shell. */
	shell = u->shell.len > 0 ? u->shell : slice_str("/bin/sh");
	rn->user.name = strndup(u->name.at, u->name.len);
	rn->user.home = strndup(u->home.at, u->home.len);
	rn->user.shell = strndup(shell.at, shell.len);
	return rn->user.name == NULL || rn->user.home == NULL ||
	    rn->user.shell == NULL ? -1 : 0;
}

static int
take_table(void *ctx, enum stage_table table, int fd)
{
	struct system_users *all = NULL;
	struct table_error err;
	size_t len, skipped;
	char *text;
	int r = -1;

	if (table != STAGE_TABLE_SYSTEM_USERS ||
	    table_read(fd, &text, &len, &err) == -1)
		return -1;
	all = system_users_compile(slice_of(text, len), 1, UINT32_MAX - 1,
	    &skipped, &err);
	if (all != NULL)
		r = find_user(ctx, all);
	if (r == -1)
		log_error("no-such-user", LOG_NUM("uid", getuid()));
	system_users_free(all);
	free(text);
	return r;
}

static int
commit(void *ctx, bool first)
{
	const struct runner *rn = ctx;

	(void)first;
	return rn->user.name != NULL && rn->set != NULL ? 0 : -1;
}

static const struct stage_hooks hooks = {
	.role = IPC_RUNNER,
	.settings = take_settings,
	.table = take_table,
	.channel = take_channel,
	.commit = commit,
};

int
main(int argc, char *argv[])
{
	struct task *t, *next;
	struct runner *rn;
	int status;

	stage_open(argc, argv, &hooks);
	/* A file size limit is an error to report (EFBIG), not the end. */
	signal(SIGXFSZ, SIG_IGN);
	sandbox_enter(IPC_RUNNER);	/* its user's rights, and nothing else */
	rn = calloc(1, sizeof(*rn));
	if (rn == NULL) {
		log_error("cannot-start", LOG_CSTR("reason", "no memory"));
		return 71;
	}
	TAILQ_INIT(&rn->tasks);
	stage_attach(&rn->stage, &hooks, rn);
	status = stage_run(&rn->stage);
	for (t = TAILQ_FIRST(&rn->tasks); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		task_free(t);
	}
	user_clear(&rn->user);
	settings_free(rn->settings);
	free(rn);
	return status;
}
