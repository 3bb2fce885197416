/*
 * Command lines and their parameters: RFC 5321 section 4.1.1 and 4.1.2.
 */
#ifndef COMMON_SMTP_COMMAND_H
#define COMMON_SMTP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice/slice.h"
#include "common/smtp/dsn.h"

enum smtp_line_fault {
	SMTP_LINE_OK,
	SMTP_LINE_LONG,		/* max octets and no CRLF among them */
	/* A CR or LF that is not part of a CRLF (RFC 5321 section 2.3.8).  What
	 * follows it means something else to each side: take no more from
	 * this client. */
	SMTP_LINE_BARE
};

/*
 * Take one line ending in CRLF from the front of in.
 *
 * max   longest line allowed, in octets, CRLF counted (RFC 5321 section
 *       4.5.3.1.4: at least 512).
 * line  set on PARSE_OK: without its CRLF, pointing into in; line->len + 2
 *       octets are used.
 * why   set on PARSE_BAD.
 */
enum parse smtp_line_take(struct slice in, size_t max, struct slice *line,
    enum smtp_line_fault *why);

struct smtp_command_line {
	struct slice	verb;	/* as sent; compare without case */
	struct slice	args;	/* without the space before, or those at the end */
};

/*
 * Split a line.  PARSE_BAD: no verb of letters at its front, something else
 * than a space behind it, or an octet that no command has (a control).
 */
enum parse smtp_command_split(struct slice line, struct smtp_command_line *);

/*
 * "FROM:" or "TO:" at the front of args, in any letters, and spaces behind
 * the colon, which the grammar forbids and the world sends.
 */
enum parse smtp_command_keyword(struct slice *args, struct slice keyword);

struct smtp_param {
	struct slice	name;
	struct slice	value;		/* at == NULL: there was no "=" */
};

/*
 * Take one esmtp-param, with the spaces in front of it, from the front of
 * *args.  PARSE_OK and an empty name: there are no more.
 */
enum parse smtp_param_take(struct slice *args, struct smtp_param *);

enum smtp_body {
	SMTP_BODY_UNSAID,
	SMTP_BODY_7BIT,
	SMTP_BODY_8BITMIME,
	SMTP_BODY_BINARYMIME	/* RFC 3030: only by BDAT */
};

struct smtp_mail_params {
	bool		has_auth;	/* AUTH= (RFC 4954 section 5) */
	bool		has_size;
	uint64_t	size;		/* RFC 1870; UINT64_MAX for more */
	enum smtp_body	body;		/* RFC 6152, RFC 3030 */
	bool		smtputf8;	/* RFC 6531 */
	enum smtp_ret	ret;		/* RFC 3461 section 4.3 */
	struct slice	envid;		/* section 4.4: xtext, checked; at is
					 * NULL: none; points into args */
	struct slice	text;		/* args, all of it */
};

enum smtp_params_fault {
	SMTP_PARAMS_OK,
	SMTP_PARAMS_SYNTAX,	/* 501 */
	SMTP_PARAMS_UNKNOWN,	/* 555 */
	SMTP_PARAMS_VALUE	/* known, but not with this value: 501 */
};

/* All parameters of a MAIL command; each at most once. */
enum smtp_params_fault smtp_mail_params_parse(struct slice args,
    struct smtp_mail_params *);

/*
 * Parameters that were parsed, as others are told them: each with one space in
 * front of it.  to has room for args.len octets; how many it wrote.
 */
size_t smtp_params_copy(struct slice args, char *to);

/*
 * The arguments of BDAT (RFC 3030 section 2): a size, and LAST or not.
 * PARSE_BAD: nobody knows what of the stream is data then.
 */
enum parse smtp_bdat_parse(struct slice args, uint64_t *size, bool *last);

struct smtp_rcpt_params {
	unsigned	notify;		/* enum smtp_notify; 0: not given */
	/* type;xtext, checked; as envid.  Characters beyond ASCII in it are for
	 * a transaction with SMTPUTF8 only. */
	struct slice	orcpt;
	struct slice	text;		/* args, all of it */
};

/* All parameters of a RCPT command; each at most once. */
enum smtp_params_fault smtp_rcpt_params_parse(struct slice args,
    struct smtp_rcpt_params *);

#endif
