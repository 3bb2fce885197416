/*
 * Text tables (users, passwords, domains, aliases, /etc/passwd): what their
 * parsers share.  A table is read whole from a descriptor, cut into lines,
 * and compiled into sorted arrays: a lookup is a binary search, so no choice
 * of names makes it slow, and a table in use is never changed.
 */
#ifndef COMMON_ACCOUNTS_TABLE_H
#define COMMON_ACCOUNTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

/* Limits of every table; a larger one is refused with the line it broke on. */
#define TABLE_SIZE_MAX	(256U * 1024 * 1024)	/* octets in a file */
#define TABLE_LINE_MAX	65536U			/* octets in a line */
#define TABLE_ROWS_MAX	(1U << 22)		/* entries in a table */

/*
 * Why a table was refused.  line counts from 1; 0 where the file as a whole
 * is meant.  text says what is wrong and, after "; ", what would be right.
 * The caller knows the file's name and prints "name:line: text".
 */
struct table_error {
	unsigned	line;
	char		text[256];
};

/* Fill err.  Always returns -1, so that a parser can return it at once. */
int table_error_set(struct table_error *err, unsigned line,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * The same with a piece of the table shown as "piece": what is not printable
 * ASCII becomes '?', what is long is cut, so that it can go to a log.
 */
int table_error_quote(struct table_error *err, unsigned line,
    struct slice piece, const char *what);

/*
 * Read a regular file whole, from its first octet, whatever fd's offset is;
 * a file that grows meanwhile is read as far as it was at the start.
 *
 * text  set on success to *len octets and a NUL; the caller frees it.
 *
 * Returns -1 with err for anything but a regular file (a FIFO, a device),
 * for one over TABLE_SIZE_MAX or with a NUL octet, for no memory, and for
 * a read that failed.
 */
int table_read(int fd, char **text, size_t *len, struct table_error *err);

/* A walk over the lines of a table; see table_next. */
struct table_reader {
	struct slice	rest;
	unsigned	line;		/* number of the line last returned */
	bool		indented;	/* did that line begin with a blank? */
};

/*
 * The next line that says something: its end and the blanks around it are
 * cut, empty lines and lines that begin with '#' are left out.  A last line
 * without its LF counts, and a CR before the LF is cut.
 *
 * An optional first line "%version N" is consumed here; any version but 1
 * is refused by name.
 *
 * PARSE_OK: *line is set, and points into the table.
 * PARSE_MORE: no line is left.
 * PARSE_BAD: err is set (a line too long, a control character, a version).
 */
void table_reader_init(struct table_reader *, struct slice text);
enum parse table_next(struct table_reader *, struct slice *line,
    struct table_error *err);

/*
 * One row of a table, already trimmed; -1 with err refuses the table.
 * indented: it began with a blank.
 */
typedef int table_row(void *ctx, struct slice line, unsigned number,
    bool indented, struct table_error *err);

/* Every line that says something, in order.  -1 with err. */
int table_rows(struct slice text, table_row *, void *ctx,
    struct table_error *err);

/*
 * A copy of its text for a table to own: the rows point into it.  It is one
 * octet longer, so that empty slices have somewhere to point.  NULL with err.
 */
char *table_copy(struct slice text, struct table_error *err);

/* Where in an ordered array key stands; NULL: nowhere.  compare answers as
 * memcmp does, the key first. */
const void *table_search(const void *rows, size_t count, size_t row_size,
    const void *key, int (*compare)(const void *key, const void *row));

/*
 * Cut the next field, a run without blanks, off the front of *rest, and the
 * blanks behind it.  False when nothing is left.
 */
bool table_field(struct slice *rest, struct slice *field);

/* Cut the blanks (space, tab) at both ends. */
struct slice table_trim(struct slice);

/* Make the ASCII letters of a slice that points into text of ours small. */
void table_lower(struct slice);

/* Order of names: shorter first, then by octet; for sorting and searching. */
int table_compare(struct slice, struct slice);

/*
 * Room for one row more in an array of rows: *rows is grown by doubling.
 * Returns -1 with err at TABLE_ROWS_MAX and for no memory.
 */
int table_grow(void **rows, size_t *room, size_t count, size_t row_size,
    struct table_error *err);

#endif
