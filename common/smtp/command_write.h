/*
 * MAIL and RCPT as a client writes them, with the parameters of the
 * extensions that the server offers (RFC 5321 section 4.1.1.2 and 4.1.1.3).
 *
 * Addresses come from a channel and went through several hands: one that could
 * end its own path, or its line, early is not written at all, so that no
 * address can add a parameter, a command or a second recipient.
 */
#ifndef COMMON_SMTP_COMMAND_WRITE_H
#define COMMON_SMTP_COMMAND_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum {
	/* Room for any command line: two addresses of 2,048 octets, one of
	 * them in xtext, where an octet may take three. */
	SMTP_COMMAND_WRITE_MAX = 10240
};

enum smtp_write_body {
	SMTP_WRITE_BODY_UNSAID,
	SMTP_WRITE_8BITMIME,
	SMTP_WRITE_BINARYMIME
};

enum smtp_write_ret { SMTP_WRITE_RET_UNSAID, SMTP_WRITE_FULL, SMTP_WRITE_HDRS };

struct smtp_mail_write {
	struct slice	reverse_path;	/* without brackets; empty: null */
	bool		has_size;
	uint64_t	size;
	enum smtp_write_body body;
	bool		smtputf8;
	enum smtp_write_ret ret;	/* RFC 3461 section 4.3 */
	struct slice	envid;		/* not in xtext; empty: none */
	struct slice	auth;		/* RFC 4954 section 5, not in xtext,
					 * or "<>"; empty: none */
};

/* RFC 3461 section 4.1. */
enum smtp_write_notify {
	SMTP_WRITE_NEVER = 1u << 0,
	SMTP_WRITE_SUCCESS = 1u << 1,
	SMTP_WRITE_FAILURE = 1u << 2,
	SMTP_WRITE_DELAY = 1u << 3
};

struct smtp_rcpt_write {
	struct slice	address;	/* without brackets */
	unsigned	notify;		/* enum smtp_write_notify; 0: none */
	struct slice	orcpt;		/* "type;address", the address not in
					 * xtext; empty: none */
	bool		smtputf8;	/* this transaction is one of RFC 6531 */
};

/*
 * The line with its CRLF into out; returns its length, or 0 when it does not
 * fit into size or an address cannot stand in a path.  An ORCPT of the type
 * utf-8 is written in ASCII unless smtputf8 (RFC 6533 section 3).
 */
size_t smtp_mail_write(const struct smtp_mail_write *, char *out, size_t size);
size_t smtp_rcpt_write(const struct smtp_rcpt_write *, char *out, size_t size);

/*
 * Can address stand between angle brackets?  Octets above 127 may stand
 * anywhere in it; a space, a bracket or a control only in a quoted string, and
 * a control not even there.  The empty address can.
 */
bool smtp_address_can_be_written(struct slice address);

/*
 * xtext (RFC 3461 section 4): returns the length, at most three times s.len,
 * or 0 when it does not fit.
 */
size_t smtp_xtext_write(struct slice s, char *out, size_t size);

#endif
