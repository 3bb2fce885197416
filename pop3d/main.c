/*
 * pop3d(8), the gate: POP3 before login (RFC 1939 section 4, AUTHORIZATION
 * state).  What follows a login is pop3d-session's.
 */
#include "common/gate/gate.h"
#include "common/sandbox/sandbox.h"
#include "pop3d/authorization.h"

int
main(int argc, char *argv[])
{
	gate_open(argc, argv, &pop3_protocol);
	sandbox_enter(IPC_POP3D);
	return gate_run(&pop3_protocol);
}
