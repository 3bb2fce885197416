/*
 * tlskeyd: the private keys of the instance.  It is given them as descriptors,
 * signs TLS handshakes for the processes that a certificate is meant for, and
 * makes the keys of their session tickets.
 *
 *	store.c		which keys there are, and for whom
 *	peers.c		who asks, how often, and what is answered
 *	tickets.c	keys of session tickets, one pair for each kind of peer
 *	report.c	the daily lines: certificates that expire, and counts
 *	sign.c, input.c	one key and its signature
 */
#ifndef TLSKEYD_TLSKEYD_H
#define TLSKEYD_TLSKEYD_H

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "common/ipc/tls.h"
#include "common/stage/stage.h"
#include "tlskeyd/settings.h"
#include "tlskeyd/sign.h"

struct tlskeyd;

/* A certificate block of bulkhead.conf. */
struct block {
	TAILQ_ENTRY(block) all;
	char		 name[TLS_NAME_MAX + 1];
	uint32_t	 roles, next_roles;	/* IPC_BIT()s: who may use it */
	struct pair	 used;		/* key NULL: none yet */
	/* What was used before the last change: a peer may still have its
	 * certificate for a moment. */
	struct pair	 former;
	struct pair	 next;		/* of the batch under way */
	bool		 named;		/* in the batch under way */
};

/* A process that may ask. */
struct peer {
	TAILQ_ENTRY(peer) all;
	struct tlskeyd	*d;
	struct ipc_channel *channel;
	enum ipc_role	 role;
	unsigned	 instance;
	uint64_t	 milli_tokens;	/* thousandths of a signature */
	uint64_t	 filled_ms;
	uint64_t	 signed_count, refused_count;	/* since the last line */
	bool		 told_busy;	/* this second, in the log */
};

struct ticket_group {
	struct tls_ticket_keys	keys;
	uint64_t		made_ms;	/* 0: not yet */
};

TAILQ_HEAD(blocks, block);
TAILQ_HEAD(peers, peer);

struct tlskeyd {
	struct stage	 stage;
	struct settings	*settings, *next_settings;
	const struct tlskeyd_settings *set;
	struct blocks	 blocks;
	unsigned	 n_blocks;
	struct peers	 peers;
	struct ticket_group tickets[IPC_ROLE_COUNT];
	struct event	*minute;
	uint64_t	 reported_ms;	/* when, last; 0: never */
	bool		 batch;		/* keys came since the last commit */
	uint8_t		 body[TLS_BODY_MAX];
};

uint64_t tlskeyd_now_ms(void);

/* ---- store.c ---- */

/* STAGE_KEY; -1: malformed. */
int store_take(struct tlskeyd *, struct ipc_message *);
/* The batch is whole.  True: what peers may use has changed. */
bool store_commit(struct tlskeyd *);
/* The key of this name for a peer of this role, or NULL. */
const struct pair *store_find(const struct tlskeyd *, enum ipc_role,
    const struct tls_key_id *);
/* The keys that the role may use; ids holds TLS_KEYS_MAX.  Their number. */
size_t store_list(const struct tlskeyd *, enum ipc_role,
    struct tls_key_id *ids);
void store_clear(struct tlskeyd *);

/* ---- peers.c ---- */

int peers_add(struct tlskeyd *, enum ipc_role, unsigned instance, int fd);
/* Tell everybody which keys they may use. */
void peers_announce(struct tlskeyd *);
/* Tell the peers of this role their ticket keys. */
void peers_give_tickets(struct tlskeyd *, enum ipc_role);
void peers_clear(struct tlskeyd *);

/* ---- tickets.c ---- */

const struct tls_ticket_keys *tickets_of(struct tlskeyd *, enum ipc_role);
/* Replace those that are old enough, and give them out. */
void tickets_turn(struct tlskeyd *);

/* ---- report.c ---- */

/* Every minute; writes when a day has gone by, or never has. */
void report_turn(struct tlskeyd *);
/* Certificates that expire soon, now. */
void report_expiry(struct tlskeyd *);

#endif
