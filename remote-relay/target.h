/*
 * Where mail is to go, as `via` and `fallback` write it:
 *
 *	[mail.example.org]:587		this host, no MX records asked for
 *	[192.0.2.1]:25  [2001:db8::1]	this address
 *	example.org			the mail exchangers of a domain
 *
 * The domain of a RELAY is one of these too: a domain, or an address literal
 * of RFC 5321 section 4.1.3.
 */
#ifndef REMOTE_RELAY_TARGET_H
#define REMOTE_RELAY_TARGET_H

#include "common/net/address.h"
#include "common/slice/slice.h"

enum target_kind {
	TARGET_DOMAIN,		/* ask for MX records */
	TARGET_HOST,		/* ask for addresses alone */
	TARGET_ADDRESS
};

struct target {
	enum target_kind kind;
	uint16_t	port;		/* 0: none was given */
	char		name[256];	/* as written, without brackets */
	struct net_address address;	/* TARGET_ADDRESS; its port is 0 */
};

/* The whole of in; PARSE_BAD for anything that is none of the above. */
enum parse target_parse(struct slice in, struct target *);

#endif
