/* What supervisor gives us, and when: settings, channels, the end. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "remote-relay/remote_relay.h"
#include "remote-relay/target.h"

/* Octets that are read at once, of all connections in turn. */
enum { INPUT_SIZE = 65536 };

/* ---- the ports that we may connect to ---- */

static bool
ports_have(const struct ports *p, uint16_t port)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i] == port)
			return true;
	return false;
}

static void
ports_add(struct ports *p, uint16_t port)
{
	if (!ports_have(p, port) && p->n < PORTS_MAX)
		p->at[p->n++] = port;
}

static void
ports_of_targets(struct ports *p, const struct settings_words *words)
{
	struct target t;

	for (size_t i = 0; i < words->n; i++)
		if (target_parse(slice_str(words->at[i]), &t) == PARSE_OK &&
		    t.port != 0)
			ports_add(p, t.port);
}

static void
ports_of_settings(struct ports *p, const struct settings *s)
{
	const struct remote_relay_settings *own = settings_values(s);

	p->n = 0;
	ports_add(p, (uint16_t)own->smtp_port);
	ports_add(p, PORT_LMTP);
	for (size_t i = 0; i < settings_n_groups(s); i++) {
		const struct route_settings *r = settings_group(s, i)->values;

		ports_of_targets(p, &r->via);
		ports_of_targets(p, &r->fallback);
	}
}

/* The kernel was told once; it lets us go to no further port. */
static int
check_ports(const struct remote_relay *rr, const struct settings *s)
{
	struct ports wanted;

	if (!rr->ports_closed)
		return 0;
	ports_of_settings(&wanted, s);
	for (size_t i = 0; i < wanted.n; i++)
		if (!ports_have(&rr->ports, wanted.at[i])) {
			log_error("settings-refused", LOG_CSTR("reason",
			    "remote-relay.conf: a port that was not there at "
			    "the start: bulkhead restart remote-relay"),
			    LOG_NUM("port", wanted.at[i]));
			return -1;
		}
	return 0;
}

/* ---- settings ---- */

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
	if (s == NULL || check_ports(rr, s) == -1) {
		settings_free(s);
		return -1;
	}
	settings_free(rr->next_settings);
	rr->next_settings = s;
	return 0;
}

static void
use_settings(struct remote_relay *rr)
{
	if (rr->next_settings == NULL)
		return;
	settings_free(rr->settings);
	rr->settings = rr->next_settings;
	rr->next_settings = NULL;
	rr->set = settings_values(rr->settings);
	own_addresses_use(&rr->own, rr->set->interface_addresses,
	    &rr->set->own_addresses);
}

static int
on_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	(void)ctx;
	(void)peer;
	(void)instance;
	close(fd);
	return -1;
}

static int
on_commit(void *ctx, bool first)
{
	struct remote_relay *rr = ctx;

	use_settings(rr);
	if (rr->set == NULL)
		return -1;
	if (first) {
		ports_of_settings(&rr->ports, rr->settings);
		rr->ports_closed = sandbox_connect_only(rr->ports.at,
		    rr->ports.n);
	}
	log_notice(first ? "started" : "reloaded",
	    LOG_NUM("routes", settings_n_groups(rr->settings)),
	    LOG_BOOL("ports-closed", rr->ports_closed));
	return 0;
}

const struct stage_hooks remote_relay_hooks = {
	.role = IPC_REMOTE_RELAY,
	.settings = on_settings,
	.channel = on_channel,
	.commit = on_commit,
};

/* ---- the whole ---- */

int
remote_relay_init(struct remote_relay *rr)
{
	rr->loop = stream_loop_new(rr->stage.base, INPUT_SIZE);
	return rr->loop != NULL ? 0 : -1;
}

void
remote_relay_clear(struct remote_relay *rr)
{
	stream_loop_free(rr->loop);
	settings_free(rr->settings);
	settings_free(rr->next_settings);
}
