/*
 * Replies as an SMTP client reads them: RFC 5321 section 4.2, RFC 2034.
 *
 * Who answers may be anybody: a reply is bounded in lines and octets, its text
 * is made printable, and codes that disagree within one reply are refused.
 * A line may end in LF alone; nothing is decided by it.
 */
#ifndef COMMON_SMTP_REPLY_READ_H
#define COMMON_SMTP_REPLY_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum {
	/* Octets of a line with its end.  RFC 5321 section 4.5.3.1.5 has 512;
	 * some say more. */
	SMTP_REPLY_READ_LINE_MAX = 2048,
	SMTP_REPLY_READ_LINES_MAX = 256,
	SMTP_REPLY_READ_OCTETS_MAX = 65536,
	SMTP_REPLY_TEXT_MAX = 500	/* octets of text that are kept */
};

/* Begin each reply with { 0 }. */
struct smtp_reply_read {
	uint16_t	code;		/* 200 to 599 */
	/* Of the first line that has one whose class is that of the code;
	 * class 0: none had. */
	uint8_t		enhanced[3];
	unsigned	lines;
	size_t		octets;
	/* The lines' texts without codes, joined by spaces; printable ASCII,
	 * anything else is "?".  Cut where it is longer. */
	size_t		text_len;
	char		text[SMTP_REPLY_TEXT_MAX];
};

enum smtp_reply_fault {
	SMTP_REPLY_OK,
	SMTP_REPLY_LONG,	/* a line, or all of them */
	SMTP_REPLY_SYNTAX,	/* no reply code, or another than before */
};

/*
 * Take one line of a reply from the front of in.
 *
 * PARSE_OK    that was the last line: the reply is whole.
 * PARSE_MORE  another line must follow; *used is 0 where in holds no whole
 *             line yet.
 * PARSE_BAD   *why says what it is not; the connection is of no more use.
 *
 * line  set with a used line: its text behind the code, as it came.
 */
enum parse smtp_reply_take(struct smtp_reply_read *, struct slice in,
    size_t *used, struct slice *line, enum smtp_reply_fault *why);

static inline struct slice
smtp_reply_text(const struct smtp_reply_read *r)
{
	return slice_of(r->text, r->text_len);
}

/*
 * An enhanced status code at the front of text (RFC 2034 section 4): "5.1.1"
 * and then a space or nothing.  *rest is what follows.  PARSE_BAD: none.
 */
enum parse smtp_enhanced_take(struct slice text, uint8_t enhanced[3],
    struct slice *rest);

#endif
