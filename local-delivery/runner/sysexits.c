/* What the end of a program says about the message: sysexits(3). */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "local-delivery/runner/runner.h"

/* Statuses that are not here fail with 5.3.0. */
static const struct exit_row {
	int		 status;
	uint16_t	 code;
	uint8_t		 subject, detail;
	const char	*meaning;
} rows[] = {
	{ EX_OK, 250, 1, 5, "delivered to a program" },
	{ EX_USAGE, 550, 3, 5, "called in a wrong way" },
	{ EX_DATAERR, 554, 6, 0, "the message is not in order" },
	{ EX_NOINPUT, 554, 3, 0, "no input" },
	{ EX_NOUSER, 550, 1, 1, "no such user" },
	{ EX_NOHOST, 550, 1, 2, "no such host" },
	{ EX_UNAVAILABLE, 554, 3, 0, "a service is not available" },
	{ EX_SOFTWARE, 554, 3, 0, "a fault in the program" },
	{ EX_OSERR, 451, 3, 0, "the system is in trouble" },
	{ EX_OSFILE, 554, 3, 0, "a system file is missing" },
	{ EX_CANTCREAT, 554, 2, 0, "its output cannot be made" },
	{ EX_IOERR, 451, 3, 0, "an input or output fault" },
	{ EX_TEMPFAIL, 451, 3, 0, "it asks to try again" },
	{ EX_PROTOCOL, 554, 5, 0, "a protocol fault" },
	{ EX_NOPERM, 550, 7, 0, "not permitted" },
	{ EX_CONFIG, 554, 3, 5, "its configuration is not in order" },
	/* Ours, and a shell's, for what cannot be run or found. */
	{ 126, 451, 3, 5, "it cannot be run" },
	{ 127, 451, 3, 5, "it was not found" },
};

/* One line of printable ASCII, line ends as "; ", cut to size. */
static void
make_printable(struct slice in, char *out, size_t size)
{
	size_t n = 0;

	while (in.len > 0 && (in.at[in.len - 1] == '\n' ||
	    in.at[in.len - 1] == '\r' || in.at[in.len - 1] == ' '))
		in.len--;
	for (size_t i = 0; i < in.len && n + 3 < size; i++) {
		char c = in.at[i];

		if (c == '\r')
			continue;
		if (c == '\n') {
			out[n++] = ';';
			c = ' ';
		}
		out[n++] = (c >= ' ' && c < 0x7f) || c == ' ' ? c :
		    c == '\t' ? ' ' : '?';
	}
	out[n] = '\0';
}

void
program_outcome(int status, struct slice output, struct outcome *o)
{
	static const struct exit_row other = { 0, 554, 3, 0,
		"a status without a meaning" };
	const struct exit_row *row = &other;
	char said[256];

	make_printable(output, said, sizeof(said));
	if (!WIFEXITED(status)) {
		outcome_set(o, 451, 4, 3, 0, "the program was ended by signal "
		    "%d%s%s", WTERMSIG(status), said[0] ? ": " : "", said);
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == WEXITSTATUS(status))
			row = &rows[i];
	if (row->code == 250)
		outcome_set(o, 250, 2, row->subject, row->detail, "%s%s%s",
		    row->meaning, said[0] ? ": " : "", said);
	else
		outcome_set(o, row->code, row->code / 100, row->subject,
		    row->detail, "the program ended with status %d (%s)%s%s",
		    WEXITSTATUS(status), row->meaning, said[0] ? ": " : "",
		    said);
}
