#include <stdlib.h>

#include "common/accounts/table.h"
#include "common/instance/instance.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "resolver/resolver.h"

static int
take_settings(void *ctx, int shared_fd, int own_fd)
{
	struct resolver *r = ctx;
	struct settings_errors errors = { 0 };

	settings_free(r->next_shared);
	settings_free(r->next_own);
	r->next_shared = settings_read(&instance_schema, shared_fd, &errors);
	r->next_own = settings_read(&resolver_schema, own_fd, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused", LOG_CSTR("reason",
		    errors.at[i]));
	return r->next_shared == NULL || r->next_own == NULL ? -1 : 0;
}

static int
take_table(void *ctx, enum stage_table table, int fd)
{
	struct resolver *r = ctx;
	struct text *text;
	struct table_error err;

	switch (table) {
	case STAGE_TABLE_TRUST_ANCHORS:
		text = &r->next_texts[TEXT_ANCHORS];
		break;
	case STAGE_TABLE_ROOT_KEY:
		text = &r->next_texts[TEXT_ROOT_KEY];
		break;
	case STAGE_TABLE_RESOLV_CONF:
		text = &r->next_texts[TEXT_RESOLV_CONF];
		break;
	default:
		return -1;
	}
	free(text->at);
	*text = (struct text){ 0 };
	if (table_read(fd, &text->at, &text->len, &err) == 0)
		return 0;
	text->at = NULL;
	log_error("table-refused", LOG_CSTR("file", stage_table_name(table)),
	    LOG_CSTR("reason", err.text));
	return -1;
}

static int
take_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	(void)instance;
	return asker_open(ctx, peer, fd);
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

/* Fresh texts, and those in use where none is fresh. */
static void
merge_texts(const struct resolver *r, struct text out[TEXT_COUNT])
{
	for (int i = 0; i < TEXT_COUNT; i++)
		out[i] = r->next_texts[i].at != NULL ? r->next_texts[i] :
		    r->texts[i];
}

static void
replace_texts(struct resolver *r)
{
	for (int i = 0; i < TEXT_COUNT; i++) {
		if (r->next_texts[i].at == NULL)
			continue;
		free(r->texts[i].at);
		r->texts[i] = r->next_texts[i];
		r->next_texts[i] = (struct text){ 0 };
	}
}

static void
drop_texts(struct text texts[TEXT_COUNT])
{
	for (int i = 0; i < TEXT_COUNT; i++) {
		free(texts[i].at);
		texts[i] = (struct text){ 0 };
	}
}

/* The kernel was told once; it lets us go to no further port by TCP. */
static bool
ports_open(const struct resolver *r, const struct resolver_settings *own)
{
	uint16_t ports[ENGINE_PORTS_MAX];
	size_t n = engine_ports(own, ports), k;

	for (size_t i = 0; r->ports_closed && i < n; i++) {
		for (k = 0; k < r->n_ports && r->ports[k] != ports[i];)
			k++;
		if (k < r->n_ports)
			continue;
		log_error("settings-refused", LOG_CSTR("reason",
		    "resolver.conf: servers: a port that was not there at the "
		    "start: bulkhead restart resolver"),
		    LOG_NUM("port", ports[i]));
		return false;
	}
	return true;
}

static void
close_ports(struct resolver *r)
{
	r->n_ports = engine_ports(resolver_settings(r), r->ports);
	r->ports_closed = sandbox_connect_only(r->ports, r->n_ports);
}

static int
refuse(struct resolver *r)
{
	drop_texts(r->next_texts);
	settings_free(r->next_own);
	r->next_own = NULL;
	return -1;
}

/*
 * Every batch makes a new context: libunbound takes no changes, and an
 * operator who reloads also wants what is in the cache to go.
 */
static int
commit(void *ctx, bool first)
{
	struct resolver *r = ctx;
	const struct settings *next = r->next_own != NULL ? r->next_own :
	    r->own;
	struct text texts[TEXT_COUNT];
	struct ub_ctx *context;

	if (next == NULL || !ports_open(r, settings_values(next)))
		return refuse(r);
	merge_texts(r, texts);
	context = engine_new(r, settings_values(next), texts);
	if (context == NULL)
		return refuse(r);
	replace(&r->shared, &r->next_shared);
	replace(&r->own, &r->next_own);
	replace_texts(r);
	engine_delete(r);
	r->context = context;
	if (first)
		close_ports(r);
	lookups_again(r);
	engine_probe(r);
	return 0;
}

static const struct stage_hooks hooks = {
	.role = IPC_RESOLVER,
	.settings = take_settings,
	.table = take_table,
	.channel = take_channel,
	.commit = commit,
};

static void
resolver_clear(struct resolver *r)
{
	engine_delete(r);
	lookups_clear(r);
	drop_texts(r->texts);
	drop_texts(r->next_texts);
	settings_free(r->shared);
	settings_free(r->own);
	settings_free(r->next_shared);
	settings_free(r->next_own);
}

int
main(int argc, char *argv[])
{
	struct resolver r = { 0 };
	int status;

	stage_open(argc, argv, &hooks);
	sandbox_enter(IPC_RESOLVER);	/* empty jail; DNS ports, channels */
	stage_attach(&r.stage, &hooks, &r);
	if (lookups_init(&r) == -1) {
		log_error("cannot-start", LOG_CSTR("reason", "no memory"));
		return 71;
	}
	status = stage_run(&r.stage);
	resolver_clear(&r);
	return status;
}
