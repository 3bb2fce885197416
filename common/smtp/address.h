/*
 * Addresses of the envelope: the grammar of RFC 5321 section 4.1.2 and 4.1.3.
 *
 * An address is kept in one canonical spelling: domain in small letters, a
 * local-part with no more quoting than it needs (its letters as they came:
 * "Local-part MAY be case-sensitive"), an IPv6 literal in its shortest
 * form.  Two spellings of one mailbox become equal, and what is printed
 * parses to the same address again.  Source routes are accepted and forgotten
 * (RFC 5321 appendix C).
 *
 * Characters beyond ASCII, in UTF-8, are taken where they are asked for
 * (SMTPUTF8, RFC 6531 section 3.3); otherwise they have a fault of their own,
 * because their reply has.  A local-part keeps them as they came: whether two
 * of them are one mailbox is for the host to say that has it.  A domain keeps
 * them, too, and is no name yet: idn_address() makes it one.
 */
#ifndef COMMON_SMTP_ADDRESS_H
#define COMMON_SMTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum {
	/* Room for every address of whatever limits; canonical, no NUL. */
	SMTP_ADDRESS_MAX = 512
};

enum smtp_address_kind {
	SMTP_NULL,		/* <>: the null reverse-path */
	SMTP_UNQUALIFIED,	/* without a domain: <postmaster> */
	SMTP_MAILBOX,		/* local-part@domain */
	SMTP_LITERAL		/* local-part@[address literal] */
};

struct smtp_address {
	enum smtp_address_kind kind;
	uint16_t	len;		/* of text */
	uint16_t	local_len;	/* the "@", if any, comes behind */
	char		text[SMTP_ADDRESS_MAX];
};

/* RFC 5321 section 4.5.3.1.1 to 4.5.3.1.3, in octets. */
struct smtp_path_limits {
	uint16_t	local_part;	/* at least 64; at most 248 */
	uint16_t	domain;		/* at least 255; at most 255 */
	uint16_t	path;		/* at least 256, brackets counted */
};

extern const struct smtp_path_limits smtp_path_limits_default;

enum smtp_path_flags {
	SMTP_PATH_REVERSE = 1,		/* "<>" is allowed */
	SMTP_PATH_FORWARD = 2,		/* "<postmaster>" is allowed */
	/* "a@b" may stand without its angle brackets, ending at a space. */
	SMTP_PATH_BARE = 4,
	/* Any local-part may lack its domain, as programs on this host write
	 * it; smtp_address_qualify() gives it one. */
	SMTP_PATH_UNQUALIFIED = 8,
	/* Characters beyond ASCII: RFC 6531 section 3.3. */
	SMTP_PATH_UTF8 = 16
};

enum smtp_path_fault {
	SMTP_PATH_OK,
	SMTP_PATH_SYNTAX,
	SMTP_PATH_LOCAL_PART_LONG,
	SMTP_PATH_DOMAIN_LONG,
	SMTP_PATH_LONG,
	SMTP_PATH_NOT_ASCII
};

/*
 * Take a path from the front of in.
 *
 * used  set on PARSE_OK: octets of the path, closing bracket included; what
 *       follows is the caller's to judge.
 * why   set on PARSE_BAD; may be NULL.
 *
 * Never PARSE_MORE.
 */
enum parse smtp_path_parse(struct slice in, unsigned flags,
    const struct smtp_path_limits *, struct smtp_address *, size_t *used,
    enum smtp_path_fault *why);

/*
 * The whole of in is a mailbox without angle brackets, or "postmaster"; as
 * in tables, on channels, and what smtp_address_slice() gives.  Empty is the
 * null address.  Characters beyond ASCII are taken.
 */
enum parse smtp_address_parse(struct slice in, struct smtp_address *);

/*
 * Give an SMTP_UNQUALIFIED address a domain (at most 255 octets, valid).
 * Others stay as they are.
 */
void smtp_address_qualify(struct smtp_address *, struct slice domain);

/* The canonical spelling, without angle brackets; empty for SMTP_NULL. */
static inline struct slice
smtp_address_slice(const struct smtp_address *a)
{
	return slice_of(a->text, a->len);
}

/* Is all of it ASCII? */
bool smtp_address_is_ascii(const struct smtp_address *);

/* Local-part as printed, quotes included; and what follows the "@". */
struct slice smtp_address_local(const struct smtp_address *);
struct slice smtp_address_domain(const struct smtp_address *);

/*
 * Equal mailboxes: local-parts octet by octet, but postmaster in any letters
 * (RFC 5321 section 4.5.1).
 */
bool smtp_address_equal(const struct smtp_address *,
    const struct smtp_address *);

/*
 * Copy the local-part's meaning, quotes and backslashes removed, to out (at
 * least 256 octets); returns its length.
 */
size_t smtp_address_unquote(const struct smtp_address *, char *out);

/*
 * Domain (RFC 5321 section 4.1.2): letters, digits, hyphens inside; labels
 * of 1 to 63 octets; no dot at the end.  Whole of in, at most max octets.
 */
bool smtp_domain_valid(struct slice in, size_t max);

/* An address literal, brackets included; the whole of in. */
bool smtp_literal_valid(struct slice in);

#endif
