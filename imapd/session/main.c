/*
 * imapd-session: IMAP after login (RFC 3501 sections 6.3 and 6.4), as the
 * mailbox's owner, jailed in the owner's home.
 */
#include "common/sandbox/sandbox.h"
#include "common/session/session.h"
#include "imapd/session/session.h"

int
main(int argc, char *argv[])
{
	struct imap s = { .folder = NULL };

	session_open(argc, argv, IPC_IMAPD_SESSION);
	sandbox_enter(IPC_IMAPD_SESSION);
	return session_run(&s.session, &imap_session_program, &s);
}
