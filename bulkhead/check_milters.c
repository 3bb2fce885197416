/* Names of milters in smtpd.conf that milterd.conf does not have. */
#include "bulkhead/check.h"

#include <unistd.h>

#include "common/instance/listener.h"
#include "milterd/settings.h"
#include "smtpd/settings.h"

/* NULL: it is broken, and was told so. */
static struct settings *
read_file(const struct check_report *r, const struct settings_schema *schema)
{
	struct settings_errors errors = { 0 };
	int fd = conf_open(r->b, schema->file);
	struct settings *s = settings_read(schema, fd, &errors);

	if (fd != -1)
		close(fd);
	return s;
}

static bool
is_known(const struct settings *milterd, const char *name)
{
	for (size_t i = 0; i < settings_n_groups(milterd); i++)
		if (strcmp(settings_group(milterd, i)->name, name) == 0)
			return true;
	return false;
}

static void
check_names(struct settings_errors *errors, const struct settings *milterd,
    const struct settings *smtpd, const struct settings_group *g,
    const struct settings_words *names, const char *setting)
{
	for (size_t i = 0; i < names->n; i++)
		if (!is_known(milterd, names->at[i]))
			settings_complain(errors, smtpd, g, setting,
			    "there is "
			    "no milter \"%s\" in milterd.conf: add a block "
			    "milter %s { } there, or take the name out here",
			    names->at[i], names->at[i]);
}

static void
check_all(struct settings_errors *errors, const struct settings *milterd,
    const struct settings *smtpd)
{
	const struct smtpd_settings *set = settings_values(smtpd);

	for (size_t i = 0; i < settings_n_groups(smtpd); i++) {
		const struct settings_group *g = settings_group(smtpd, i);
		const struct listener_settings *l = g->values;

		if (strcmp(g->block->kind, "listener") == 0)
			check_names(
			    errors, milterd, smtpd, g, &l->milters, "milters");
	}
	check_names(errors, milterd, smtpd, NULL, &set->inject_milters,
	    "inject_milters");
}

void
check_milters(struct check_report *r)
{
	struct settings *smtpd = read_file(r, &smtpd_schema);
	struct settings *milterd = read_file(r, &milterd_schema);
	struct settings_errors errors = { 0 };

	if (smtpd != NULL && milterd != NULL)
		check_all(&errors, milterd, smtpd);
	for (size_t i = 0; i < errors.n; i++)
		check_error(r, "%s/%s", r->b->conf_dir, errors.at[i]);
	settings_free(smtpd);
	settings_free(milterd);
}
