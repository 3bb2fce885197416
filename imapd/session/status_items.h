/* What STATUS asks for (RFC 3501 section 6.3.10 and extensions), pure. */
#ifndef IMAPD_SESSION_STATUS_ITEMS_H
#define IMAPD_SESSION_STATUS_ITEMS_H

#include "common/slice/slice.h"

/* Name, as protocol and enum have it (with - for _); in the order of the
 * response. */
#define IMAP_STATUS_ITEMS(X)						\
	X(MESSAGES) X(RECENT) X(UIDNEXT) X(UIDVALIDITY) X(UNSEEN)	\
	X(HIGHESTMODSEQ) X(SIZE) X(DELETED)				\
	X(APPENDLIMIT)		/* RFC 7889 */				\
	X(MAILBOXID)		/* RFC 8474 */				\
	X(DELETED_STORAGE)	/* RFC 9208 */

enum imap_status_number {
#define X(name) STATUS_NUMBER_##name,
	IMAP_STATUS_ITEMS(X)
#undef X
	STATUS_ITEMS
};

enum imap_status_item {
#define X(name) STATUS_##name = 1 << STATUS_NUMBER_##name,
	IMAP_STATUS_ITEMS(X)
#undef X
};

/* "(MESSAGES UNSEEN)", at least one, as bits of enum imap_status_item. */
bool take_status_items(struct slice *in, unsigned *items);
/* The name of an item by its number. */
const char *status_item_name(unsigned number);

#endif
