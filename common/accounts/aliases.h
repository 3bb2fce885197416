/*
 * The aliases table: bulkhead-aliases(5).
 *
 *	name: target, target		in every domain of kind local
 *	local@domain: target
 *	@domain: target			whatever else the domain gets
 *	@domain: @domain		the same local-part in the other domain
 *
 * A target is an address here or anywhere, a name, which means the default
 * domain, or :include:LIST, which stands for the targets in that list.  Where
 * the settings allow it, it may be a program, "|/usr/bin/filter -x", in quotes
 * where it has a blank or a comma, or a file, /var/mail/archive.  A line
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
	ALIASES_INCLUDE_DEPTH_MAX = 8,	/* a list in a list, so many times */
	/* A program or a file: it is the local-part of an address, and
	 * address_parts() has room for no longer one (username.h). */
	ALIASES_PROGRAM_MAX = 128
};

/* Where programs and files may be named, as directory.conf says. */
enum aliases_programs {
	ALIASES_PROGRAMS_NONE,
	ALIASES_PROGRAMS_TABLE,		/* in the table itself */
	ALIASES_PROGRAMS_LISTS		/* in lists that it includes, too */
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
	/* As written: a detail keeps its case.  Empty: @domain.  Of a program
	 * the whole, with its bar; of a file its path. */
	struct slice	local;
	struct slice	domain;		/* canonical; empty: the default one */
	unsigned	line;
	uint16_t	list;		/* for aliases_list_name; 0: none */
	bool		program;	/* or a file; domain is empty */
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
 * name there twice, one without a target, a program that has no absolute path
 * or that only a shell would understand, and programs and files where they
 * are not allowed.  What the names mean, and loops, are looked at in book.h.
 *
 * A list that is not there, includes itself or holds what is no target does
 * not refuse the table, because its writer may be another than root: see
 * aliases_fault.
 *
 * Returns NULL with err.  The table keeps its own copy of the texts.
 */
struct aliases_table *aliases_compile(struct slice text,
    const struct alias_list *, size_t count, enum aliases_programs,
    struct table_error *);
void aliases_free(struct aliases_table *);

/* May a list have this name?  Letters, digits and . _ -, no dot in front. */
bool aliases_list_name_valid(struct slice);

/* NULL where there is none.  Both in small letters, as in struct alias. */
const struct alias *aliases_find(const struct aliases_table *,
    struct slice local, struct slice domain);

/* Is this, with its bar, a program or file that some alias names now? */
bool aliases_has_program(const struct aliases_table *, struct slice text);
/* How many it names. */
size_t aliases_count_programs(const struct aliases_table *);

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
