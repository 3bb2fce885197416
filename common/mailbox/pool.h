/* Strings in one piece of memory, known by their offsets; all die together. */
#ifndef COMMON_MAILBOX_POOL_H
#define COMMON_MAILBOX_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool {
	char *at;
	size_t len, size;
};

/* Append a string with its NUL.  -1: out of memory, or over 4 GiB. */
int pool_add(struct pool *, const char *name, uint32_t *offset);
void pool_clear(struct pool *);

#endif
