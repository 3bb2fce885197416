#include "pop3d/command.h"

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct slice
pop3_line(const char *at, size_t len)
{
	if (len > 0 && at[len - 1] == '\n')
		len--;
	if (len > 0 && at[len - 1] == '\r')
		len--;
	return slice_of(at, len);
}

enum parse
pop3_command_parse(struct slice line, struct pop3_command *c)
{
	size_t n = 0;

	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.at[i] < ' ' || line.at[i] == 0x7f)
			return PARSE_BAD;
	while (n < line.len && (is_letter(line.at[n]) ||
	    (n > 0 && line.at[n] >= '0' && line.at[n] <= '9')))
		n++;	/* UTF8 has a digit */
	if (n == 0 || n > POP3_KEYWORD_MAX ||
	    (n < line.len && line.at[n] != ' '))
		return PARSE_BAD;
	c->keyword = slice_of(line.at, n);
	c->argument = slice_skip(line, n < line.len ? n + 1 : n);
	return PARSE_OK;
}

int
pop3_number(struct slice *argument, unsigned long *n)
{
	struct slice digits = *argument;
	unsigned long long v;
	size_t len = 0;

	while (len < argument->len && argument->at[len] != ' ')
		len++;
	digits.len = len;
	if (slice_number(digits, 0x7fffffff, &v) == -1)
		return -1;
	*n = (unsigned long)v;
	while (len < argument->len && argument->at[len] == ' ')
		len++;
	*argument = slice_skip(*argument, len);
	return 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
pop3_digest(struct slice in, uint8_t out[16])
{
	if (in.len != 32)
		return -1;
	for (size_t i = 0; i < 16; i++) {
		int high = hex_digit(in.at[2 * i]);
		int low = hex_digit(in.at[2 * i + 1]);

		if (high == -1 || low == -1)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
