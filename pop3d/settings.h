/* pop3d.conf: for the gate and for its sessions. */
#ifndef POP3D_SETTINGS_H
#define POP3D_SETTINGS_H

#include "common/gate/settings.h"

#define POP3D_SETTINGS(X)						\
	GATE_SETTINGS(X)						\
	X(idle_timeout, SECONDS, "10m", "1m", "1d", RELOAD,		\
	    "Silence after which a session is ended; at least ten minutes " \
	    "by RFC 1939 section 3.")					\
	X(login_delay, SECONDS, "0", "0", "1d", RELOAD,			\
	    "Time from one login of an account to the next (LOGIN-DELAY, " \
	    "RFC 2449 section 6.5); who comes sooner is refused with "	\
	    "[LOGIN-DELAY].  0: any time.")				\
	X(raw_headers, ENUM, "mask", "mask|send", "", RELOAD,		\
	    "Octets beyond ASCII in a message's header, for a client that " \
	    "has not said UTF8 (RFC 6856 section 2.1).  mask: each of them " \
	    "goes out as a question mark, and sizes stay right.  send: as " \
	    "they are, which the RFC forbids and most clients can show.")

enum pop3d_raw_headers { POP3D_HEADERS_MASK, POP3D_HEADERS_SEND };

struct pop3d_settings {
	POP3D_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema pop3d_schema;

#endif
