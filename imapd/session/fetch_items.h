/* What FETCH asks for (RFC 3501 section 6.4.5), pure. */
#ifndef IMAPD_SESSION_FETCH_ITEMS_H
#define IMAPD_SESSION_FETCH_ITEMS_H

#include <stdint.h>

#include "imapd/session/arena.h"

enum fetch_kind {
	FETCH_UID,
	FETCH_FLAGS,
	FETCH_MODSEQ,
	FETCH_INTERNALDATE,
	FETCH_SIZE,
	FETCH_ENVELOPE,
	FETCH_BODY,
	FETCH_BODYSTRUCTURE,
	FETCH_SECTION, /* BODY[...], RFC822 and its kin */
	FETCH_FIELDS,  /* the first BODY[HEADER.FIELDS (...)] of names
			* that the index can keep (header_fields.h) */
	FETCH_BINARY,  /* BINARY[...] (RFC 3516) */
	FETCH_BINARY_SIZE,
	/* fetch_extra.h */
	FETCH_EMAILID,
	FETCH_THREADID,
	FETCH_SAVEDATE,
	FETCH_PREVIEW
};

enum section_text {
	SECTION_ALL,		/* "" or a part's body */
	SECTION_HEADER, SECTION_FIELDS, SECTION_FIELDS_NOT, SECTION_TEXT,
	SECTION_MIME
};

enum {
	FETCH_ITEMS_MAX = 64,		/* that a client may name */
	FETCH_ITEMS_IMPLIED = 2,	/* UID and MODSEQ, besides */
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
	struct fetch_item *item;	/* [MAX + IMPLIED] */
	size_t		   len;
};

/* One item, a macro (ALL, FAST, FULL), or a list in parentheses. */
bool take_fetch_items(struct slice *in, struct arena *, struct fetch_items *);
/*
 * An item that the command does not name and the response has all the same;
 * no effect if it does name it.  Such stand first: there are clients that take
 * a section for read only when the response ends behind its literal.
 */
void fetch_items_imply(struct fetch_items *, enum fetch_kind);

#endif
