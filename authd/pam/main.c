/*
 * authd-pam: one PAM conversation for authd, then the end.  The only process
 * of ours with no jail, since modules need the host; what it can be made to
 * do, it can do for one attempt, and supervisor kills it after 30 seconds.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "authd/pam/attempt.h"
#include "authd/settings.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "common/stage/stage.h"

struct pam_helper {
	struct stage	 stage;
	struct settings	*settings;
	bool		 done;
};

static int
on_attempt(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct pam_helper *p = ctx;
	const struct authd_settings *s;
	struct auth_pam_attempt attempt;
	uint8_t body[16];
	size_t len;

	if (p->done || p->settings == NULL ||
	    auth_pam_attempt_decode(m->body, &attempt) == -1)
		return -1;
	p->done = true;
	s = settings_values(p->settings);
	len = auth_pam_verdict_encode(pam_attempt(s->pam_dir, s->pam_service,
	    &attempt), body);
	/* 16 octets into an empty socket: never kept for later. */
	ipc_send(ch, IPC_PAM_VERDICT, m->id, slice_of(body, len), NULL, 0);
	stage_finished(&p->stage, 0);
	return 0;
}

/* authd has gone, or does not want to know any more. */
static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct pam_helper *p = ctx;

	(void)ch;
	stage_finished(&p->stage, 0);
}

static const struct ipc_handler handlers[] = {
	{ IPC_PAM_ATTEMPT, on_attempt },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
};

static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	struct pam_helper *p = ctx;
	struct settings_errors errors = { 0 };

	(void)shared_fd;
	settings_free(p->settings);
	p->settings = settings_read(&authd_schema, own_fd, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused", LOG_CSTR("reason",
		    errors.at[i]));
	return p->settings == NULL ? -1 : 0;
}

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct pam_helper *p = ctx;

	(void)instance;
	if (peer != IPC_AUTHD) {
		close(fd);
		return -1;
	}
	if (ipc_channel_new(p->stage.base, fd, IPC_AUTHD_PAM, peer, &events,
	    p) != NULL)
		return 0;
	log_error("cannot-open-channel", LOG_ERRNO(errno));
	return -1;
}

static const struct stage_hooks hooks = {
	.role = IPC_AUTHD_PAM,
	.settings = take_settings,
	.channel = take_channel,
};

int
main(int argc, char *argv[])
{
	struct pam_helper p = { 0 };
	int status;

	stage_open(argc, argv, &hooks);
	sandbox_enter(IPC_AUTHD_PAM);	/* no jail; all the rest */
	stage_attach(&p.stage, &hooks, &p);
	status = stage_run(&p.stage);
	settings_free(p.settings);
	return status;
}
