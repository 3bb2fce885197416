/*
 * From the name that a client asks for (SNI, RFC 6066 section 3) to what has a
 * certificate for it: exact names first, then wildcards, which stand for one
 * whole label at the left (RFC 6125 section 6.4.3).
 */
#ifndef COMMON_TLS_NAMES_H
#define COMMON_TLS_NAMES_H

#include <stddef.h>

struct tls_named {
	const char	*name;	/* lower case; borrowed */
	const void	*what;
};

struct tls_names {
	struct tls_named *at;	/* by name */
	size_t		 n, size;
};

/* -1 with errno. */
int tls_names_add(struct tls_names *, const char *name, const void *what);
/* After the last one was added. */
void tls_names_sort(struct tls_names *);
void tls_names_clear(struct tls_names *);

/*
 * All that have the name, in the order in which they were added; their number,
 * 0 when nobody has it.  name is a stranger's: any letter case, any octets.
 */
size_t tls_names_find(const struct tls_names *, const char *name,
    const struct tls_named **first);

#endif
