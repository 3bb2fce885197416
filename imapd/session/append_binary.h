/*
 * The message of a literal8 (RFC 3516): it may hold any octets.  It waits in a
 * file without a name until it is whole.  What cannot be stored as lines (a
 * NUL, a CR or LF alone) gets another transfer encoding, which loses nothing;
 * all else stays as it was sent.
 */
#ifndef IMAPD_SESSION_APPEND_BINARY_H
#define IMAPD_SESSION_APPEND_BINARY_H

#include "common/mailbox/mailbox.h"

struct binary_content;

/* -1 with errno. */
int binary_content_begin(struct mailbox *, struct binary_content **);
int binary_content_add(struct binary_content *, struct slice);
/*
 * It is whole: write it to the append.  -1: *why is the text of a NO, or
 * NULL with errno.
 */
int binary_content_end(struct binary_content *, struct append *,
    const char **why);
/* NULL is fine. */
void binary_content_free(struct binary_content *);

#endif
