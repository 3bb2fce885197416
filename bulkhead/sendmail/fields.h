/* The header fields that a message must have and may lack. */
#ifndef BULKHEAD_SENDMAIL_FIELDS_H
#define BULKHEAD_SENDMAIL_FIELDS_H

#include <time.h>

#include "bulkhead/sendmail/header.h"

enum { DATE_TIME_SIZE = 48 };

/*
 * date-time of RFC 5322 section 3.3, in local time with its zone, such as
 * "Sat, 21 Nov 2026 05:14:00 +0000".  No locale.
 */
void fields_date(time_t, char out[DATE_TIME_SIZE]);

/*
 * Add Date, From and Message-ID where the header has none (RFC 5322 section
 * 3.6: the first two are required).  With Resent- fields nothing is added:
 * the message is whole already.
 *
 * full_name  for the From field, or NULL; left out unless printable ASCII.
 *
 * Returns -1 with errno as text_add does.
 */
int fields_complete(struct header *, const char *address,
    const char *full_name, const char *domain, time_t now);

#endif
