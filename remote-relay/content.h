/*
 * The content of a message as it is sent: read from its descriptor piece by
 * piece, and checked at this border, so that nothing leaves that a lenient
 * peer could take for two messages (common/smtp/canonical.h).
 */
#ifndef REMOTE_RELAY_CONTENT_H
#define REMOTE_RELAY_CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/message/downgrade.h"
#include "common/smtp/canonical.h"

enum {
	CONTENT_BLOCK = 65536,		/* octets that are read at once */
	CONTENT_HEADER_MAX = 1 << 20	/* of a header section that is looked at */
};

struct content {
	int		 fd;		/* borrowed; read with pread(2) */
	uint64_t	 at, end;	/* octets of the file */
	bool		 binary;	/* not lines: nothing is checked */
	struct smtp_canonical canonical;
	struct downgrade *converted;	/* borrowed; NULL: as it is */
	bool		 done;		/* converted: to its end */
};

void content_init(struct content *, int fd, uint64_t offset, uint64_t size,
    bool binary);

/*
 * Up to size octets (at least 1) into buf.  0 at the end.  -1 with errno:
 * EBADMSG for a CR or LF that is not part of a CRLF, ENODATA when the file is
 * shorter than was said, or pread's.
 */
ssize_t content_read(struct content *, char *buf, size_t size);

/* Octets that are still to come; converted: 1 or none. */
static inline uint64_t
content_left(const struct content *c)
{
	if (c->converted != NULL)
		return !c->done;
	return c->end - c->at;
}

/*
 * Is an octet above 127 in the header section of the size octets at offset?
 * What cannot be read, or is longer than CONTENT_HEADER_MAX, counts as one.
 */
bool content_header_is_8bit(int fd, uint64_t offset, uint64_t size);

#endif
