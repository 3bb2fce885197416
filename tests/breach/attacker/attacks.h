/*
 * What somebody would try who fully owns a process: one function each.  It
 * runs in a child that has entered the process's sandbox by the very call
 * that the daemon uses.
 */
#ifndef TESTS_BREACH_ATTACKS_H
#define TESTS_BREACH_ATTACKS_H

#include <sys/types.h>

/* What there is to attack, told by the test in the stage's own file. */
struct targets {
	char	spool[256], mail[256], passwords[256], key[256];
	int	port;		/* of an open listener on 127.0.0.1 */
	pid_t	sibling;	/* a process of another uid */
};

struct attack {
	const char	*asset;		/* column of the table */
	const char	*name;
	/* 0: it worked.  -1 with errno: refused.  It may also be killed. */
	int		(*run)(const struct targets *);
};

extern const struct attack attacks[];
extern const unsigned attack_count;

#endif
