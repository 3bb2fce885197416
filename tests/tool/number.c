#include "tests/tool/number.h"

#include <err.h>

#include <bsd/stdlib.h>

unsigned
tool_number(const char *text, unsigned least, unsigned most)
{
	const char *error;
	long long n = strtonum(text, least, most, &error);

	if (error != NULL)
		errx(64, "%s: %s", text, error);
	return (unsigned)n;
}
