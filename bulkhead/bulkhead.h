/*
 * bulkhead(8): an operator's command.  What its files share.
 *
 * One table (commands.c) names the subcommands; each is one small file.  The
 * command reads the configuration directory and talks to the control socket;
 * it holds no rights of its own.
 */
#ifndef BULKHEAD_BULKHEAD_H
#define BULKHEAD_BULKHEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/instance/instance.h"

/* Exit statuses besides those of <sysexits.h>. */
enum { EXIT_NOT_RUNNING = 3 };

struct bulkhead {
	const char			*conf_dir;
	int				 conf_fd;
	struct settings			*settings;	/* of bulkhead.conf */
	const struct instance_settings	*instance;
	char				 hostname[256];
};

/*
 * A subcommand.  argv[0..argc) are the words behind its name, their number
 * already checked.  Answers the exit status; the reason has been printed.
 */
typedef int command_handler(struct bulkhead *, int argc, char *argv[]);

struct command {
	const char	*name;		/* "start", or "user add" */
	const char	*arguments;	/* as usage shows them */
	int		 min, max;	/* how many */
	bool		 bare;		/* works without a good bulkhead.conf */
	command_handler	*run;
	const char	*meaning;
};

extern const struct command commands[];
extern const size_t command_count;

command_handler do_start, do_stop, do_status, do_reload, do_restart, do_check,
    do_explain, do_config, do_user_add, do_user_passwd, do_user_list,
    do_user_remove, do_user_restored;

/* A user's name as given, as local@domain in canonical form (USERNAME_SIZE);
 * 0 or an exit status. */
int user_name(const struct bulkhead *, const char *given, char *name);

/* "bulkhead: " and a sentence on standard error; returns status. */
int fail(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Open the configuration directory, and with settings also read
 * bulkhead.conf.  Returns 0 or an exit status, with the reason printed.
 */
int instance_open(struct bulkhead *, bool settings);
void instance_close(struct bulkhead *);

/*
 * A file of the configuration directory, read-only: -1 with errno ENOENT when
 * it is not there.
 */
int conf_open(const struct bulkhead *, const char *file);

#endif
