/* What SORT and THREAD (RFC 5256 section 5) have before the criteria, pure. */
#ifndef IMAPD_SESSION_SORT_ARGUMENTS_H
#define IMAPD_SESSION_SORT_ARGUMENTS_H

#include "imapd/session/thread.h"

#include "common/slice/slice.h"

enum sort_key { SORT_ARRIVAL, SORT_CC, SORT_DATE, SORT_FROM, SORT_SIZE,
	SORT_SUBJECT, SORT_TO, SORT_KEYS };

enum { SORT_CRITERIA_MAX = 16 };

struct sort_arguments {
	struct sort_criterion {
		enum sort_key	key;
		bool		reverse;
	}	criterion[SORT_CRITERIA_MAX];
	size_t	len;
	enum thread_algorithm algorithm;	/* THREAD */
};

/* "(SUBJECT REVERSE DATE)" */
bool take_sort_criteria(struct slice *in, struct sort_arguments *);
/* "REFERENCES" */
bool take_thread_algorithm(struct slice *in, struct sort_arguments *);

#endif
