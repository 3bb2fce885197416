#ifndef COMMON_GATE_PRIVATE_H
#define COMMON_GATE_PRIVATE_H

#include <bsd/sys/queue.h>

#include "common/gate/gate.h"
#include "common/instance/listener.h"
#include "common/ipc/auth.h"
#include "common/ipc/ipc.h"
#include "common/ipc/pending.h"
#include "common/ipc/start.h"
#include "common/net/clients.h"
#include "common/net/listener.h"
#include "common/net/stream.h"
#include "common/session/handoff.h"
#include "common/stage/fields.h"
#include "common/stage/stage.h"
#include "common/tls/stage.h"

/* The life of a connection in a gate, from top to bottom. */
enum client_state {
	CLIENT_TALKING,		/* we read its commands */
	CLIENT_LOGIN,		/* authd has been asked */
	CLIENT_START,		/* supervisor has been asked; in clear, the
				 * stream is given up */
	CLIENT_SECURING,	/* a TLS handshake */
	CLIENT_RELAY,		/* its session has begun; with TLS only */
	CLIENT_CLOSING		/* the last words are on their way */
};

struct gate_exchange;
struct gate_listener;

struct gate_client {
	TAILQ_ENTRY(gate_client) entry;
	struct gate		*gate;
	enum client_state	 state;
	struct stream		*stream;	/* to the client; or NULL */
	struct stream		*session;	/* in CLIENT_RELAY; or NULL */
	struct tls		*tls;		/* the stream's; or NULL */
	int			 mode;		/* enum listener_tls */
	/* Ours in CLIENT_START: the connection, or with TLS our end of the
	 * socket pair; else -1. */
	int			 fd;
	uint64_t		 id;
	struct gate_listener	*listener;
	struct net_address	 address;
	struct client		*count;
	uint64_t		 request;	/* id at authd or supervisor */
	uint64_t		 asked_ms;	/* when; of the loop's clock */
	struct gate_exchange	*exchange;	/* of SASL, or NULL */
	unsigned		 failures, bad;
	uint64_t		 nonce;		/* of the greeting */
	uint8_t			 flags;		/* for the session */
	uint8_t			 tag_len;
	char			 tag[HANDOFF_TAG_MAX];
	_Alignas(16) char	 protocol[];
};

TAILQ_HEAD(gate_clients, gate_client);

/* Clients know theirs, so one that is closed stays, with listener NULL; so
 * is one that is not open yet. */
struct gate_listener {
	TAILQ_ENTRY(gate_listener) entry;
	struct gate		*gate;
	struct listener		*listener;
	int			 fd;
	char			 name[STAGE_NAME_MAX + 1];
};

TAILQ_HEAD(gate_listeners, gate_listener);

struct gate {
	struct stage		 stage;
	const struct gate_protocol *protocol;
	struct stage_hooks	 hooks;
	struct stream_kind	 kind;
	struct settings		*settings, *next_settings;
	struct gate_settings	 limits;
	struct stream_loop	*loop;
	struct gate_listeners	 listeners;
	struct listener_events	 listener_events;
	struct gate_clients	 clients;
	unsigned		 count, relays;	/* before, after login */
	struct clients		*addresses;
	struct tls_keys		*tls_keys;
	struct tls_server	*tls;
	struct ipc_channel	*authd;
	unsigned		 login_offer;	/* a set of enum auth_offer */
	struct ipc_pending	*logins;	/* at authd */
	struct ipc_pending	*starts;	/* at supervisor */
	struct event		*sweep;		/* for those who wait too long */
	struct event		*wait;		/* the doors open anyway */
	struct event		*leave;		/* stopping: patience is over */
	uint64_t		 next_id;
	bool			 open;		/* the doors, once and for all */
	bool			 stopping;
};

/* ---- client.c ---- */
extern const struct stream_events gate_stream_events;
void gate_client_accept(void *listener, int fd, const struct net_address *);
/* Told to stop, and nobody is left. */
void gate_client_gone(struct gate *);
void gate_client_free(struct gate_client *);
void gate_client_goodbye(struct gate_client *, enum gate_goodbye);
/* Go on talking after a login that led nowhere. */
void gate_client_refused(struct gate_client *, enum gate_refusal);

/* Its block in the settings, as it is now; NULL: it has gone. */
const struct listener_settings *gate_listener_block(
    const struct gate_listener *);
/* The same for the listener of a client. */
const struct listener_settings *gate_listener_settings(
    const struct gate_client *);

/* ---- sasl.c ---- */
/* The exchange is over, whatever came of it. */
void gate_sasl_end(struct gate_client *);
/* The client goes: authd hears of it. */
void gate_sasl_forget(struct gate_client *);
/* authd's answers. */
void gate_sasl_challenge(struct gate_client *, uint64_t conversation,
    struct slice message);
void gate_sasl_malformed(struct gate_client *);

/* ---- login.c ---- */
enum auth_accounts gate_accounts(const struct gate_client *);
/* Send this to authd, wipe it, and wait for the answer. */
void gate_ask_authd(struct gate_client *, enum ipc_type, void *body,
    size_t len);
void gate_client_octets(const struct gate_client *, struct auth_client *);
enum { GATE_ID_SIZE = 24 };
struct slice gate_client_id(const struct gate_client *,
    char out[GATE_ID_SIZE]);
extern const struct ipc_events gate_authd_events;
/* The client goes while a login is under way. */
void gate_login_forget(struct gate_client *);
/* authd has not answered in time. */
void gate_login_expire(struct gate_client *);

/* ---- tls.c ---- */
/* The stream's word that it is secured. */
void gate_secured(void *client);
/* It never will be: log why, and forget the client. */
void gate_tls_failed(struct gate_client *);

/* ---- relay.c ---- */
enum { GATE_READ_SIZE = 65536 };
extern const struct stream_kind gate_relay_client;
/* A socket pair: ours into c->fd, the session's is the answer; or -1. */
int gate_relay_prepare(struct gate_client *);
/* The session has begun: from here on octets only pass through. */
void gate_relay_begin(struct gate_client *);

/* ---- handover.c ---- */
extern const struct ipc_handler gate_supervisor_handlers[3];
/* Give the connection to supervisor with this ticket. */
void gate_handover(struct gate_client *, const struct ticket *,
    struct slice user);
/* supervisor has not answered in time: the connection may be a session's
 * by now, so it is only forgotten here. */
void gate_handover_expire(struct gate_client *);
/* The client goes while supervisor is being asked. */
void gate_handover_forget(struct gate_client *);

#endif
