/*
 * remote-relay: takes messages from queue-manager and gives them to other
 * hosts by SMTP or LMTP.  One process, one event loop, any number of
 * destinations.
 */
#ifndef REMOTE_RELAY_REMOTE_RELAY_H
#define REMOTE_RELAY_REMOTE_RELAY_H

#include "common/net/stream.h"
#include "common/stage/stage.h"
#include "remote-relay/own.h"
#include "remote-relay/settings.h"

enum { PORT_LMTP = 24, PORTS_MAX = 256 };

/* In host order, each once. */
struct ports {
	size_t		n;
	uint16_t	at[PORTS_MAX];
};

struct remote_relay {
	struct stage	 stage;
	struct stream_loop *loop;
	struct own_addresses own;
	struct settings	*settings, *next_settings;
	const struct remote_relay_settings *set;	/* in settings */
	/* What the kernel lets us connect to, where it can be told. */
	struct ports	 ports;
	bool		 ports_closed;
};

extern const struct stage_hooks remote_relay_hooks;

/* Behind stage_attach.  -1 with errno. */
int remote_relay_init(struct remote_relay *);
void remote_relay_clear(struct remote_relay *);

#endif
