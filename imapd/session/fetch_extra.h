/*
 * What FETCH can tell beside RFC 3501: EMAILID and THREADID (RFC 8474), SAVEDATE
 * (RFC 8514), PREVIEW (RFC 8970).
 */
#ifndef IMAPD_SESSION_FETCH_EXTRA_H
#define IMAPD_SESSION_FETCH_EXTRA_H

#include "common/mailbox/mailbox.h"
#include "imapd/session/fetch_items.h"
#include "imapd/session/message.h"
#include "imapd/session/preview.h"

struct imap;

struct fetch_extra {
	char	 email_id[FOLDER_EMAIL_ID_SIZE];
	time_t	 saved;
	bool	 has_saved, has_preview;
	char	 preview[PREVIEW_MAX];
	size_t	 preview_len;
};

/* Get what needs (bits 1 << enum fetch_kind) asks for.  lazy: a preview that
 * is there.  -1: errno. */
int fetch_extra_get(struct imap *, uint32_t seq, unsigned needs, bool lazy,
    struct message_file *, struct fetch_extra *);
/* The value of an item. */
void fetch_extra_write(struct imap *, enum fetch_kind,
    const struct fetch_extra *);
/* "\" 7-Feb-1994 21:52:25 +0000\"" */
void fetch_write_date(struct imap *, time_t);

#endif
