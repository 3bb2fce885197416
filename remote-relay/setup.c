/* What supervisor gives us, and when: settings, channels, the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "common/tls/stage.h"
#include "remote-relay/remote_relay.h"

enum {
	INPUT_SIZE = 65536,	/* read at once, for each connection in turn */
	DNS_MAX = 20000,	/* questions at once */
	DNS_PATIENCE_MS = 60000
};

/* ---- settings ---- */

/* The kernel was told once; it lets us go to no further port. */
static int
check_ports(const struct remote_relay *rr)
{
	uint16_t port;

	if (!rr->ports_closed || ports_within(&rr->next_ports, &rr->ports,
	    &port))
		return 0;
	log_error("settings-refused", LOG_CSTR("reason", "remote-relay.conf: a "
	    "port that was not there at the start: bulkhead restart "
	    "remote-relay"), LOG_NUM("port", port));
	return -1;
}

static int
on_settings(void *ctx, int shared_fd, int own_fd)
{
	struct remote_relay *rr = ctx;
	struct settings_errors errors = { .n = 0 };
	struct settings *s = settings_read(&remote_relay_schema, own_fd,
	    &errors);

	(void)shared_fd;	/* all we want of it is stage.hostname */
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused", LOG_CSTR("reason",
		    errors.at[i]));
	if (s == NULL)
		return -1;
	ports_of_settings(&rr->next_ports, s);
	if (check_ports(rr) == -1) {
		settings_free(s);
		return -1;
	}
	routes_release(rr->next_routes);
	rr->next_routes = routes_new(s);
	return rr->next_routes != NULL ? 0 : -1;
}

static void
use_settings(struct remote_relay *rr)
{
	if (rr->next_routes == NULL)
		return;
	routes_release(rr->routes);
	rr->routes = rr->next_routes;
	rr->next_routes = NULL;
	rr->set = routes_settings(rr->routes);
	client_shared_use(&rr->shared, rr->set);
	own_addresses_use(&rr->own, rr->set->interface_addresses,
	    &rr->set->own_addresses);
	destinations_renew(rr);
}

static int
take_logins(struct remote_relay *rr, int fd)
{
	struct table_error err = { 0 };
	struct logins *l = NULL;
	char *text = NULL;
	size_t len;

	if (table_read(fd, &text, &len, &err) == 0) {
		l = logins_parse(slice_of(text, len), &err);
		explicit_bzero(text, len);
	}
	free(text);
	if (l == NULL) {
		log_error("broken-table", LOG_CSTR("file", "relay-passwords"),
		    LOG_NUM("line", err.line), LOG_CSTR("reason", err.text));
		return rr->logins != NULL ? 0 : -1;
	}
	logins_free(rr->next_logins);
	rr->next_logins = l;
	return 0;
}

static int
on_table(void *ctx, enum stage_table table, int fd)
{
	struct remote_relay *rr = ctx;

	if (table == STAGE_TABLE_RELAY_PASSWORDS)
		return take_logins(rr, fd);
	if (table != STAGE_TABLE_TRUSTED_ROOTS)
		return -1;
	tls_client_free(rr->next_tls);
	rr->next_tls = tls_client_new(fd);
	return rr->next_tls != NULL ? 0 : -1;
}

static void
use_tables(struct remote_relay *rr)
{
	if (rr->next_logins != NULL) {
		logins_free(rr->logins);
		rr->logins = rr->next_logins;
		rr->next_logins = NULL;
	}
	if (rr->next_tls != NULL) {
		tls_client_free(rr->shared.tls);
		rr->shared.tls = rr->next_tls;
		rr->next_tls = NULL;
	}
}

static int
on_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct remote_relay *rr = ctx;

	(void)instance;
	switch (peer) {
	case IPC_QUEUE_MANAGER:
		return jobs_open(rr, fd);
	case IPC_RESOLVER:
		return dns_client_channel(rr->dns, fd);
	case IPC_TLSKEYD:
		return tls_keys_connect(rr->tls_keys, fd);
	default:
		close(fd);
		return -1;
	}
}

static int
on_certificate(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ch;
	return tls_store_take(((struct remote_relay *)ctx)->certificates, m);
}

static const struct ipc_handler from_supervisor[] = {
	{ IPC_STAGE_CERTIFICATE, on_certificate },
};

static int
on_commit(void *ctx, bool first)
{
	struct remote_relay *rr = ctx;

	if (first && rr->next_routes != NULL) {
		rr->ports = rr->next_ports;
		rr->ports_closed = sandbox_connect_only(rr->ports.at,
		    rr->ports.n);
	}
	tls_store_commit(rr->certificates);
	use_tables(rr);
	use_settings(rr);
	if (rr->set == NULL || rr->shared.tls == NULL)
		return -1;
	log_notice(first ? "started" : "reloaded",
	    LOG_NUM("routes", routes_count(rr->routes)),
	    LOG_BOOL("ports-closed", rr->ports_closed));
	return 0;
}

/* ---- the end ---- */

static void
stop_now(evutil_socket_t fd, short what, void *arg)
{
	struct remote_relay *rr = arg;

	(void)fd;
	(void)what;
	log_notice("stopped", LOG_NUM("messages", rr->n_jobs));
	stage_finished(&rr->stage, 0);
}

/* What is being sent is waited for; the rest waits in the spool. */
static void
on_stop(void *ctx)
{
	struct remote_relay *rr = ctx;
	struct timeval patience = { (time_t)rr->set->stop_timeout, 0 };

	rr->stopping = true;
	destinations_stop(rr);
	if (rr->n_jobs == 0)
		stage_finished(&rr->stage, 0);
	else
		evtimer_add(rr->stop_timer, &patience);
}

const struct stage_hooks remote_relay_hooks = {
	.role = IPC_REMOTE_RELAY,
	.settings = on_settings,
	.table = on_table,
	.channel = on_channel,
	.commit = on_commit,
	.stop = on_stop,
	.more = from_supervisor,
	.more_count = sizeof(from_supervisor) / sizeof(from_supervisor[0]),
};

/* ---- the whole ---- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct remote_relay *rr = arg;

	(void)fd;
	(void)what;
	if (rr->set != NULL)
		destinations_tick(rr);
}

static void
on_room(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	destinations_crowd(arg);
}

int
remote_relay_init(struct remote_relay *rr)
{
	static const struct timeval second = { .tv_sec = 1 };

	RB_INIT(&rr->destinations);
	TAILQ_INIT(&rr->crowded);
	rr->loop = stream_loop_new(rr->stage.base, INPUT_SIZE);
	rr->dns = dns_client_new(rr->stage.base, IPC_REMOTE_RELAY, DNS_MAX,
	    DNS_PATIENCE_MS);
	rr->down = down_new();
	rr->tls_keys = tls_keys_new(rr->stage.base, IPC_REMOTE_RELAY);
	rr->certificates = rr->tls_keys != NULL ?
	    tls_store_new(rr->tls_keys) : NULL;
	rr->tick = event_new(rr->stage.base, -1, EV_PERSIST, on_tick, rr);
	rr->room = evtimer_new(rr->stage.base, on_room, rr);
	rr->stop_timer = evtimer_new(rr->stage.base, stop_now, rr);
	return rr->loop == NULL || rr->dns == NULL || rr->down == NULL ||
		       rr->certificates == NULL || rr->tick == NULL ||
		       rr->room == NULL || rr->stop_timer == NULL ||
		       event_add(rr->tick, &second) == -1 ||
		       client_shared_init(
			   &rr->shared, rr->stage.base, rr->loop) == -1
		   ? -1
		   : 0;
}

void
remote_relay_clear(struct remote_relay *rr)
{
	destinations_clear(rr);
	event_free(rr->tick);
	event_free(rr->room);
	event_free(rr->stop_timer);
	dns_client_free(rr->dns);
	down_free(rr->down);
	tls_client_free(rr->shared.tls);
	tls_client_free(rr->next_tls);
	tls_store_free(rr->certificates);
	tls_keys_free(rr->tls_keys);
	logins_free(rr->logins);
	logins_free(rr->next_logins);
	client_shared_clear(&rr->shared);
	routes_release(rr->routes);
	routes_release(rr->next_routes);
	stream_loop_free(rr->loop);
}
