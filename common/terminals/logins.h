/*
 * Who is logged in, and where: the records of utmp(5), as login(1), sshd(8)
 * and others write them.
 */
#ifndef COMMON_TERMINALS_LOGINS_H
#define COMMON_TERMINALS_LOGINS_H

#include <stdbool.h>

enum {
	LOGINS_MAX = 4096,	/* records looked at; more are left out */
	LOGIN_TEXT = 33		/* octets of a name, and its NUL */
};

struct login {
	char	name[LOGIN_TEXT];
	char	line[LOGIN_TEXT];	/* of its terminal, below /dev */
};

/*
 * The next user's record of the file, which is read where it is, so that what
 * has changed meanwhile is seen.  *at is 0 at first.  False: there is no
 * further one.  A name and a line are set and not empty; the line is made of
 * letters, digits and . _ - /, and leads nowhere but below /dev.
 */
bool login_next(int fd, unsigned *at, struct login *);

/* Does this user have at least one? */
bool login_has(int fd, const char *name);

#endif
