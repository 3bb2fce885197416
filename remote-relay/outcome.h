/*
 * What became of a recipient, or of an attempt to reach a host: reply code,
 * enhanced status code and text together, so that nobody has to guess again
 * what they mean.
 */
#ifndef REMOTE_RELAY_OUTCOME_H
#define REMOTE_RELAY_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc/relay.h"
#include "common/smtp/reply_read.h"

struct outcome {
	enum relay_result result;
	bool		unknown;	/* it may have been delivered */
	bool		dsn_passed;	/* the peer took over NOTIFY */
	bool		host_down;	/* about the host, not the message */
	uint16_t	code;
	uint8_t		enhanced[3];
	size_t		text_len;
	char		text[SMTP_REPLY_TEXT_MAX];	/* printable ASCII */
};

/*
 * From the peer's reply.  Where that has no enhanced code, it is the class of
 * the reply with subject and detail.  A reply that is neither 2yz, 4yz nor 5yz
 * says nothing and becomes a deferral with 4.5.0.
 */
void outcome_reply(struct outcome *, const struct smtp_reply_read *,
    uint8_t subject, uint8_t detail);

/* Of our own making; the class of the enhanced code is that of code. */
void outcome_own(struct outcome *, uint16_t code, uint8_t subject,
    uint8_t detail, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same about a host: a deferral with host_down. */
void outcome_host(struct outcome *, uint8_t subject, uint8_t detail,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static inline struct slice
outcome_text(const struct outcome *o)
{
	return slice_of(o->text, o->text_len);
}

#endif
