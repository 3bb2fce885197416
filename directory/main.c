#include <stdlib.h>

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
	struct settings_errors errors = { 0 };

	settings_free(d->next_shared);
	settings_free(d->next_own);
	d->next_shared = settings_read(&instance_schema, shared_fd, &errors);
	d->next_own = settings_read(&directory_schema, own_fd, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused", LOG_CSTR("reason",
		    errors.at[i]));
	return d->next_shared == NULL || d->next_own == NULL ? -1 : 0;
}

static int
take_table(void *ctx, enum stage_table table, int fd)
{
	struct directory *d = ctx;

	tables_take(&d->tables, table, fd);
	return 0;
}

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct directory *d = ctx;

	(void)instance;
	return answers_open(d, peer, fd);
}

static void
replace(struct settings **used, struct settings **next)
{
	if (*next == NULL)
		return;
	settings_free(*used);
	*used = *next;
	*next = NULL;
}

/*
 * When another table changed under the aliases a loop can have come into
 * them.  They stay in use: each alias is followed once only, whatever they
 * say, and taking them away would lose mail that has nothing to do with it.
 */
static void
report(const struct directory *d)
{
	const struct tables *t = &d->tables;
	struct table_error err;

	if (book_check(&d->book, &err) == -1)
		log_warning("table-doubtful",
		    LOG_CSTR("file", stage_table_name(STAGE_TABLE_ALIASES)),
		    LOG_NUM("line", err.line), LOG_CSTR("reason", err.text));
	if (!book_root_is_read(&d->book))
		log_warning("nobody-reads-root", LOG_CSTR("remedy",
		    "write \"root: NAME\" into the aliases table"));
	log_notice("tables-in-use",
	    LOG_NUM("domains", domains_count(t->domains)),
	    LOG_NUM("aliases", aliases_count(t->aliases)),
	    LOG_NUM("users", users_count(t->users)),
	    LOG_NUM("system-users", system_users_count(t->system)));
}

static int
commit_tables(struct directory *d, const struct tables_rules *rules)
{
	unsigned changed;
	int result = tables_commit(&d->tables, rules, &changed);

	if (result == -1 && d->book.domains == NULL)
		return -1;	/* nothing to fall back on */
	d->book = tables_book(&d->tables, rules);
	if (changed != 0)
		report(d);
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
	if (d->next_shared != NULL && d->next_own != NULL) {
		replace(&d->shared, &d->next_shared);
		replace(&d->own, &d->next_own);
	}
	if (d->shared == NULL || d->own == NULL)
		return -1;
	own = settings_values(d->own);
	instance_account_rules(settings_values(d->shared), &accounts);
	rules.delimiter = own->detail_delimiter[0];
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
	settings_free(d->shared);
	settings_free(d->own);
	settings_free(d->next_shared);
	settings_free(d->next_own);
}

int
main(int argc, char *argv[])
{
	struct directory d = { 0 };
	int status;

	tables_init(&d.tables, STAGE_TABLE_BIT(STAGE_TABLE_DOMAINS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_ALIASES) |
	    STAGE_TABLE_BIT(STAGE_TABLE_USERS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_SYSTEM_USERS));
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
