#include "remote-relay/content.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void
content_init(struct content *c, int fd, uint64_t offset, uint64_t size,
    bool binary)
{
	*c = (struct content){ .fd = fd, .at = offset, .end = offset + size,
		.binary = binary };
}

static ssize_t
read_some(struct content *c, char *buf, size_t size)
{
	ssize_t n;

	if (c->converted != NULL) {
		n = downgrade_next(c->converted, buf, size);
		c->done = n == 0;
		return n;
	}
	if (size > content_left(c))
		size = (size_t)content_left(c);
	if (size == 0)
		return 0;
	do
		n = pread(c->fd, buf, size, (off_t)c->at);
	while (n == -1 && errno == EINTR);
	if (n == 0) {
		errno = ENODATA;
		return -1;
	}
	if (n > 0)
		c->at += (uint64_t)n;
	return n;
}

ssize_t
content_read(struct content *c, char *buf, size_t size)
{
	ssize_t n = read_some(c, buf, size);

	if (n == -1 || c->binary)
		return n;
	if (!smtp_canonical_take(&c->canonical, slice_of(buf, (size_t)n)) ||
	    (content_left(c) == 0 && !smtp_canonical_end(&c->canonical))) {
		errno = EBADMSG;
		return -1;
	}
	return n;
}

bool
content_header_is_8bit(int fd, uint64_t offset, uint64_t size)
{
	char block[4096];
	struct content c;
	unsigned lf = 1;	/* line ends in a row, CRs not counted */
	ssize_t n;

	content_init(&c, fd, offset, size, true);
	while ((n = read_some(&c, block, sizeof(block))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if ((unsigned char)block[i] > 127)
				return true;
			if (block[i] == '\n' && ++lf == 2)
				return false;
			if (block[i] != '\n' && block[i] != '\r')
				lf = 0;
		}
		if (c.at - offset > CONTENT_HEADER_MAX)
			return true;
	}
	return n == -1;
}
