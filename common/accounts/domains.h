/*
 * The domains table: bulkhead-domains(5).  One line for each domain whose
 * mail is for us to take:
 *
 *	domain [local]
 *	domain virtual
 *	domain relay [unchecked]
 *	domain alias of domain
 *
 * The first one that is local or virtual is the default domain: names without
 * a domain mean it.
 */
#ifndef COMMON_ACCOUNTS_DOMAINS_H
#define COMMON_ACCOUNTS_DOMAINS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/accounts/table.h"
#include "common/slice/slice.h"

enum domain_kind {
	DOMAIN_LOCAL,		/* system users and bare alias names too */
	DOMAIN_VIRTUAL,		/* only what is written with this domain */
	DOMAIN_RELAY,		/* its mailboxes are on another host */
	DOMAIN_ALIAS		/* the same as another one of the table */
};

struct domain {
	struct slice	name;		/* canonical */
	enum domain_kind kind;
	bool		unchecked;	/* DOMAIN_RELAY: any name will do */
	struct slice	of;		/* DOMAIN_ALIAS: the other one */
	unsigned	line;		/* 0: it is the host name */
};

struct domains_table;

/*
 * Compile the text of a domains table.  Where none is local or virtual (an
 * absent table is an empty text), the host's name is a local one.
 *
 * Refused: a name that is no domain, one there twice, an unknown kind, an
 * alias of a domain that is not there or is an alias itself, and a table
 * without local or virtual domain on a host whose name is no domain.
 */
struct domains_table *domains_compile(struct slice text,
    struct slice host_name, struct table_error *);
void domains_free(struct domains_table *);

/* NULL where the domain is not one of ours.  name must be in small letters. */
const struct domain *domains_find(const struct domains_table *,
    struct slice name);
/* The same, and an alias' domain instead of the alias; written is the row
 * of the name itself.  Never of kind DOMAIN_ALIAS. */
const struct domain *domains_resolve(const struct domains_table *,
    struct slice name, const struct domain **written);
const struct domain *domains_default(const struct domains_table *);
size_t domains_count(const struct domains_table *);
/* "local", "virtual", "relay", "alias" */
const char *domain_kind_name(enum domain_kind);

#endif
