/*
 * Who is connected how often: a bounded table of clients, by the key of
 * net_address_key().  When it is full the client that was seen least
 * recently and holds no connection is forgotten; when every one of them holds
 * a connection, a new client is refused, so memory never grows.
 */
#ifndef COMMON_NET_CLIENTS_H
#define COMMON_NET_CLIENTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/net/address.h"

struct clients;

/* How often something happened lately.  Begin with { 0 }. */
struct client_window {
	unsigned	events;		/* counted in this window */
	uint64_t	began_ms;	/* 0: nothing was counted yet */
};

struct client {
	unsigned	live;		/* connections now */
	/* Octets that are kept for all of them; the caller's count, 0 before
	 * the last of them leaves. */
	uint64_t	kept;
	struct client_window connections, errors, messages, recipients;
};

/* At most max clients (at least 1) are remembered.  NULL with errno. */
struct clients *clients_new(size_t max);
void clients_free(struct clients *);

/*
 * One more connection of this client.  The client stays the table's and is
 * valid until the matching clients_leave().  NULL: the table is full.
 */
struct client *clients_enter(struct clients *, const struct net_address *);
void clients_leave(struct clients *, struct client *);

/*
 * Count n events and return how many there were, these included, in the
 * window of window_ms milliseconds that holds now_ms.  n may be 0.
 */
unsigned client_count(struct client_window *, unsigned n, uint64_t now_ms,
    uint64_t window_ms);

/* How many clients are remembered now. */
size_t clients_len(const struct clients *);

#endif
