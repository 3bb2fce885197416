/*
 * DNS lists (RFC 5782): `list NAME { zone = ... }` in smtpd.conf.
 */
#ifndef SMTPD_POLICY_LISTS_H
#define SMTPD_POLICY_LISTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/ipc/dns.h"
#include "common/net/network.h"
#include "common/settings/settings.h"

#define LIST_SETTINGS(X)						\
	X(zone, STRING, NULL, "1", "200", RELOAD,			\
	    "The domain that is asked, such as zen.spamhaus.org.")	\
	X(kind, ENUM, "block", "block|allow", "", RELOAD,		\
	    "What being listed means: something against the client, or "	\
	    "for it.  A client in an allow list is not greylisted.")	\
	X(of, ENUM, "address", "address|name|helo|sender", "", RELOAD,	\
	    "What is looked up there: the client's address (RFC 5782), its " \
	    "confirmed name, the name in HELO, or the domain of the "	\
	    "reverse-path.")						\
	X(weight, COUNT, "1", "1", "1000", RELOAD,			\
	    "What it adds to list_threshold's sum, or takes off it.")	\
	X(replies, WORDS, "127.0.0.0/8", "1", "16", RELOAD,		\
	    "Which answers count: addresses, networks such as "		\
	    "127.0.0.4/30, and bits:N, where the last octet has one of "	\
	    "the bits of N.")

struct list_settings {
	LIST_SETTINGS(SETTING_MEMBER)
};

enum { LISTS_MAX = 32, LIST_REPLIES_MAX = 16 };

enum list_of { LIST_OF_ADDRESS, LIST_OF_NAME, LIST_OF_HELO, LIST_OF_SENDER };

struct list_reply {
	struct net_network network;
	unsigned	 bits;		/* not 0: of the last octet, instead */
};

struct list {
	const char	*name, *zone;	/* borrowed from the settings */
	enum list_of	 of;
	bool		 allows;
	unsigned	 weight;
	size_t		 n_replies;
	struct list_reply replies[LIST_REPLIES_MAX];
};

struct lists {
	size_t		 n;
	struct list	 at[LISTS_MAX];
};

/* The blocks of kind "list" in s; they were checked. */
void lists_make(const struct settings *s, struct lists *);
/* For the schema's check: what is wrong with this block. */
void lists_check(const struct settings *, const struct settings_group *,
    struct settings_errors *);

/* A word of replies. */
enum parse list_reply_parse(struct slice, struct list_reply *);
/* Does this answer count as listed? */
bool list_matches(const struct list *, const struct net_address *);
/* Is there a list of this kind? */
bool lists_have(const struct lists *, enum list_of);

#endif
