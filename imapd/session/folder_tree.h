/*
 * The names that LIST and LSUB choose from (pure): folders and
 * subscriptions merged, superiors that are no folders made up, and what each
 * name's inferiors are.  Built in one sort and two passes; nothing is copied,
 * so the lists must live as long as the tree.
 */
#ifndef IMAPD_SESSION_FOLDER_TREE_H
#define IMAPD_SESSION_FOLDER_TREE_H

#include <stdint.h>

#include "common/slice/slice.h"

enum folder_node_is {
	NODE_EXISTS = 1 << 0,
	NODE_SUBSCRIBED = 1 << 1,
	NODE_HAS_CHILDREN = 1 << 2,	/* a folder is somewhere below */
	/* for whoever walks the tree; see folder_tree_choose */
	NODE_MATCHES = 1 << 3,		/* one of the patterns */
	NODE_CHOSEN = 1 << 4,		/* meets the selection criteria */
	NODE_CHOSEN_BELOW = 1 << 5,	/* something below does */
	NODE_UNSEEN_BELOW = 1 << 6	/* ... that matches no pattern */
};

#define NODE_NONE UINT32_MAX

struct folder_node {
	const char	*at;		/* the name, without NUL */
	uint32_t	 parent;	/* index, always lower; or NODE_NONE */
	uint16_t	 len;
	uint8_t		 is;		/* enum folder_node_is */
	uint8_t		 uses;		/* SPECIAL_USE_*; the caller's */
};

struct folder_tree {
	struct folder_node *node;	/* superiors before inferiors */
	size_t		 len, size;
	char		 separator;
};

/* Add a name (borrowed).  -1: no memory. */
int folder_tree_add(struct folder_tree *, struct slice name, uint8_t is);
/* All have been added: sort, merge, make up superiors.  -1: no memory. */
int folder_tree_build(struct folder_tree *);
/* NULL: there is none of that name. */
struct folder_node *folder_tree_find(struct folder_tree *, struct slice name);
/* From MATCHES and CHOSEN of all nodes the two that look below. */
void folder_tree_choose(struct folder_tree *);
void folder_tree_clear(struct folder_tree *);

static inline struct slice
folder_node_name(const struct folder_node *n)
{
	return slice_of(n->at, n->len);
}

#endif
