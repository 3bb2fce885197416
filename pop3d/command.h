/*
 * A POP3 command line (RFC 1939 section 3): a keyword and its argument, one
 * space between.  Pure; for the gate and for the session.
 */
#ifndef POP3D_COMMAND_H
#define POP3D_COMMAND_H

#include <stdint.h>

#include "common/slice/slice.h"

enum {
	/* RFC 2449 section 4: 255 octets with CRLF; a password may need more. */
	POP3_LINE_MAX = 1100,
	POP3_KEYWORD_MAX = 16
};

struct pop3_command {
	struct slice	keyword;	/* letters as they came */
	struct slice	argument;	/* empty where there is none */
};

/*
 * line: without its line end.  PARSE_BAD: no keyword of 1 to POP3_KEYWORD_MAX
 * letters and digits, a letter first, or a control character or NUL anywhere.
 */
enum parse pop3_command_parse(struct slice line, struct pop3_command *);

/* Cut CRLF, or a lone LF, from the end of a line that ends in LF. */
struct slice pop3_line(const char *at, size_t len);

/*
 * One number from the front of an argument, with the blanks behind it cut.
 * -1: no number there, or over 2^31-1.
 */
int pop3_number(struct slice *argument, unsigned long *n);


/* 16 octets as 32 hexadecimal digits, and nothing else.  -1: not that. */
int pop3_digest(struct slice, uint8_t out[16]);

#endif
