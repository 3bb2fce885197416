/*
 * UIDLs that POP3 clients know from another server (RFC 1939 section 7), in
 * bulkhead-uidl, one file of the folder that is written once, when the folder
 *is taken over: bulkhead-uidl 1 identity 1763726581 dovecot 1732166400 18 17
 *UID5-1732166400 crc32c 89abcdef "dovecot": messages with a UID below 18 and no
 *line of their own have the UIDL of Dovecot's default, %08Xu%08Xv, with this
 *UIDVALIDITY.  Lines ascend by UID. It counts in the folder whose files bear
 *that identity; where it is missing or damaged all messages have UIDLs of our
 *own kind.
 */
#ifndef COMMON_MAILBOX_UIDL_H
#define COMMON_MAILBOX_UIDL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mailbox/import.h"
#include "common/mailbox/pool.h"

struct uidl_line {
	uint32_t uid;
	uint32_t text; /* in the pool */
};

struct uidls {
	uint32_t identity;
	uint32_t uidvalidity;    /* of Dovecot's; valid when below > 0 */
	uint32_t below;          /* 0: none of Dovecot's */
	struct uidl_line *lines; /* ascending by UID once parsed */
	size_t count, size;
	struct pool pool;
};

/* The text must be a good UIDL (uidl_is_good), or is passed over. */
int uidls_add(struct uidls *, uint32_t uid, const char *text);
void uidls_clear(struct uidls *);

/* PARSE_BAD: not what uidls_print wrote.  Clear it in any case.  MORE never. */
enum parse uidls_parse(struct slice, struct uidls *);
/* As a file's content, on the heap; sorts the lines.  NULL: out of memory. */
char *uidls_print(struct uidls *, size_t *len);
/* Durable on return. */
int uidls_write(int dir_fd, struct uidls *);
/* The file of the folder with this identity; empty when there is none. */
void uidls_read(int dir_fd, uint32_t identity, struct uidls *);
/* false: none is known, it gets one of ours. */
bool uidls_get(const struct uidls *, uint32_t uid, char to[UIDL_LEN_MAX + 1]);

#endif
