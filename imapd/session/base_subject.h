/* The base subject (RFC 5256 section 2.1), pure. */
#ifndef IMAPD_SESSION_BASE_SUBJECT_H
#define IMAPD_SESSION_BASE_SUBJECT_H

#include <stdint.h>

#include "common/slice/slice.h"

/*
 * Of a subject whose encoded words are decoded; at[0..len) is changed in place
 * (tabs, runs of spaces), the result points into it.  *reply: something was
 * removed that says that it is a reply or forward.  Linear; steps, if not NULL,
 * counts the octets looked at.
 */
struct slice base_subject(char *at, size_t len, bool *reply, uint64_t *steps);

#endif
