/* The subcommands. */
#include "bulkhead/bulkhead.h"
#include "bulkhead/queue.h"

const struct command commands[] = {
	{ "start", "[-f]", 0, 1, true, do_start,
	    "check, then start; -f: stay in the foreground" },
	{ "stop", "", 0, 0, false, do_stop,
	    "finish what is under way, then stop" },
	{ "status", "", 0, 0, false, do_status, "every process of the suite" },
	{ "reload", "[stage]", 0, 1, false, do_reload,
	    "check, then read settings and tables again" },
	{ "restart", "stage", 1, 1, false, do_restart,
	    "end one stage and start it anew" },
	{ "check", "", 0, 0, true, do_check,
	    "everything that can be wrong before a start" },
	{ "explain", "from to [client address]", 2, 4, false, do_explain,
	    "what would happen to mail, and why" },
	{ "config", "[-e | -l | -m] [stage]", 0, 2, true,
	    do_config, "the settings in force; -e: an example file" },
	{ "user add", "name [home=path]", 1, 2, false, do_user_add,
	    "a new virtual user; the password is asked for" },
	{ "user passwd", "name", 1, 1, false, do_user_passwd,
	    "another password" },
	{ "user list", "", 0, 0, false, do_user_list, "the virtual users" },
	{ "user remove", "name", 1, 1, false, do_user_remove,
	    "remove a user; the mailbox stays" },
	{ "queue list", "", 0, 0, false, do_queue_list, "what is in the queue" },
	{ "queue show", "id", 1, 1, false, do_queue_show,
	    "one message and its recipients" },
	{ "queue flush", "[destination]", 0, 1, false, do_queue_flush,
	    "try everything deferred now" },
	{ "queue hold", "id", 1, 1, false, do_queue_hold,
	    "no more attempts until it is released" },
	{ "queue release", "id", 1, 1, false, do_queue_release,
	    "go on with a held message" },
	{ "queue retry", "id", 1, 1, false, do_queue_retry,
	    "try one message now" },
	{ "queue delete", "id", 1, 1, false, do_queue_delete,
	    "forget a message; nobody is told" },
	{ "mailq", "", 0, 0, false, do_queue_list, "the same as queue list" },
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);
