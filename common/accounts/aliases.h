/*
 * The aliases table: bulkhead-aliases(5).
 *
 *	name: target, target		in every domain of kind local
 *	local@domain: target
 *	@domain: target			whatever else the domain gets
 *
 * A target is an address, or a name, which means the default domain.  A line
 * that begins with a blank goes on with the targets of the one before.
 */
#ifndef COMMON_ACCOUNTS_ALIASES_H
#define COMMON_ACCOUNTS_ALIASES_H

#include <stddef.h>
#include <stdint.h>

#include "common/accounts/table.h"
#include "common/slice/slice.h"

struct alias {
	struct slice	local;		/* canonical; empty: catch-all */
	struct slice	domain;		/* canonical; empty: bare name */
	size_t		first;		/* index of its first target */
	size_t		count;		/* of targets, at least 1 */
	unsigned	line;
};

struct alias_target {
	struct slice	local;		/* as written: a detail keeps its case */
	struct slice	domain;		/* canonical; empty: the default one */
	unsigned	line;
};

struct aliases_table;

/*
 * Compile the text of an aliases table.  Refused: names and targets outside
 * username.h's grammar, a name there twice, one without a target, and what
 * other systems allow here but we do not: files, programs, :include:.
 * What the names mean, and loops, are looked at in book.h.
 *
 * Returns NULL with err.  The table keeps its own copy of the text.
 */
struct aliases_table *aliases_compile(struct slice text, struct table_error *);
void aliases_free(struct aliases_table *);

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

#endif
