/* Where the content of a message is read from.  See queue.h. */
#include <sys/mman.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/checksum/crc32c.h"
#include "common/log/log.h"
#include "queue-manager/queue.h"

enum { PIECE = 256 * 1024 };

static int
seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS,
	    F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

int
content_memfd(struct slice octets)
{
	int fd = memfd_create("content", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (fd == -1)
		return -1;
	error = pwrite_all(fd, octets.at, octets.len, 0);
	if (error == 0 && seal(fd) == -1)
		error = errno;
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

/* From the log, as it was checked when it was read. */
static int
inline_content(struct queue *q, struct message *m)
{
	struct event_message e;
	struct record r;
	uint8_t *octets = log_read(q->log, &m->place, &r);
	int fd = -1, error;

	if (octets == NULL)
		return -1;
	if (r.id == m->id && r.type == RECORD_MESSAGE &&
	    event_message_get(r.payload, &e) == 0 && !e.large)
		fd = content_memfd(e.content);
	else
		errno = EBADMSG;
	error = errno;
	free(octets);
	errno = error;
	return fd;
}

static int
check_large(int fd, const struct message *m)
{
	char *buf = malloc(PIECE);
	uint64_t at = 0;
	uint32_t crc = 0;
	int error = buf == NULL ? ENOMEM : 0;

	while (error == 0 && at < m->content_octets) {
		size_t n = m->content_octets - at < PIECE ?
		    (size_t)(m->content_octets - at) : PIECE;

		error = pread_all(fd, buf, n, (off_t)at);
		crc = crc32c(crc, buf, n);
		at += n;
	}
	free(buf);
	if (error == 0 && crc != m->content_crc)
		error = EBADMSG;
	return error;
}

static int
large_content(struct queue *q, struct message *m)
{
	int fd = large_file_open(&q->files, m->id);
	int error;

	if (fd == -1)
		return -1;
	if ((error = check_large(fd, m)) == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

int
queue_content_fd(struct queue *q, struct message *m, uint64_t *offset)
{
	if (m->fd == -1) {
		m->fd = m->large ? large_content(q, m) : inline_content(q, m);
		m->fd_offset = 0;
	}
	*offset = m->fd_offset;
	return m->fd;
}
