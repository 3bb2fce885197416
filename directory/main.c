#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/idn/idn.h"
#include "common/instance/instance.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "directory/directory.h"
#include "directory/settings.h"

/* Vouchers given out and not yet redeemed: seconds of delivery at full speed. */
#define VOUCHERS	65536

static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	struct directory *d = ctx;

	return own_settings_take(&d->settings, &directory_schema, shared_fd,
	    own_fd);
}

static int
take_table(void *ctx, enum stage_table table, int fd)
{
	struct directory *d = ctx;

	/* Kept open: it is looked at whenever somebody asks. */
	if (table == STAGE_TABLE_UTMP) {
		if (d->utmp != -1)
			close(d->utmp);
		d->utmp = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return 0;
	}
	tables_take(&d->tables, table, fd);
	return 0;
}

static int
take_list(void *ctx, struct slice name, int fd)
{
	struct directory *d = ctx;

	tables_take_list(&d->tables, name, fd);
	return 0;
}

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct directory *d = ctx;

	(void)instance;
	return answers_open(d, peer, fd);
}

/*
 * When another table changed under the aliases a loop can have come into
 * them.  They stay in use: each alias is followed once only, whatever they
 * say, and taking them away would lose mail that has nothing to do with it.
 */
static void
doubtful(enum stage_table table, const struct table_error *err)
{
	log_warning("table-doubtful",
	    LOG_CSTR("file", stage_table_name(table)),
	    LOG_NUM("line", err->line), LOG_CSTR("reason", err->text));
}

static void
report(const struct directory *d)
{
	const struct tables *t = &d->tables;
	struct table_error err;

	if (book_check(&d->ways.book, &err) == -1)
		doubtful(STAGE_TABLE_ALIASES, &err);
	if (book_check_recipients(&d->ways.book, &err) == -1)
		doubtful(STAGE_TABLE_RECIPIENTS, &err);
	if (!book_root_is_read(&d->ways.book))
		log_warning("nobody-reads-root", LOG_CSTR("remedy",
		    "write \"root: NAME\" into the aliases table"));
	log_notice("tables-in-use",
	    LOG_NUM("domains", domains_count(t->domains)),
	    LOG_NUM("aliases", aliases_count(t->aliases)),
	    LOG_NUM("users", users_count(t->users)),
	    LOG_NUM("system-users", system_users_count(t->system)),
	    LOG_NUM("relay-recipients", recipients_count(t->recipients)),
	    LOG_NUM("routes", routes_count(t->routes)));
}

/* Forwarded mail keeps its reverse-path where SRS has no key to sign with. */
static void
commit_srs(struct directory *d, const struct directory_settings *own)
{
	int n = idn_domain(slice_str(own->srs_domain), d->srs_domain);

	d->ways.srs = NULL;
	if (own->srs_domain[0] == '\0')
		return;
	d->ways.srs_domain = slice_of(d->srs_domain, n == -1 ? 0 : (size_t)n);
	if (n == -1 || d->tables.srs_secrets->count == 0)
		log_error("srs-not-possible", LOG_CSTR("remedy", n == -1 ?
		    "srs_domain is no domain" : "write a key into srs-secrets: "
		    "openssl rand -hex 16"));
	else
		d->ways.srs = d->tables.srs_secrets;
}

static int
commit_tables(struct directory *d, const struct tables_rules *rules)
{
	unsigned changed;
	int result = tables_commit(&d->tables, rules, &changed);

	if (result == -1 && d->ways.book.domains == NULL)
		return -1;	/* nothing to fall back on */
	d->ways.book = tables_book(&d->tables, rules);
	d->ways.routes = d->tables.routes;
	commit_srs(d, settings_values(d->settings.own));
	if (changed != 0) {
		report(d);
		answers_tables_new(d);
	}
	return result;
}

static int
commit(void *ctx, bool first)
{
	struct directory *d = ctx;
	const struct directory_settings *own;
	struct tables_rules rules = { .hostname = d->stage.hostname };
	struct account_rules accounts;

	(void)first;
	if (!own_settings_commit(&d->settings))
		return -1;
	own = settings_values(d->settings.own);
	instance_account_rules(own_settings_instance(&d->settings), &accounts);
	rules.delimiter = own->detail_delimiter[0];
	rules.programs = (enum aliases_programs)own->alias_programs;
	rules.system_min = accounts.system_min;
	rules.system_max = accounts.system_max;
	return commit_tables(d, &rules);
}

static const struct ipc_handler from_supervisor[] = {
	{ IPC_VOUCHER_REDEEM, answer_voucher },
};

static const struct stage_hooks hooks = {
	.role = IPC_DIRECTORY,
	.settings = take_settings,
	.table = take_table,
	.list = take_list,
	.channel = take_channel,
	.commit = commit,
	.more = from_supervisor,
	.more_count = sizeof(from_supervisor) / sizeof(from_supervisor[0]),
};

static void
directory_clear(struct directory *d)
{
	tables_clear(&d->tables);
	tickets_free(d->vouchers);
	own_settings_clear(&d->settings);
}

int
main(int argc, char *argv[])
{
	static struct directory d = { .utmp = -1 };
	int status;

	tables_init(&d.tables, STAGE_TABLE_BIT(STAGE_TABLE_DOMAINS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_ALIASES) |
	    STAGE_TABLE_BIT(STAGE_TABLE_USERS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_SYSTEM_USERS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_RECIPIENTS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_ROUTES) |
	    STAGE_TABLE_BIT(STAGE_TABLE_SRS_SECRETS));
	d.tables.to_ascii = idn_text;
	stage_open(argc, argv, &hooks);
	sandbox_enter(IPC_DIRECTORY);	/* empty jail; channels only */
	if ((d.vouchers = tickets_new(VOUCHERS)) == NULL) {
		log_error("cannot-start", LOG_CSTR("reason", "no memory"));
		return 71;
	}
	stage_attach(&d.stage, &hooks, &d);
	status = stage_run(&d.stage);
	directory_clear(&d);
	return status;
}
