/*
 * A layer for a stream (common/net/stream.h) that deflates what goes out and
 * inflates what comes in: RFC 1951 as RFC 4978 uses it, by zlib.
 *
 * Input is inflated only into the room that its reader has, so no input makes it
 * need memory.  A peer whose input inflates to much more than a client could
 * mean is cut off (INFLATE_RATIO_MAX).  Small windows keep what an idle session
 * holds under 110 KiB.
 */
#ifndef IMAPD_SESSION_DEFLATE_H
#define IMAPD_SESSION_DEFLATE_H

#include "common/net/stream.h"

/*
 * Deflate can reach 1,032 to 1.  More than this many octets for each one that
 * came are an attack, but for the first INFLATE_GRACE: a message may be all
 * blanks.
 */
#define INFLATE_RATIO_MAX 100
#define INFLATE_GRACE (256ULL * 1024 * 1024)

extern const struct stream_layer deflate_layer;

struct deflate;

/* fd is borrowed.  NULL: no memory. */
struct deflate *deflate_new(int fd);
/* Where stream_secure() did not take it. */
void deflate_free(struct deflate *);

#endif
