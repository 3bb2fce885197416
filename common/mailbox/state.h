/*
 * The small files beside the messages: reading and writing them (pure).
 *
 * bulkhead-folder, one per folder, durable:
 *	bulkhead-folder 2
 *	uidvalidity 1732166400
 *	identity 1763726581
 *	mailbox-id 0f3c...
 *	special-use \Drafts
 *	special-use \Sent
 *	uidnext-ceiling 1001
 *	modseq-ceiling 1048577
 *	keyword a $Label1
 *	crc32c 89abcdef
 * identity is the number that file names bear; it differs from UIDVALIDITY only
 * where the folder was taken over from another server with a UIDVALIDITY that
 * may not be the only one of its kind.  Where it does not differ and there is
 *no special use, the file is one of version 1, which has no such lines. No UID
 *and no modification sequence at or above its ceiling was ever handed out; what
 *lies below may have been.
 *
 * bulkhead-next, one per folder, not synced: what comes next below the
 * ceilings.  It counts only while a process holds the folder open (see
 * numbers.h), so that a power cut cannot make it lie.
 *
 * bulkhead-mailbox, one per owner, durable: the highest UIDVALIDITY that was
 * ever handed out.
 *
 * There is one way to write each, and only that is read.
 */
#ifndef COMMON_MAILBOX_STATE_H
#define COMMON_MAILBOX_STATE_H

#include <stdint.h>

#include "common/mailbox/mailbox.h"

enum {
	STATE_VERSION = 1,
	FOLDER_STATE_VERSION = 2, /* or 1 */
	STATE_FILE_MAX = 4096,    /* octets of any of them */
	MAILBOX_ID_LEN = 32       /* hexadecimal digits */
};

struct numbers {
	uint32_t	uid;		/* the next to be handed out, 1.. */
	uint64_t	modseq;
};

struct folder_state {
	uint32_t uidvalidity; /* as clients see it */
	uint32_t identity;    /* as file names and the index have it */
	unsigned special_use; /* SPECIAL_USE_* */
	char		mailbox_id[MAILBOX_ID_LEN + 1];
	struct numbers	ceiling;
	/* Names of keywords a..z; "" where there is none. */
	char keywords[FOLDER_LETTERS][FOLDER_KEYWORD_LEN_MAX + 1];
};

/* Highest modification sequence: RFC 7162 section 3.1 has 63 bits. */
#define MODSEQ_MAX ((uint64_t)INT64_MAX)

enum state_parse {
	STATE_OK,
	STATE_DAMAGED,		/* not what we wrote, or cut short */
	STATE_OTHER_VERSION	/* ours, from a time to come: leave it alone */
};

enum state_parse folder_state_parse(struct slice, struct folder_state *);
/* Returns the length written. */
size_t folder_state_print(const struct folder_state *, char to[STATE_FILE_MAX]);

enum state_parse next_parse(struct slice, uint32_t *uidvalidity,
    struct numbers *next);
size_t next_print(uint32_t uidvalidity, const struct numbers *next,
    char to[STATE_FILE_MAX]);

enum state_parse mailbox_state_parse(struct slice, uint32_t *last);
size_t mailbox_state_print(uint32_t last, char to[STATE_FILE_MAX]);

/* A keyword that IMAP can carry: an atom (RFC 3501 section 9) of limited length. */
bool keyword_is_good(struct slice name);

#endif
