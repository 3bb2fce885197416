/* What the files of common/sandbox/ share; not for others. */
#ifndef COMMON_SANDBOX_INTERNAL_H
#define COMMON_SANDBOX_INTERNAL_H

#include <errno.h>

#include "common/sandbox/profiles.h"

/* One log line, and exit. */
void sandbox_fail(const char *part, int error) __attribute__((noreturn));

/* landlock.c: the ABI in force, or 0 where the kernel has none. */
int sandbox_landlock(const struct sandbox *);

/* filter.c: from here on what is not allowed kills. */
void sandbox_filter(const struct sandbox *);

/* proof.c: each exits when what must be refused is not. */
void sandbox_prove_start(const struct sandbox *);	/* fit to begin? */
void sandbox_prove_jail(const struct sandbox *);	/* before the filter */
void sandbox_prove_filter(void);			/* after it */
/* Can this process reach no network at all? */
bool sandbox_network_is_empty(void);

#endif
