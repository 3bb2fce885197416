/*
 * THREAD's two algorithms (RFC 5256), pure: messages go in, in the order of
 * their sequence numbers, and the text of the response comes out.  Nothing here
 * recurses, and the work is n log n in messages and references.
 */
#ifndef IMAPD_SESSION_THREAD_H
#define IMAPD_SESSION_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum thread_algorithm { THREAD_ORDEREDSUBJECT, THREAD_REFERENCES };

/*
 * Messages and those that are only referred to: 1 GiB would be 13 millions.
 * Strangers choose what a message refers to, so that takes half at most; past it
 * references to messages that are not known so far are passed over.
 */
#define THREAD_NODES_MAX (2 * 1024 * 1024)
#define THREAD_MISSING_MAX (THREAD_NODES_MAX / 2)

struct thread_message {
	uint32_t	number;		/* as the response names it */
	int64_t		date;		/* sent */
	uint64_t	id;		/* 0: it has none */
	uint64_t	subject;	/* of the base subject; 0: it is empty */
	bool		reply;
};

struct thread;

/* NULL: no memory. */
struct thread *thread_new(enum thread_algorithm);
void thread_free(struct thread *);	/* NULL is fine */
/* -1: ENOMEM, or EFBIG past THREAD_NODES_MAX. */
int thread_add(struct thread *, const struct thread_message *,
    const uint64_t *references, size_t n);
/* All are added. */
int thread_build(struct thread *);

enum { THREAD_OUT_MIN = 64 };
/* The next octets of "(1)(2 3 (4)(5))"; 0: that was all. */
size_t thread_write(struct thread *, char *to, size_t size);
/* How often something was looked at, for tests. */
uint64_t thread_steps(const struct thread *);

#endif
