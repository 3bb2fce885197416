/* The check as a whole, and of the settings files.  See check.h. */
#include "bulkhead/check.h"
#include "bulkhead/control.h"
#include "bulkhead/own_certificate.h"
#include "bulkhead/stages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/settings/nearest.h"
#include "common/stage/stage.h"

void
check_error(struct check_report *r, const char *format, ...)
{
	va_list ap;

	r->errors++;
	fflush(stdout);
	va_start(ap, format);
	fputs("error: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
}

void
check_warning(struct check_report *r, const char *format, ...)
{
	va_list ap;

	r->warnings++;
	if (r->quiet)
		return;
	fflush(stdout);
	va_start(ap, format);
	fputs("warning: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
}

/* Is there a file of this name that anybody reads? */
static bool
file_known(const char *name)
{
	const struct settings_schema *schema;

	for (size_t i = 0; (schema = stage_schema_at(i)) != NULL; i++)
		if (strcmp(schema->file, name) == 0)
			return true;
	for (int t = 0; t < STAGE_TABLE_COUNT; t++)
		if (strcmp(stage_table_name((enum stage_table)t), name) == 0)
			return true;
	return false;
}

/* A misspelt file is one whose settings nobody ever sees. */
static void
check_name(struct check_report *r, const char *name)
{
	const struct settings_schema *schema;
	size_t best = 3, len = strlen(name);
	const char *guess = NULL;

	if (name[0] == '.' || strcmp(name, "lists") == 0 ||
	    file_known(name))
		return;
	for (size_t i = 0; (schema = stage_schema_at(i)) != NULL; i++) {
		size_t d = nearest_distance(slice_str(name),
		    slice_str(schema->file));

		if (d < best) {
			best = d;
			guess = schema->file;
		}
	}
	for (int t = 0; t < STAGE_TABLE_COUNT; t++) {
		const char *table = stage_table_name((enum stage_table)t);
		size_t d = nearest_distance(slice_str(name), slice_str(table));

		if (d < best) {
			best = d;
			guess = table;
		}
	}
	if (guess != NULL)
		check_warning(r, "%s/%s: nobody reads this file: did you mean "
				 "%s?", r->b->conf_dir, name, guess);
	else if (len > 5 && strcmp(name + len - 5, ".conf") == 0)
		check_warning(r, "%s/%s: nobody reads this file: remove it, "
				 "or name it after a stage",
		    r->b->conf_dir, name);
}

/* What root reads and others may write makes these others root. */
static void
check_owner(struct check_report *r, const char *name, int flags)
{
	const char *slash = name[0] == '\0' ? "" : "/";
	struct stat st;

	if (fstatat(r->b->conf_fd, name, &st, flags) == -1) {
		if (errno != ENOENT)
			check_error(r, "%s%s%s: %s", r->b->conf_dir, slash,
			    name, strerror(errno));
		return;
	}
	if (st.st_uid != 0)
		check_error(r, "%s%s%s: belongs to uid %u: chown root it",
		    r->b->conf_dir, slash, name, (unsigned)st.st_uid);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		check_error(r, "%s%s%s: others than root may write it (mode "
			       "%04o): chmod go-w it",
		    r->b->conf_dir, slash, name,
		    (unsigned)st.st_mode & 07777);
	if ((strcmp(name, "passwords") == 0 ||
	    strcmp(name, "srs-secrets") == 0) &&
	    (st.st_mode & (S_IRGRP | S_IROTH)) != 0)
		check_error(r, "%s/%s: others than root may read it (mode "
			       "%04o): chmod 600 it",
		    r->b->conf_dir, name, (unsigned)st.st_mode & 07777);
	if (name[0] != '\0' && !S_ISREG(st.st_mode))
		check_error(r, "%s/%s: not a regular file: put a text file "
			       "there", r->b->conf_dir, name);
}

void
check_files(struct check_report *r)
{
	int fd = openat(r->b->conf_fd, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (dir == NULL) {
		check_error(r, "%s: %s", r->b->conf_dir, strerror(errno));
		if (fd != -1)
			close(fd);
		return;
	}
	check_owner(r, "", AT_EMPTY_PATH);
	while ((d = readdir(dir)) != NULL) {
		check_name(r, d->d_name);
		if (file_known(d->d_name))
			check_owner(r, d->d_name, 0);
	}
	closedir(dir);
}

static void
check_one_file(struct check_report *r, const struct settings_schema *schema)
{
	struct settings_errors errors = { 0 };
	struct settings *s;
	int fd = conf_open(r->b, schema->file);

	if (fd == -1 && errno != ENOENT) {
		check_error(r, "%s/%s: %s", r->b->conf_dir, schema->file,
		    strerror(errno));
		return;
	}
	s = settings_read(schema, fd, &errors);
	if (fd != -1)
		close(fd);
	for (size_t i = 0; i < errors.n; i++)
		check_error(r, "%s/%s", r->b->conf_dir, errors.at[i]);
	settings_free(s);
}

void
check_settings(struct check_report *r)
{
	const struct settings_schema *schema;

	for (size_t i = 0; (schema = stage_schema_at(i)) != NULL; i++)
		check_one_file(r, schema);
}

static void
check_all(struct bulkhead *b, struct check_report *r)
{
	check_files(r);
	check_settings(r);
	if (b->instance == NULL)
		return;		/* the rest depends on bulkhead.conf */
	check_tables(r);
	check_milters(r);
	check_host(r);
	check_certificates(r);
}

int
check_quietly(struct bulkhead *b, enum check_when when)
{
	struct check_report r = { .b = b, .when = when, .quiet = true };

	check_all(b, &r);
	if (r.errors == 0)
		return 0;
	return fail(EX_CONFIG, "%u error%s: nothing has been changed",
	    r.errors, r.errors == 1 ? "" : "s");
}

void
check_try_settings(struct bulkhead *b)
{
	struct settings_errors errors;
	int fd = conf_open(b, instance_schema.file);

	if (fd == -1 && errno != ENOENT)
		return;
	b->settings = settings_read(&instance_schema, fd, &errors);
	if (fd != -1)
		close(fd);
	if (b->settings == NULL)
		return;
	b->instance = settings_values(b->settings);
	instance_hostname(b->instance, b->hostname, sizeof(b->hostname));
}

static enum check_when
is_it_running(const struct bulkhead *b)
{
	int fd = b->instance == NULL ? -1 : control_connect(b);

	if (fd >= 0)
		close(fd);
	return fd == -1 ? CHECK_STOPPED : CHECK_RUNNING;
}

int
do_check(struct bulkhead *b, int argc, char *argv[])
{
	struct check_report r = { .b = b };

	(void)argc, (void)argv;
	check_try_settings(b);
	r.when = is_it_running(b);
	check_all(b, &r);
	if (r.errors > 0)
		return fail(EX_CONFIG, "%s: %u error%s, %u warning%s",
		    b->conf_dir, r.errors, r.errors == 1 ? "" : "s",
		    r.warnings, r.warnings == 1 ? "" : "s");
	printf("%s: no errors, %u warning%s\n", b->conf_dir, r.warnings,
	    r.warnings == 1 ? "" : "s");
	return 0;
}
