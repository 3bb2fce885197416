/*
 * A password, from the terminal (asked twice, not shown) or, where standard
 * input is none, as its first line.  Never an argument: those are for
 * everybody on the host to see.
 */
#ifndef BULKHEAD_PASSWORD_H
#define BULKHEAD_PASSWORD_H

#include "common/accounts/passwords.h"
#include "common/slice/slice.h"

struct password_input {
	char	first[PASSWORD_MAX + 3];	/* CR, LF or NUL behind it */
	char	second[PASSWORD_MAX + 3];
};

/*
 * Returns 0 and *password, which points into in; or an exit status, with the
 * reason printed.  name is shown in the question.
 */
int password_get(struct password_input *in, const char *name,
    struct slice *password);
/* Wipe it. */
void password_clear(struct password_input *);

#endif
