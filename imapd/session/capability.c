#include "imapd/session/capability.h"

static const char *const names[IMAP_CAPABILITIES_LEN] = {
#define X(id, name) name,
	IMAP_CAPABILITIES(X)
#undef X
};

_Static_assert(IMAP_CAPABILITIES_LEN <= 64, "a set of them has 64 bits");

const char *
imap_capability_name(enum imap_capability c)
{
	return names[c];
}

enum imap_capability
imap_capability_of(struct slice name)
{
	unsigned c = 0;

	while (c < IMAP_CAPABILITIES_LEN &&
	    !slice_equal_nocase(name, slice_str(names[c])))
		c++;
	return (enum imap_capability)c;
}
