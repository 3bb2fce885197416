/* The body of the benchmark's messages. */
#ifndef TESTS_BENCH_LINES_H
#define TESTS_BENCH_LINES_H

#include <stddef.h>

/* len octets of lines of 72 letters with CRLF; the last one may be cut. */
void bench_lines(char *to, size_t len);

#endif
