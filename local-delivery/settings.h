/* local-delivery.conf: see local-delivery.conf(5). */
#ifndef LOCAL_DELIVERY_SETTINGS_H
#define LOCAL_DELIVERY_SETTINGS_H

#include "common/settings/settings.h"

#define LOCAL_DELIVERY_SETTINGS(X)                                             \
	X(workers_max, COUNT, "150", "1", "10000", RELOAD,                     \
	    "Delivery workers at once, one process for each owner whose "      \
	    "mail arrives.  Keep it below that of bulkhead.conf, which also "  \
	    "counts those that are ending.")                                   \
	X(worker_idle, SECONDS, "30s", "1s", "1h", RELOAD,                     \
	    "A worker that had nothing to do for so long is ended.")           \
	X(worker_patience, SECONDS, "5m", "5s", "1d", RELOAD,                  \
	    "A worker that answers nothing for so long is given up; what it "  \
	    "held is tried again later.")                                      \
	X(over_quota, ENUM, "temporary", "temporary|permanent", "", RELOAD,    \
	    "A mailbox is full: mail for it is tried again until it is too "   \
	    "old (4.2.2), or fails at once (5.2.2).")                          \
	X(owner_deliveries_max, COUNT, "500", "1", "10000", RELOAD,            \
	    "Deliveries to one owner that may wait here.  Further ones are "   \
	    "put off, so that a slow mailbox holds up no other.")              \
	X(deliveries_max, COUNT, "4000", "16", "15000", RELOAD,                \
	    "Deliveries in hand.  Each holds a descriptor.")                   \
	X(forward_files, BOOL, "yes", "", "", RELOAD,                          \
	    "System users' ~/.forward files are read and obeyed.")             \
	X(forward_recheck, SECONDS, "1s", "0", "1h", RELOAD,                   \
	    "A user who had no ~/.forward is not looked at again for so "      \
	    "long.")                                                           \
	X(runners_max, COUNT, "80", "1", "10000", RELOAD,                      \
	    "Processes at once that obey ~/.forward files, one for each "      \
	    "user. "                                                           \
	    "Keep it below that of bulkhead.conf.")                            \
	X(forward_programs, ENUM, "shell", "shell|all|none", "", RELOAD,       \
	    "Whose ~/.forward may name programs and files: users whose login " \
	    "shell is in /etc/shells, all users, or nobody.")                  \
	X(programs_per_user, COUNT, "2", "1", "100", RELOAD,                   \
	    "Messages of one user whose ~/.forward is being obeyed at once.")  \
	X(alias_programs_at_once, COUNT, "10", "1", "1000", RELOAD,            \
	    "Messages at once for programs and files that aliases name, all "  \
	    "of them together.")                                               \
	X(program_timeout, SECONDS, "5m", "1s", "1h", RELOAD,                  \
	    "All programs and files of one message together may take so "      \
	    "long; a program that runs longer is killed, with all of its "     \
	    "process group.")                                                  \
	X(program_memory, SIZE, "1G", "1M", "1024G", RELOAD,                   \
	    "Address space of a program.")                                     \
	X(program_processes, COUNT, "500", "1", "1000000", RELOAD,             \
	    "A program can start no further process once its user has so "     \
	    "many on the whole host.")                                         \
	X(program_path, STRING, "/usr/local/bin:/usr/bin:/bin", "0", "1000",   \
	    RELOAD,                                                            \
	    "Where a program that is named without a slash is looked for; "    \
	    "and its PATH.")                                                   \
	X(mbox_lock_patience, SECONDS, "30s", "0", "10m", RELOAD,              \
	    "A file that another program holds locked for longer is tried "    \
	    "again with the next attempt.")                                    \
	X(mbox_stale_lock, SECONDS, "10m", "1m", "1d", RELOAD,                 \
	    "A FILE.lock that is older was left behind, and is removed.")

/* The order of over_quota above. */
enum over_quota { OVER_QUOTA_TEMPORARY, OVER_QUOTA_PERMANENT };

/* The order of forward_programs above. */
enum forward_programs {
	FORWARD_PROGRAMS_SHELL,
	FORWARD_PROGRAMS_ALL,
	FORWARD_PROGRAMS_NONE
};

struct local_delivery_settings {
	LOCAL_DELIVERY_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema local_delivery_schema;

#endif
