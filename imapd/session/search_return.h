/*
 * What SEARCH is to return (RFC 4731, 5182, 9394), and ranges of results (RFC
 * 9394), pure.
 */
#ifndef IMAPD_SESSION_SEARCH_RETURN_H
#define IMAPD_SESSION_SEARCH_RETURN_H

#include <stdint.h>

#include "common/slice/slice.h"

/* "1:500", or "-1:-100" counted from the end. */
struct partial {
	bool		 from_end;
	uint32_t	 first, last;	/* 1..; as sent, in either order */
};
bool take_partial_range(struct slice *in, struct partial *);
/*
 * The results that it means of n, as indices from *from up to before *to; they
 * are equal where there are none.
 */
void partial_of(const struct partial *, size_t n, size_t *from, size_t *to);

enum search_option {
	RETURN_MIN = 1, RETURN_MAX = 2, RETURN_ALL = 4, RETURN_COUNT = 8,
	RETURN_SAVE = 16, RETURN_PARTIAL = 32
};

struct search_return {
	bool		 extended;	/* RETURN was there */
	unsigned	 options;	/* of enum search_option */
	struct partial	 partial;
};
/* "RETURN (...) ", or nothing at all. */
bool take_search_return(struct slice *in, struct search_return *);

#endif
