/* What the files of charset.h share; nobody else includes it. */
#ifndef COMMON_MESSAGE_CHARSET_PRIVATE_H
#define COMMON_MESSAGE_CHARSET_PRIVATE_H

#include "common/message/charset.h"

enum { CHARSET_REPLACEMENT = 0xfffd };

/*
 * Take one character from the front of s (len octets, the first of them not
 * ASCII).  Returns the octets used, 0 when more are needed.
 */
typedef size_t charset_take(const struct charset *, const unsigned char *s,
    size_t len, uint32_t *c);
/* Of sets with modes: one octet. */
typedef void charset_octet(struct charset_state *, unsigned char,
    struct text *out);

struct charset {
	const char	*name;		/* as registered */
	const char	*aliases;	/* a space before and behind each */
	charset_take	*take;
	charset_octet	*octet;
	unsigned	 table;		/* of charset_single */
};

void charset_put(uint32_t c, struct text *out);

charset_take charset_take_single, charset_take_korean, charset_take_big5,
    charset_take_gb18030, charset_take_shift_jis, charset_take_euc_jp;
charset_octet charset_octet_iso_2022_jp, charset_octet_utf_7;

#endif
