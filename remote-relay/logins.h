/*
 * The table relay-passwords: with what name and password a route logs in at
 * its smart host.  Its rows: ROUTE NAME PASSWORD, blanks between; the password
 * is the rest of the line.  A route that has a row never sends mail without
 * having logged in.
 */
#ifndef REMOTE_RELAY_LOGINS_H
#define REMOTE_RELAY_LOGINS_H

#include "common/accounts/table.h"

enum { LOGINS_MAX = 1000 };

struct login {
	char	route[65];	/* "" for the default one */
	char	user[256];
	char	password[1024];
};

struct logins {
	size_t		n;
	struct login	at[LOGINS_MAX];
};

/* NULL with err: a row is not of that form, or a route has two. */
struct logins *logins_parse(struct slice text, struct table_error *err);
/* Wipes.  NULL is fine. */
void logins_free(struct logins *);
/* Of the route; NULL: it does not log in. */
const struct login *logins_find(const struct logins *, const char *route);

#endif
