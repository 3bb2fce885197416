#include "common/sandbox/profiles.h"

#define M	((uint64_t)1 << 20)
#define G	((uint64_t)1 << 30)

/*
 * role, calls, jail, often, address space, file size, descriptors.
 *
 * File sizes hold for memory files too.  A process whose parser meets
 * strangers gets the smallest row that it can live with.
 */
static const struct sandbox profiles[] = {
	/* Thousands of strangers; hands on what they send as memory files
	 * of 256 KiB and envelopes, never opens anything. */
	{ IPC_SMTPD, CALLS_BASE | CALLS_CLIENTS | CALLS_MEMFD, SANDBOX_EMPTY,
	    false, 4 * G, 16 * M, 65536 },
	{ IPC_SUBMIT, CALLS_BASE | CALLS_CLIENTS | CALLS_MEMFD, SANDBOX_EMPTY,
	    false, 4 * G, 16 * M, 65536 },
	{ IPC_LMTP, CALLS_BASE | CALLS_CLIENTS | CALLS_MEMFD, SANDBOX_EMPTY,
	    false, 4 * G, 16 * M, 65536 },
	/* The spool: segments, large contents and the LMDB index, whose map
	 * takes address space and no memory.  Makes memory files of large
	 * envelopes and of bounces. */
	{ IPC_QUEUE_MANAGER, CALLS_BASE | CALLS_MEMFD | CALLS_FILES |
	    CALLS_LMDB | CALLS_SPOOL, SANDBOX_TREE, false, 256 * G,
	    SANDBOX_UNLIMITED, 16384 },
	/* Passes messages on, and copies those that are forwarded into
	 * memory files. */
	{ IPC_LOCAL_DELIVERY, CALLS_BASE | CALLS_MEMFD, SANDBOX_EMPTY, false,
	    2 * G, 16 * M, 16384 },
	/* One owner's Maildir. */
	{ IPC_DELIVERY_WORKER, CALLS_BASE | CALLS_FILES | CALLS_LMDB,
	    SANDBOX_TREE, true, 8 * G, SANDBOX_UNLIMITED, 1024 },
	/* One user's ~/.forward, and the programs that it names, with that
	 * user's rights on the host. */
	{ IPC_RUNNER, CALLS_BASE | CALLS_MEMFD | CALLS_FILES | CALLS_PROGRAM,
	    SANDBOX_USER, true, 0, SANDBOX_UNLIMITED, 1024 },
	/* Tables come as descriptors and live in memory. */
	{ IPC_DIRECTORY, CALLS_BASE, SANDBOX_EMPTY, false, 8 * G, 0, 1024 },
	{ IPC_AUTHD, CALLS_BASE, SANDBOX_EMPTY, false, 4 * G, 0, 1024 },
	/* crypt(3) alone; yescrypt takes some MiB for a moment. */
	{ IPC_AUTHD_VERIFIER, CALLS_BASE, SANDBOX_EMPTY, false, 2 * G, 0, 64 },
	/* The private keys: reads them from descriptors, signs, and has
	 * nothing else. */
	{ IPC_TLSKEYD, CALLS_BASE, SANDBOX_EMPTY, false, 1 * G, 0, 64 },
	/* Runs what the host's administrator put into /etc/pam.d: no jail,
	 * may load modules, ask name services and run unix_chkpwd(8). */
	{ IPC_AUTHD_PAM, CALLS_BASE | CALLS_FILES | CALLS_PAM, SANDBOX_HOST,
	    true, 4 * G, 1 * M, 256 },
	/* Talks to hosts that strangers name, at the ports of its routes
	 * (sandbox_connect_only); reads the contents that it is given. */
	{ IPC_REMOTE_RELAY, CALLS_BASE | CALLS_CONNECT, SANDBOX_EMPTY, false,
	    4 * G, 0, 65536 },
	/* Reads contents, writes changed ones into memory files, and talks on
	 * connections that were made for it. */
	{ IPC_MILTERD, CALLS_BASE | CALLS_STREAM | CALLS_MEMFD, SANDBOX_EMPTY,
	    false, 4 * G, 16 * M, 65536 },
	/* Parses what name servers send; a socket for each question under
	 * way, so that each has a source port of its own. */
	{ IPC_RESOLVER, CALLS_BASE | CALLS_DNS, SANDBOX_EMPTY, false, 8 * G, 0,
	    16384 },
	/* Strangers until they have logged in; the handoff record is a
	 * memory file of a few KiB. */
	{ IPC_POP3D, CALLS_BASE | CALLS_CLIENTS | CALLS_MEMFD | CALLS_PAIR,
	    SANDBOX_EMPTY, false, 2 * G, 1 * M, 65536 },
	{ IPC_IMAPD, CALLS_BASE | CALLS_CLIENTS | CALLS_MEMFD | CALLS_PAIR,
	    SANDBOX_EMPTY, false, 2 * G, 1 * M, 65536 },
	/* One owner's mail and one connection. */
	{ IPC_POP3D_SESSION, CALLS_BASE | CALLS_STREAM | CALLS_FILES |
	    CALLS_LMDB, SANDBOX_TREE, true, 8 * G, SANDBOX_UNLIMITED, 1024 },
	{ IPC_IMAPD_SESSION, CALLS_BASE | CALLS_STREAM | CALLS_FILES |
	    CALLS_LMDB | CALLS_WATCH, SANDBOX_TREE, true, 8 * G,
	    SANDBOX_UNLIMITED, 1024 },
};

const struct sandbox *
sandbox_profile(enum ipc_role role)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		if (profiles[i].role == role)
			return &profiles[i];
	return NULL;
}
