/*
 * bulkhead queue: what is in the queue, and what to do with it.  queue-manager
 * answers, on a channel that supervisor brokers.
 */
#ifndef BULKHEAD_QUEUE_H
#define BULKHEAD_QUEUE_H

#include "bulkhead/bulkhead.h"
#include "common/ipc/control.h"

command_handler do_queue_list, do_queue_show, do_queue_flush, do_queue_hold,
    do_queue_release, do_queue_retry, do_queue_delete;

/* What sees the rows of an answer; a message's recipients follow it. */
struct queue_rows {
	void	(*message)(void *ctx, const struct queue_row *);
	void	(*recipient)(void *ctx, const struct queue_recipient_row *);
	void	*ctx;
};

/*
 * A channel to queue-manager: 0 and *fd, or an exit status with the reason
 * printed.
 */
int queue_open(const struct bulkhead *, int *fd);

/*
 * Ask one question; rows (may be NULL) see what comes before *done.  Returns
 * 0 or an exit status with the reason printed; what done->status says is the
 * caller's.
 */
int queue_ask(int fd, const struct queue_ask *, const struct queue_rows *,
    struct queue_done *done);

/*
 * A queue id as it is printed: hexadecimal, not 0.  0, or EX_USAGE with a
 * sentence.
 */
int queue_id_parse(const char *text, uint64_t *id);

/* "2026-11-21 05:14:00", or "now" for 0; local time. */
enum { QUEUE_TIME_SIZE = 32 };
const char *queue_time(int64_t seconds, char out[QUEUE_TIME_SIZE]);

/* Text of a peer for a terminal: what is not printable becomes '?'. */
void queue_print_text(struct slice);

#endif
