#include <stdlib.h>

#include "common/log/log.h"
#include "directory/directory.h"

static int
refused(enum stage_table table, const struct table_error *err)
{
	log_error("table-refused", LOG_CSTR("file", stage_table_name(table)),
	    LOG_NUM("line", err->line), LOG_CSTR("reason", err->text));
	return -1;
}

static void
doubtful(enum stage_table table, const struct table_error *err)
{
	log_warning("table-doubtful",
	    LOG_CSTR("file", stage_table_name(table)),
	    LOG_NUM("line", err->line), LOG_CSTR("reason", err->text));
}

void
tables_take(struct tables *t, enum stage_table table, int fd)
{
	struct table_text *text = &t->fresh[table];
	struct table_error err;

	free(text->at);
	text->at = NULL;
	if (table_read(fd, &text->at, &text->len, &err) == -1) {
		text->at = NULL;
		t->failed = true;
		refused(table, &err);
	}
}

static struct slice
fresh_text(const struct tables *t, enum stage_table table)
{
	return slice_of(t->fresh[table].at, t->fresh[table].len);
}

static int
take_domains(struct tables *t, const struct tables_rules *rules)
{
	struct table_error err;
	struct domains_table *domains = domains_compile(
	    fresh_text(t, STAGE_TABLE_DOMAINS), slice_str(rules->hostname),
	    &err);

	if (domains == NULL)
		return refused(STAGE_TABLE_DOMAINS, &err);
	domains_free(t->domains);
	t->domains = domains;
	return 0;
}

static int
take_users(struct tables *t, const struct tables_rules *rules)
{
	struct table_error err;
	struct users_table *users = users_compile(
	    fresh_text(t, STAGE_TABLE_USERS), &err);

	(void)rules;
	if (users == NULL)
		return refused(STAGE_TABLE_USERS, &err);
	users_free(t->users);
	t->users = users;
	return 0;
}

static int
take_system_users(struct tables *t, const struct tables_rules *rules)
{
	struct slice text = fresh_text(t, STAGE_TABLE_SYSTEM_USERS);
	struct system_users *system;
	struct table_error err;
	size_t skipped;

	if (rules->system_min == 0)
		text.len = 0;
	system = system_users_compile(text, rules->system_min,
	    rules->system_max, &skipped, &err);
	if (system == NULL)
		return refused(STAGE_TABLE_SYSTEM_USERS, &err);
	if (skipped > 0)
		log_notice("system-users-skipped", LOG_NUM("lines", skipped));
	system_users_free(t->system);
	t->system = system;
	return 0;
}

static struct book
book_of(const struct tables *t, const struct aliases_table *aliases,
    const struct tables_rules *rules)
{
	return (struct book){ t->domains, aliases, t->users, t->system,
	    rules->delimiter };
}

/*
 * A new aliases table must be free of loops, as the other tables are now.
 */
static int
take_aliases(struct tables *t, const struct tables_rules *rules)
{
	struct table_error err;
	struct aliases_table *aliases = aliases_compile(
	    fresh_text(t, STAGE_TABLE_ALIASES), &err);
	struct book book = book_of(t, aliases, rules);

	if (aliases == NULL)
		return refused(STAGE_TABLE_ALIASES, &err);
	if (t->domains != NULL && book_check(&book, &err) == -1) {
		aliases_free(aliases);
		return refused(STAGE_TABLE_ALIASES, &err);
	}
	aliases_free(t->aliases);
	t->aliases = aliases;
	return 0;
}

/* Aliases last: they are checked against the others. */
static const struct {
	enum stage_table table;
	int	(*take)(struct tables *, const struct tables_rules *);
} takers[] = {
	{ STAGE_TABLE_DOMAINS, take_domains },
	{ STAGE_TABLE_USERS, take_users },
	{ STAGE_TABLE_SYSTEM_USERS, take_system_users },
	{ STAGE_TABLE_ALIASES, take_aliases },
};

/*
 * When another table changed under the aliases a loop can have come into
 * them.  They stay in use: each alias is followed once only, whatever they
 * say, and taking them away would lose mail that has nothing to do with it.
 */
static void
check_together(struct tables *t)
{
	struct table_error err;

	if (book_check(&t->book, &err) == -1)
		doubtful(STAGE_TABLE_ALIASES, &err);
	if (!book_root_is_read(&t->book))
		log_warning("nobody-reads-root", LOG_CSTR("remedy",
		    "write \"root: NAME\" into the aliases table"));
}

int
tables_commit(struct tables *t, const struct tables_rules *rules)
{
	int result = t->failed ? -1 : 0;
	bool changed = false;

	t->failed = false;
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++) {
		struct table_text *text = &t->fresh[takers[i].table];

		if (text->at == NULL)
			continue;
		if (takers[i].take(t, rules) == -1)
			result = -1;
		else
			changed = true;
		free(text->at);
		text->at = NULL;
	}
	if (!tables_complete(t))
		return -1;
	t->book = book_of(t, t->aliases, rules);
	if (changed) {
		check_together(t);
		log_notice("tables-in-use",
		    LOG_NUM("domains", domains_count(t->domains)),
		    LOG_NUM("aliases", aliases_count(t->aliases)),
		    LOG_NUM("users", users_count(t->users)),
		    LOG_NUM("system-users", system_users_count(t->system)));
	}
	return result;
}

bool
tables_complete(const struct tables *t)
{
	return t->domains != NULL && t->aliases != NULL &&
	    t->users != NULL && t->system != NULL;
}

void
tables_clear(struct tables *t)
{
	for (size_t i = 0; i < STAGE_TABLE_COUNT; i++)
		free(t->fresh[i].at);
	domains_free(t->domains);
	aliases_free(t->aliases);
	users_free(t->users);
	system_users_free(t->system);
	*t = (struct tables){ 0 };
}
