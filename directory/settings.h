/* directory.conf: see directory.conf(5). */
#ifndef DIRECTORY_SETTINGS_H
#define DIRECTORY_SETTINGS_H

#include "common/settings/settings.h"

#define DIRECTORY_SETTINGS(X)						\
	X(detail_delimiter, STRING, "+", "0", "1", RELOAD,		\
	    "The character between a user and a detail, as in "		\
	    "alice+lists@example.org.  Empty: addresses have no detail.") \
	X(alias_programs, ENUM, "aliases", "none|aliases|lists", "", RELOAD, \
	    "Where programs and files may be named: nowhere; in the aliases " \
	    "table, which only root writes; or in the lists that it includes, " \
	    "too, whose writers then run programs as programs_user of "	\
	    "bulkhead.conf.")						\
	X(srs_domain, STRING, "", "0", "255", RELOAD,			\
	    "A domain of ours in which the reverse-path of mail that an alias " \
	    "or a user's ~/.forward sends on to another host is rewritten " \
	    "(SRS), so that the other host's SPF check asks about us.  bulkhead-srs-secrets(5) holds the keys.  " \
	    "Empty: reverse-paths stay as they are.")

struct directory_settings {
	DIRECTORY_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema directory_schema;

#endif
