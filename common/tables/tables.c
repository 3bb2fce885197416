#include "common/tables/tables.h"

#include <stdio.h>
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

/* What may hold domain names as people write them.  (supervisor reads the
 * users, too, and knows no other names than those in A-labels.) */
static const unsigned international = STAGE_TABLE_BIT(STAGE_TABLE_DOMAINS) |
    STAGE_TABLE_BIT(STAGE_TABLE_ALIASES) |
    STAGE_TABLE_BIT(STAGE_TABLE_RECIPIENTS) |
    STAGE_TABLE_BIT(STAGE_TABLE_ROUTES);
/* In these a word without a domain is a mailbox's name. */
static const unsigned named = STAGE_TABLE_BIT(STAGE_TABLE_ALIASES) |
    STAGE_TABLE_BIT(STAGE_TABLE_RECIPIENTS);

static int
read_text(const struct tables *t, enum stage_table table, int fd,
    struct tables_text *text, struct table_error *err)
{
	char *ascii;
	size_t len;

	if (table_read(fd, &text->at, &text->len, err) == -1) {
		text->at = NULL;
		return -1;
	}
	if (t->to_ascii == NULL ||
	    slice_is_ascii(slice_of(text->at, text->len)) ||
	    (international & STAGE_TABLE_BIT(table)) == 0)
		return 0;
	ascii = t->to_ascii(slice_of(text->at, text->len),
	    STAGE_TABLE_BIT(table) & named ? IDN_WORDS_NAMES :
	    IDN_WORDS_DOMAINS, &len);
	text_clear(text);
	text->at = ascii;
	text->len = len;
	return ascii != NULL ? 0 : table_error_set(err, 0, "no memory");
}

void
tables_take(struct tables *t, enum stage_table table, int fd)
{
	struct tables_text *text = &t->fresh[table];
	struct table_error err;

	text_clear(text);
	if (read_text(t, table, fd, text, &err) == -1) {
		t->failed = true;
		refused(table, &err);
	}
}

static void
list_refused(const char *name, const struct table_error *err)
{
	char file[sizeof("lists/") + ALIASES_LIST_NAME_MAX];

	snprintf(file, sizeof(file), "lists/%s", name);
	log_error("list-refused", LOG_CSTR("file", file),
	    LOG_NUM("line", err->line), LOG_CSTR("reason", err->text));
}

void
tables_take_list(struct tables *t, struct slice name, int fd)
{
	struct tables_list *grown, *l;
	struct table_error err;

	if (t->n_lists == ALIASES_LISTS_MAX ||
	    (grown = reallocarray(t->lists, t->n_lists + 1,
		sizeof(*grown))) == NULL)
		return;		/* as if it were not there */
	t->lists = grown;
	l = &grown[t->n_lists];
	*l = (struct tables_list){ .name = strndup(name.at, name.len) };
	if (l->name == NULL)
		return;
	if (read_text(t, STAGE_TABLE_ALIASES, fd, &l->text, &err) == -1) {
		list_refused(l->name, &err);
		free(l->name);
		return;
	}
	t->n_lists++;
}

static void
lists_clear(struct tables *t)
{
	for (size_t i = 0; i < t->n_lists; i++) {
		free(t->lists[i].name);
		text_clear(&t->lists[i].text);
	}
	free(t->lists);
	t->lists = NULL;
	t->n_lists = 0;
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
	return (struct book){ .domains = t->domains, .aliases = aliases,
		.users = t->users, .system = t->system,
		.recipients = t->recipients,
		.delimiter = rules->delimiter };
}

struct book
tables_book(const struct tables *t, const struct tables_rules *rules)
{
	return book_of(t, t->aliases, rules);
}

static int
take_recipients(struct tables *t, const struct tables_rules *rules)
{
	struct table_error err;
	struct recipients_table *recipients = recipients_compile(
	    fresh_text(t, STAGE_TABLE_RECIPIENTS), &err);

	(void)rules;
	if (recipients == NULL)
		return refused(STAGE_TABLE_RECIPIENTS, &err);
	recipients_free(t->recipients);
	t->recipients = recipients;
	return 0;
}

static int
take_routes(struct tables *t, const struct tables_rules *rules)
{
	struct table_error err;
	struct routes_table *routes = routes_compile(
	    fresh_text(t, STAGE_TABLE_ROUTES), &err);

	(void)rules;
	if (routes == NULL)
		return refused(STAGE_TABLE_ROUTES, &err);
	routes_free(t->routes);
	t->routes = routes;
	return 0;
}

static int
take_srs_secrets(struct tables *t, const struct tables_rules *rules)
{
	struct srs_secrets *secrets = calloc(1, sizeof(*secrets));
	struct table_error err;

	(void)rules;
	if (secrets == NULL)
		table_error_set(&err, 0, "no memory");
	if (secrets == NULL || srs_secrets_compile(fresh_text(t,
	    STAGE_TABLE_SRS_SECRETS), secrets, &err) == -1) {
		free(secrets);
		return refused(STAGE_TABLE_SRS_SECRETS, &err);
	}
	srs_secrets_free(t->srs_secrets);
	t->srs_secrets = secrets;
	return 0;
}

static int
take_scram_secret(struct tables *t, const struct tables_rules *rules)
{
	struct sasl_secret *secret = calloc(1, sizeof(*secret));
	struct table_error err;

	(void)rules;
	if (secret == NULL)
		table_error_set(&err, 0, "no memory");
	if (secret == NULL || sasl_secret_compile(fresh_text(t,
	    STAGE_TABLE_SCRAM_SECRET), secret, &err) == -1) {
		free(secret);
		return refused(STAGE_TABLE_SCRAM_SECRET, &err);
	}
	sasl_secret_free(t->scram_secret);
	t->scram_secret = secret;
	return 0;
}

static struct aliases_table *
compile_aliases(const struct tables *t, const struct tables_rules *rules,
    struct table_error *err)
{
	struct alias_list *lists = calloc(t->n_lists + 1, sizeof(*lists));
	struct aliases_table *aliases;

	if (lists == NULL) {
		table_error_set(err, 0, "no memory");
		return NULL;
	}
	for (size_t i = 0; i < t->n_lists; i++)
		lists[i] = (struct alias_list){ t->lists[i].name,
			slice_of(t->lists[i].text.at, t->lists[i].text.len) };
	aliases = aliases_compile(fresh_text(t, STAGE_TABLE_ALIASES), lists,
	    t->n_lists, rules->programs, err);
	free(lists);
	return aliases;
}

/*
 * A new aliases table must be free of loops, as the other tables are now.
 */
static int
take_aliases(struct tables *t, const struct tables_rules *rules)
{
	struct table_error err;
	struct aliases_table *aliases = compile_aliases(t, rules, &err);
	struct book book = book_of(t, aliases, rules);
	const struct alias_fault *fault;

	if (aliases == NULL)
		return refused(STAGE_TABLE_ALIASES, &err);
	if (t->domains != NULL && book_check(&book, &err) == -1) {
		aliases_free(aliases);
		return refused(STAGE_TABLE_ALIASES, &err);
	}
	for (size_t i = 0; (fault = aliases_fault(aliases, i)) != NULL; i++)
		list_refused(fault->name, &fault->err);
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
	{ STAGE_TABLE_RECIPIENTS, take_recipients },
	{ STAGE_TABLE_ROUTES, take_routes },
	{ STAGE_TABLE_SRS_SECRETS, take_srs_secrets },
	{ STAGE_TABLE_SCRAM_SECRET, take_scram_secret },
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
		[STAGE_TABLE_RECIPIENTS] = t->recipients,
		[STAGE_TABLE_ROUTES] = t->routes,
		[STAGE_TABLE_SRS_SECRETS] = t->srs_secrets,
		[STAGE_TABLE_SCRAM_SECRET] = t->scram_secret,
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
	lists_clear(t);
	return complete(t) ? result : -1;
}

void
tables_clear(struct tables *t)
{
	for (size_t i = 0; i < STAGE_TABLE_COUNT; i++)
		text_clear(&t->fresh[i]);
	lists_clear(t);
	domains_free(t->domains);
	aliases_free(t->aliases);
	users_free(t->users);
	passwords_free(t->passwords);
	system_users_free(t->system);
	recipients_free(t->recipients);
	routes_free(t->routes);
	srs_secrets_free(t->srs_secrets);
	sasl_secret_free(t->scram_secret);
	*t = (struct tables){ 0 };
}
