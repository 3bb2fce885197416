/*
 * A borrowed run of octets: pointer and length, never a NUL at the end.
 * What parsers take and give; it owns nothing.
 */
#ifndef COMMON_SLICE_SLICE_H
#define COMMON_SLICE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char	*at;
	size_t		 len;
};

/* What every parser of ours answers. */
enum parse {
	PARSE_OK,	/* done; the results are set */
	PARSE_MORE,	/* nothing wrong so far, but not complete */
	PARSE_BAD	/* not in the grammar, or over a limit */
};

#define SLICE_LITERAL(s) ((struct slice){ (s), sizeof(s) - 1 })

static inline struct slice
slice_of(const void *at, size_t len)
{
	return (struct slice){ at, len };
}

/* The slice of a string, without its NUL. */
static inline struct slice
slice_str(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

/* s without its first n octets; n is at most s.len. */
static inline struct slice
slice_skip(struct slice s, size_t n)
{
	return (struct slice){ s.at + n, s.len - n };
}

/* Octet for octet.  Not for secrets: it stops at the first difference. */
bool slice_equal(struct slice, struct slice);
/* The same with ASCII letters of either case equal; no locale. */
bool slice_equal_nocase(struct slice, struct slice);
bool slice_starts_nocase(struct slice, struct slice prefix);

/* No octet over 127? */
bool slice_is_ascii(struct slice);

/* A copy with its ASCII letters small, in to (room for as many octets). */
struct slice slice_lower(struct slice, char *to);

/*
 * Copy into a C string of size octets, NUL included.  Returns -1, leaving an
 * empty string, when s does not fit or holds a NUL.
 */
int slice_copy_str(struct slice, char *to, size_t size);

/*
 * A decimal number of digits only, at most max.  Returns -1 for none, for
 * anything else in s, and for a number over max; *n is then unchanged.
 */
int slice_number(struct slice, unsigned long long max, unsigned long long *n);

/*
 * Exactly 2 * n hexadecimal digits of either case, as n octets.  -1 for
 * anything else; out is then partly written.
 */
int slice_hex(struct slice, void *out, size_t n);

#endif
