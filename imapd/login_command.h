/*
 * IMAP commands before login (RFC 3501 section 6.2 and 9): a tag, a name, and
 * at most a few strings; no lists but the one of ID.  Pure.
 */
#ifndef IMAPD_LOGIN_COMMAND_H
#define IMAPD_LOGIN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slice/slice.h"

enum {
	IMAP_TAG_MAX = 64,		/* octets of a tag before login */
	IMAP_LITERAL_MAX = 4096,	/* octets of a literal before login */
	IMAP_ARGUMENTS_MAX = 64		/* ID: 30 pairs (RFC 2971 section 3.3) */
};

struct imap_login_command {
	struct slice	tag;
	struct slice	name;
	struct slice	arguments[IMAP_ARGUMENTS_MAX];
	size_t		count;
	size_t		used;		/* octets of in, on PARSE_OK */
	/* On PARSE_MORE: so many synchronizing literals have been announced
	 * and wait for "+ " each; one answer per literal. */
	unsigned	continuations;
};

/* What is wrong with a command: how it is answered. */
enum imap_login_fault {
	IMAP_FAULT_TAG,		/* no tag to answer to */
	IMAP_FAULT_SYNTAX,	/* tag is set */
	IMAP_FAULT_LITERAL,	/* too large, and not yet sent: tag is set */
	IMAP_FAULT_STREAM	/* too large and on its way: close */
};

/*
 * A command from the front of in.  On PARSE_OK quoted strings have lost
 * their backslashes, in place; otherwise in is unchanged.  PARSE_BAD: *fault says why, and used is
 * the end of what was wrong (the line).
 *
 * Strings are atoms, quoted strings and literals ({n} and {n+}, RFC 7888);
 * the parentheses of ID and its NILs are taken and not kept.
 */
enum parse imap_login_command_parse(char *in, size_t len,
    struct imap_login_command *, enum imap_login_fault *fault);

#endif
