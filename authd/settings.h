/* authd.conf: see authd.conf(5). */
#ifndef AUTHD_SETTINGS_H
#define AUTHD_SETTINGS_H

#include "common/settings/settings.h"

#define AUTHD_SETTINGS(X)						\
	X(failure_delay, SECONDS, "2s", "0s", "1m", RELOAD,		\
	    "How long the answer to a first wrong password takes.  It "	\
	    "doubles with each further one for the same name from the "	\
	    "same network.")						\
	X(failure_delay_max, SECONDS, "16s", "0s", "10m", RELOAD,	\
	    "The longest that it grows to.")				\
	X(failure_memory, SECONDS, "15m", "1s", "1d", RELOAD,		\
	    "Failures are forgotten after this time without another.")	\
	X(failures_per_network, COUNT, "20", "0", "100000", RELOAD,	\
	    "After so many failures from one network (an IPv4 address or " \
	    "an IPv6 /64), its logins begin one at a time, failure_delay " \
	    "apart, whatever the names.")				\
	X(logins_max, COUNT, "5000", "1", "100000", RELOAD,		\
	    "Logins under way at once, of each gate, those included whose "	\
	    "refusal is held back.  More than a gate has clients, so that "	\
	    "nobody can use them up.")			\
	X(pam, BOOL, "yes", "", "", RELOAD,				\
	    "System users log in, by PAM.")				\
	X(pam_service, STRING, "bulkhead", "1", "32", RELOAD,		\
	    "Name of the PAM service: letters, digits, hyphens.")	\
	X(pam_dir, PATH, "/etc/pam.d", "", "", RELOAD,			\
	    "Directory of the PAM service's file.")			\
	X(pam_parallel, COUNT, "8", "1", "16", RELOAD,			\
	    "PAM helpers at once; each is killed after 30 seconds.")

struct authd_settings {
	AUTHD_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema authd_schema;

#endif
