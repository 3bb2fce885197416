/*
 * The address of a client: an IPv4 or IPv6 host, or a user of this host who
 * came in by a Unix socket.  An IPv4 address mapped into IPv6 (RFC 4291
 * section 2.5.5.2) is made IPv4 at once, so that one client has one address.
 */
#ifndef COMMON_NET_ADDRESS_H
#define COMMON_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "common/slice/slice.h"

enum net_family {
	NET_NONE,	/* not known */
	NET_IPV4,
	NET_IPV6,
	NET_LOCAL	/* a Unix socket; uid and pid by SO_PEERCRED */
};

struct net_address {
	enum net_family	family;
	uint16_t	port;		/* host order; 0 for NET_LOCAL */
	unsigned char	octets[16];	/* network order; IPv4 uses 4 of them */
	uid_t		uid;		/* NET_LOCAL only */
	pid_t		pid;		/* NET_LOCAL only; for logs alone */
};

/* Longest printed form, NUL included: "IPv6:" and 45 characters. */
#define NET_ADDRESS_SIZE 56

/* From what accept(2) or getpeername(2) gave; other families: NET_NONE. */
void net_address_from(struct net_address *, const struct sockaddr *);

/* The peer of a connected socket.  Returns -1 with errno. */
int net_address_of_peer(struct net_address *, int fd);

/* Our own end of a connected socket.  Returns -1 with errno. */
int net_address_of_self(struct net_address *, int fd);

/*
 * Print without port: "192.0.2.1", "2001:db8::1" or "uid=1000" into out of
 * at least NET_ADDRESS_SIZE octets; returns out.
 */
const char *net_address_print(const struct net_address *, char *out);

/*
 * The address literal of RFC 5321 section 4.1.3, brackets left out:
 * "192.0.2.1" or "IPv6:2001:db8::1".  NET_LOCAL and NET_NONE give
 * "127.0.0.1", which is what they are to the rest of the world.
 */
const char *net_address_literal(const struct net_address *, char *out);

/* The reverse of net_address_print for hosts; mapped forms become IPv4. */
enum parse net_address_parse(struct slice, struct net_address *);

/*
 * What one client is counted by: the IPv4 address, the /64 of an IPv6
 * address (a customer has at least that), or the uid.  Ports do not count.
 */
uint64_t net_address_key(const struct net_address *);

/* Loopback or a user of this host. */
bool net_address_is_local(const struct net_address *);

#endif
