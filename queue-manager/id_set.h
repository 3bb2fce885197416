/* A set of queue ids: open addressing, for ids that are never 0. */
#ifndef QUEUE_MANAGER_ID_SET_H
#define QUEUE_MANAGER_ID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is empty; at most half of the slots are in use. */
struct id_set {
	uint64_t	*slots;		/* owned; 0: free */
	size_t		 n, size;	/* ids; slots, a power of two or 0 */
};

/* 0, or -1 when memory is short; nothing has changed then. */
int id_set_add(struct id_set *, uint64_t id);
void id_set_remove(struct id_set *, uint64_t id);
bool id_set_has(const struct id_set *, uint64_t id);
void id_set_clear(struct id_set *);

#endif
