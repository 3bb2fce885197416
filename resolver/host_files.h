/*
 * What the host says about DNS: resolv.conf(5), and files of trust anchors.
 */
#ifndef RESOLVER_HOST_FILES_H
#define RESOLVER_HOST_FILES_H

#include <stddef.h>

#include "common/net/address.h"
#include "common/slice/slice.h"

enum {
	NAMESERVERS_MAX = 16,
	ANCHOR_MAX = 2048,	/* octets of one trust anchor */
	ANCHORS_MAX = 64
};

/*
 * The addresses of the nameserver lines, at most NAMESERVERS_MAX; returns how
 * many.  Lines that say anything else, or name a zone of an IPv6 address, are
 * passed over: resolv.conf is the host's, and means more to others than to
 * us.
 */
size_t nameservers_read(struct slice text, struct net_address *out);

/*
 * The next trust anchor: a DS or DNSKEY record on one line, as in
 *
 *	. IN DS 20326 8 2 E06D44B8...
 *	example.org. 3600 IN DNSKEY 257 3 13 mdsswUyr...
 *
 * with what follows a semicolon left out.  Takes lines from the front of
 * *rest and counts them in *line.
 *
 * PARSE_OK: out holds it, NUL-terminated.  PARSE_MORE: there are no more.
 * PARSE_BAD: line *line is something else, or longer than ANCHOR_MAX.
 */
enum parse anchor_next(struct slice *rest, unsigned *line,
    char out[ANCHOR_MAX]);

#endif
