/*
 * supervisor: the one process that runs as root.
 *
 * It parses the instance's settings, the users table and the password file,
 * and otherwise only messages of fixed size.  No text from the network ever
 * reaches it; a connection and what was read ahead on it pass through as
 * descriptors that it never reads.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <bsd/sys/queue.h>

#include "common/accounts/account.h"
#include "common/instance/instance.h"
#include "common/ipc/ipc.h"
#include "common/ipc/operator.h"
#include "common/ipc/pending.h"
#include "common/log/log.h"
#include "supervisor/map.h"

struct event;
struct event_base;
struct supervisor;
struct request;
struct joint;

enum process_state {
	/* not running; will be started again */
	PROCESS_DOWN		= OPERATOR_STATE_DOWN,
	/* has not answered its first commit */
	PROCESS_STARTING	= OPERATOR_STATE_STARTING,
	PROCESS_READY		= OPERATOR_STATE_READY,
	/* told to stop */
	PROCESS_STOPPING	= OPERATOR_STATE_STOPPING
};

struct process {
	TAILQ_ENTRY(process)	 entry;
	struct supervisor	*sv;
	const struct map_process *map;
	unsigned		 instance;
	enum process_state	 state;
	pid_t			 pid;		/* 0: none */
	uid_t			 uid;
	struct ipc_channel	*channel;
	struct event		*timer;		/* restart, or kill */
	unsigned		 failures;	/* in a row, for the delay */
	unsigned		 restarts;
	time_t			 since;		/* monotonic seconds */
	struct account		 account;	/* START_DEMAND of an owner */
};

TAILQ_HEAD(processes, process);
TAILQ_HEAD(requests, request);
TAILQ_HEAD(joints, joint);

enum { SUPERVISOR_HANDLERS_MAX = 10 };

/* What a new process runs as and where. */
struct identity {
	uid_t	uid;
	gid_t	gid;
	gid_t	group;		/* supplementary; 0: none */
	int	jail_fd;	/* -1: JAIL_NONE; borrowed */
};

/* A socket of a logger, as stat(2) tells it from others. */
struct log_socket {
	dev_t dev;
	ino_t inode;
	struct timespec changed;
};

struct supervisor {
	/* options */
	const char		*conf_dir;
	bool			 foreground;
	int			 ready_fd;	/* tells who started us; or -1 */

	/* what the files say */
	int			 conf_fd;
	struct settings		*settings;
	const struct instance_settings *instance;
	char			 hostname[256];
	struct account_rules	 rules;
	struct users_table	*users;
	struct system_users	*system_users;

	/* the instance's directories */
	int			 program_fd, empty_fd, spool_fd, mail_fd,
				 run_fd;
	int			 netns_fd;	/* empty one, or -1 */
	int			 null_fd;

	/* log */
	int			 log_fd;
	enum log_form		 log_form;
	struct event		*log_timer;
	struct log_socket log_socket;

	struct event_base	*base;
	struct event		*signals[4];
	struct event		*watch, *watch_timer;
	int			 watch_fd;
	int			 watch_lists;	/* the directory's; -1: none */
	unsigned		 watch_tables;	/* changed, not yet passed on */
	struct processes	 processes;
	struct joints		 joints;	/* channels between them */
	uint64_t		 channels_made;
	struct ipc_handler	 handlers[SUPERVISOR_HANDLERS_MAX];
	struct ipc_events	 channel_events;	/* of every stage */
	unsigned		 sessions, workers, runners;
	struct settings		*milters;	/* blocks of milterd.conf */
	struct ipc_pending	*pending;	/* tickets being redeemed */
	struct requests		 requests;	/* the same, as a list */
	struct control		*control;
	bool			 ready, stopping;
	unsigned		 stop_phase;
	int			 status;
};

/* ---- options.c ---- */
void options_parse(struct supervisor *, int argc, char *argv[]);

/* ---- load.c: settings, directories, uids; each exits with one sentence */
void load_settings(struct supervisor *);
/* Tell log, terminal and bulkhead(8) why, and exit with EX_CONFIG. */
void load_refuse(const struct supervisor *, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));
/* Something may be left of an instance that was killed a moment ago: wait
 * before the next try.  false: tries were enough. */
bool load_wait(unsigned tries);
void load_directories(struct supervisor *);
/* Read users and password file again; a broken one keeps the old in use. */
void load_accounts(struct supervisor *);
/* Free what the files said. */
void load_clear(struct supervisor *);
/* Open a file of the configuration directory read-only; an absent one is an
 * empty one.  -1 with errno. */
int load_open(const struct supervisor *, const char *file);

/* ---- uids.c ---- */
/* Refuse uids that somebody else uses; a process that is about to end is
 * waited for. */
void uids_check(const struct supervisor *);
/* Who a process of this kind runs as, but for its jail.  -1: no such user. */
int uids_of(const struct supervisor *, const struct map_process *,
    struct identity *);

/* ---- logger.c ---- */
void logger_open(struct supervisor *);
void logger_watch(struct supervisor *);

/* ---- netns.c ---- */
/* An empty network namespace, or -1 where the kernel gives none. */
int netns_empty(void);

/* ---- spawn.c ---- */
/*
 * Start the program as the identity, with channel, log and jail where
 * common/stage/stage.h says.  Returns the pid or -1 with errno.
 */
pid_t spawn(const struct supervisor *, const struct map_process *,
    const struct identity *, int channel_fd);

/* ---- process.c ---- */
void process_start_all(struct supervisor *);
/* A process on demand; NULL with errno.  Its channel is ready for more. */
struct process *process_start_for(struct supervisor *, enum ipc_role,
    struct account, const struct identity *);
/* At the end, when all have stopped. */
void process_clear_all(struct supervisor *);
void process_reap(struct supervisor *);
void process_stop(struct process *);
void process_restart(struct process *);
void process_kill(struct process *);

/* ---- supply.c ---- */
/* Settings, tables, listeners; then the caller sends channels and commits. */
int supply_settings(struct process *);
int supply_tables(struct process *, unsigned tables);
/* The lists that aliases may include (lists.c). */
int lists_give(struct process *);
int supply_listeners(struct process *);
void supply_commit(struct process *);

/* ---- certificates.c ---- */
/* Certificates to who serves TLS, keys to tlskeyd; -1: the channel, or
 * bulkhead.conf, will not do. */
int supply_certificates(struct process *);

/* ---- milters.c ---- */
/* What milterd.conf names; -1: it will not do, and the former stays. */
int milters_load(struct supervisor *);
/* MILTER_CONNECT. */
int milters_connect(void *process, struct ipc_channel *, struct ipc_message *);

/* ---- broker.c ---- */
/* Give p a fresh channel to each live peer that the map names. */
void broker_connect(struct process *);
/* Give two ends of a fresh pair; -1 with errno. */
int broker_give(struct process *, enum ipc_role peer, unsigned instance,
    int fd);
/* STAGE_CHANNEL_LOST. */
int broker_lost(void *process, struct ipc_channel *, struct ipc_message *);
void broker_clear(struct supervisor *);

/* ---- owners.c: tickets, vouchers, sessions, workers, PAM helpers ---- */
extern const struct ipc_handler owner_handlers[];
extern const unsigned owner_handler_count;
void owners_init(struct supervisor *);
/* The peer that was asked has gone: what waited for it is refused. */
void owners_channel_lost(struct supervisor *, struct ipc_channel *);

/* ---- homes.c ---- */
/* The owner's home as a directory descriptor, made when it may be; or -1. */
int home_open(const struct supervisor *, const struct account_place *);

/* ---- listeners.c ---- */
/* Bind what a stage's settings name.  -1 after logging. */
int listeners_bind(const struct supervisor *, const struct map_process *,
    int (*give)(void *ctx, const char *name, int fd), void *ctx);

/* False for a process that exists for its listeners and has none. */
bool listeners_wanted(const struct supervisor *, const struct map_process *);

/* ---- watch.c ---- */
void watch_open(struct supervisor *);

/* ---- control.c ---- */
void control_open(struct supervisor *);
void control_close(struct supervisor *);

/* ---- notify.c: systemd ---- */
void notify(const char *state);

/* ---- life.c: start, ready, reload, stop of the whole ---- */
void life_ready(struct supervisor *);
void life_failed(struct supervisor *, const struct process *);
int life_reload(struct supervisor *, int role);	/* -1: every stage */
void life_stop(struct supervisor *);
void life_process_ended(struct supervisor *);
time_t life_now(void);

#endif
