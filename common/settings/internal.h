/* What the files of common/settings/ share; not for others. */
#ifndef COMMON_SETTINGS_INTERNAL_H
#define COMMON_SETTINGS_INTERNAL_H

#include "common/settings/settings.h"

/* Memory that goes with the settings: a list of allocations. */
struct settings_piece {
	struct settings_piece	*next;
	max_align_t		 at[];
};

/* Where a value came from; line 0: it is the standard one. */
struct settings_origin {
	unsigned		 line;
	const char		*text;
};

/* The settings outside of blocks, or those of one block. */
struct settings_scope {
	struct settings_group	 group;	/* block NULL: outside */
	const struct setting	*rows;
	size_t			 n_rows;
	unsigned char		*values;
	struct settings_origin	*origins;	/* one per row */
};

struct settings {
	const struct settings_schema *schema;
	struct settings_piece	*pieces;
	struct settings_scope	 top;
	struct settings_scope	*scopes;	/* the blocks */
	size_t			 n_scopes;
};

/* Zeroed, for as long as the settings live; NULL when memory is short. */
void *settings_alloc(struct settings *, size_t n, size_t size);
char *settings_copy(struct settings *, struct slice);

/*
 * Parse text as a value of row into to, a member of the row's C type.
 * Returns -1 and what is wrong and would be right, both in why.
 */
int setting_parse(struct settings *, const struct setting *, struct slice text,
    void *to, char *why, size_t size);

#endif
