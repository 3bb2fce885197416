/*
 * What SORT and THREAD (RFC 5256) compare of a message, from its header section
 * (pure), in the form in which the index keeps it.  Strings are mapped for
 * comparison (common/unicode/casemap.h) and cut at a length at which nobody
 * sees a difference.  Message IDs are hashes of their normalised form.
 */
#ifndef IMAPD_SESSION_SORT_KEYS_H
#define IMAPD_SESSION_SORT_KEYS_H

#include <stdint.h>

#include "common/slice/slice.h"

enum {
	SORT_SUBJECT_MAX = 1000,	/* octets of the mapped form */
	SORT_ADDRESS_MAX = 300,
	SORT_REFERENCES_MAX = 1000,	/* the last ones count */
	SORT_BLOB_MAX = 64 + SORT_SUBJECT_MAX + 3 * SORT_ADDRESS_MAX +
	    8 * SORT_REFERENCES_MAX
};

enum sort_string { SORT_STRING_SUBJECT, SORT_STRING_FROM, SORT_STRING_TO,
	SORT_STRING_CC, SORT_STRINGS };

struct sort_keys {
	bool		 has_date;	/* else the internal date counts */
	bool		 reply;		/* or forward, by its subject */
	int64_t		 date;		/* sent date, UTC */
	uint64_t	 id;		/* 0: it has none */
	struct slice	 string[SORT_STRINGS];	/* into the blob */
	const uint64_t	*references;	/* into the blob; parent is last */
	size_t		 references_len;
};

/* From a header section.  Returns the blob's length; -1: no memory. */
int64_t sort_keys_make(struct slice section, char to[SORT_BLOB_MAX]);
/* From a blob, aligned to 8 octets.  -1: it is none of ours. */
int sort_keys_read(struct slice blob, struct sort_keys *);

/* The next valid message ID of a field, hashed; false: there is no more. */
bool message_id_next(struct slice *in, uint64_t *id);

#endif
