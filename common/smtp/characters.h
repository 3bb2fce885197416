/* Classes of characters, in ASCII and without a locale. */
#ifndef COMMON_SMTP_CHARACTERS_H
#define COMMON_SMTP_CHARACTERS_H

#include <stdbool.h>
#include <string.h>

static inline bool
smtp_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline char
smtp_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool
smtp_is_alnum(char c)
{
	return smtp_is_digit(c) || (smtp_lower(c) >= 'a' && smtp_lower(c) <= 'z');
}

/* Of a domain's label: letters, digits, hyphen. */
static inline bool
smtp_is_ldh(char c)
{
	return smtp_is_alnum(c) || c == '-';
}

/* atext, RFC 5322 section 3.2.3. */
static inline bool
smtp_is_atext(char c)
{
	return smtp_is_alnum(c) ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* %d32-126: ASCII graphic, or space. */
static inline bool
smtp_is_printable(char c)
{
	return c >= 32 && c <= 126;
}

#endif
