/*
 * BODY[HEADER.FIELDS (...)] of a whole message, which is how most clients list
 * a folder: from the index, where the fields that are asked for once are kept.
 */
#ifndef IMAPD_SESSION_FETCH_FIELDS_H
#define IMAPD_SESSION_FETCH_FIELDS_H

#include "imapd/session/fetch_body.h"
#include "imapd/session/header_fields.h"
#include "imapd/session/message.h"

struct fetch_fields {
	void *blob;
	struct header_kept kept; /* points into it */
};

/*
 * What the command's item FETCH_FIELDS asks of message seq.  -1 with errno.
 */
int fetch_fields_get(
    struct imap *, size_t seq, struct message_file *, struct fetch_fields *);
/* The item's section, as body_begin.  1, or -1: no memory. */
int fetch_fields_begin(
    const struct fetch_fields *, const struct fetch_item *, struct body *);
void fetch_fields_clear(struct fetch_fields *);

#endif
