#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/pool.h"

int
pool_add(struct pool *p, const char *name, uint32_t *offset)
{
	size_t len = strlen(name) + 1;

	if (len > p->size - p->len) {
		size_t size = p->size == 0 ? 4096 : p->size * 2;
		char *at;

		if (size > UINT32_MAX) {
			errno = EOVERFLOW;
			return -1;
		}
		at = realloc(p->at, size);
		if (at == NULL)
			return -1;
		p->at = at;
		p->size = size;
	}
	memcpy(p->at + p->len, name, len);
	*offset = (uint32_t)p->len;
	p->len += len;
	return 0;
}

void
pool_clear(struct pool *p)
{
	free(p->at);
	*p = (struct pool){ 0 };
}
