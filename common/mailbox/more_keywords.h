/*
 * Keywords beyond the 26 that are letters of a file name, in bulkhead-keywords,
 *a small file of the folder that is there once the 27th was made (pure, but for
 * reading and writing it):
 *	bulkhead-keywords 1
 *	identity 1732166400
 *	name 0 $Label27
 *	17 1
 *	crc32c 89abcdef
 * "name 0" is keyword number 26 of the folder; "17 1" says that the message
 *with UID 17 has those of the bits in 1 (hexadecimal).  Lines ascend.  The rows
 *count for files that bear that identity, the names always.
 */
#ifndef COMMON_MAILBOX_MORE_KEYWORDS_H
#define COMMON_MAILBOX_MORE_KEYWORDS_H

#include <stdint.h>

#include "common/mailbox/mailbox.h"

enum { MORE_KEYWORDS = FOLDER_KEYWORDS_MAX - FOLDER_LETTERS };

struct more_row {
	uint32_t uid;
	uint64_t bits; /* not 0 */
};

struct more_keywords {
	uint32_t identity;
	char names[MORE_KEYWORDS][FOLDER_KEYWORD_LEN_MAX + 1];
	struct more_row *rows; /* ascending by UID */
	size_t count, size;
};

/* PARSE_BAD: not what more_print wrote.  Free it in any case. */
enum parse more_parse(struct slice, struct more_keywords *);
/* On the heap; NULL: out of memory. */
char *more_print(const struct more_keywords *, size_t *len);
void more_clear(struct more_keywords *);

uint64_t more_get(const struct more_keywords *, uint32_t uid);
/* 0 removes the row.  -1: out of memory. */
int more_set(struct more_keywords *, uint32_t uid, uint64_t bits);

#endif
