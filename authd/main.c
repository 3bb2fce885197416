#include <errno.h>

#include "authd/authd.h"
#include "common/instance/instance.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "common/sasl/scram_keys.h"

static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	struct authd *a = ctx;
	struct settings_errors errors = { 0 };

	settings_free(a->next_shared);
	settings_free(a->next_own);
	a->next_shared = settings_read(&instance_schema, shared_fd, &errors);
	a->next_own = settings_read(&authd_schema, own_fd, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused", LOG_CSTR("reason",
		    errors.at[i]));
	return a->next_shared == NULL || a->next_own == NULL ? -1 : 0;
}

static int
take_table(void *ctx, enum stage_table table, int fd)
{
	struct authd *a = ctx;

	tables_take(&a->tables, table, fd);
	return 0;
}

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct authd *a = ctx;
	int result = peer == IPC_AUTHD_VERIFIER ?
	    verifiers_open(a, instance, fd) :
	    logins_open_gate(a, fd, peer);

	if (result == -1)
		log_error("cannot-open-channel", LOG_CSTR("peer",
		    ipc_role_name(peer)), LOG_ERRNO(errno));
	return result;
}

static void
replace(struct settings **used, struct settings **next)
{
	settings_free(*used);
	*used = *next;
	*next = NULL;
}

static int
commit_tables(struct authd *a)
{
	struct tables_rules rules = { .hostname = a->stage.hostname };
	struct account_rules accounts;
	unsigned changed;
	int result;

	instance_account_rules(settings_values(a->shared), &accounts);
	rules.system_min = accounts.system_min;
	rules.system_max = accounts.system_max;
	result = tables_commit(&a->tables, &rules, &changed);
	if (result == -1 && a->book.domains == NULL)
		return -1;	/* nothing to fall back on */
	a->book = tables_book(&a->tables, &rules);
	if ((changed & STAGE_TABLE_BIT(STAGE_TABLE_SCRAM_SECRET)) != 0 &&
	    !a->tables.scram_secret->there)
		log_notice("no-scram-secret", LOG_CSTR("file", "scram-secret"),
		    LOG_CSTR("remedy", "bulkhead start makes it"));
	if (changed != 0)
		log_notice("tables-in-use",
		    LOG_NUM("users", users_count(a->tables.users)),
		    LOG_NUM("passwords",
		    passwords_count(a->tables.passwords)));
	return result;
}

static int
commit(void *ctx, bool first)
{
	struct authd *a = ctx;
	int result;

	(void)first;
	if (a->next_shared != NULL && a->next_own != NULL) {
		replace(&a->shared, &a->next_shared);
		replace(&a->own, &a->next_own);
	}
	result = a->shared == NULL ? -1 : commit_tables(a);
	if (a->book.domains != NULL)
		offers_tell(a);
	return result;
}

static const struct ipc_handler from_supervisor[] = {
	{ IPC_TICKET_REDEEM, logins_redeem },
	{ IPC_PAM_STARTED, helpers_started },
	{ IPC_PAM_REFUSED, helpers_refused },
};

static const struct stage_hooks hooks = {
	.role = IPC_AUTHD,
	.settings = take_settings,
	.table = take_table,
	.channel = take_channel,
	.commit = commit,
	.more = from_supervisor,
	.more_count = sizeof(from_supervisor) / sizeof(from_supervisor[0]),
};

int
main(int argc, char *argv[])
{
	struct authd a;
	int started, status;

	stage_open(argc, argv, &hooks);
	started = scram_start();
	sandbox_enter(IPC_AUTHD);	/* empty jail; channels only */
	if (started == -1 || authd_init(&a) == -1) {
		log_error("cannot-start", LOG_ERRNO(errno));
		return 71;
	}
	stage_attach(&a.stage, &hooks, &a);
	status = stage_run(&a.stage);
	authd_clear(&a);
	return status;
}
