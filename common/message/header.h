/*
 * The header section of a message: RFC 5322 section 2.2, with LF or CRLF
 * line ends, from memory.
 */
#ifndef COMMON_MESSAGE_HEADER_H
#define COMMON_MESSAGE_HEADER_H

#include "common/message/text.h"
#include "common/slice/slice.h"

struct header_field {
	struct slice	name;	/* without white space before the colon */
	struct slice	body;	/* after the colon, still folded, without
				 * its last line break */
	struct slice	whole;	/* all its lines, line breaks included */
};

/*
 * Take the next field from the front of *rest.  False at the empty line that
 * ends the section (left in *rest) and at the end of *rest.  Lines that belong
 * to no field (no colon, an empty name, a mailbox's From_ line) are skipped.
 * Linear in what it takes.
 */
bool header_next(struct slice *rest, struct header_field *);

/*
 * The first field with this name (ASCII letters of either case).  False and
 * *field unchanged when there is none.
 */
bool header_find(struct slice section, struct slice name,
    struct header_field *field);

/*
 * A field's body on one line: line breaks and NULs dropped, white space at
 * both ends dropped (RFC 5322 section 2.2.3).  Never longer than body.
 */
void header_unfold(struct slice body, struct text *out);

/*
 * Length in octets of the header section at the front of message, its empty
 * line included; message.len when there is no empty line.
 */
size_t header_section_len(struct slice message);

#endif
