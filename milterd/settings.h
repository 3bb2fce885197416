/* milterd.conf. */
#ifndef MILTERD_SETTINGS_H
#define MILTERD_SETTINGS_H

#include "common/instance/milter.h"

#define MILTERD_SETTINGS(X)                                                    \
	X(max_body, SIZE, "35M", "64K", "2G", RELOAD,                          \
	    "Largest body that a milter may put in the place of a message's.") \
	X(max_reviews, COUNT, "2000", "1", "100000", RELOAD,                   \
	    "Messages whose content is given to milters at once, of smtpd, "   \
	    "of its submission and of its LMTP each; further ones get 451.")

struct milterd_settings {
	MILTERD_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema milterd_schema;

#endif
