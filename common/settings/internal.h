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

/* One file being read. */
struct settings_reader {
	struct settings		*s;
	struct settings_errors	*errors;
	struct settings_scope	*scope;	/* NULL: inside an unusable block */
	const char		*file;
	unsigned		 line;
	bool			 in_block;
	unsigned		 block_line;
};

/* Note an error at the reader's line. */
void settings_reader_complain(struct settings_reader *, const char *format,
    ...) __attribute__((format(printf, 2, 3)));

/* ---- lines.c ---- */
void settings_read_lines(struct settings_reader *, struct slice text);
/* The letters, digits, _ - . at the front, and the blanks behind, cut. */
struct slice settings_take_name(struct slice *in);

/* ---- scopes.c ---- */
int settings_scope_init(struct settings *, struct settings_scope *,
    const struct setting *rows, size_t n, size_t size);
/* Every value that was not given becomes the standard one. */
void settings_scope_complete(struct settings_reader *,
    struct settings_scope *);
const struct setting *settings_row_find(const struct setting *rows, size_t n,
    struct slice name);
void settings_assign(struct settings_reader *, struct slice name,
    struct slice text);
/* `kind NAME {`: rest is what follows kind; and `}`. */
void settings_block_open(struct settings_reader *, struct slice kind,
    struct slice rest);
void settings_block_close(struct settings_reader *);
size_t settings_block_count(const struct settings *,
    const struct settings_block *);

/* ---- settings.c, values.c ---- */

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
