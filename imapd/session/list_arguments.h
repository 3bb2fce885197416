/*
 * The arguments of LIST, LSUB and XLIST, and CREATE's (RFC 3501 section 6.3.8,
 * RFC 5258 section 6, RFC 5819 section 4, RFC 6154 section 6), pure.
 */
#ifndef IMAPD_SESSION_LIST_ARGUMENTS_H
#define IMAPD_SESSION_LIST_ARGUMENTS_H

#include "imapd/session/arena.h"
#include "imapd/session/status_items.h"

enum { LIST_PATTERNS_MAX = 64 };

enum list_selection {
	LIST_SELECT_SUBSCRIBED = 1 << 0,
	LIST_SELECT_SPECIAL_USE = 1 << 1,
	LIST_SELECT_RECURSIVEMATCH = 1 << 2,
	LIST_SELECT_REMOTE = 1 << 3	/* there are none: no difference */
};

enum list_return {
	LIST_RETURN_SUBSCRIBED = 1 << 0,
	LIST_RETURN_SPECIAL_USE = 1 << 1,
	LIST_RETURN_CHILDREN = 1 << 2,
	LIST_RETURN_STATUS = 1 << 3
};

struct list_arguments {
	struct slice	 reference;
	struct slice	*pattern;
	size_t		 patterns;
	unsigned	 select, give;	/* the two enums above */
	unsigned	 status;	/* items of STATUS */
	bool		 extended;	/* in any of the three ways */
};

/* Of LIST; extended: its options and several patterns are allowed. */
bool take_list_arguments(struct slice *in, struct arena *, bool extended,
    struct list_arguments *);

/*
 * " (USE (\Sent))" of CREATE, or nothing: bits SPECIAL_USE_*, and
 * *unknown when there were others.
 */
bool take_create_uses(struct slice *in, unsigned *uses, bool *unknown);

#endif
