#include "bulkhead/address_tables.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bulkhead/tables.h"
#include "common/accounts/passwords.h"
#include "directory/settings.h"
#include "remote-relay/settings.h"
#include "resolver/host_files.h"
#include "smtpd/policy/rules.h"

void
address_tables_complain(struct check_report *r, const char *file,
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

/* ---- lists ---- */

struct lists {
	struct alias_list	at[ALIASES_LISTS_MAX];
	size_t			count;
};

static void
lists_clear(struct lists *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free((char *)(uintptr_t)l->at[i].name);
		free((char *)(uintptr_t)l->at[i].text.at);
	}
}

/* The text with its domains in A-labels; the old one is freed. */
static char *
to_ascii(char *text, enum idn_words bare, size_t *len)
{
	char *ascii = text == NULL ? NULL :
	    idn_text(slice_of(text, *len), bare, len);

	free(text);
	return ascii;
}

static int
read_list(int dir, const char *name, struct alias_list *l,
    struct table_error *err)
{
	int fd = openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char *text = NULL;
	size_t len = 0;

	if (fd == -1)
		return table_error_set(err, 0, "%s", errno == ELOOP ?
		    "a link; put the file itself here" : strerror(errno));
	if (table_read(fd, &text, &len, err) == -1)
		text = NULL;
	close(fd);
	if (text == NULL || (text = to_ascii(text, IDN_WORDS_NAMES,
	    &len)) == NULL)
		return -1;
	*l = (struct alias_list){ strdup(name), slice_of(text, len) };
	return 0;
}

static void
take_list(struct check_report *r, int dir, const char *name, struct lists *l)
{
	char file[512];
	struct table_error err = { 0 };

	snprintf(file, sizeof(file), "lists/%s", name);
	if (!aliases_list_name_valid(slice_str(name)))
		check_warning(r, "%s/%s: not the name of a list, and not "
		    "read; letters, digits and . _ - are", r->b->conf_dir,
		    file);
	else if (l->count == ALIASES_LISTS_MAX)
		check_error(r, "%s/lists: more than %d files", r->b->conf_dir,
		    ALIASES_LISTS_MAX);
	else if (read_list(dir, name, &l->at[l->count], &err) == -1)
		address_tables_complain(r, file, &err);
	else
		l->count++;
}

static void
read_lists(struct check_report *r, struct lists *l)
{
	int fd = openat(r->b->conf_fd, "lists",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat sb;

	if (dir == NULL) {
		if (errno != ENOENT)
			check_error(r, "%s/lists: %s", r->b->conf_dir,
			    strerror(errno));
		return;
	}
	if (fstat(fd, &sb) == -1 || sb.st_uid != 0 ||
	    (sb.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		check_error(r, "%s/lists: others than root may write it, and "
		    "no list is read: chown root and chmod go-w it (the lists "
		    "themselves may belong to anybody)", r->b->conf_dir);
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			take_list(r, dirfd(dir), e->d_name, l);
	closedir(dir);
}

/* ---- tables ---- */

static int
load_domains(struct address_tables *t, struct slice text,
    struct table_error *err)
{
	t->domains = domains_compile(text, slice_str(t->r->b->hostname), err);
	return t->domains == NULL ? -1 : 0;
}

static int
load_aliases(struct address_tables *t, struct slice text,
    struct table_error *err)
{
	struct lists lists = { .count = 0 };
	const struct alias_fault *f;

	read_lists(t->r, &lists);
	t->aliases = aliases_compile(text, lists.at, lists.count, t->programs,
	    err);
	lists_clear(&lists);
	if (t->aliases == NULL)
		return -1;
	for (size_t i = 0; t->check &&
	    (f = aliases_fault(t->aliases, i)) != NULL; i++) {
		char file[sizeof("lists/") + ALIASES_LIST_NAME_MAX];

		snprintf(file, sizeof(file), "lists/%s", f->name);
		address_tables_complain(t->r, file, &f->err);
	}
	return 0;
}

static int
load_users(struct address_tables *t, struct slice text,
    struct table_error *err)
{
	return (t->users = users_compile(text, err)) == NULL ? -1 : 0;
}

static int
load_passwords(struct address_tables *t, struct slice text,
    struct table_error *err)
{
	return (t->passwords = passwords_compile(text, err)) == NULL ? -1 : 0;
}

static int
load_system(struct address_tables *t, struct slice text,
    struct table_error *err)
{
	const struct instance_settings *s = t->r->b->instance;
	size_t skipped;

	if (!s->system_users)
		return 0;
	t->system = system_users_compile(text, (uint32_t)s->system_uid_min,
	    (uint32_t)s->system_uid_max, &skipped, err);
	return t->system == NULL ? -1 : 0;
}

static int
load_recipients(struct address_tables *t, struct slice text,
    struct table_error *err)
{
	return (t->recipients = recipients_compile(text, err)) == NULL ? -1 : 0;
}

static int
load_routes(struct address_tables *t, struct slice text,
    struct table_error *err)
{
	return (t->routes = routes_compile(text, err)) == NULL ? -1 : 0;
}

static int
load_srs(struct address_tables *t, struct slice text, struct table_error *err)
{
	return srs_secrets_compile(text, &t->srs, err);
}

/* smtpd's alone; nothing else is held against it. */
static int
load_clients(struct address_tables *t, struct slice text,
    struct table_error *err)
{
	struct rules *rules = rules_compile(text, err);

	(void)t;
	rules_free(rules);
	return rules == NULL ? -1 : 0;
}

/* resolver's alone. */
static int
load_anchors(struct address_tables *t, struct slice text,
    struct table_error *err)
{
	char anchor[ANCHOR_MAX];
	unsigned line = 0;
	enum parse p;

	(void)t;
	while ((p = anchor_next(&text, &line, anchor)) == PARSE_OK)
		;
	return p == PARSE_MORE ? 0 : table_error_set(err, line, "not a trust "
	    "anchor; write a DS or DNSKEY record on one line");
}

static const struct load {
	const char	*file;
	/* Does it have names as people write them, and what is a word in it
	 * that has no domain? */
	bool		 international;
	enum idn_words	 bare;
	int		(*load)(struct address_tables *, struct slice,
			    struct table_error *);
} loads[] = {
	{ "domains", true, IDN_WORDS_DOMAINS, load_domains },
	{ "aliases", true, IDN_WORDS_NAMES, load_aliases },
	{ "users", false, 0, load_users },
	{ "passwords", false, 0, load_passwords },
	{ "/etc/passwd", false, 0, load_system },
	{ "relay-recipients", true, IDN_WORDS_NAMES, load_recipients },
	{ "routes", true, IDN_WORDS_DOMAINS, load_routes },
	{ "srs-secrets", false, 0, load_srs },
	{ "clients", false, 0, load_clients },
	{ "trust-anchors", false, 0, load_anchors },
};

static bool
load_one(struct address_tables *t, const struct load *l)
{
	struct table_error err = { 0 };
	size_t len;
	char *text = tables_read(t->r->b, l->file, &len, &err);
	bool good;

	if (l->international)
		text = to_ascii(text, l->bare, &len);
	good = text != NULL && l->load(t, slice_of(text, len), &err) == 0;
	if (!good)
		address_tables_complain(t->r, l->file, &err);
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
	return good;
}

/* Silently: check_settings has told what is wrong with them. */
static struct settings *
read_settings(const struct bulkhead *b, const struct settings_schema *schema)
{
	struct settings_errors errors;
	int fd = conf_open(b, schema->file);
	struct settings *s = settings_read(schema, fd, &errors);

	if (fd != -1)
		close(fd);
	return s;
}

bool
address_tables_load(struct address_tables *t, struct check_report *r,
    bool check)
{
	const struct directory_settings *own;
	bool all = true;
	int n;

	*t = (struct address_tables){ .r = r, .check = check };
	t->own = read_settings(r->b, &directory_schema);
	own = t->own == NULL ? NULL : settings_values(t->own);
	t->programs = own == NULL ? ALIASES_PROGRAMS_LISTS :
	    (enum aliases_programs)own->alias_programs;
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		if ((check || (loads[i].load != load_passwords &&
		    loads[i].load != load_clients &&
		    loads[i].load != load_anchors)) &&
		    !load_one(t, &loads[i]))
			all = false;
	t->relay = read_settings(r->b, &remote_relay_schema);
	if (t->own == NULL || t->relay == NULL)
		return false;
	n = idn_domain(slice_str(own->srs_domain), t->srs_domain);
	t->srs_domain[n < 0 || n == IDN_DOMAIN_MAX ? 0 : n] = '\0';
	return all;
}

void
address_tables_clear(struct address_tables *t)
{
	domains_free(t->domains);
	aliases_free(t->aliases);
	users_free(t->users);
	passwords_free(t->passwords);
	system_users_free(t->system);
	recipients_free(t->recipients);
	routes_free(t->routes);
	settings_free(t->own);
	settings_free(t->relay);
	explicit_bzero(t, sizeof(*t));
}

struct directions
address_tables_directions(const struct address_tables *t)
{
	const struct directory_settings *own = settings_values(t->own);

	return (struct directions){
		.book = { .domains = t->domains, .aliases = t->aliases,
			.users = t->users, .system = t->system,
			.recipients = t->recipients,
			.delimiter = own->detail_delimiter[0] },
		.routes = t->routes,
		.srs = t->srs_domain[0] != '\0' && t->srs.count > 0 ?
		    &t->srs : NULL,
		.srs_domain = slice_str(t->srs_domain),
		.day = srs_day((int64_t)time(NULL)),
	};
}

bool
address_tables_has_route(const struct address_tables *t, struct slice name)
{
	if (name.len == 0 || slice_equal(name, slice_str(ROUTE_DEFAULT)))
		return true;
	for (size_t i = 0; i < settings_n_groups(t->relay); i++)
		if (slice_equal(name,
		    slice_str(settings_group(t->relay, i)->name)))
			return true;
	return false;
}
