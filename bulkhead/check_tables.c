/* The lookup tables, each by itself and all of them together. */
#include "bulkhead/check.h"
#include "bulkhead/tables.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts/book.h"
#include "common/accounts/passwords.h"
#include "common/accounts/users.h"

struct tables {
	struct check_report	*r;
	struct domains_table	*domains;
	struct aliases_table	*aliases;
	struct users_table	*users;
	struct passwords_table	*passwords;
	struct system_users	*system;
};

static void
complain(struct check_report *r, const char *file,
    const struct table_error *err)
{
	const char *slash = file[0] == '/' ? "" : "/";
	const char *dir = file[0] == '/' ? "" : r->b->conf_dir;

	if (err->line > 0)
		check_error(r, "%s%s%s:%u: %s", dir, slash, file, err->line,
		    err->text);
	else
		check_error(r, "%s%s%s: %s", dir, slash, file, err->text);
}

static int
load_domains(struct tables *t, struct slice text, struct table_error *err)
{
	t->domains = domains_compile(text, slice_str(t->r->b->hostname), err);
	return t->domains == NULL ? -1 : 0;
}

static int
load_aliases(struct tables *t, struct slice text, struct table_error *err)
{
	return (t->aliases = aliases_compile(text, NULL, 0, err)) == NULL ? -1 : 0;
}

static int
load_users(struct tables *t, struct slice text, struct table_error *err)
{
	return (t->users = users_compile(text, err)) == NULL ? -1 : 0;
}

static int
load_passwords(struct tables *t, struct slice text, struct table_error *err)
{
	return (t->passwords = passwords_compile(text, err)) == NULL ? -1 : 0;
}

static int
load_system(struct tables *t, struct slice text, struct table_error *err)
{
	const struct instance_settings *s = t->r->b->instance;
	size_t skipped;

	if (!s->system_users)
		return 0;
	t->system = system_users_compile(text, (uint32_t)s->system_uid_min,
	    (uint32_t)s->system_uid_max, &skipped, err);
	return t->system == NULL ? -1 : 0;
}

static const struct {
	const char	*file;
	int		(*load)(struct tables *, struct slice,
			    struct table_error *);
} loads[] = {
	{ "domains", load_domains },
	{ "aliases", load_aliases },
	{ "users", load_users },
	{ "passwords", load_passwords },
	{ "/etc/passwd", load_system },
};

static bool
load_all(struct tables *t)
{
	bool all = true;

	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct table_error err = { 0 };
		size_t len;
		char *text = tables_read(t->r->b, loads[i].file, &len, &err);

		if (text == NULL ||
		    loads[i].load(t, slice_of(text, len), &err) == -1) {
			complain(t->r, loads[i].file, &err);
			all = false;
		}
		if (text != NULL)
			explicit_bzero(text, len);
		free(text);
	}
	return all;
}

/* A user whose domain is not ours gets no mail. */
static void
check_users(struct tables *t)
{
	for (size_t i = 0; i < users_count(t->users); i++) {
		const struct user *u = users_at(t->users, i);
		struct username name;

		if (username_parse(u->name, &name) != PARSE_OK)
			continue;
		if (domains_find(t->domains, name.domain) == NULL)
			check_error(t->r, "%s/users:%u: %.*s is not a domain "
					  "of this host: add it to domains, or "
					  "remove the user",
			    t->r->b->conf_dir, u->line, (int)name.domain.len,
			    name.domain.at);
		if (passwords_find(t->passwords, u->number) == NULL)
			check_warning(t->r, "%s/users:%u: %.*s has no password "
					    "and cannot log in: `bulkhead user "
					    "passwd %.*s`",
			    t->r->b->conf_dir, u->line, (int)u->name.len,
			    u->name.at, (int)u->name.len, u->name.at);
	}
}

/* A uid for each number, and not one that stands for somebody else. */
static void
check_places(struct tables *t)
{
	struct account_rules rules;

	instance_account_rules(t->r->b->instance, &rules);
	for (size_t i = 0; i < users_count(t->users); i++) {
		const struct user *u = users_at(t->users, i);
		struct account account = { ACCOUNT_VIRTUAL, u->number };
		struct account_place place;

		if (account_locate(&rules, t->users, NULL, account, &place) ==
		    -1)
			check_error(t->r, "%s/users:%u: number %" PRIu32
					  " has no uid or home by the rules: "
					  "the uids reach up to number %" PRIu32
					  " (account_uid_count)",
			    t->r->b->conf_dir, u->line, u->number,
			    rules.uid_count - 1);
	}
}

static void
check_together(struct tables *t)
{
	struct table_error err = { 0 };
	struct book book = { .domains = t->domains, .aliases = t->aliases,
		.users = t->users, .system = t->system };

	if (book_check(&book, &err) == -1)
		complain(t->r, "aliases", &err);
	if (!book_root_is_read(&book))
		check_warning(t->r, "%s/aliases: nobody reads what comes for "
				    "root and postmaster (it is kept in "
				    "%s/0): add a line such as root: you@%.*s",
		    t->r->b->conf_dir, t->r->b->instance->mail_root,
		    (int)domains_default(t->domains)->name.len,
		    domains_default(t->domains)->name.at);
}

void
check_tables(struct check_report *r)
{
	struct tables t = { .r = r };

	if (load_all(&t)) {
		check_users(&t);
		check_places(&t);
		check_together(&t);
	}
	domains_free(t.domains);
	aliases_free(t.aliases);
	users_free(t.users);
	passwords_free(t.passwords);
	system_users_free(t.system);
}
