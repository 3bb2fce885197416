/* resolver.conf: see resolver.conf(5). */
#ifndef RESOLVER_SETTINGS_H
#define RESOLVER_SETTINGS_H

#include "common/settings/settings.h"

#define RESOLVER_SETTINGS(X)						\
	X(servers, ADDRESSES, "", "0", "16", RELOAD,			\
	    "DNS servers that answer for all names, with their port: "	\
	    "127.0.0.1:53 [2001:db8::53]:53.  Empty: those of "		\
	    "/etc/resolv.conf, or recursion where that names none.")	\
	X(recursion, BOOL, "no", "", "", RELOAD,			\
	    "Where servers is empty: ask the authoritative servers of "	\
	    "each domain, beginning at the root, and not those of "	\
	    "/etc/resolv.conf.")					\
	X(dnssec, BOOL, "yes", "", "", RELOAD,				\
	    "Validate answers from the trust anchors on (RFC 4035).  The " \
	    "servers must pass signatures on; one warning says that they " \
	    "do not.")							\
	X(cache_size, SIZE, "16M", "1M", "4G", RELOAD,			\
	    "Memory for what was learnt, for all stages together.")	\
	X(max_ttl, SECONDS, "1d", "0", "1w", RELOAD,			\
	    "Nothing is kept longer, whatever its owner says.")		\
	X(max_negative_ttl, SECONDS, "15m", "0", "1d", RELOAD,		\
	    "The same for \"there is no such name\" (RFC 2308).")	\
	X(max_questions, COUNT, "4000", "16", "60000", RELOAD,		\
	    "Questions under way at once; one stage may have half of them. " \
	    "Further ones are answered with \"not now\".")		\
	X(question_timeout, SECONDS, "20s", "1s", "5m", RELOAD,		\
	    "A question that takes longer is answered with \"not now\".")

struct resolver_settings {
	RESOLVER_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema resolver_schema;

#endif
