/*
 * The stage's side of its start and of its life under supervisor: which
 * descriptors it finds, how settings, tables, listeners and channels reach
 * it, and how it is told to reload and to stop.
 *
 * A stage opens no path.  Everything comes as a read-only descriptor, in a
 * batch that ends with a commit; a batch that does not do is refused whole,
 * and what was in use stays in use.
 *
 *	stage_open(argc, argv, &hooks);		log, from descriptor 4
 *	sandbox_enter(...);			from here on we are jailed
 *	stage_attach(&st, &hooks, &daemon);	channel to supervisor
 *	return stage_run(&st);			until we are told to stop
 */
#ifndef COMMON_STAGE_STAGE_H
#define COMMON_STAGE_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/ipc.h"

struct event_base;

/* Where exec leaves what supervisor gives to every process. */
enum {
	STAGE_FD_SUPERVISOR = 3,
	STAGE_FD_LOG = 4,
	STAGE_FD_JAIL = 5,	/* the directory to chroot into, if any */
	STAGE_FD_FIRST_FREE = 6
};

/* The lookup tables; which stage gets which, supervisor's map says. */
#define STAGE_TABLES(X)							\
	X(DOMAINS, "domains")						\
	X(ALIASES, "aliases")						\
	X(USERS, "users")						\
	X(PASSWORDS, "passwords")					\
	X(SYSTEM_USERS, "/etc/passwd")					\
	X(RECIPIENTS, "relay-recipients")				\
	X(ROUTES, "routes")						\
	X(SRS_SECRETS, "srs-secrets")					\
	X(TRUST_ANCHORS, "trust-anchors")				\
	X(ROOT_KEY, "/usr/share/dns/root.key")				\
	X(RESOLV_CONF, "/etc/resolv.conf")				\
	X(CLIENTS, "clients")						\
	X(RELAY_PASSWORDS, "relay-passwords")				\
	X(TRUSTED_ROOTS, "/etc/ssl/certs/ca-certificates.crt")		\
	/* Not beside the others: see common/sasl/secret.h. */		\
	X(SCRAM_SECRET, "scram-secret")					\
	/* Where bulkhead.conf says: utmp_file. */			\
	X(UTMP, "utmp")

enum stage_table {
#define X(name, file) STAGE_TABLE_##name,
	STAGE_TABLES(X)
#undef X
	STAGE_TABLE_COUNT
};

#define STAGE_TABLE_BIT(t) (1u << (t))

/* The table's file name, for messages to people. */
const char *stage_table_name(enum stage_table);

/*
 * What a daemon does with what it is given.  ctx is the daemon's state.
 * Hooks that a daemon does not need are NULL; a message for them is then
 * out of place.  Those that answer int: 0, or -1 to refuse the batch (the
 * hook logs why).
 */
struct stage_hooks {
	enum ipc_role	 role;
	/* Read both files into new settings, to be used at commit.  The
	 * descriptors are closed afterwards. */
	int	(*settings)(void *ctx, int shared_fd, int own_fd);
	/* Read a table, to be used at commit.  An absent table comes as an
	 * empty one.  The descriptor is closed afterwards. */
	int	(*table)(void *ctx, enum stage_table, int fd);
	/* A list that the aliases table of this batch may include. */
	int	(*list)(void *ctx, struct slice name, int fd);
	/* A listening socket, non-blocking, now ours; name is that of its
	 * block in the settings. */
	int	(*listener)(void *ctx, const char *name, int fd);
	/* A new channel; fd is ours.  Never before the first commit, so that
	 * no peer is heard by a daemon without settings: what comes earlier
	 * is held back.  With several peers of a kind, instance tells them apart.  A former channel of the same peer and instance
	 * ends by itself. */
	int	(*channel)(void *ctx, enum ipc_role peer, unsigned instance,
		    int fd);
	/* The batch is whole.  first: begin work.  Otherwise a reload or a
	 * changed table; what cannot change while running is logged. */
	int	(*commit)(void *ctx, bool first);
	/* Told to stop: finish, then call stage_finished().  NULL: exit at
	 * once is fine. */
	void	(*stop)(void *ctx);
	/* Answers and messages of supervisor that are this daemon's own;
	 * their ctx is the daemon's. */
	const struct ipc_handler *more;
	unsigned	 more_count;
};

enum { STAGE_MORE_MAX = 8 };

/* Who is at the other end of a channel, and which of our channels it is. */
struct stage_peer {
	enum ipc_role	role;
	unsigned	instance;	/* of several processes of a kind */
	/* supervisor's, never used again; 0: a channel for once, between
	 * processes of which one does not always run. */
	uint64_t	serial;
};

/* A peer; its channel's end while that waits for the first commit, or -1. */
struct stage_channel {
	struct stage_peer peer;
	int		fd;
};

enum { STAGE_CHANNELS_MAX = 32 };

struct stage {
	struct event_base	*base;
	struct ipc_channel	*supervisor;
	char			 hostname[256];	/* of the instance */
	/* private */
	const struct stage_hooks *hooks;
	void			*ctx;
	struct ipc_handler	 handlers[16 + STAGE_MORE_MAX];
	struct ipc_events	 events;
	struct stage_channel	 channels[STAGE_CHANNELS_MAX];
	unsigned		 channel_count;
	bool			 refused, committed, stopping;
	bool over; /* supervisor has gone */
	int			 status;
};

/*
 * Before the sandbox: take the log from its descriptor.  Exits with one
 * clear sentence when the program was started by hand, or for another role
 * than the hooks': a program with several roles finds which by
 * ipc_role_by_name(argv[0]).
 */
void stage_open(int argc, char *argv[], const struct stage_hooks *);

/* Inside the sandbox: event loop and channel to supervisor.  Exits on error. */
void stage_attach(struct stage *, const struct stage_hooks *, void *ctx);

/* Run until stopped or until supervisor has gone; the exit status. */
int stage_run(struct stage *);

/*
 * The channel that on the peer's side or on ours was closed was the last that
 * hooks.channel gave for this peer: the daemon has none to it now.  supervisor
 * gives a fresh one, when the peer has started again or, where it lives on
 * (one of the two broke the rules of their conversation), after a second.  The
 * side that asks the questions says this; the other need not.
 */
void stage_channel_lost(struct stage *, enum ipc_role peer, unsigned instance);

/*
 * Has supervisor gone?  Then the daemon ends: the loop comes to no other event
 * after the present one.  To be asked where another process is lost and that
 * would count against somebody: the end of that process may be seen first.
 */
bool stage_is_over(struct stage *);

/* The daemon has nothing left to do: stage_run returns with status. */
void stage_finished(struct stage *, int status);

#endif
