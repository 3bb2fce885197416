/*
 * authd-verifier: crypt(3) for authd, which must not wait for it.  It is told
 * hashes and passwords, never whose they are.
 */
#include <errno.h>
#include <unistd.h>

#include "authd/verifier/verify.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "common/stage/stage.h"

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	(void)ctx;
	(void)ch;
}

static const struct ipc_handler handlers[] = {
	{ IPC_VERIFY, verify_handle },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
};

/* Nothing here can be set. */
static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	(void)ctx;
	(void)shared_fd;
	(void)own_fd;
	return 0;
}

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct stage *st = ctx;

	(void)instance;
	if (peer != IPC_AUTHD) {
		close(fd);
		return -1;
	}
	if (ipc_channel_new(st->base, fd, IPC_AUTHD_VERIFIER, peer, &events,
	    st) != NULL)
		return 0;
	log_error("cannot-open-channel", LOG_ERRNO(errno));
	return -1;
}

static const struct stage_hooks hooks = {
	.role = IPC_AUTHD_VERIFIER,
	.settings = take_settings,
	.channel = take_channel,
};

int
main(int argc, char *argv[])
{
	struct stage st;

	stage_open(argc, argv, &hooks);
	sandbox_enter(IPC_AUTHD_VERIFIER);	/* empty jail; one channel */
	stage_attach(&st, &hooks, &st);
	return stage_run(&st);
}
