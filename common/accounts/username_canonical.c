/* Apart from the grammar: what only reads names links no tables of Unicode. */
#include "common/accounts/username.h"
#include "common/idn/idn.h"

/* local[@domain] in one spelling; its length, or -1. */
static int
spell(struct slice in, char *out, size_t size)
{
	const char *at = in.len == 0 ? NULL : memrchr(in.at, '@', in.len);
	size_t len = at == NULL ? in.len : (size_t)(at - in.at);
	int local = idn_local(slice_of(in.at, len), out, size), domain;

	if (local == -1 || at == NULL)
		return local;
	if (size - (size_t)local < 1 + IDN_DOMAIN_MAX)
		return -1;
	out[local] = '@';
	domain = idn_domain(slice_skip(in, len + 1), out + local + 1);
	return domain == -1 ? -1 : local + 1 + domain;
}

int
username_canonical(struct slice in, char out[USERNAME_SIZE])
{
	char text[USERNAME_SIZE + IDN_DOMAIN_MAX];
	struct username name;
	int len = spell(in, text, sizeof(text));

	out[0] = '\0';
	if (len == -1 ||
	    username_parse(slice_of(text, (size_t)len), &name) != PARSE_OK)
		return -1;
	return slice_copy_str(slice_of(text, (size_t)len), out,
	    USERNAME_SIZE);
}
