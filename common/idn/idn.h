/*
 * International names, so that every table and every lookup has one spelling:
 * U-labels of domains become A-labels (RFC 5891, by libidn2), and local-parts
 * of mailboxes here are compared in small letters and Normalization Form C
 * (RFC 6532 section 3.1, by libunistring).
 */
#ifndef COMMON_IDN_IDN_H
#define COMMON_IDN_IDN_H

#include <stddef.h>

#include "common/slice/slice.h"
#include "common/smtp/address.h"

enum { IDN_DOMAIN_MAX = 255 };

/*
 * The domain in small letters and A-labels; an ASCII name and an address
 * literal are only made small.  out has room for IDN_DOMAIN_MAX octets.
 * Returns the length, or -1: not UTF-8, or no domain name.
 */
int idn_domain(struct slice in, char out[IDN_DOMAIN_MAX]);

/*
 * A local-part, not quoted, in the spelling in which those of mailboxes here
 * are compared: small letters, each by the rules of Unicode without those of a
 * language, then Normalization Form C.  Never for one at another host, whose
 * business it is which are the same (RFC 5321 section 2.4).
 *
 * Returns its length, at most size, or -1: not UTF-8, or it does not fit.
 */
int idn_local(struct slice in, char *out, size_t size);

/*
 * Give an address that was parsed with SMTP_PATH_UTF8 a domain of A-labels.
 * -1: it is no domain name then, and the address is as it was.
 */
int idn_address(struct smtp_address *);

/* What a word is that has no @: a domain, or the name of a mailbox. */
enum idn_words { IDN_WORDS_DOMAINS, IDN_WORDS_NAMES };

/*
 * The text of a table, every word in it that has octets over 127 in its last
 * part (behind the last of @ and :) replaced by its A-labels.  Local-parts in
 * front of an @, and names, get Normalization Form C; in the first word of a
 * line, by which others are found, small letters, too.  Words end at blanks,
 * commas and line ends; comments are left alone; what is no name stays as it
 * is, for the table's own parser to refuse.  Lines keep their numbers.
 *
 * Returns allocated text of *len octets, or NULL for no memory.
 */
char *idn_text(struct slice text, enum idn_words, size_t *len);

#endif
