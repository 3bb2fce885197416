/*
 * What stands in files and directories, read once at the start (and the
 * accounts again at every change).  Whatever is wrong here is told in one
 * sentence to who started us, and nothing is started.
 */
#include "supervisor/supervisor.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/accounts/system_users.h"
#include "common/accounts/users.h"
#include "common/settings/settings.h"
#include "common/stage/stage.h"

/* What a killed instance leaves is gone within 2 s. */
enum { WAIT_TRIES = 40, WAIT_MS = 50 };

void
load_refuse(const struct supervisor *sv, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("cannot-start", LOG_CSTR("reason", text));
	fprintf(stderr, "supervisor: %s\n", text);
	if (sv->ready_fd != -1)
		dprintf(sv->ready_fd, "%s\n", text);
	exit(78);
}

/* What stands for a file that is not there: empty, and root's alone. */
static int
empty_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd != -1 && fchmod(fd, 0400) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

int
load_open(const struct supervisor *sv, const char *file)
{
	int fd;

	if (file[0] == '\0')
		return fcntl(sv->null_fd, F_DUPFD_CLOEXEC, 3);
	/* Of an absolute name the directory does not count. */
	fd = openat(sv->conf_fd, file,
	    O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1 && errno == ENOENT)
		return empty_file(file);
	return fd;
}

/* Who may write here is root as soon as we read it. */
static void
check_safe(const struct supervisor *sv, int fd, const char *what)
{
	struct stat sb;

	if (fstat(fd, &sb) == -1)
		load_refuse(sv, "%s: %s", what, strerror(errno));
	if (sb.st_uid != 0 || (sb.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		load_refuse(sv,
		    "%s: others than root may write it; "
		    "chown root and chmod go-w it",
		    what);
}

void
load_settings(struct supervisor *sv)
{
	struct settings_errors errors = { 0 };
	int fd;

	sv->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	sv->conf_fd = open(sv->conf_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sv->conf_fd == -1)
		load_refuse(sv,
		    "%s: %s; make the directory (it may stay empty) "
		    "or name another with -C",
		    sv->conf_dir, strerror(errno));
	check_safe(sv, sv->conf_fd, sv->conf_dir);
	if ((fd = load_open(sv, "bulkhead.conf")) == -1)
		load_refuse(
		    sv, "%s/bulkhead.conf: %s", sv->conf_dir, strerror(errno));
	check_safe(sv, fd, "bulkhead.conf");
	sv->settings = settings_read(&instance_schema, fd, &errors);
	close(fd);
	if (sv->settings == NULL)
		load_refuse(sv, "%s/%s", sv->conf_dir, errors.at[0]);
	sv->instance = settings_values(sv->settings);
	instance_hostname(sv->instance, sv->hostname, sizeof(sv->hostname));
	instance_account_rules(sv->instance, &sv->rules);
}

/* Make what is missing of path, root's and open for all to pass through. */
static int
open_dir(const struct supervisor *sv, const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(part))
		load_refuse(sv, "%.64s...: name too long", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) == -1 && errno != EEXIST)
			load_refuse(sv, "%s: %s", part, strerror(errno));
	}
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		load_refuse(sv, "%s: %s", path, strerror(errno));
	return fd;
}

bool
load_wait(unsigned tries)
{
	const struct timespec pause = { 0, WAIT_MS * 1000000L };

	if (tries >= WAIT_TRIES)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

/*
 * A second supervisor for the same directory must not come near it.  The lock
 * of one that was killed a moment ago lives as long as a child that it had
 * forked and that is on its way to its exec.
 */
static void
lock(const struct supervisor *sv, int fd, const char *path)
{
	for (unsigned n = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; n++)
		if (!load_wait(n))
			load_refuse(sv,
			    "%s: in use by another instance; stop "
			    "that one, or give this one directories of its own",
			    path);
}

static void
open_spool(struct supervisor *sv)
{
	struct identity queue;
	struct stat sb;

	sv->spool_fd = open_dir(sv, sv->instance->spool_dir);
	lock(sv, sv->spool_fd, sv->instance->spool_dir);
	if (uids_of(sv, map_process(IPC_QUEUE_MANAGER), &queue) == -1)
		load_refuse(sv, "user bh-queue: unknown; make the system users "
				"(sysusers.d/bulkhead.conf) or set uid_base");
	if (fstat(sv->spool_fd, &sb) == -1)
		load_refuse(
		    sv, "%s: %s", sv->instance->spool_dir, strerror(errno));
	if (sb.st_uid == queue.uid)
		return;
	if (sb.st_uid != 0)
		load_refuse(sv,
		    "%s: belongs to uid %u, not to queue-manager's %u",
		    sv->instance->spool_dir, sb.st_uid, queue.uid);
	if (fchown(sv->spool_fd, queue.uid, queue.gid) == -1 ||
	    fchmod(sv->spool_fd, 0700) == -1)
		load_refuse(
		    sv, "%s: %s", sv->instance->spool_dir, strerror(errno));
}

void
load_directories(struct supervisor *sv)
{
	char empty[PATH_MAX];

	umask(022);
	sv->program_fd = open(sv->instance->program_dir,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sv->program_fd == -1)
		load_refuse(sv, "program_dir %s: %s", sv->instance->program_dir,
		    strerror(errno));
	check_safe(sv, sv->program_fd, sv->instance->program_dir);
	sv->run_fd = open_dir(sv, sv->instance->run_dir);
	lock(sv, sv->run_fd, sv->instance->run_dir);
	if (snprintf(empty, sizeof(empty), "%s/empty",
	    sv->instance->run_dir) >= (int)sizeof(empty))
		load_refuse(sv, "run_dir: name too long");
	sv->empty_fd = open_dir(sv, empty);
	check_safe(sv, sv->empty_fd, empty);
	sv->mail_fd = open_dir(sv, sv->instance->mail_root);
	check_safe(sv, sv->mail_fd, sv->instance->mail_root);
	open_spool(sv);
	sv->netns_fd = netns_empty();
}

static char *
read_table(const struct supervisor *sv, enum stage_table table, size_t *len,
    struct table_error *err)
{
	int fd = load_open(sv, stage_table_name(table));
	char *text = NULL;

	if (fd == -1) {
		table_error_set(err, 0, "%s", strerror(errno));
		return NULL;
	}
	if (table_read(fd, &text, len, err) == -1)
		text = NULL;
	close(fd);
	return text;
}

static void
broken(const struct supervisor *sv, enum stage_table table,
    const struct table_error *err)
{
	const char *file = stage_table_name(table);

	if (sv->base == NULL)
		load_refuse(sv, "%s:%u: %s", file, err->line, err->text);
	log_error("broken-table", LOG_CSTR("file", file),
	    LOG_NUM("line", err->line), LOG_CSTR("reason", err->text),
	    LOG_CSTR("kept", "the table in use"));
}

static void
load_users(struct supervisor *sv)
{
	struct table_error err = { 0 };
	struct users_table *users = NULL;
	size_t len;
	char *text = read_table(sv, STAGE_TABLE_USERS, &len, &err);

	if (text != NULL)
		users = users_compile(slice_of(text, len), &err);
	free(text);
	if (users == NULL) {
		broken(sv, STAGE_TABLE_USERS, &err);
		return;
	}
	users_free(sv->users);
	sv->users = users;
}

static void
load_system_users(struct supervisor *sv)
{
	struct table_error err = { 0 };
	struct system_users *users = NULL;
	size_t len, skipped;
	char *text;

	if (sv->rules.system_min == 0)
		return;
	text = read_table(sv, STAGE_TABLE_SYSTEM_USERS, &len, &err);
	if (text != NULL)
		users = system_users_compile(slice_of(text, len),
		    sv->rules.system_min, sv->rules.system_max, &skipped, &err);
	free(text);
	if (users == NULL) {
		broken(sv, STAGE_TABLE_SYSTEM_USERS, &err);
		return;
	}
	system_users_free(sv->system_users);
	sv->system_users = users;
}

void
load_accounts(struct supervisor *sv)
{
	load_users(sv);
	load_system_users(sv);
}

void
load_clear(struct supervisor *sv)
{
	users_free(sv->users);
	system_users_free(sv->system_users);
	settings_free(sv->settings);
	settings_free(sv->milters);
}
