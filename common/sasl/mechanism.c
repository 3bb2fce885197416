#include "common/sasl/mechanism.h"

#include <bsd/string.h>

static const char *const names[SASL_MECHANISM_COUNT] = {
	[SASL_NONE] = "",
	[SASL_PLAIN] = "PLAIN",
	[SASL_LOGIN] = "LOGIN",
	[SASL_SCRAM_SHA_256] = "SCRAM-SHA-256",
	[SASL_SCRAM_SHA_256_PLUS] = "SCRAM-SHA-256-PLUS",
};

const char *
sasl_mechanism_name(enum sasl_mechanism m)
{
	return m < SASL_MECHANISM_COUNT ? names[m] : "";
}

enum sasl_mechanism
sasl_mechanism_by_name(struct slice name)
{
	for (int m = SASL_PLAIN; m < SASL_MECHANISM_COUNT; m++)
		if (slice_equal_nocase(name, slice_str(names[m])))
			return (enum sasl_mechanism)m;
	return SASL_NONE;
}

unsigned
sasl_offered(const struct sasl_situation *s)
{
	unsigned set = SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_LOGIN);

	if (!s->allowed)
		return 0;
	if (s->verifiers)
		set |= SASL_BIT(SASL_SCRAM_SHA_256);
	if (s->verifiers && s->binding)
		set |= SASL_BIT(SASL_SCRAM_SHA_256_PLUS);
	return set;
}

const char *
sasl_names(unsigned set, const char *prefix, char *out, size_t size)
{
	static const enum sasl_mechanism order[] = { SASL_SCRAM_SHA_256_PLUS,
		SASL_SCRAM_SHA_256, SASL_PLAIN, SASL_LOGIN };

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if ((set & SASL_BIT(order[i])) == 0)
			continue;
		if (out[0] != '\0')
			strlcat(out, " ", size);
		strlcat(out, prefix, size);
		strlcat(out, names[order[i]], size);
	}
	return out;
}

unsigned
sasl_set_of(struct slice list)
{
	unsigned set = 0;

	while (list.len > 0) {
		const char *space = memchr(list.at, ' ', list.len);
		size_t len = space == NULL ? list.len :
		    (size_t)(space - list.at);
		enum sasl_mechanism m =
		    sasl_mechanism_by_name(slice_of(list.at, len));

		if (m != SASL_NONE)
			set |= SASL_BIT(m);
		list = slice_skip(list, space == NULL ? len : len + 1);
	}
	return set;
}
