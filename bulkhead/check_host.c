/* What the configuration expects of the host: users, programs, folders. */
#include "bulkhead/check.h"
#include "bulkhead/ports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/instance/host.h"
#include "supervisor/map.h"

/* A folder that root reads paths from: root's, and nobody else writes it. */
static bool
check_owned(struct check_report *r, const char *setting, const char *path,
    bool must_exist)
{
	struct stat st;
	char what[128] = "";

	if (stat(path, &st) == -1) {
		if (errno == ENOENT && !must_exist)
			return true;
		snprintf(what, sizeof(what), "%s", strerror(errno));
	} else if (!S_ISDIR(st.st_mode))
		snprintf(what, sizeof(what), "not a directory: name one");
	else if (st.st_uid != 0)
		snprintf(what, sizeof(what), "belongs to uid %u: chown root "
		    "it", (unsigned)st.st_uid);
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		snprintf(what, sizeof(what), "others than root may write it "
		    "(mode %04o): chmod go-w it",
		    (unsigned)st.st_mode & 07777);
	if (what[0] == '\0')
		return true;
	check_error(r, "%s/bulkhead.conf: %s = %s: %s", r->b->conf_dir,
	    setting, path, what);
	return false;
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

/* The map knows them all. */
static void
check_programs(struct check_report *r)
{
	const struct map_process *p, *before = NULL;

	check_program(r, "supervisor");
	for (size_t i = 0; (p = map_at(i)) != NULL; before = p, i++)
		if (before == NULL || strcmp(before->program, p->program) != 0)
			check_program(r, p->program);
}

/* Named users where uid_base is 0, a range of free numbers otherwise. */
static void
check_uids(struct check_report *r)
{
	const struct map_process *p;
	char why[HOST_WHY];
	uid_t uid;
	gid_t gid;

	for (size_t i = 0; r->b->instance->uid_base == 0 &&
	     (p = map_at(i)) != NULL; i++)
		if (p->user != NULL && host_user(p->user, &uid, &gid) == -1)
			check_error(r, "/etc/passwd: there is no user %s for "
				       "%s: run systemd-sysusers, or set "
				       "uid_base in %s/bulkhead.conf",
			    p->user, ipc_role_name(p->role), r->b->conf_dir);
	if (host_uids_free(r->b->instance, r->when == CHECK_RUNNING, why) ==
	    -1)
		check_error(r, "%s/bulkhead.conf: %s", r->b->conf_dir, why);
}

/* run_dir/control and run_dir/inject are addresses of sockets. */
static void
check_socket_names(struct check_report *r)
{
	size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) -
	    sizeof("/control");

	if (strlen(r->b->instance->run_dir) > most)
		check_error(r, "%s/bulkhead.conf: run_dir = %s: too long for "
			       "the sockets in it: at most %zu octets",
		    r->b->conf_dir, r->b->instance->run_dir, most);
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
	check_socket_names(r);
	if (check_owned(r, "program_dir", s->program_dir, true))
		check_programs(r);
	check_owned(r, "run_dir", s->run_dir, false);
	check_owned(r, "mail_root", s->mail_root, false);
	check_uids(r);
	check_ports(r);
}
