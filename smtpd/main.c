/*
 * smtpd: receives mail by SMTP (RFC 5321), from the network or from programs
 * of this host, and hands it to queue-manager.  A 250 for a message is said
 * only when queue-manager has said that it is durable.
 */
#include "common/sandbox/sandbox.h"
#include "common/tls/tls.h"
#include "smtpd/smtpd.h"

int
main(int argc, char *argv[])
{
	static struct smtpd d;		/* 70 KiB: too large for the stack */
	struct stage_hooks hooks;

	smtpd_hooks(&d, ipc_role_by_name(argv[0]), &hooks);
	stage_open(argc, argv, &hooks);
	if (tls_library_start() == -1)
		return 71;
	sandbox_enter(hooks.role);
	stage_attach(&d.stage, &hooks, &d);
	smtpd_init(&d);
	return stage_run(&d.stage);	/* when told to stop, and all is done */
}
