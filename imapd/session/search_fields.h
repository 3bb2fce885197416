/*
 * What SEARCH asks most of header sections, in the form in which the index keeps
 * it (pure): From, To, Cc, Bcc and Subject, decoded and mapped for comparison
 * (search_text.h), and the day of Date.
 */
#ifndef IMAPD_SESSION_SEARCH_FIELDS_H
#define IMAPD_SESSION_SEARCH_FIELDS_H

#include "imapd/session/search_keys.h"
#include "imapd/session/search_text.h"

enum { SEARCH_FIELDS_BLOB_MAX = 64 * 1024 };

/* Do all steps of LEVEL_HEADER ask for these? */
bool search_fields_enough(const struct search *);
/*
 * From a header section.  Returns the blob's length; 0: it would be too large,
 * or no memory: ask the section itself.
 */
size_t search_fields_make(
    struct slice section, char to[SEARCH_FIELDS_BLOB_MAX]);
/*
 * The steps of LEVEL_HEADER, in values: the same answers as the header section
 * gives (search_header).  needles: one per step.  -1: the blob is none of ours.
 */
int search_fields_answer(struct slice blob, const struct search *,
    const struct needle *needles, enum truth *values);

#endif
