/* The lookup tables, each by itself and all of them together. */
#include "bulkhead/address_tables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/accounts/passwords.h"
#include "common/accounts/users.h"
#include "common/instance/certificate.h"
#include "common/ipc/messages.h"
#include "remote-relay/settings.h"

/* Found by its canonical spelling alone: supervisor reads this table, too,
 * and it has no tables of Unicode. */
static void
check_spelling(struct address_tables *t, const struct user *u)
{
	char canonical[USERNAME_SIZE];

	if (username_canonical(u->name, canonical) == 0 &&
	    slice_equal(u->name, slice_str(canonical)))
		return;
	check_error(t->r, "%s/users:%u: %.*s is not found under this spelling: "
	    "write it in small letters and in Unicode's Normalization Form C%s%s",
	    t->r->b->conf_dir, u->line, (int)u->name.len, u->name.at,
	    canonical[0] != '\0' ? ": " : "", canonical);
}

/* A user whose domain is not ours gets no mail. */
static void
check_users(struct address_tables *t)
{
	for (size_t i = 0; i < users_count(t->users); i++) {
		const struct user *u = users_at(t->users, i);
		struct username name;

		if (username_parse(u->name, &name) != PARSE_OK)
			continue;
		check_spelling(t, u);
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
check_places(struct address_tables *t)
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
check_together(struct address_tables *t)
{
	struct directions d = address_tables_directions(t);
	struct table_error err = { 0 };

	if (book_check(&d.book, &err) == -1)
		address_tables_complain(t->r, "aliases", &err);
	if (book_check_recipients(&d.book, &err) == -1)
		address_tables_complain(t->r, "relay-recipients", &err);
	if (!book_root_is_read(&d.book))
		check_warning(t->r, "%s/aliases: nobody reads what comes for "
				    "root and postmaster (it is kept in "
				    "%s/0): add a line such as root: you@%.*s",
		    t->r->b->conf_dir, t->r->b->instance->mail_root,
		    (int)domains_default(t->domains)->name.len,
		    domains_default(t->domains)->name.at);
}

/* A name that remote-relay does not know: its mail would wait. */
static void
check_routes(struct address_tables *t)
{
	for (size_t i = 0; i < routes_count(t->routes); i++) {
		const struct route *r = routes_at(t->routes, i);

		if (!address_tables_has_route(t, r->name))
			check_error(t->r, "%s/routes:%u: there is no route "
			    "\"%.*s\" in remote-relay.conf: add a block "
			    "route %.*s { }", t->r->b->conf_dir, r->line,
			    (int)r->name.len, r->name.at, (int)r->name.len,
			    r->name.at);
	}
}

static bool
has_certificate(const struct address_tables *t, const char *name)
{
	const struct settings *s = t->r->b->settings;
	uint32_t roles;
	const char *bad;

	for (size_t i = 0; i < settings_n_groups(s); i++)
		if (strcmp(settings_group(s, i)->name, name) == 0 &&
		    certificate_roles(settings_group(s, i)->values, &roles,
		    &bad) == 0 && (roles & IPC_BIT(IPC_REMOTE_RELAY)) != 0)
			return true;
	return false;
}

/* One that is not there: all mail of the route would wait. */
static void
check_route_certificates(struct address_tables *t)
{
	for (size_t i = 0; i < settings_n_groups(t->relay); i++) {
		const struct settings_group *g = settings_group(t->relay, i);
		const struct route_settings *r = g->values;

		if (r->tls_certificate[0] != '\0' &&
		    !has_certificate(t, r->tls_certificate))
			check_error(t->r, "%s/remote-relay.conf: route %s: "
			    "tls_certificate = %s: bulkhead.conf has no "
			    "certificate of that name whose stages have "
			    "remote-relay", t->r->b->conf_dir, g->name,
			    r->tls_certificate);
	}
}

/* What an alias names has somebody to run it, and is there. */
static void
check_program(struct address_tables *t, const struct alias_target *target)
{
	const struct instance_settings *set = t->r->b->instance;
	const char *list = aliases_list_name(t->aliases, target);
	char file[sizeof("lists/") + ALIASES_LIST_NAME_MAX];
	char path[ALIASES_PROGRAM_MAX + 1];
	struct slice command = slice_skip(target->local, 1);
	size_t len;
	uid_t uid;
	gid_t gid;

	snprintf(file, sizeof(file), "%s%s", list == NULL ? "aliases" :
	    "lists/", list == NULL ? "" : list);
	if (instance_programs_user(set, &uid, &gid) == -1)
		check_error(t->r, "%s/%s:%u: \"%.*s\": programs_user = %s in "
		    "bulkhead.conf is no user for this: make the user "
		    "(systemd-sysusers), or name one without rights",
		    t->r->b->conf_dir, file, target->line,
		    (int)target->local.len, target->local.at,
		    set->programs_user);
	if (target->local.at[0] != '|')
		return;
	command = table_trim(command);
	for (len = 0; len < command.len && command.at[len] != ' '; len++)
		;
	if (memchr(command.at, '\'', len) == NULL &&
	    slice_copy_str(slice_of(command.at, len), path, sizeof(path)) ==
	    0 && access(path, X_OK) == -1)
		check_warning(t->r, "%s/%s:%u: %s: %s: mail for it will wait",
		    t->r->b->conf_dir, file, target->line, path,
		    strerror(errno));
}

static void
check_programs(struct address_tables *t)
{
	for (size_t i = 0; i < aliases_count(t->aliases); i++) {
		const struct alias *a = aliases_at(t->aliases, i);

		for (size_t k = 0; k < a->count; k++) {
			const struct alias_target *target =
			    aliases_target(t->aliases, a, k);

			if (target->program)
				check_program(t, target);
		}
	}
}

/* What forwarded mail is signed with, and where its reports come back to. */
static void
check_srs(struct address_tables *t)
{
	const char *dir = t->r->b->conf_dir;

	if (t->srs_domain[0] == '\0')
		return;
	if (t->srs.count == 0)
		check_error(t->r, "%s/srs-secrets: srs_domain is set, but "
		    "there is no key: (umask 077; openssl rand -hex 16 >"
		    "%s/srs-secrets)", dir, dir);
	if (domains_find(t->domains, slice_str(t->srs_domain)) == NULL)
		check_warning(t->r, "%s/directory.conf: srs_domain %s is not "
		    "in the domains table: only rewritten paths are taken "
		    "for it", dir, t->srs_domain);
}

void
check_tables(struct check_report *r)
{
	struct address_tables t;

	if (address_tables_load(&t, r, true)) {
		check_users(&t);
		check_places(&t);
		check_together(&t);
		check_programs(&t);
		check_routes(&t);
		check_route_certificates(&t);
		check_srs(&t);
	}
	address_tables_clear(&t);
}
