/* Large content, memfd after memfd, into a file of the spool. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/checksum/crc32c.h"
#include "common/enqueue/content.h"
#include "common/ipc/queue.h"
#include "queue-manager/intake.h"

enum { UPLOADS_MAX = 1000, LARGE_MAX_MIB = 4096 };

struct upload *
upload_find(struct peer *p, uint64_t queue_id)
{
	struct upload *u;

	TAILQ_FOREACH(u, &p->uploads, entry)
		if (u->queue_id == queue_id)
			return u;
	return NULL;
}

void
upload_end(struct peer *p, struct upload *u)
{
	TAILQ_REMOVE(&p->uploads, u, entry);
	p->n_uploads--;
	if (u->fd != -1)
		close(u->fd);
	free(u);
}

static struct upload *
upload_new(struct peer *p, uint64_t queue_id)
{
	struct upload *u;

	if (p->n_uploads >= UPLOADS_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return NULL;
	u->queue_id = queue_id;
	if ((u->fd = large_file_create(&p->d->queue.files)) == -1) {
		free(u);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&p->uploads, u, entry);
	p->n_uploads++;
	return u;
}

/* Into the page cache; made durable later, in a thread.  0 or an errno. */
int
upload_append(struct upload *u, int fd, uint32_t octets)
{
	char *buf;
	int error;

	if (u->octets + octets > (uint64_t)LARGE_MAX_MIB << 20)
		return EFBIG;
	if ((buf = malloc(octets + 1)) == NULL)
		return ENOMEM;
	error = pread_all(fd, buf, octets, 0);
	if (error == 0)
		error = pwrite_all(u->fd, buf, octets, (off_t)u->octets);
	u->crc = crc32c(u->crc, buf, octets);
	u->octets += octets;
	u->next_part++;
	free(buf);
	return error;
}

int
on_content(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct peer *p = ctx;
	struct queue_part part;
	struct upload *u;
	char body[QUEUE_SMALL_BODY_MAX];
	int error;

	(void)ch;
	if (queue_part_decode(m->body, &part) == -1 ||
	    part.octets == 0 || part.octets > QUEUE_PART_MAX ||
	    !is_leased(p, part.queue_id) ||
	    content_check(m->fds[0], part.octets) == -1)
		return -1;
	u = upload_find(p, part.queue_id);
	if (part.part != (u == NULL ? 0 : u->next_part))
		return -1;
	if (u == NULL && (u = upload_new(p, part.queue_id)) == NULL) {
		refuse_error(p, m->id, part.queue_id, errno);
		return 0;
	}
	if ((error = upload_append(u, m->fds[0], part.octets)) != 0) {
		upload_end(p, u);
		refuse_error(p, m->id, part.queue_id, error);
		return 0;
	}
	part.octets = 0;
	ipc_send(p->ch, IPC_CONTENT_KEPT, m->id,
	    slice_of(body, queue_part_encode(&part, body)), NULL, 0);
	return 0;
}

int
on_abort(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct peer *p = ctx;
	struct upload *u;
	uint64_t id;

	(void)ch;
	if (queue_id_decode(m->body, &id) == -1)
		return -1;
	if ((u = upload_find(p, id)) != NULL)
		upload_end(p, u);
	id_use(p, id);
	return 0;
}
