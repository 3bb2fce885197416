/* Inside of the intake: intake.c, upload.c, lease.c. */
#ifndef QUEUE_MANAGER_INTAKE_H
#define QUEUE_MANAGER_INTAKE_H

#include "queue-manager/daemon.h"

/* Content above QUEUE_PART_MAX, part after part into a nameless file. */
struct upload {
	TAILQ_ENTRY(upload) entry;
	uint64_t	queue_id, octets;
	uint32_t	next_part, crc;
	int		fd;
};

/* ---- lease.c ---- */
/* May this peer use the id, for the first time? */
bool is_leased(struct peer *, uint64_t id);
/* It does.  A new lease follows when the old one is half used. */
void id_use(struct peer *, uint64_t id);
/* A lease for a new peer. */
void lease(struct peer *);

/* ---- upload.c ---- */
struct upload *upload_find(struct peer *, uint64_t queue_id);
/* One more memfd of content; 0 or an errno. */
int upload_append(struct upload *, int fd, uint32_t octets);
void upload_end(struct peer *, struct upload *);
/* CONTENT and ENQUEUE_ABORT. */
int on_content(void *ctx, struct ipc_channel *, struct ipc_message *);
int on_abort(void *ctx, struct ipc_channel *, struct ipc_message *);

/* ---- intake.c ---- */
/* ENQUEUE_REFUSED, for an errno. */
void refuse_error(struct peer *, uint64_t request, uint64_t queue_id,
    int error);

#endif
