#include "common/sasl/secret.h"

#include <stdlib.h>

#include <bsd/stdlib.h>

static const char version[] = "%version 1\n";

_Static_assert(sizeof(version) - 1 + 2 * SASL_SECRET_LEN + 1 ==
    SASL_SECRET_TEXT, "version, digits, LF");

static int
add_line(void *ctx, struct slice line, unsigned number, bool indented,
    struct table_error *err)
{
	struct sasl_secret *s = ctx;

	(void)indented;
	if (s->there || slice_hex(line, s->octets, sizeof(s->octets)) == -1)
		return table_error_set(err, number, "not one line of 64 "
		    "hexadecimal digits; remove the file, and bulkhead start "
		    "makes a new one");
	s->there = true;
	return 0;
}

int
sasl_secret_compile(struct slice text, struct sasl_secret *s,
    struct table_error *err)
{
	*s = (struct sasl_secret){ 0 };
	if (table_rows(text, add_line, s, err) == 0)
		return 0;
	explicit_bzero(s, sizeof(*s));
	return -1;
}

void
sasl_secret_free(struct sasl_secret *s)
{
	if (s != NULL)
		explicit_bzero(s, sizeof(*s));
	free(s);
}

void
sasl_secret_make(char text[SASL_SECRET_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *to = text + sizeof(version) - 1;
	uint8_t octets[SASL_SECRET_LEN];

	arc4random_buf(octets, sizeof(octets));
	memcpy(text, version, sizeof(version) - 1);
	for (size_t i = 0; i < sizeof(octets); i++) {
		*to++ = digits[octets[i] >> 4];
		*to++ = digits[octets[i] & 15];
	}
	*to = '\n';
	explicit_bzero(octets, sizeof(octets));
}
