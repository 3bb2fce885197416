/* What the files of THREAD share; nobody else includes it. */
#ifndef IMAPD_SESSION_THREAD_PRIVATE_H
#define IMAPD_SESSION_THREAD_PRIVATE_H

#include "common/hash/siphash.h"
#include "imapd/session/thread.h"
#include "imapd/session/thread_links.h"

struct thread_node {
	int64_t		date;
	uint64_t	subject;
	uint32_t	number;		/* 0: a dummy */
	uint32_t	order;		/* among equal dates: when it came */
	uint32_t	parent, next;	/* once the tree is built */
	uint32_t	first, last;	/* children */
	bool		reply;
};

/* 64-bit keys to node numbers. */
struct thread_table {
	struct entry {
		uint64_t	key;
		uint32_t	node;
	}	*entry;
	size_t	 len, size;		/* size is a power of two */
};

struct thread {
	enum thread_algorithm algorithm;
	struct thread_node *node;	/* [0] is the root */
	struct link	*link;
	size_t		 len, size;
	uint32_t	 messages;
	uint32_t	 missing;	/* nodes that are only referred to */
	struct thread_table ids;
	struct siphash_key key;		/* strangers choose message IDs */
	uint64_t	 steps;
	/* thread_write: the node that is next, and going up from it */
	uint32_t	 at;
	bool		 up, begun;
};

enum { THREAD_ROOT = 0 };

/* ---- thread.c ---- */

/* A dummy; LINK_NONE with errno. */
uint32_t thread_node_new(struct thread *);
/* The node of a key, or LINK_NONE, where it can be put; NULL: no memory.  Valid
 * until the next call. */
uint32_t *thread_table_find(struct thread *, struct thread_table *,
    uint64_t key);
bool thread_table_has(struct thread *, const struct thread_table *,
    uint64_t key);
void thread_append(struct thread *, uint32_t parent, uint32_t child);
/* Put the children of a node into the order of their dates. */
int thread_sort_children(struct thread *, uint32_t parent);

/* ---- thread_references.c, thread_subject.c ---- */

int thread_references_add(struct thread *, const struct thread_message *,
    const uint64_t *references, size_t n);
int thread_references_build(struct thread *);
int thread_subject_build(struct thread *);

#endif
