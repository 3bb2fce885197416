/*
 * The one grammar of user names, applied before a name is looked up, logged
 * or handed on, whoever brought it: a login, an address, a table.
 *
 *	name   = local [ "@" domain ]
 *	local  = letter or digit, then letters, digits and . _ - + = '
 *	         with no two dots in a row and no dot at the end; 64 octets
 *	         (RFC 5321 section 4.5.3.1.1).  A character beyond ASCII
 *	         counts as a letter (RFC 6531 section 3.3).
 *	domain = labels of letters, digits and inner hyphens, 63 octets each,
 *	         255 in all (RFC 1035 section 2.3.4), or an address literal
 *	         in brackets
 *
 * So a name holds no NUL, no slash, no percent sign, no blank, nothing that
 * is not well-formed UTF-8, and no leading hyphen.  Upper and lower case are
 * the same.
 */
#ifndef COMMON_ACCOUNTS_USERNAME_H
#define COMMON_ACCOUNTS_USERNAME_H

#include <stdbool.h>

#include "common/slice/slice.h"

#define USERNAME_LOCAL_MAX	64
#define USERNAME_DOMAIN_MAX	255
#define USERNAME_MAX		(USERNAME_LOCAL_MAX + 1 + USERNAME_DOMAIN_MAX)
/* A buffer for a name and its NUL. */
#define USERNAME_SIZE		(USERNAME_MAX + 1)

struct username {
	struct slice	local;
	struct slice	domain;		/* empty where there is none */
};

/* Is it in the grammar?  The parts are set, and point into in. */
enum parse username_parse(struct slice in, struct username *);

/* The two halves alone. */
bool username_local_valid(struct slice);
bool username_domain_valid(struct slice);

/*
 * The canonical spelling, with a NUL at the end: letters small, beyond ASCII
 * in Normalization Form C; the domain in A-labels (common/idn/idn.h).
 * Returns -1 and an empty string for what is not in the grammar.
 */
int username_canonical(struct slice in, char out[USERNAME_SIZE]);

/*
 * The parts of an address of RFC 5321 section 4.1.2 as a client may spell
 * it: cut at its last "@", and with a quoted local-part unquoted, since
 * "bob"@x and bob@x are the same mailbox.  The local-part may be any text
 * without control characters then, and no user has most of these.
 *
 * local  at least USERNAME_LOCAL_MAX * 2 + 2 octets of room for the
 *        local-part without its quotes; part->local points there.
 *
 * PARSE_BAD: empty, too long, or no such thing.  The domain is not checked,
 * and empty where there is none ("postmaster").
 */
#define USERNAME_UNQUOTED_SIZE	(USERNAME_LOCAL_MAX * 2 + 2)
enum parse address_parts(struct slice in, char local[USERNAME_UNQUOTED_SIZE],
    struct username *part);

/*
 * An address, or a name without a domain, as tables may hold them for other
 * hosts too: the local-part is a dot-string of RFC 5321 section 4.1.2 and RFC
 * 6531 section 3.3, so wider than a user's name, and never quoted.  The parts point into in.
 */
enum parse address_plain_parse(struct slice in, struct username *part);

/*
 * Put an address together: the local-part, not quoted yet, gets quotes where
 * it needs them.  Octets written, without the NUL; -1: no room.
 */
int address_join(struct slice local, struct slice domain, char *out,
    size_t size);

#endif
