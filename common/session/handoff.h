/*
 * What a gate tells the session that takes over a client's connection, in a
 * sealed memfd that supervisor passes on without reading it.
 *
 * There is no input in it: a gate reads to the end of a line and no further, so
 * what the client sent behind its login is still in the connection.
 *
 * The session takes it as what it is: octets from a process that talks to
 * strangers.  Nothing in it decides whose mail the session sees.
 */
#ifndef COMMON_SESSION_HANDOFF_H
#define COMMON_SESSION_HANDOFF_H

#include <stdint.h>

#include "common/net/address.h"
#include "common/slice/slice.h"

enum {
	HANDOFF_TAG_MAX = 255,		/* octets of an IMAP tag */
	HANDOFF_USER_MAX = 512,		/* of an account's name */
	HANDOFF_MAX = HANDOFF_TAG_MAX + HANDOFF_USER_MAX + 64
};

/* What the client has asked for before its login. */
enum { HANDOFF_UTF8 = 1 << 0 };	/* RFC 6856 section 2.1 */

struct handoff {
	uint64_t		session;	/* id, for the log */
	struct net_address	client;
	struct slice		tag;	/* of the login command; POP3: empty */
	struct slice		user;	/* the account's name, as authd has it;
					 * for settings of taste alone */
	uint8_t			flags;	/* HANDOFF_... */
};

/* The record; answers its length, 0 when a field is over its limit. */
size_t handoff_encode(const struct handoff *, void *buf, size_t size);
/* tag and user point into in.  -1: malformed or of an unknown version. */
int handoff_decode(struct slice in, struct handoff *);

/* A sealed memfd that holds the record, or -1 with errno. */
int handoff_write(const struct handoff *);
/*
 * Read a record from fd: a regular file of at most HANDOFF_MAX octets.  buf
 * (size HANDOFF_MAX) holds what the slice points to.  -1 with errno.
 */
int handoff_read(int fd, void *buf, struct handoff *);

#endif
