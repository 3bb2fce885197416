/*
 * imapd(8), the gate: IMAP before login (RFC 3501 section 3.1).  What follows
 * a login is imapd-session's.
 */
#include "common/gate/gate.h"
#include "common/sandbox/sandbox.h"
#include "imapd/authentication.h"

int
main(int argc, char *argv[])
{
	gate_open(argc, argv, &imap_protocol);
	sandbox_enter(IPC_IMAPD);
	return gate_run(&imap_protocol);
}
