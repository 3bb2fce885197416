/*
 * bulkhead config: what is in force.  With -e an example file, with -m the
 * parameter list of a manual page, both from the tables that also parse; with
 * -l the names of the files.
 */
#include "bulkhead/bulkhead.h"
#include "bulkhead/stages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int
list_one(const struct bulkhead *b, const struct settings_schema *schema)
{
	struct settings_errors errors;
	struct settings *s;
	int fd = conf_open(b, schema->file);

	if (fd == -1 && errno != ENOENT)
		return fail(EX_CONFIG, "%s/%s: %s", b->conf_dir, schema->file,
		    strerror(errno));
	s = settings_read(schema, fd, &errors);
	if (fd != -1)
		close(fd);
	if (s == NULL) {
		for (size_t i = 0; i < errors.n; i++)
			fail(0, "%s/%s", b->conf_dir, errors.at[i]);
		return EX_CONFIG;
	}
	settings_print_listing(stdout, s);
	settings_free(s);
	return 0;
}

static int
show(const struct bulkhead *b, const char *form,
    const struct settings_schema *schema)
{
	if (form == NULL)
		return list_one(b, schema);
	if (strcmp(form, "-l") == 0)
		printf("%s\n", schema->file);
	else if (strcmp(form, "-e") == 0)
		settings_print_example(stdout, schema);
	else
		settings_print_manual(stdout, schema);
	return 0;
}

static int
show_all(const struct bulkhead *b, const char *form)
{
	const struct settings_schema *schema;
	int status = 0;

	for (size_t i = 0; (schema = stage_schema_at(i)) != NULL; i++) {
		if (form == NULL || strcmp(form, "-l") != 0)
			printf("%s# ---- %s\n", i == 0 ? "" : "\n",
			    schema->file);
		int one = show(b, form, schema);

		status = status == 0 ? one : status;
	}
	return status;
}

int
do_config(struct bulkhead *b, int argc, char *argv[])
{
	const char *form = argc > 0 && argv[0][0] == '-' ? argv[0] : NULL;
	int at = form != NULL ? 1 : 0;
	const char *stage = argc > at ? argv[at] : NULL;
	const struct settings_schema *schema;

	if ((form != NULL && strcmp(form, "-e") != 0 &&
		strcmp(form, "-m") != 0 && strcmp(form, "-l") != 0) ||
	    (argc == 2 && form == NULL))
		return fail(EX_USAGE, "usage: bulkhead config [-e | -l | -m] "
				      "[stage]");
	if (stage == NULL)
		return show_all(b, form);
	schema = stage_schema(stage);
	return schema == NULL ? EX_USAGE : show(b, form, schema);
}
