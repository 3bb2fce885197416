/* What SEARCH finds inside one message: its header section and its text. */
#ifndef IMAPD_SESSION_SEARCH_MESSAGE_H
#define IMAPD_SESSION_SEARCH_MESSAGE_H

#include "common/message/text.h"
#include "imapd/session/search_keys.h"
#include "imapd/session/search_text.h"

enum {
	SEARCH_HEADER_MAX = 128 * 1024	/* octets of a section looked at */
};

/* A field's body unfolded and decoded, in out; what is returned is the caller's,
 * to free, and holds it.  NULL without memory. */
char *search_field_decode(struct slice body, struct text *out);
/* "disregarding time and timezone": the day as it is written.  false: no such
 * field, or no date. */
bool search_sent_days(struct slice section, int64_t *days);
enum truth search_compare_sent(const struct search_step *, int64_t days);

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
