/* Of charset.c alone: what characters codes are.  U+FFFD: none. */
#ifndef COMMON_MESSAGE_CHARSET_TABLES_H
#define COMMON_MESSAGE_CHARSET_TABLES_H

#include <stddef.h>
#include <stdint.h>
#include <uchar.h>

/* Octets 0x80 to 0xff, in the order of the SINGLE_ numbers of charset.c. */
extern const uint16_t charset_single[][128];
/* Lead octets 0x81 to 0xfe; trail octets 0x40 to 0xfe but 0x7f: 190. */
extern const char16_t charset_gbk[];
/* Trail octets 0x40 to 0x7e, 0xa1 to 0xfe: 157. */
extern const char16_t charset_big5[];
/* Trail octets 0x41 to 0xfe: 190. */
extern const char16_t charset_korean[];
/* Rows of 94, as JIS X 0208 has them; 120 with what Microsoft added. */
extern const char16_t charset_jis[];

/* Where a run of GB 18030's four-octet codes begins. */
struct charset_run {
	uint16_t	code, point;
};
extern const struct charset_run charset_gb_runs[];
extern const size_t charset_gb_runs_len;

#endif
