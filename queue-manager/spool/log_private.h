/* Inside of the log: shared by log.c (gathering), batch.c and segments.c. */
#ifndef QUEUE_MANAGER_SPOOL_LOG_PRIVATE_H
#define QUEUE_MANAGER_SPOOL_LOG_PRIVATE_H

#include "queue-manager/spool/log.h"
#include "queue-manager/spool/worker.h"

enum { SPARES_KEPT = 8 };

/* A record in a chunk. */
struct entry {
	size_t		 offset, payload;
	uint16_t	 type, flags;
	uint64_t	 id;
	log_done	*done;
	void		*arg;
};

/* A batch that gathers, or is on its way. */
struct chunk {
	struct job	 job;		/* first: a job is its chunk */
	TAILQ_ENTRY(chunk) entry;
	struct log	*log;
	uint8_t		*buf;
	size_t		 len, size;
	struct entry	*entries;
	size_t		 n, n_max;
	/* For the thread. */
	int		 fd, error;
	size_t		 at;
	uint64_t	 generation, delay_us;
	uint32_t	 batch;
	bool		 with_header;
	uint8_t		 header[SEGMENT_HEADER];
};

TAILQ_HEAD(chunks, chunk);

struct spare {
	uint32_t	number;
	int		fd;
};

/* Making a new segment file. */
struct making {
	struct job	 job;
	struct log	*log;
	const struct spool_files *files;
	size_t		 size;
	uint32_t	 number;
	int		 fd, error;
};

struct log {
	struct log_config c;
	struct log_segment *segments;	/* ascending generation */
	size_t		 n, n_max;
	struct spare	 spares[SPARES_KEPT + 2];
	unsigned	 n_spares;
	struct making	 making;
	bool		 is_making, making_failed;
	uint32_t	 next_number;
	uint64_t	 ordinal;
	struct segment_void voids[SEGMENT_VOIDS_MAX];
	uint32_t	 n_voids;
	struct chunks	 chunks, kept;
	unsigned	 n_kept;
	size_t		 waiting;
	bool		 in_flight;
	bool		 wanted;	/* the next batch: once this is done */
};

/* Octets that a batch can have at most. */
static inline size_t
batch_max(const struct log *l)
{
	return l->c.segment_size - SEGMENT_BLOCK;
}

/* The segment that takes batches, or NULL.  segments.c */
struct log_segment *log_current(const struct log *);
/* Begin making a spare; and only if one is lacking, none is being made and
 * the last one did not fail.  segments.c */
void log_make_spare(struct log *);
void log_top_up(struct log *);
/* A batch's memory, for another one.  log.c */
void chunk_keep(struct log *, struct chunk *);

#endif
