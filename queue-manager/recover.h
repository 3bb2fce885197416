/* Inside of recovery: find.c, replay.c, recover.c. */
#ifndef QUEUE_MANAGER_RECOVER_H
#define QUEUE_MANAGER_RECOVER_H

#include "queue-manager/queue.h"

/* A segment file as it was found. */
struct found {
	uint32_t	number;
	int		fd;
	uint64_t	generation;
	size_t		size;
	struct segment_header header;
	bool		headless;	/* its header is damaged */
};

struct recovery {
	struct queue	*q;
	struct found	*found;
	size_t		 n, n_max;
	uint64_t	 tail;
	struct segment_void voids[SEGMENT_VOIDS_MAX];
	uint32_t	 n_voids;
	struct index_meta meta;
	bool		 rebuild, failed;
	uint64_t	 records, corrupt;
};

/* Find the segments, and give them to the log.  -1: logged.  find.c */
int segments_find(struct recovery *);
/* Read the log from where the index ends.  -1: logged.  replay.c */
int log_replay(struct recovery *);
/* Everything in memory goes to the index.  replay.c */
int flush_to_index(struct queue *);

#endif
