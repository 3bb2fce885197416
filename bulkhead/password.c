/* Asking for a password.  See password.h. */
#include "bulkhead/password.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bulkhead/bulkhead.h"
#include "common/accounts/verifier.h"

static int
ask(struct password_input *in, const char *name, struct slice *password)
{
	char question[400];

	snprintf(question, sizeof(question), "Password for %s: ", name);
	if (readpassphrase(question, in->first, sizeof(in->first),
		RPP_REQUIRE_TTY) == NULL ||
	    readpassphrase("The same again: ", in->second, sizeof(in->second),
		RPP_REQUIRE_TTY) == NULL)
		return fail(EX_NOINPUT, "no password: %s", strerror(errno));
	if (strcmp(in->first, in->second) != 0)
		return fail(EX_DATAERR, "the two differ; nothing is changed");
	*password = slice_str(in->first);
	return 0;
}

/* One line, unbuffered: no copy is left in a buffer of stdio's. */
static int
read_line(struct password_input *in, struct slice *password)
{
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(in->first)) {
		n = read(STDIN_FILENO, in->first + len, 1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fail(EX_NOINPUT, "no password: %s",
			    strerror(errno));
		if (n == 0 || in->first[len] == '\n')
			break;
		len++;
	}
	if (len > 0 && in->first[len - 1] == '\r')
		len--;
	*password = slice_of(in->first, len);
	return 0;
}

int
password_get(struct password_input *in, const char *name,
    struct slice *password)
{
	const char *refusal;
	int status;

	*in = (struct password_input){ 0 };
	status = isatty(STDIN_FILENO) ? ask(in, name, password) :
					read_line(in, password);
	if (status != 0)
		return status;
	if ((refusal = password_refusal(*password)) != NULL)
		return fail(EX_DATAERR, "%s", refusal);
	return 0;
}

void
password_clear(struct password_input *in)
{
	explicit_bzero(in, sizeof(*in));
}
