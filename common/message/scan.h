/*
 * The lexical tokens of RFC 5322 section 3.2, for the parsers of header
 * fields.  A scan only moves forward and counts each octet it looks at in
 * steps, so that a test can show that a parser's work grows in line with its
 * input.  Nothing here recurses: nested comments are a counter.
 */
#ifndef COMMON_MESSAGE_SCAN_H
#define COMMON_MESSAGE_SCAN_H

#include "common/message/text.h"
#include "common/slice/slice.h"

struct scan {
	const char	*at;
	const char	*end;
	size_t		 steps;
};

static inline struct scan
scan_of(struct slice s)
{
	return (struct scan){ s.at, s.len > 0 ? s.at + s.len : s.at, 0 };
}

static inline bool
scan_end(const struct scan *s)
{
	return s->at == s->end;
}

/* The next octet, or -1 at the end.  Octets above 127 stay positive. */
static inline int
scan_peek(const struct scan *s)
{
	return s->at == s->end ? -1 : (unsigned char)*s->at;
}

static inline void
scan_skip(struct scan *s)
{
	s->at++;
	s->steps++;
}

/*
 * Skip white space, line breaks, NULs and comments (CFWS).  A comment that
 * never ends runs to the end of the input.  comment, if not NULL, is set to
 * the inside of the last comment skipped and left alone when there was none.
 * True when anything was skipped.
 */
bool scan_cfws(struct scan *, struct slice *comment);

/*
 * A quoted-string, the scan standing on its first quote: its content without
 * quotes, quoting backslashes, line breaks and NULs is added to out.  One that
 * never ends runs to the end.
 */
void scan_quoted(struct scan *, struct text *out);

/* The inside of a comment, unquoted in the same way. */
void scan_comment_text(struct slice inside, struct text *out);

/*
 * As many octets as possible that are atext (RFC 5322 section 3.2.3) or above
 * 127 or in more, added to out.  Returns their number.
 */
size_t scan_atom(struct scan *, const char *more, struct text *out);

/* A decimal number of one to max_digits digits (at most 9), or -1 unmoved. */
int scan_number(struct scan *, int max_digits, int *digits);

#endif
