/* What FETCH asks for (RFC 3501 section 6.4.5), pure. */
#ifndef IMAPD_SESSION_FETCH_ITEMS_H
#define IMAPD_SESSION_FETCH_ITEMS_H

#include <stdint.h>

#include "imapd/session/arena.h"

enum fetch_kind {
	FETCH_UID, FETCH_FLAGS, FETCH_MODSEQ, FETCH_INTERNALDATE, FETCH_SIZE,
	FETCH_ENVELOPE, FETCH_BODY, FETCH_BODYSTRUCTURE,
	FETCH_SECTION,		/* BODY[...], RFC822 and its kin */
	FETCH_BINARY,		/* BINARY[...] (RFC 3516) */
	FETCH_BINARY_SIZE,
	/* fetch_extra.h */
	FETCH_EMAILID, FETCH_THREADID, FETCH_SAVEDATE, FETCH_PREVIEW
};

enum section_text {
	SECTION_ALL,		/* "" or a part's body */
	SECTION_HEADER, SECTION_FIELDS, SECTION_FIELDS_NOT, SECTION_TEXT,
	SECTION_MIME
};

enum {
	FETCH_ITEMS_MAX = 64,
	SECTION_DEPTH_MAX = 101,	/* numbers in "1.2.3" */
	SECTION_NAMES_MAX = 200		/* of HEADER.FIELDS */
};

struct fetch_item {
	enum fetch_kind	 kind;
	struct slice	 label;		/* as the response names it */
	bool		 lazy;		/* PREVIEW */
	/* of a section: */
	bool		 peek;		/* does not set \Seen */
	uint32_t	*part;
	size_t		 part_len;
	enum section_text text;
	struct slice	*names;
	size_t		 names_len;
	bool		 partial;
	uint64_t	 start, len;	/* valid if partial */
};

struct fetch_items {
	struct fetch_item *item;	/* [FETCH_ITEMS_MAX] */
	size_t		   len;
};

/* One item, a macro (ALL, FAST, FULL), or a list in parentheses. */
bool take_fetch_items(struct slice *in, struct arena *, struct fetch_items *);
/* Add an item of a simple kind unless it is there. */
void fetch_items_add(struct fetch_items *, enum fetch_kind);

#endif
