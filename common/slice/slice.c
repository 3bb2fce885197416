#include "common/slice/slice.h"

static unsigned char
lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? u + ('a' - 'A') : u;
}

bool
slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool
slice_is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] > 127)
			return false;
	return true;
}

struct slice
slice_lower(struct slice s, char *to)
{
	for (size_t i = 0; i < s.len; i++)
		to[i] = (char)lower(s.at[i]);
	return slice_of(to, s.len);
}

bool
slice_starts_nocase(struct slice s, struct slice prefix)
{
	if (s.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++)
		if (lower(s.at[i]) != lower(prefix.at[i]))
			return false;
	return true;
}

bool
slice_equal_nocase(struct slice a, struct slice b)
{
	return a.len == b.len && slice_starts_nocase(a, b);
}

int
slice_copy_str(struct slice s, char *to, size_t size)
{
	to[0] = '\0';
	if (s.len >= size || (s.len > 0 && memchr(s.at, '\0', s.len) != NULL))
		return -1;
	if (s.len > 0)
		memcpy(to, s.at, s.len);
	to[s.len] = '\0';
	return 0;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
slice_hex(struct slice s, void *out, size_t n)
{
	unsigned char *to = out;

	if (s.len != 2 * n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int high = nibble(s.at[2 * i]), low = nibble(s.at[2 * i + 1]);

		if (high == -1 || low == -1)
			return -1;
		to[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

int
slice_number(struct slice s, unsigned long long max, unsigned long long *n)
{
	unsigned long long v = 0;

	if (s.len == 0)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return -1;
		if (__builtin_mul_overflow(v, 10ULL, &v) ||
		    __builtin_add_overflow(v,
			(unsigned long long)(s.at[i] - '0'), &v) ||
		    v > max)
			return -1;
	}
	*n = v;
	return 0;
}
