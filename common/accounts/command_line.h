/*
 * A command line, taken apart without a shell.
 *
 * Words are separated by blanks.  '...' takes everything as it is; "..."
 * does, but for a backslash before a quote or another backslash; outside of
 * quotes a backslash takes the next character as it is.  What a shell
 * would do more with, outside of quotes or (for $ and `) in double ones, is
 * refused rather than handed on as it stands: who wants it says
 * /bin/sh -c '...'.
 */
#ifndef COMMON_ACCOUNTS_COMMAND_LINE_H
#define COMMON_ACCOUNTS_COMMAND_LINE_H

#include <stddef.h>

#include "common/slice/slice.h"

enum { COMMAND_WORDS_MAX = 64 };

enum command_fault {
	COMMAND_OK,
	COMMAND_EMPTY,
	COMMAND_QUOTE_OPEN,
	COMMAND_NEEDS_SHELL,
	COMMAND_TOO_LONG	/* more words, or octets, than there is room */
};

struct command_line {
	char	*argv[COMMAND_WORDS_MAX + 1];	/* NULL behind the last */
	size_t	 argc;
};

/* The words are put, with their NULs, into the room that the caller gives. */
enum command_fault command_line_split(struct slice text,
    struct command_line *, char *room, size_t size);

/* In words, for the log. */
const char *command_fault_text(enum command_fault);

#endif
