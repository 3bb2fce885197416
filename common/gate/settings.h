/*
 * The settings that every gate has.  A daemon's own table begins with them,
 * and its schema's struct with the same members.
 */
#ifndef COMMON_GATE_SETTINGS_H
#define COMMON_GATE_SETTINGS_H

#include "common/settings/settings.h"

#define GATE_SETTINGS(X)						\
	X(clients_max, COUNT, "4000", "1", "60000", RELOAD,		\
	    "Clients at once that have not logged in, in one gate process.") \
	X(clients_per_address, COUNT, "500", "1", "60000", RELOAD,	\
	    "Of these, from one IPv4 address or one IPv6 /64.")		\
	X(login_timeout, SECONDS, "1m", "5s", "1h", RELOAD,		\
	    "Time a client has until it has logged in or must start anew.") \
	X(login_failures_max, COUNT, "5", "1", "100", RELOAD,		\
	    "Wrong passwords on one connection before it is closed.")	\
	X(bad_commands_max, COUNT, "20", "1", "1000", RELOAD,		\
	    "Commands in error on one connection before it is closed.") \
	X(cleartext_login, ENUM, "loopback", "loopback|always|never", "", \
	    RELOAD,							\
	    "Who may log in without TLS.  always: passwords cross the "	\
	    "network for everyone on the way to read.")

/* The greatest clients_max: a reload may raise it up to here. */
enum { GATE_CLIENTS_MOST = 60000 };

struct gate_settings {
	GATE_SETTINGS(SETTING_MEMBER)
};

enum gate_cleartext {
	GATE_CLEARTEXT_LOOPBACK, GATE_CLEARTEXT_ALWAYS, GATE_CLEARTEXT_NEVER
};

/* Copy them out of a daemon's struct: GATE_SETTINGS(GATE_COPY). */
#define GATE_COPY(name, ...) .name = values->name,

#endif
