#include "common/terminals/logins.h"

#include <string.h>
#include <unistd.h>
#include <utmp.h>

_Static_assert(LOGIN_TEXT > UT_NAMESIZE, "room for a name");
_Static_assert(LOGIN_TEXT > UT_LINESIZE, "room for a line");

/* Nothing that could lead out of /dev, or be a hidden name in it. */
static bool
line_valid(const char *line)
{
	if (line[0] == '\0' || line[0] == '/' || line[0] == '.' ||
	    strstr(line, "/.") != NULL || strstr(line, "//") != NULL)
		return false;
	for (; *line != '\0'; line++)
		if (!((*line >= 'a' && *line <= 'z') ||
		    (*line >= 'A' && *line <= 'Z') ||
		    (*line >= '0' && *line <= '9') ||
		    strchr("._-/", *line) != NULL))
			return false;
	return true;
}

bool
login_next(int fd, unsigned *at, struct login *l)
{
	struct utmp u;

	while (*at < LOGINS_MAX && pread(fd, &u, sizeof(u),
	    (off_t)*at * (off_t)sizeof(u)) == (ssize_t)sizeof(u)) {
		++*at;
		if (u.ut_type != USER_PROCESS)
			continue;
		memcpy(l->name, u.ut_user, UT_NAMESIZE);
		l->name[UT_NAMESIZE] = '\0';
		memcpy(l->line, u.ut_line, UT_LINESIZE);
		l->line[UT_LINESIZE] = '\0';
		if (l->name[0] != '\0' && line_valid(l->line))
			return true;
	}
	return false;
}

bool
login_has(int fd, const char *name)
{
	struct login l;
	unsigned at = 0;

	while (login_next(fd, &at, &l))
		if (strcmp(l.name, name) == 0)
			return true;
	return false;
}
