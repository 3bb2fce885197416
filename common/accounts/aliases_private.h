/* The aliases table inside: aliases.c and its lists, aliases_lists.c. */
#ifndef COMMON_ACCOUNTS_ALIASES_PRIVATE_H
#define COMMON_ACCOUNTS_ALIASES_PRIVATE_H

#include "common/accounts/aliases.h"

struct aliases_list {
	char		 name[ALIASES_LIST_NAME_MAX + 1];
	char		*text;		/* ours; the targets point into it */
	size_t		 len;
	bool		 open;		/* being included just now */
	bool		 faulty;	/* told already */
};

struct aliases_table {
	char			*text;
	struct alias		*rows;		/* ordered by domain, local */
	size_t			 count, room;
	struct alias_target	*targets;	/* in the order of the file */
	size_t			 target_count, target_room;
	struct aliases_list	*lists;
	size_t			 n_lists;
	struct alias_fault	*faults;
	size_t			 n_faults, fault_room;
	bool			 included;	/* the last row has a list */
	enum aliases_programs	 allowed;
	struct slice		*programs;	/* in order; each once or more */
	size_t			 n_programs, program_room;
};

/* Cut the next target off a list with commas; empty ones are passed over, as
 * at a line's end.  False: none is left. */
bool aliases_cut_target(struct slice *list, struct slice *target);
/* list: it stands in one. */
int aliases_parse_target(const struct aliases_table *, struct slice,
    unsigned line, bool list, struct alias_target *, struct table_error *);
/* One target more for the last row. */
int aliases_add_target(struct aliases_table *, const struct alias_target *,
    struct table_error *);

/* ---- aliases_programs.c ---- */

/* Does this stand for a program or a file, be it in quotes? */
bool aliases_is_program(struct slice text);
int aliases_parse_program(const struct aliases_table *, struct slice text,
    bool list, struct alias_target *, struct table_error *);
/* How much of the list the target in quotes at its front takes. */
size_t aliases_quoted_len(struct slice list);
/* All targets are there: for aliases_has_program. */
int aliases_collect_programs(struct aliases_table *, struct table_error *);

/* aliases_lists.c */
int aliases_take_lists(struct aliases_table *, const struct alias_list *,
    size_t count, struct table_error *);
/*
 * The targets of the list, and of those in it, become the last row's.  -1
 * with err only where the table as a whole cannot go on.
 */
int aliases_include(struct aliases_table *, struct slice name, unsigned line,
    struct table_error *);

#endif
