/*
 * International domain names: U-labels become A-labels (RFC 5891, by
 * libidn2), so that every table and every lookup has one spelling.
 */
#ifndef COMMON_IDN_IDN_H
#define COMMON_IDN_IDN_H

#include <stddef.h>

#include "common/slice/slice.h"

enum { IDN_DOMAIN_MAX = 255 };

/*
 * The domain in small letters and A-labels; an ASCII name and an address
 * literal are only made small.  out has room for IDN_DOMAIN_MAX octets.
 * Returns the length, or -1: not UTF-8, or no domain name.
 */
int idn_domain(struct slice in, char out[IDN_DOMAIN_MAX]);

/*
 * The text of a table, every word in it that has octets over 127 in its last
 * part (behind the last of @ and :) replaced by its A-labels.  Words end at
 * blanks, commas and line ends; comments are left alone; what is no name stays
 * as it is, for the table's own parser to refuse.  Lines keep their numbers.
 *
 * Returns allocated text of *len octets, or NULL for no memory.
 */
char *idn_text(struct slice text, size_t *len);

#endif
