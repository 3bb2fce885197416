#include <errno.h>

#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "remote-relay/remote_relay.h"

int
main(int argc, char *argv[])
{
	struct remote_relay rr = { .loop = NULL };
	int status;

	stage_open(argc, argv, &remote_relay_hooks);
	if (tls_library_start() == -1)
		return 71;
	own_addresses_init(&rr.own);	/* the interfaces; needs netlink */
	sandbox_enter(IPC_REMOTE_RELAY);	/* empty jail; TCP to others */
	stage_attach(&rr.stage, &remote_relay_hooks, &rr);
	if (remote_relay_init(&rr) == -1) {
		log_error("cannot-start", LOG_ERRNO(errno));
		return 71;	/* EX_OSERR */
	}
	status = stage_run(&rr.stage);
	remote_relay_clear(&rr);
	return status;
}
