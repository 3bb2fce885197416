/*
 * The domains table: bulkhead-domains(5).  One line for each domain whose
 * mail stays here,
 *
 *	domain [local|virtual]
 *
 * The first one is the default domain: names without a domain mean it.
 */
#ifndef COMMON_ACCOUNTS_DOMAINS_H
#define COMMON_ACCOUNTS_DOMAINS_H

#include <stddef.h>

#include "common/accounts/table.h"
#include "common/slice/slice.h"

enum domain_kind {
	DOMAIN_LOCAL,		/* system users and bare alias names too */
	DOMAIN_VIRTUAL		/* only what is written with this domain */
};

struct domain {
	struct slice		name;	/* canonical */
	enum domain_kind	kind;
	unsigned		line;	/* 0: it is the host name */
};

struct domains_table;

/*
 * Compile the text of a domains table.  One that names no domain (or an
 * absent one: empty text) stands for the host's name alone, as DOMAIN_LOCAL.
 *
 * Refused: a name that is no domain, one there twice, an unknown kind, and
 * an empty table on a host whose name is no domain.
 */
struct domains_table *domains_compile(struct slice text,
    struct slice host_name, struct table_error *);
void domains_free(struct domains_table *);

/* NULL where the domain is not one of ours.  name must be in small letters. */
const struct domain *domains_find(const struct domains_table *,
    struct slice name);
const struct domain *domains_default(const struct domains_table *);
size_t domains_count(const struct domains_table *);

#endif
