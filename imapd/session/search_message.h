/* What SEARCH finds inside one message: its header section and its text. */
#ifndef IMAPD_SESSION_SEARCH_MESSAGE_H
#define IMAPD_SESSION_SEARCH_MESSAGE_H

#include "imapd/session/search_keys.h"
#include "imapd/session/search_text.h"

/*
 * Answer the steps of LEVEL_HEADER in values from the header section of the
 * file.  needles: one per step.  -1 with errno.
 */
int search_header(int fd, const struct search *, struct needle *needles,
    enum truth *values);
/* The same for LEVEL_BODY: text parts are decoded, others are not looked at. */
int search_body(int fd, const struct search *, struct needle *needles,
    enum truth *values);

#endif
