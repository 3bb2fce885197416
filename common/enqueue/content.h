/*
 * The content of one message on its way to queue-manager: a memfd that fills
 * up, is sealed and sent, and is followed by the next one.
 */
#ifndef COMMON_ENQUEUE_CONTENT_H
#define COMMON_ENQUEUE_CONTENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/ipc/queue.h"

struct content {
	int		fd;		/* the part that fills; -1: none yet */
	uint32_t	part;		/* its number */
	uint32_t	octets;		/* in it */
	uint64_t	total;		/* in all parts */
};

void content_init(struct content *);
void content_clear(struct content *);

/* How much still fits into this part. */
static inline size_t
content_room(const struct content *c)
{
	return QUEUE_PART_MAX - c->octets;
}

/*
 * Append to the part; all together at most content_room().  -1 with errno:
 * the content cannot be used any more.
 */
int content_append(struct content *, struct iovec *, int n);

/*
 * Seal the part for good and give it away: its descriptor, now the caller's,
 * and the octets in it.  The next append begins a new part.  -1 with errno.
 */
int content_seal(struct content *, uint32_t *octets);

/* The same for octets that are there at once (an envelope). */
int content_sealed_copy(const void *, size_t len);

/*
 * Is this such a memfd, of exactly that size, which nobody can change any
 * more?  0 or -1.
 */
int content_check(int fd, uint64_t octets);

#endif
