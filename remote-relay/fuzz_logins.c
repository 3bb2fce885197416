/* relay-passwords: what is taken has all three of its words. */
#include <stdint.h>
#include <stdlib.h>

#include "remote-relay/logins.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table_error err = { 0 };
	struct logins *l = logins_parse(slice_of(data, size), &err);

	for (size_t i = 0; l != NULL && i < l->n; i++)
		if (l->at[i].user[0] == '\0' || l->at[i].password[0] == '\0' ||
		    logins_find(l, l->at[i].route) != &l->at[i])
			abort();
	if (l == NULL && err.text[0] == '\0')
		abort();
	logins_free(l);
	return 0;
}
