#include "tests/bench/lines.h"

void
bench_lines(char *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = i % 74 == 72 ? '\r' : i % 74 == 73 ? '\n' :
		    (char)('a' + i % 26);
}
