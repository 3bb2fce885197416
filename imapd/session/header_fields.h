/*
 * BODY[HEADER.FIELDS (...)]: the fields that a client names, as they are sent,
 * and the form in which the index keeps them (pure).  What is kept of a message
 * follows what its folder's clients have asked for: the names, and the lines of
 * those fields in the order of the message.
 */
#ifndef IMAPD_SESSION_HEADER_FIELDS_H
#define IMAPD_SESSION_HEADER_FIELDS_H

#include <stdbool.h>

#include "common/slice/slice.h"

struct buffer;

enum {
	HEADER_NAMES_MAX = 64, /* kept of a message */
	HEADER_NAME_MAX = 64
};

struct header_names {
	const struct slice *at;
	size_t n;
};

/* Points into the blob. */
struct header_kept {
	struct slice names; /* in small letters, each ended by a line feed */
	struct slice lines; /* each field whole, line ends CRLF */
};

/* Lines as a client gets them: ended by CRLF, and without NUL (RFC 9051 section
 * 9: CHAR8). */
void header_lines_add(struct buffer *, struct slice lines);
/* Of a header section, or of kept lines, the fields that have one of these
 * names; with others, those that have none of them. */
void header_fields_add(
    struct buffer *, struct slice section, struct header_names, bool others);

/* May these be kept: not too many, and what RFC 5322 calls a name? */
bool header_names_fit(struct header_names);
/*
 * A blob that knows these names and, if there is room, those that it knew
 * before (known: header_kept.names, or empty).  The names fit.
 */
void header_kept_make(struct buffer *, struct slice section,
    struct header_names, struct slice known);
enum parse header_kept_parse(struct slice blob, struct header_kept *);
bool header_kept_has(const struct header_kept *, struct header_names);

#endif
