/*
 * Content-Type and Content-Disposition: RFC 2045 section 5.1, RFC 2183, with
 * parameter values continued and encoded as RFC 2231 has it.
 */
#ifndef COMMON_MESSAGE_CONTENT_H
#define COMMON_MESSAGE_CONTENT_H

#include "common/message/text.h"
#include "common/slice/slice.h"

/* Parameters taken from one field, pieces of continuations counted. */
#define CONTENT_PARAMS_MAX 100

/*
 * name*0, name*1, ... are joined to one.  A value in RFC 2231's extended form
 * keeps it: then the name ends in * and the value reads charset'language'%41.
 */
struct content_param {
	struct slice	name;
	struct slice	value;
	int		section; /* the parser's own */
	int		order;	 /* the parser's own */
	bool		extended; /* the parser's own */
};

struct content {
	struct slice	type;	/* "text", or "attachment" of a disposition */
	struct slice	subtype; /* at is NULL where there is no slash */
	size_t		params_len;
	struct content_param params[CONTENT_PARAMS_MAX];
};

/*
 * body     of the field; may still be folded and hold comments.
 * scratch  the slices in *c point into it and into body.  Four times the
 *          length of body is always enough; with less, values are cut short.
 * steps    NULL, or where the octets looked at are added up.
 *
 * PARSE_BAD when there is no type at all; what is wrong after it is dropped.
 */
enum parse content_parse(struct slice body, struct text *scratch,
    struct content *c, size_t *steps);

/* The value of the parameter with this name, or at NULL. */
struct slice content_param(const struct content *, struct slice name);

#endif
