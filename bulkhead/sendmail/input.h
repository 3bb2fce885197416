/*
 * The message on standard input: lines that end in LF, CRLF or CR, of any
 * length, and perhaps a dot alone that ends it.
 */
#ifndef BULKHEAD_SENDMAIL_INPUT_H
#define BULKHEAD_SENDMAIL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slice/slice.h"

enum { INPUT_BUFFER = 65536, INPUT_PIECE_MAX = 16384 };

struct input {
	int	fd;
	bool	dot_is_text;	/* "." alone is a line as any other */
	bool	at_end;		/* nothing more can be read */
	bool	failed;		/* a read failed: errno was kept in error */
	int	error;
	bool	line_start;	/* the next piece begins a line */
	size_t	from, to;	/* unread octets of buf */
	char	buf[INPUT_BUFFER];
};

void input_init(struct input *, int fd, bool dot_is_text);

/*
 * The next piece of a line: a whole line without its end, or a part of one
 * that is longer than INPUT_PIECE_MAX.  A run of CRs before an LF belongs to
 * the line's end; any other CR is a line's end itself, so that no bare CR or
 * LF (RFC 5321 section 2.3.8) ever leaves here.
 *
 * piece       points into the input, until the next call.
 * first, last  is it the line's beginning, its end?
 *
 * Returns 1, 0 at the end of the message, -1 when a read failed (errno).  A
 * last line without its end counts as a line.
 */
int input_piece(struct input *, struct slice *piece, bool *first, bool *last);

#endif
