/*
 * Who is whose parent, while THREAD=REFERENCES finds it out (pure): a forest in
 * which links are made and broken, and "is a descendant of" is asked before
 * each of them.  Link-cut trees (Sleator and Tarjan, 1983): logarithmic, where
 * walking up a thread of 100,000 replies for each of them is quadratic.
 */
#ifndef IMAPD_SESSION_THREAD_LINKS_H
#define IMAPD_SESSION_THREAD_LINKS_H

#include <stdint.h>

#define LINK_NONE UINT32_MAX

/* All LINK_NONE to begin with. */
struct link {
	uint32_t	parent;		/* the answer */
	/* of the splay tree of a path; up also leads to the next path */
	uint32_t	left, right, up;
};

/* The top of the tree that n is in. */
uint32_t link_root(struct link *, uint32_t n, uint64_t *steps);
/* child has no parent, and parent is not below it. */
void link_make(struct link *, uint32_t child, uint32_t parent,
    uint64_t *steps);
/* child has a parent. */
void link_break(struct link *, uint32_t child, uint64_t *steps);

#endif
