/*
 * The beginning of a message's text in one line (RFC 8970), pure: white space
 * run together, quoted lines and HTML markup left out, UTF-8.
 */
#ifndef IMAPD_SESSION_PREVIEW_H
#define IMAPD_SESSION_PREVIEW_H

#include <stdint.h>

#include "common/slice/slice.h"

enum {
	PREVIEW_CHARACTERS = 200,	/* RFC 8970 section 3.3 */
	PREVIEW_MAX = 4 * PREVIEW_CHARACTERS
};

struct preview {
	char		at[PREVIEW_MAX];
	size_t		len, characters;
	bool		html;
	/* private */
	bool		space;		/* one is owed before the next word */
	bool		line_begun, quoted;
	enum { PREVIEW_TEXT, PREVIEW_TAG, PREVIEW_ENTITY, PREVIEW_COMMENT } in;
	char		name[12];	/* of a tag or an entity */
	size_t		name_len;
	bool		name_ended;
	char		hidden[12];	/* inside of <style> and its like */
	char		quote;		/* of an attribute's value */
	unsigned	dashes;		/* at a comment's end */
	unsigned char	held[4];	/* a character that is not whole */
	size_t		held_len;
};

void preview_init(struct preview *, bool html);
/* More of the text, in UTF-8; what is none of it is left out. */
void preview_feed(struct preview *, struct slice);
/* No more is wanted. */
bool preview_full(const struct preview *);

#endif
