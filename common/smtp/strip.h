/*
 * Fields that leave a message at its submission: Bcc and Resent-Bcc (RFC 5322
 * section 3.6.3), which nobody but their sender is to see.
 */
#ifndef COMMON_SMTP_STRIP_H
#define COMMON_SMTP_STRIP_H

#include <stddef.h>

/*
 * Remove them, with their continuation lines, from the header section at the
 * front of len octets of content, in place; lines end with CRLF.  What is
 * behind the header section, which ends with an empty line or with the first
 * line that is no field, stays as it is.  Returns the new length.
 */
size_t smtp_strip_bcc(char *at, size_t len);

#endif
