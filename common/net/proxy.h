/*
 * The header that a load balancer puts in front of a connection that it
 * passes on: the PROXY protocol, versions 1 (text) and 2 (binary).  It says
 * who the client really is, so it is taken from named peers only.
 */
#ifndef COMMON_NET_PROXY_H
#define COMMON_NET_PROXY_H

#include <stdbool.h>

#include "common/net/address.h"
#include "common/slice/slice.h"

enum {
	PROXY_V1_MAX = 107,	/* octets of a line, its CRLF counted */
	PROXY_V2_MAX = 1024	/* of a whole header, ours: the longest
				 * address takes 232, the rest is for TLVs */
};

struct proxy_header {
	/* The balancer speaks for itself (LOCAL, UNKNOWN, a Unix socket): the
	 * client is the peer of the connection. */
	bool			local;
	struct net_address	client;
};

/*
 * Take a header from the front of in.
 *
 * PARSE_OK: *used octets are the header, the rest is the client's.
 * PARSE_MORE: it is not complete; never for PROXY_V2_MAX octets or more.
 * PARSE_BAD: this is no header.
 */
enum parse proxy_header_take(struct slice in, struct proxy_header *,
    size_t *used);

#endif
