/* pop3d.conf: for the gate and for its sessions. */
#ifndef POP3D_SETTINGS_H
#define POP3D_SETTINGS_H

#include "common/gate/settings.h"

#define POP3D_SETTINGS(X)						\
	GATE_SETTINGS(X)						\
	X(idle_timeout, SECONDS, "10m", "1m", "1d", RELOAD,		\
	    "Silence after which a session is ended; at least ten minutes " \
	    "by RFC 1939 section 3.")

struct pop3d_settings {
	POP3D_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema pop3d_schema;

#endif
