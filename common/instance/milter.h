/*
 * `milter NAME { socket = ... }` in milterd.conf.  supervisor connects to the
 * socket when milterd asks for it by the block's name; milterd reads the rest.
 */
#ifndef COMMON_INSTANCE_MILTER_H
#define COMMON_INSTANCE_MILTER_H

#include <sys/socket.h>

#include "common/settings/settings.h"

enum {
	MILTER_NAME_MAX = 32, /* octets of a block's name */
	MILTERS_MAX = 8       /* in a row, at one listener */
};

#define MILTER_SETTINGS(X)                                                     \
	X(socket, STRING, NULL, "1", "107", RELOAD,                            \
	    "Where it listens: a path such as /run/rspamd/milter.sock, or "    \
	    "an address with its port such as 127.0.0.1:11332 or "             \
	    "[::1]:11332.  supervisor connects to it, as root, so that "       \
	    "the path needs no rights for anybody.")                           \
	X(on_failure, ENUM, "tempfail", "tempfail|accept|reject", "", RELOAD,  \
	    "What becomes of a message while the milter cannot be reached, "   \
	    "does not answer in time or breaks the protocol.  tempfail: 451, " \
	    "the client tries again.  accept: the message goes on without "    \
	    "it.  reject: 550.")                                               \
	X(connect_timeout, SECONDS, "30s", "1s", "10m", RELOAD,                \
	    "Time for the connection and for its options to be settled.")      \
	X(command_timeout, SECONDS, "30s", "1s", "10m", RELOAD,                \
	    "Time for the answer to a command of SMTP.")                       \
	X(content_timeout, SECONDS, "5m", "1s", "10m", RELOAD,                 \
	    "Time for each answer while it is given a message's content, "     \
	    "the verdict on the whole included.  A milter that says it is "    \
	    "still at work gets as much again.")                               \
	X(packet_size, ENUM, "64K", "64K|256K|1M", "", RELOAD,                 \
	    "Largest packet that it is offered; what it takes is agreed upon " \
	    "when a connection begins (SMFIP_MDS).  More saves answers to "    \
	    "pieces of large bodies, and costs as much memory for each "       \
	    "message that it is given.")                                       \
	X(keep_connections, COUNT, "0", "0", "256", RELOAD,                    \
	    "Connections kept for the next client when a session has ended "   \
	    "(QUIT_NC), for a minute at most.  For milters that are known to " \
	    "forget the client then, as those of libmilter and rspamd do.")

struct milter_settings {
	MILTER_SETTINGS(SETTING_MEMBER)
};

enum milter_failure {
	MILTER_FAILURE_TEMPFAIL,
	MILTER_FAILURE_ACCEPT,
	MILTER_FAILURE_REJECT
};

/* The block for a schema. */
extern const struct settings_block milter_block[1];

/* What socket = says, to connect to; -1: it is neither path nor address. */
int milter_socket_parse(
    const char *text, struct sockaddr_storage *, socklen_t *len);

#endif
