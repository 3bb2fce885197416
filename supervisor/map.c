#include "supervisor/map.h"

#include "common/instance/listener.h"
#include "common/stage/stage.h"

#define T(name) STAGE_TABLE_BIT(STAGE_TABLE_##name)

static const struct map_process processes[] = {
	{ .role = IPC_TLSKEYD, .program = "tlskeyd", .user = "bh-tls",
	    .count = 1, .jail = JAIL_EMPTY, .conf = "tlskeyd.conf",
	    .stop_phase = 3, .locked_memory = 64 << 20 },
	{ .role = IPC_DIRECTORY, .program = "directory", .user = "bh-dir",
	    .count = 1, .jail = JAIL_EMPTY, .conf = "directory.conf",
	    .tables = T(DOMAINS) | T(ALIASES) | T(USERS) | T(SYSTEM_USERS) |
		T(RECIPIENTS) | T(ROUTES) | T(SRS_SECRETS) | T(UTMP),
	    .stop_phase = 3 },
	{ .role = IPC_AUTHD, .program = "authd", .user = "bh-auth",
	    .count = 1, .jail = JAIL_EMPTY, .conf = "authd.conf",
	    .tables = T(DOMAINS) | T(USERS) | T(PASSWORDS) | T(SYSTEM_USERS) |
		T(SCRAM_SECRET),
	    .stop_phase = 3 },
	{ .role = IPC_AUTHD_VERIFIER, .program = "authd-verifier",
	    .user = "bh-auth", .count = 2, .jail = JAIL_EMPTY,
	    .conf = "authd.conf", .stop_phase = 3 },
	{ .role = IPC_AUTHD_PAM, .program = "authd-pam", .user = "bh-pam",
	    .group = "shadow", .start = START_DEMAND, .jail = JAIL_NONE,
	    .network = true, .conf = "authd.conf", .stop_phase = 1,
	    .deadline_s = 30, .alone = true },
	{ .role = IPC_QUEUE_MANAGER, .program = "queue-manager",
	    .user = "bh-queue", .count = 1, .jail = JAIL_SPOOL,
	    .conf = "queue-manager.conf", .stop_phase = 2,
	    .oom_score = -500 },
	{ .role = IPC_LOCAL_DELIVERY, .program = "local-delivery",
	    .user = "bh-deliver", .count = 1, .jail = JAIL_EMPTY,
	    .conf = "local-delivery.conf", .stop_phase = 2 },
	{ .role = IPC_DELIVERY_WORKER, .program = "local-delivery-worker",
	    .start = START_DEMAND, .jail = JAIL_HOME,
	    .conf = "local-delivery.conf", .stop_phase = 2 },
	{ .role = IPC_RESOLVER, .program = "resolver", .user = "bh-dns",
	    .count = 1, .jail = JAIL_EMPTY, .network = true,
	    .conf = "resolver.conf", .tables = T(TRUST_ANCHORS) | T(ROOT_KEY) |
	    T(RESOLV_CONF), .stop_phase = 3 },
	/* As its user, where its user is: what a program run from ~/.forward
	 * may do is what the user may do.  Its end is the end of them all. */
	{ .role = IPC_RUNNER, .program = "local-delivery-runner",
	    .start = START_DEMAND, .jail = JAIL_NONE, .network = true,
	    .alone = true,
	    .conf = "local-delivery.conf", .tables = T(SYSTEM_USERS),
	    .stop_phase = 2 },
	{ .role = IPC_REMOTE_RELAY, .program = "remote-relay",
	    .user = "bh-relay", .count = 1, .jail = JAIL_EMPTY,
	    .network = true, .conf = "remote-relay.conf",
	    .tables = T(RELAY_PASSWORDS) | T(TRUSTED_ROOTS), .stop_phase = 2,
	    .oom_score = 200 },
	/* Its connections come from supervisor: it can make none. */
	{ .role = IPC_MILTERD, .program = "milterd", .user = "bh-milter",
	    .count = 1, .jail = JAIL_EMPTY, .conf = "milterd.conf",
	    .stop_phase = 2, .oom_score = 200 },
	{ .role = IPC_SMTPD, .program = "smtpd", .user = "bh-smtpd",
	    .count = 1, .jail = JAIL_EMPTY, .conf = "smtpd.conf",
	    .tables = T(CLIENTS),
	    .listeners = listener_block_smtpd, .stop_phase = 0,
	    .oom_score = 300 },
	{ .role = IPC_SUBMIT, .program = "smtpd", .user = "bh-submit",
	    .count = 1, .jail = JAIL_EMPTY, .conf = "smtpd.conf",
	    .listeners = listener_block_smtpd, .service = LISTENER_SUBMISSION,
	    .injection = true, .stop_phase = 0,
	    .oom_score = 300 },
	/* LMTP: none where smtpd.conf has no listener for it. */
	{ .role = IPC_LMTP, .program = "smtpd", .user = "bh-lmtp",
	    .count = 1, .jail = JAIL_EMPTY, .conf = "smtpd.conf",
	    .listeners = listener_block_smtpd, .service = LISTENER_LMTP,
	    .only_listening = true, .stop_phase = 0, .oom_score = 300 },
	{ .role = IPC_POP3D, .program = "pop3d", .user = "bh-pop3d",
	    .count = 1, .jail = JAIL_EMPTY, .conf = "pop3d.conf",
	    .listeners = listener_block_pop3d, .stop_phase = 1,
	    .oom_score = 300 },
	{ .role = IPC_POP3D_SESSION, .program = "pop3d-session",
	    .start = START_DEMAND, .jail = JAIL_HOME, .conf = "pop3d.conf",
	    .stop_phase = 1, .oom_score = 500 },
	{ .role = IPC_IMAPD, .program = "imapd", .user = "bh-imapd",
	    .count = 1, .jail = JAIL_EMPTY, .conf = "imapd.conf",
	    .listeners = listener_block_imapd, .stop_phase = 1,
	    .oom_score = 300 },
	{ .role = IPC_IMAPD_SESSION, .program = "imapd-session",
	    .start = START_DEMAND, .jail = JAIL_HOME, .conf = "imapd.conf",
	    .stop_phase = 1, .oom_score = 500 },
};

/*
 * Who may talk to whom, besides everyone to supervisor.  A worker's or
 * helper's channel goes to the one who asked for it, and to nobody else.
 */
static const struct map_edge {
	enum ipc_role	a, b;
} edges[] = {
	{ IPC_SMTPD, IPC_DIRECTORY },
	{ IPC_SMTPD, IPC_QUEUE_MANAGER },
	{ IPC_SMTPD, IPC_RESOLVER },
	{ IPC_QUEUE_MANAGER, IPC_REMOTE_RELAY },
	{ IPC_REMOTE_RELAY, IPC_RESOLVER },
	{ IPC_SMTPD, IPC_MILTERD },
	{ IPC_SUBMIT, IPC_MILTERD },
	{ IPC_LMTP, IPC_MILTERD },
	{ IPC_SUBMIT, IPC_DIRECTORY },
	{ IPC_SUBMIT, IPC_QUEUE_MANAGER },
	{ IPC_LMTP, IPC_DIRECTORY },
	{ IPC_LMTP, IPC_QUEUE_MANAGER },
	{ IPC_QUEUE_MANAGER, IPC_DIRECTORY },
	{ IPC_QUEUE_MANAGER, IPC_LOCAL_DELIVERY },
	{ IPC_LOCAL_DELIVERY, IPC_DIRECTORY },
	{ IPC_SUBMIT, IPC_AUTHD },
	{ IPC_POP3D, IPC_AUTHD },
	{ IPC_IMAPD, IPC_AUTHD },
	{ IPC_AUTHD, IPC_AUTHD_VERIFIER },
	{ IPC_SMTPD, IPC_TLSKEYD },
	{ IPC_SUBMIT, IPC_TLSKEYD },
	{ IPC_LMTP, IPC_TLSKEYD },
	{ IPC_POP3D, IPC_TLSKEYD },
	{ IPC_IMAPD, IPC_TLSKEYD },
	{ IPC_REMOTE_RELAY, IPC_TLSKEYD },
};

const struct map_process *
map_at(size_t i)
{
	if (i >= sizeof(processes) / sizeof(processes[0]))
		return NULL;
	return &processes[i];
}

const struct map_process *
map_process(enum ipc_role role)
{
	const struct map_process *p;

	for (size_t i = 0; (p = map_at(i)) != NULL; i++)
		if (p->role == role)
			return p;
	return NULL;
}

bool
map_has_edge(enum ipc_role a, enum ipc_role b)
{
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		if ((edges[i].a == a && edges[i].b == b) ||
		    (edges[i].a == b && edges[i].b == a))
			return true;
	return false;
}

unsigned
map_uid_offset(enum ipc_role role)
{
	/* authd's verifiers are authd as far as the kernel is concerned. */
	return (unsigned)(role == IPC_AUTHD_VERIFIER ? IPC_AUTHD : role);
}
