/*
 * Who can stand at an end of a channel.  One name for a kind of process,
 * however many of that kind run.
 */
#ifndef COMMON_IPC_ROLES_H
#define COMMON_IPC_ROLES_H

#define IPC_ROLES(X)							\
	X(SUPERVISOR, "supervisor")					\
	X(SMTPD, "smtpd")						\
	X(SUBMIT, "smtpd-submit")					\
	X(LMTP, "smtpd-lmtp")						\
	X(QUEUE_MANAGER, "queue-manager")				\
	X(LOCAL_DELIVERY, "local-delivery")				\
	X(DELIVERY_WORKER, "local-delivery-worker")			\
	X(DIRECTORY, "directory")					\
	X(AUTHD, "authd")						\
	X(AUTHD_VERIFIER, "authd-verifier")				\
	X(AUTHD_PAM, "authd-pam")					\
	X(POP3D, "pop3d")						\
	X(POP3D_SESSION, "pop3d-session")				\
	X(IMAPD, "imapd")						\
	X(IMAPD_SESSION, "imapd-session")				\
	X(TLSKEYD, "tlskeyd")						\
	X(RESOLVER, "resolver")						\
	X(REMOTE_RELAY, "remote-relay")					\
	X(RUNNER, "local-delivery-runner")				\
	X(MILTERD, "milterd")						\
	X(CONTROL, "control")	/* bulkhead(8), an operator's command */

enum ipc_role {
#define X(name, text) IPC_##name,
	IPC_ROLES(X)
#undef X
	IPC_ROLE_COUNT
};

#define IPC_BIT(role) (1u << (role))

/* The name of the role as logs and the process list show it. */
const char *ipc_role_name(enum ipc_role);
/* The role of that name, or IPC_ROLE_COUNT. */
enum ipc_role ipc_role_by_name(const char *);

#endif
