/* imapd.conf: for the gate and for its sessions. */
#ifndef IMAPD_SETTINGS_H
#define IMAPD_SETTINGS_H

#include "common/gate/settings.h"

#define IMAPD_SETTINGS(X)                                                     \
	GATE_SETTINGS(X)                                                      \
	X(idle_timeout, SECONDS, "30m", "1m", "1d", RELOAD,                   \
	    "Silence after which a session is ended; at least thirty "        \
	    "minutes by RFC 3501 section 5.4.")                               \
	X(append_max, SIZE, "64M", "64K", "2G", RELOAD,                       \
	    "Largest message that APPEND takes.")                             \
	X(raw_headers, ENUM, "refuse", "refuse|keep", "", RELOAD,             \
	    "Octets beyond ASCII in the header of a message that APPEND "     \
	    "brings, from a client that has enabled neither UTF8=ACCEPT nor " \
	    "IMAP4rev2.  refuse: as RFC 6855 section 4 says.  keep: it is "   \
	    "taken as it is, for old mail that is moved here.")               \
	X(progress_interval, SECONDS, "10s", "1s", "10m", RELOAD,             \
	    "Time between the notices that a long command sends (RFC 9585).") \
	X(hide_capabilities, WORDS, "", "0", "1024", RELOAD,                  \
	    "What is neither announced to an account whose client breaks "    \
	    "on it nor enabled: bob:IDLE alice@example.org:QRESYNC; *:XLIST " \
	    "is for everybody, before the login, too.")

enum imapd_raw_headers { IMAPD_HEADERS_REFUSE, IMAPD_HEADERS_KEEP };

struct imapd_settings {
	IMAPD_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema imapd_schema;

#endif
