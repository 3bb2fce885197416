/*
 * The parameters of the extension DSN: RFC 3461 sections 4.1 to 4.4.
 */
#ifndef COMMON_SMTP_DSN_H
#define COMMON_SMTP_DSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum {
	/* RFC 3461 section 5.4 asks for 100 and 500. */
	SMTP_ENVID_MAX = 256,		/* octets, encoded */
	SMTP_ORCPT_MAX = 2048
};

enum smtp_ret {
	SMTP_RET_UNSAID,
	SMTP_RET_FULL,
	SMTP_RET_HDRS
};

enum smtp_notify {
	SMTP_NOTIFY_NEVER = 1u << 0,	/* alone */
	SMTP_NOTIFY_SUCCESS = 1u << 1,
	SMTP_NOTIFY_FAILURE = 1u << 2,
	SMTP_NOTIFY_DELAY = 1u << 3
};

/* NOTIFY=: "NEVER", or a list of the others; *notify is never 0 then. */
enum parse smtp_notify_parse(struct slice value, unsigned *notify);
/* RET=: FULL or HDRS. */
enum parse smtp_ret_parse(struct slice value, enum smtp_ret *ret);
/* ENVID=: xtext of printable ASCII. */
enum parse smtp_envid_check(struct slice value);
/*
 * ORCPT=: an atom, ";", xtext of printable ASCII; of the type utf-8 also
 * characters beyond ASCII (RFC 6533 section 3), which are only for those who
 * said SMTPUTF8.
 */
enum parse smtp_orcpt_check(struct slice value);

/*
 * xtext (RFC 3461 section 4).  decode: of a checked value; to has room for
 * value.len octets; how many it wrote.  encode: everything that xtext cannot
 * hold as it is becomes +XX; the length, or 0 when it does not fit into size.
 */
size_t smtp_xtext_decode(struct slice value, char *to);
size_t smtp_xtext_encode(struct slice text, char *to, size_t size);

/*
 * A checked ORCPT as it is kept: xtext undone, and of the type utf-8 the
 * escapes of RFC 6533 section 3, \x{HEX}, too, but for those of controls.
 * to has room for value.len octets; how many it wrote.
 */
size_t smtp_orcpt_decode(struct slice value, char *to);

/* The longest escape is longer than what it stands for by so much. */
enum { SMTP_UNITEXT_GROWS = 6 };
/*
 * An address of the type utf-8 in the form utf-8-addr-unitext, or where that
 * is not eight_bit in utf-8-addr-xtext (RFC 6533 section 3).  to has room for
 * SMTP_UNITEXT_GROWS times address.len octets; how many it wrote.
 */
size_t smtp_unitext_encode(struct slice address, bool eight_bit, char *to);

#endif
