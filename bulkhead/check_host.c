/* What the configuration expects of the host: users, programs, folders. */
#include "bulkhead/check.h"
#include "bulkhead/ports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bulkhead/users.h"

/* A folder that root reads paths from: root's, and nobody else writes it. */
static void
check_owned(struct check_report *r, const char *setting, const char *path,
    bool must_exist)
{
	struct stat st;

	if (stat(path, &st) == -1) {
		if (must_exist || errno != ENOENT)
			check_error(r, "%s/bulkhead.conf: %s = %s: %s",
			    r->b->conf_dir, setting, path, strerror(errno));
		return;
	}
	if (!S_ISDIR(st.st_mode))
		check_error(r, "%s/bulkhead.conf: %s = %s: not a directory",
		    r->b->conf_dir, setting, path);
	else if (st.st_uid != 0)
		check_error(r, "%s/bulkhead.conf: %s = %s: belongs to uid %u: "
			       "chown root it",
		    r->b->conf_dir, setting, path, (unsigned)st.st_uid);
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		check_error(r, "%s/bulkhead.conf: %s = %s: others than root "
			       "may write it (mode %04o): chmod go-w it",
		    r->b->conf_dir, setting, path,
		    (unsigned)st.st_mode & 07777);
}

static void
check_program(struct check_report *r, const char *name)
{
	const char *dir = r->b->instance->program_dir;
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return;
	if (access(path, X_OK) == -1)
		check_error(r, "%s: %s: install it there, or correct "
			       "program_dir in %s/bulkhead.conf",
		    path, strerror(errno), r->b->conf_dir);
}

static void
check_programs(struct check_report *r)
{
	static const char *const programs[] = {
		"supervisor", "smtpd", "queue-manager", "local-delivery",
		"local-delivery-worker", "directory", "authd",
		"authd-verifier", "authd-pam", "pop3d", "pop3d-session",
		"imapd", "imapd-session"
	};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		check_program(r, programs[i]);
}

static void
check_hostname(struct check_report *r)
{
	if (strchr(r->b->hostname, '.') == NULL)
		check_warning(r, "the host is called \"%s\", which is no full "
				 "name: set hostname in %s/bulkhead.conf",
		    r->b->hostname, r->b->conf_dir);
}

void
check_host(struct check_report *r)
{
	const struct instance_settings *s = r->b->instance;

	check_hostname(r);
	check_owned(r, "program_dir", s->program_dir, true);
	check_owned(r, "run_dir", s->run_dir, false);
	check_owned(r, "mail_root", s->mail_root, false);
	check_programs(r);
	check_users_of_host(r);
	check_ports(r);
}
