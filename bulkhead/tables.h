/* The lookup tables of the instance, for commands that look into them. */
#ifndef BULKHEAD_TABLES_H
#define BULKHEAD_TABLES_H

#include "bulkhead/bulkhead.h"
#include "common/accounts/table.h"

struct aliases_table;
struct domains_table;
struct passwords_table;
struct users_table;

/*
 * The text of a table of the configuration directory; an absent one is an
 * empty one.  NULL with err.  The caller wipes and frees it.
 */
char *tables_read(const struct bulkhead *, const char *file, size_t *len,
    struct table_error *err);

/*
 * Compiled, for the caller to free; NULL with a sentence on standard error,
 * or, with err not NULL, in it.
 */
struct domains_table *tables_domains(const struct bulkhead *);
struct users_table *tables_users(const struct bulkhead *);
struct passwords_table *tables_passwords(const struct bulkhead *);

#endif
