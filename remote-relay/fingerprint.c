#include "remote-relay/fingerprint.h"

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum parse
fingerprint_parse(struct slice in, uint8_t out[FINGERPRINT_LEN])
{
	for (size_t i = 0; i < FINGERPRINT_LEN; i++) {
		if (i > 0 && in.len > 0 && in.at[0] == ':')
			in = slice_skip(in, 1);
		if (in.len < 2 || digit(in.at[0]) == -1 ||
		    digit(in.at[1]) == -1)
			return PARSE_BAD;
		out[i] = (uint8_t)(digit(in.at[0]) << 4 | digit(in.at[1]));
		in = slice_skip(in, 2);
	}
	return in.len == 0 ? PARSE_OK : PARSE_BAD;
}
