/*
 * bulkhead check: everything that can be wrong before a start, each finding
 * with file and line where there is one, what is wrong, and what would be
 * right.  `start`, `reload` and `restart` do the same first.
 */
#ifndef BULKHEAD_CHECK_H
#define BULKHEAD_CHECK_H

#include "bulkhead/bulkhead.h"

enum check_when {
	CHECK_STOPPED,	/* ports and uids must be free, too */
	CHECK_RUNNING	/* they are ours */
};

/* What has been found, and how it is told. */
struct check_report {
	const struct bulkhead	*b;
	enum check_when		 when;
	bool			 quiet;		/* warnings are only counted */
	unsigned		 errors, warnings;
};

/* One finding: a sentence, which names its file. */
void check_error(struct check_report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void check_warning(struct check_report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The parts; b has its settings when the later two run. */
void check_files(struct check_report *);
void check_settings(struct check_report *);
void check_tables(struct check_report *);
void check_milters(struct check_report *);
void check_host(struct check_report *);

/*
 * Read bulkhead.conf, silently: its errors come with those of the others.
 * When it is broken, b->instance stays NULL.
 */
void check_try_settings(struct bulkhead *);

/* Errors on standard error, warnings not at all: 0, or EX_CONFIG. */
int check_quietly(struct bulkhead *, enum check_when);

#endif
