/*
 * pop3d-session: POP3 after login (RFC 1939 sections 5 and 6), as the
 * mailbox's owner, jailed in the owner's home.
 */
#include "common/session/session.h"
#include "common/sandbox/sandbox.h"
#include "pop3d/session/transaction.h"

int
main(int argc, char *argv[])
{
	struct transaction t = { .produce = NULL };

	session_open(argc, argv, IPC_POP3D_SESSION);
	sandbox_enter(IPC_POP3D_SESSION);
	return session_run(&t.session, &pop3_session_program, &t);
}
