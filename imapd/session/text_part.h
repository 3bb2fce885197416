/* The text of a part of a message, decoded to UTF-8 piece by piece. */
#ifndef IMAPD_SESSION_TEXT_PART_H
#define IMAPD_SESSION_TEXT_PART_H

#include "common/message/structure.h"

/* False: no more is wanted. */
typedef bool text_part_feed(void *ctx, struct slice utf8);

/* Of a part of kind MIME_TEXT of the file.  -1 with errno. */
int text_part_decode(int fd, const struct mime *, const struct mime_part *,
    text_part_feed *, void *ctx);

#endif
