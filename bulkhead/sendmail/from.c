/* The From field.  See from.h. */
#include "bulkhead/sendmail/from.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_QUOTED = 512 };

/* As a quoted-string; an empty one where that cannot be. */
static void
quote(const char *name, char out[NAME_MAX_QUOTED])
{
	size_t n = 0;

	out[0] = '\0';
	if (name == NULL || strlen(name) * 2 + 4 > NAME_MAX_QUOTED)
		return;
	for (const char *p = name; *p != '\0'; p++)
		if (*p < ' ' || *p >= 0x7f)
			return;
	if (*name == '\0')
		return;
	out[n++] = '"';
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			out[n++] = '\\';
		out[n++] = *name;
	}
	memcpy(out + n, "\" ", 3);
}

int
from_complete(struct header *h, const char *address, const char *full_name)
{
	char name[NAME_MAX_QUOTED];
	char line[NAME_MAX_QUOTED + SENDMAIL_ADDRESS_MAX + 16];
	int len;

	if (h->has_from || h->has_resent)
		return 0;
	quote(full_name, name);
	len = snprintf(line, sizeof(line), "From: %s<%s>\r\n", name, address);
	return text_add(&h->kept, slice_of(line, (size_t)len));
}
