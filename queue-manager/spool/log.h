/*
 * Writing the log: records gather in memory while a batch is on its way to
 * the disk; then all of them go in one write and one fdatasync (group
 * commit).  Only then are those who wait told.
 *
 * Invariants:
 *  L1  One batch is on its way at a time (S2 of segment.h).
 *  L2  done(0) is called only after fdatasync returned 0 for the batch.
 *  L3  A write or sync that failed is never repeated: all of the batch fails,
 *	the segment is closed for good, its batch is void in the header of
 *	every later segment, and the next batch goes to a fresh one.  (A
 *	second fdatasync may return 0 with the data lost.)
 *  L4  Segments are reused oldest first, and only when nothing in them lives
 *	and the index no longer needs them for a replay.  So a record that
 *	settles a message outlives the record that brought it.
 *  L5  A segment's file is whole on the disk before it is used (rule R4).
 */
#ifndef QUEUE_MANAGER_SPOOL_LOG_H
#define QUEUE_MANAGER_SPOOL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue-manager/spool/files.h"
#include "queue-manager/spool/segment.h"

struct log;
struct worker;

/* Where a record stands. */
struct place {
	uint64_t	generation;
	uint32_t	offset;		/* of its header */
	uint32_t	payload;	/* octets */
};

struct log_segment {
	uint32_t	number;		/* its file's name */
	uint64_t	generation;
	int		fd;
	size_t		end;		/* where the next batch goes */
	uint32_t	batches;
	uint64_t	live;		/* octets of records still needed */
	bool		closed;		/* takes no more batches */
	bool		 clean;		/* recovery may open it again */
};

struct log_hooks {
	/* Fill in nonce, id_ceiling, counters and clock of a new segment. */
	void	(*header)(void *ctx, struct segment_header *);
	/* A batch failed and its segment was closed; for the log. */
	void	(*failed)(void *ctx, uint32_t segment, int error);
};

struct log_config {
	const struct spool_files *files;
	struct worker	*sync;		/* makes batches durable */
	struct worker	*disk;		/* makes new segments */
	size_t		 segment_size;	/* a multiple of SEGMENT_BLOCK */
	unsigned	 spares;	/* segments kept ready, at least 1 */
	uint64_t	 sync_delay_us;	/* for benchmarks: a slower disk */
	struct log_hooks hooks;
	void		*ctx;
};

struct log *log_new(const struct log_config *);
void log_free(struct log *);

/* From recovery, in order of generation. */
int log_adopt(struct log *, const struct log_segment *);
/* An unused file, ready for a first or another life. */
int log_adopt_spare(struct log *, uint32_t number, int fd);
void log_adopt_void(struct log *, const struct segment_void *);

/*
 * What recovery found: where its records end, the last batch, and whether the
 * end is clean, so that more may follow.  Then, of the last one, whether it is
 * to be added to.
 */
void log_segment_found(struct log *, uint64_t generation, size_t end,
    uint32_t batches, bool clean);
void log_reopen_last(struct log *);
void log_live_set(struct log *, uint64_t generation, uint64_t live);

/* error: 0, or an errno and place is NULL. */
typedef void log_done(void *arg, int error, const struct place *);

/*
 * Add a record and get the payload_len octets to fill in, before the next
 * call; NULL with errno: EFBIG, ENOMEM.  Nothing is written before log_flush.
 */
uint8_t *log_append(struct log *, enum record_type, unsigned flags,
    uint64_t id, size_t payload_len, log_done *done, void *arg);

/* Take the last record back, at once after log_append; done is not called. */
void log_unappend(struct log *);

/* Start a batch with what there is; if one is under way, as soon as that is
 * done.  What is appended without it goes along with a later batch. */
void log_flush(struct log *);
bool log_in_flight(const struct log *);
/* Octets that wait for a batch: back-pressure. */
size_t log_waiting(const struct log *);
bool log_busy(const struct log *);

/*
 * May len octets of new mail come in?  A reserve stays for results.  The
 * answer is no when the disk would not hold another segment, not when mail is
 * faster than segments are made: the caller bounds what waits, by
 * log_waiting_max.
 */
bool log_has_room(const struct log *, size_t len);
/* Octets that may wait for a batch so that room is not used up by them. */
size_t log_waiting_max(const struct log *);

/* Behind the last durable batch; generation 0 before the first. */
struct place log_end(const struct log *);
/* Octets in use by segments that are not spare, and live ones among them. */
uint64_t log_used(const struct log *);
uint64_t log_live(const struct log *);

void log_live_add(struct log *, const struct place *);
void log_live_drop(struct log *, const struct place *);

/* The oldest segment, or NULL. */
const struct log_segment *log_tail(const struct log *);
const struct log_segment *log_segment(const struct log *, uint64_t generation);
size_t log_n_segments(const struct log *);
const struct log_segment *log_segment_at(const struct log *, size_t i);

/* Reuse or remove what L4 allows: segments below replay are not needed for a
 * replay.  And see to it that spares are made, unless that failed: then
 * log_try_again asks the disk once more, which is for now and then. */
void log_tend(struct log *, uint64_t replay_generation);
void log_try_again(struct log *);

/*
 * Read a record again, whole and checked: a buffer that the caller frees,
 * beginning with its header.  NULL with errno; EBADMSG when it
 * is damaged.
 */
uint8_t *log_read(const struct log *, const struct place *,
    struct record *);

#endif
