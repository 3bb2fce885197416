/*
 * The aliases table: bulkhead-aliases(5).
 *
 *	name: target, target		in every domain of kind local
 *	local@domain: target
 *	@domain: target			whatever else the domain gets
 *	@domain: @domain		the same local-part in the other domain
 *
 * A target is an address here or anywhere, a name, which means the default
 * domain, or :include:LIST, which stands for the targets in that list.  A line
 * that begins with a blank goes on with the targets of the one before.
 */
#ifndef COMMON_ACCOUNTS_ALIASES_H
#define COMMON_ACCOUNTS_ALIASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/accounts/table.h"
#include "common/slice/slice.h"

enum {
	ALIASES_LIST_NAME_MAX = 64,	/* octets of a list's name */
	ALIASES_LISTS_MAX = 256,	/* lists of an instance */
	ALIASES_INCLUDE_DEPTH_MAX = 8	/* a list in a list, so many times */
};

/* A list of targets in a file of its own, as the operator named it. */
struct alias_list {
	const char	*name;
	struct slice	 text;
};

struct alias {
	struct slice	local;		/* canonical; empty: catch-all */
	struct slice	domain;		/* canonical; empty: bare name */
	size_t		first;		/* index of its first target */
	size_t		count;		/* of targets */
	unsigned	line;
	bool		maps;		/* a target is @domain */
	bool		broken;		/* a list of its could not be read */
};

struct alias_target {
	/* As written: a detail keeps its case.  Empty: @domain. */
	struct slice	local;
	struct slice	domain;		/* canonical; empty: the default one */
	unsigned	line;
	uint16_t	list;		/* for aliases_list_name; 0: none */
};

/* What is wrong with a list; its aliases are broken, the others are not. */
struct alias_fault {
	char			name[ALIASES_LIST_NAME_MAX + 1];
	struct table_error	err;
};

struct aliases_table;

/*
 * Compile the text of an aliases table with the lists that it may include.
 * Refused: names outside username.h's grammar, targets that are no address, a
 * name there twice, one without a target, and what other systems allow here
 * but we do not: files and programs.  What the names mean, and loops, are
 * looked at in book.h.
 *
 * A list that is not there, includes itself or holds what is no target does
 * not refuse the table, because its writer may be another than root: see
 * aliases_fault.
 *
 * Returns NULL with err.  The table keeps its own copy of the texts.
 */
struct aliases_table *aliases_compile(struct slice text,
    const struct alias_list *, size_t count, struct table_error *);
void aliases_free(struct aliases_table *);

/* May a list have this name?  Letters, digits and . _ -, no dot in front. */
bool aliases_list_name_valid(struct slice);

/* NULL where there is none.  Both in small letters, as in struct alias. */
const struct alias *aliases_find(const struct aliases_table *,
    struct slice local, struct slice domain);

/* Rows are 0 to count - 1; aliases_index says which one a row is. */
size_t aliases_count(const struct aliases_table *);
const struct alias *aliases_at(const struct aliases_table *, size_t i);
size_t aliases_index(const struct aliases_table *, const struct alias *);
/* Target i (below count) of an alias. */
const struct alias_target *aliases_target(const struct aliases_table *,
    const struct alias *, size_t i);
/* The list that a target stands in; NULL: in the table itself. */
const char *aliases_list_name(const struct aliases_table *,
    const struct alias_target *);
/* Fault i of its lists, NULL after the last. */
const struct alias_fault *aliases_fault(const struct aliases_table *,
    size_t i);

#endif
