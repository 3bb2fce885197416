/*
 * A message as it is shown on a terminal: who it is from, the fields that
 * matter, the text.  Printable ASCII, tabs and line ends are all that comes
 * out, so that nothing in a message can do anything to a terminal.
 */
#ifndef LOCAL_DELIVERY_RUNNER_TERMINAL_TEXT_H
#define LOCAL_DELIVERY_RUNNER_TERMINAL_TEXT_H

#include <stddef.h>

#include "common/slice/slice.h"

enum {
	TERMINAL_LINES_MAX = 60,
	TERMINAL_LINE_MAX = 200,	/* octets of one; the rest is cut */
	/* All of it, with the bell and the lines that are ours. */
	TERMINAL_TEXT_MAX = 16 * 1024
};

/*
 * message: header section and body, lines ending in LF.  out has room for
 * TERMINAL_TEXT_MAX octets.  Returns the length.
 */
size_t terminal_text(struct slice message, struct slice reverse_path,
    char *out);

#endif
