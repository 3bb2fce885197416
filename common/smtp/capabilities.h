/*
 * What a server says that it can, in its reply to EHLO or LHLO (RFC 5321
 * section 4.1.1.1): one line for each extension, of which we take those that
 * we know.
 */
#ifndef COMMON_SMTP_CAPABILITIES_H
#define COMMON_SMTP_CAPABILITIES_H

#include <stdint.h>

#include "common/slice/slice.h"

enum smtp_capability {
	SMTP_HAS_PIPELINING = 1u << 0,		/* RFC 2920 */
	SMTP_HAS_SIZE = 1u << 1,		/* RFC 1870 */
	SMTP_HAS_8BITMIME = 1u << 2,		/* RFC 6152 */
	SMTP_HAS_ENHANCED = 1u << 3,		/* RFC 2034 */
	SMTP_HAS_DSN = 1u << 4,			/* RFC 3461 */
	SMTP_HAS_CHUNKING = 1u << 5,		/* RFC 3030 */
	SMTP_HAS_BINARYMIME = 1u << 6,		/* RFC 3030 */
	SMTP_HAS_SMTPUTF8 = 1u << 7,		/* RFC 6531 */
	SMTP_HAS_STARTTLS = 1u << 8,		/* RFC 3207 */
	SMTP_HAS_AUTH = 1u << 9,		/* RFC 4954 */
	SMTP_HAS_LIMITS = 1u << 10		/* RFC 9422 */
};

enum { SMTP_MECHANISMS_MAX = 512 };

/* Begin with { 0 }. */
struct smtp_capabilities {
	unsigned	have;		/* enum smtp_capability */
	uint64_t	size;		/* largest message; 0: not said */
	/* RFC 9422; 0: not said. */
	uint32_t	mail_max;	/* messages on one connection */
	uint32_t	rcpt_max;	/* recipients of one message */
	/* The words behind AUTH, as they came, one space between them. */
	size_t		mechanisms_len;
	char		mechanisms[SMTP_MECHANISMS_MAX];
};

/*
 * One line of the reply, without its code; the first, which is a greeting, is
 * not for this.  What is malformed or unknown counts as not said; BINARYMIME
 * counts only with CHUNKING, which smtp_capabilities_end() sees to.
 */
void smtp_capabilities_line(struct smtp_capabilities *, struct slice line);
void smtp_capabilities_end(struct smtp_capabilities *);

static inline struct slice
smtp_capabilities_mechanisms(const struct smtp_capabilities *c)
{
	return slice_of(c->mechanisms, c->mechanisms_len);
}

#endif
