/* What supervisor gives us, and when: settings, sockets, channels, the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/instance/instance.h"
#include "common/net/listener.h"
#include "common/tls/stage.h"
#include "smtpd/milter/milter.h"
#include "smtpd/screen.h"
#include "smtpd/session.h"

/* ---- settings ---- */

/* NULL: it was logged. */
static struct settings *
read_settings(const struct settings_schema *schema, int fd)
{
	struct settings_errors errors = { .n = 0 };
	struct settings *s = settings_read(schema, fd, &errors);

	for (size_t i = 0; s == NULL && i < errors.n; i++)
		log_error("bad-settings", LOG_CSTR("why", errors.at[i]));
	return s;
}

static int
on_settings(void *ctx, int shared_fd, int own_fd)
{
	struct smtpd *d = ctx;

	settings_free(d->next_shared);
	settings_free(d->next_settings);
	d->next_shared = read_settings(&instance_schema, shared_fd);
	d->next_settings = read_settings(&smtpd_schema, own_fd);
	return d->next_shared == NULL || d->next_settings == NULL ? -1 : 0;
}

static void
make_greeting(struct smtpd *d)
{
	char text[480];
	int n = snprintf(text, sizeof(text), "%s %s", d->stage.hostname,
	    d->role == IPC_LMTP ? "LMTP" : d->set->greeting);

	d->greeting_len = smtp_reply_line(d->greeting, 220, NULL,
	    slice_of(text, n < (int)sizeof(text) ? (size_t)n
						 : sizeof(text) - 1), 0);
}

static void
use_settings(struct smtpd *d)
{
	if (d->next_settings == NULL || d->next_shared == NULL)
		return;
	settings_free(d->settings);
	d->settings = d->next_settings;
	d->next_settings = NULL;
	settings_free(d->shared);
	d->shared = d->next_shared;
	d->next_shared = NULL;
	d->set = settings_values(d->settings);
	session_kind(d);
	make_greeting(d);
}

/* ---- sockets and channels ---- */

static int
on_listener(void *ctx, const char *name, int fd)
{
	return doors_add(ctx, name, fd);
}

static int
on_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct smtpd *d = ctx;

	(void)instance;
	switch (peer) {
	case IPC_DIRECTORY:
		return resolve_connect(ctx, fd);
	case IPC_QUEUE_MANAGER:
		return enqueue_connect(ctx, fd);
	case IPC_TLSKEYD:
		return tls_keys_connect(((struct smtpd *)ctx)->tls_keys, fd);
	case IPC_AUTHD:
		return auth_connect(ctx, fd);
	case IPC_MILTERD:
		return milter_connect(d, fd);
	case IPC_RESOLVER:
		return dns_client_channel(d->dns, fd);
	default:
		close(fd);
		return -1;
	}
}

/* The table of clients, for the commit that follows. */
static int
on_table(void *ctx, enum stage_table table, int fd)
{
	struct smtpd *d = ctx;
	struct table_error err = { 0 };
	size_t len;
	char *text;

	if (table != STAGE_TABLE_CLIENTS)
		return -1;
	rules_free(d->next_rules);
	d->next_rules = NULL;
	if (table_read(fd, &text, &len, &err) == 0) {
		d->next_rules = rules_compile(slice_of(text, len), &err);
		free(text);
	}
	if (d->next_rules != NULL)
		return 0;
	log_error("table-refused", LOG_CSTR("file", stage_table_name(table)),
	    LOG_NUM("line", err.line), LOG_CSTR("reason", err.text));
	return -1;
}

static void
use_rules(struct smtpd *d)
{
	if (d->next_rules == NULL)
		return;
	rules_free(d->rules);
	d->rules = d->next_rules;
	d->next_rules = NULL;
	if (rules_count(d->rules) > 0)
		log_notice("clients-in-use",
		    LOG_NUM("rules", rules_count(d->rules)));
}

/*
 * The first clients wait in the kernel until a message of theirs could be
 * taken, and over TLS, rather than be told 451 or 454; but not for ever, since
 * a queue-manager or tlskeyd that does not come is something to be told.
 */
enum { OPEN_ANYWAY_S = 5 };

static void
open_now(struct smtpd *d)
{
	if (d->open || d->stopping || d->set == NULL)
		return;
	d->open = true;
	if (doors_open(d) == -1)
		stage_finished(&d->stage, 71);
	else
		log_info("listening", LOG_BOOL("queue", d->queue.ch != NULL),
		    LOG_BOOL("tls", tls_server_ready(d->tls)));
}

void
smtpd_open_when_ready(struct smtpd *d)
{
	if (d->lent && d->committed && !tls_server_waits(d->tls))
		open_now(d);
}

static void
keys_came(void *ctx)
{
	smtpd_open_when_ready(ctx);
}

static int
on_certificate(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ch;
	return tls_server_take(((struct smtpd *)ctx)->tls, m);
}

static const struct ipc_handler from_supervisor[] = {
	{ IPC_STAGE_CERTIFICATE, on_certificate },
};

static int
on_commit(void *ctx, bool first)
{
	struct smtpd *d = ctx;

	use_settings(d);
	if (d->set == NULL)
		return -1;
	tls_server_commit(d->tls);
	use_rules(d);
	screen_use(d);
	d->committed = true;
	if (d->open && !d->stopping && doors_open(d) == -1)
		return -1;
	smtpd_open_when_ready(d);
	log_notice(first ? "started" : "reloaded");
	return 0;
}

/* ---- time ---- */

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	struct smtpd *d = arg;
	uint64_t before;

	(void)fd;
	(void)what;
	if (d->set == NULL)
		return;
	if (!d->open && ++d->waited_s >= OPEN_ANYWAY_S)
		open_now(d);
	before = smtpd_now_ms(d) - d->set->sibling_timeout * 1000;
	sibling_expire(&d->directory, before);
	sibling_expire(&d->queue, before);
	sibling_expire(&d->authd, before);
	sibling_expire(&d->milterd, smtpd_now_ms(d) -
	    d->set->milter_timeout * 1000);
}

/* ---- the end ---- */

void
smtpd_session_gone(struct smtpd *d)
{
	if (d->stopping && d->n_sessions == 0)
		stage_finished(&d->stage, 0);
}

/* Time is up for those that still have a message under way. */
static void
stop_now(evutil_socket_t fd, short what, void *arg)
{
	struct smtpd *d = arg;
	struct session *s, *next;

	(void)fd;
	(void)what;
	TAILQ_FOREACH_SAFE(s, &d->sessions, all, next)
		if (s->phase == PHASE_END)
			session_free(s);
		else
			session_close(s, SAY_STOPPING);
	/* What is written leaves in this turn of the loop, the last one. */
	stage_finished(&d->stage, 0);
}

/* Nobody new; who is between messages goes, the others may finish. */
static void
on_stop(void *ctx)
{
	struct smtpd *d = ctx;
	struct timeval patience = { (time_t)d->set->stop_timeout, 0 };
	struct session *s, *next;

	d->stopping = true;
	doors_close(d);
	TAILQ_FOREACH_SAFE(s, &d->sessions, all, next)
		if (s->t == NULL)
			session_close(s, SAY_STOPPING);
	evtimer_add(d->stop_timer, &patience);
	smtpd_session_gone(d);
}

/* ---- the whole ---- */

void
smtpd_hooks(struct smtpd *d, enum ipc_role role, struct stage_hooks *hooks)
{
	d->role = role;
	*hooks = (struct stage_hooks){
		.role = role,
		.settings = on_settings,
		.table = on_table,
		.listener = on_listener,
		.channel = on_channel,
		.commit = on_commit,
		.stop = on_stop,
		.more = from_supervisor,
		.more_count = sizeof(from_supervisor) /
		    sizeof(from_supervisor[0]),
	};
}

static void
resolver_lost(void *ctx)
{
	struct smtpd *d = ctx;

	stage_channel_lost(&d->stage, IPC_RESOLVER, 0);
}

void
smtpd_init(struct smtpd *d)
{
	static const struct timeval second = { 1, 0 };
	struct timeval now;

	TAILQ_INIT(&d->doors);
	TAILQ_INIT(&d->sessions);
	TAILQ_INIT(&d->proxied);
	TAILQ_INIT(&d->held);
	TAILQ_INIT(&d->milters_held);
	TAILQ_INIT(&d->milters_owed);
	/* Microseconds since 1970: no former process of ours counted so far,
	 * so a session's id in the log is its own. */
	gettimeofday(&now, NULL);
	d->next_session = (uint64_t)now.tv_sec * 1000000 +
	    (uint64_t)now.tv_usec;
	d->tls_keys = tls_keys_new(d->stage.base, d->role);
	d->tls = d->tls_keys == NULL ? NULL :
	    tls_server_new(d->tls_keys, "smtp");
	d->loop = stream_loop_new(d->stage.base, SMTPD_INPUT_MAX);
	d->clients = clients_new(SMTPD_CLIENTS_MAX);
	d->dns = dns_client_new(d->stage.base, d->role, SMTPD_DNS_MAX,
	    SMTPD_DNS_MS);
	d->tick = event_new(d->stage.base, -1, EV_PERSIST, tick, d);
	d->stop_timer = evtimer_new(d->stage.base, stop_now, d);
	if (d->tls == NULL || d->loop == NULL || d->clients == NULL ||
	    d->dns == NULL || d->tick == NULL ||
	    d->stop_timer == NULL || event_add(d->tick, &second) == -1 ||
	    sibling_init(&d->directory, SMTPD_ASKS_MAX) == -1 ||
	    sibling_init(&d->queue, SMTPD_ASKS_MAX) == -1 ||
	    sibling_init(&d->authd, SMTPD_ASKS_MAX) == -1 ||
	    sibling_init(&d->milterd, SMTPD_ASKS_MAX) == -1 ||
	    (d->quotas = quotas_new()) == NULL) {
		log_error("cannot-start", LOG_ERRNO(errno));
		exit(71);
	}
	tls_keys_on_news(d->tls_keys, keys_came, d);
	dns_client_on_lost(d->dns, resolver_lost, d);
}
