/*
 * The From field of a message that has none.  The suite adds the other
 * fields that may be missing, but only here the full name is known.
 */
#ifndef BULKHEAD_SENDMAIL_FROM_H
#define BULKHEAD_SENDMAIL_FROM_H

#include "bulkhead/sendmail/header.h"

/*
 * Add From (RFC 5322 section 3.6.2) where the header has none.  With Resent-
 * fields nothing is added: the message is whole already.
 *
 * full_name  left out when NULL, empty, too long or not printable ASCII.
 *
 * Returns -1 with errno as text_add does.
 */
int from_complete(struct header *, const char *address, const char *full_name);

#endif
