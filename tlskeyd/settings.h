/* tlskeyd.conf. */
#ifndef TLSKEYD_SETTINGS_H
#define TLSKEYD_SETTINGS_H

#include "common/settings/settings.h"

#define TLSKEYD_SETTINGS(X)						\
	X(signatures_per_second, COUNT, "1000", "1", "100000", RELOAD,	\
	    "Handshakes that are signed for one process in a second; further " \
	    "ones fail.  A captured process cannot take the processor from " \
	    "the others.")						\
	X(ticket_rotation, SECONDS, "6h", "1m", "1d", RELOAD,		\
	    "Age at which the key of session tickets is replaced.  The " \
	    "former one is taken for as long again.  Tickets of a key can " \
	    "be read by who gets hold of it in that time.")		\
	X(expiry_warning, SECONDS, "14d", "1d", "90d", RELOAD,		\
	    "A certificate that expires within this time is told of in the " \
	    "log every day.")

struct tlskeyd_settings {
	TLSKEYD_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema tlskeyd_schema;

#endif
