#include "common/tables/tables.h"

#include <stdlib.h>

#include "common/log/log.h"

static int
refused(enum stage_table table, const struct table_error *err)
{
	log_error("table-refused", LOG_CSTR("file", stage_table_name(table)),
	    LOG_NUM("line", err->line), LOG_CSTR("reason", err->text));
	return -1;
}

static void
text_clear(struct tables_text *text)
{
	if (text->at != NULL)
		explicit_bzero(text->at, text->len);
	free(text->at);
	text->at = NULL;
}

void
tables_init(struct tables *t, unsigned wanted)
{
	*t = (struct tables){ .wanted = wanted };
}

void
tables_take(struct tables *t, enum stage_table table, int fd)
{
	struct tables_text *text = &t->fresh[table];
	struct table_error err;

	text_clear(text);
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

static int
take_passwords(struct tables *t, const struct tables_rules *rules)
{
	struct table_error err;
	struct passwords_table *passwords = passwords_compile(
	    fresh_text(t, STAGE_TABLE_PASSWORDS), &err);

	(void)rules;
	if (passwords == NULL)
		return refused(STAGE_TABLE_PASSWORDS, &err);
	passwords_free(t->passwords);
	t->passwords = passwords;
	return 0;
}

static struct book
book_of(const struct tables *t, const struct aliases_table *aliases,
    const struct tables_rules *rules)
{
	return (struct book){ t->domains, aliases, t->users, t->system,
	    rules->delimiter };
}

struct book
tables_book(const struct tables *t, const struct tables_rules *rules)
{
	return book_of(t, t->aliases, rules);
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
	{ STAGE_TABLE_PASSWORDS, take_passwords },
	{ STAGE_TABLE_SYSTEM_USERS, take_system_users },
	{ STAGE_TABLE_ALIASES, take_aliases },
};

/* Has every wanted table been compiled at least once? */
static bool
complete(const struct tables *t)
{
	const void *const at[STAGE_TABLE_COUNT] = {
		[STAGE_TABLE_DOMAINS] = t->domains,
		[STAGE_TABLE_ALIASES] = t->aliases,
		[STAGE_TABLE_USERS] = t->users,
		[STAGE_TABLE_PASSWORDS] = t->passwords,
		[STAGE_TABLE_SYSTEM_USERS] = t->system,
	};

	for (unsigned i = 0; i < STAGE_TABLE_COUNT; i++)
		if ((t->wanted & STAGE_TABLE_BIT(i)) != 0 && at[i] == NULL)
			return false;
	return true;
}

int
tables_commit(struct tables *t, const struct tables_rules *rules,
    unsigned *changed)
{
	int result = t->failed ? -1 : 0;

	t->failed = false;
	*changed = 0;
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++) {
		struct tables_text *text = &t->fresh[takers[i].table];

		if (text->at == NULL)
			continue;
		if (takers[i].take(t, rules) == -1)
			result = -1;
		else
			*changed |= STAGE_TABLE_BIT(takers[i].table);
		text_clear(text);
	}
	return complete(t) ? result : -1;
}

void
tables_clear(struct tables *t)
{
	for (size_t i = 0; i < STAGE_TABLE_COUNT; i++)
		text_clear(&t->fresh[i]);
	domains_free(t->domains);
	aliases_free(t->aliases);
	users_free(t->users);
	passwords_free(t->passwords);
	system_users_free(t->system);
	*t = (struct tables){ 0 };
}
