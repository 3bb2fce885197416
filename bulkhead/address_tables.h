/* The tables that say where mail goes, compiled as directory does it: for
 * `bulkhead check` and `bulkhead explain`. */
#ifndef BULKHEAD_ADDRESS_TABLES_H
#define BULKHEAD_ADDRESS_TABLES_H

#include "bulkhead/check.h"
#include "common/directions/directions.h"
#include "common/idn/idn.h"

struct passwords_table;

struct address_tables {
	struct check_report	*r;
	bool			 check;
	struct domains_table	*domains;
	struct aliases_table	*aliases;
	struct users_table	*users;
	struct passwords_table	*passwords;
	struct system_users	*system;	/* NULL: not used here */
	struct recipients_table	*recipients;
	struct routes_table	*routes;
	struct srs_secrets	 srs;
	enum aliases_programs	 programs;	/* as directory.conf says */
	struct settings		*own;		/* directory.conf */
	struct settings		*relay;		/* remote-relay.conf */
	char			 srs_domain[IDN_DOMAIN_MAX];
};

/*
 * Read all of them; what is wrong is reported.  check: look at the passwords,
 * too, and tell what is wrong in lists, which harms their own aliases alone.
 * False: not all can be used.  Clear it in either case.
 */
bool address_tables_load(struct address_tables *, struct check_report *,
    bool check);
void address_tables_clear(struct address_tables *);

/* The directions over them, as directory takes them; without a trace. */
struct directions address_tables_directions(const struct address_tables *);

/* Has remote-relay.conf a block of this name?  The default one needs none. */
bool address_tables_has_route(const struct address_tables *, struct slice);

/* "/etc/bulkhead/FILE:LINE: what is wrong", as an error. */
void address_tables_complain(struct check_report *, const char *file,
    const struct table_error *);

#endif
