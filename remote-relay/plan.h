/*
 * How a message goes to a peer with these capabilities, or why it cannot.
 * Pure: no sockets, and of the content only what is said here.
 */
#ifndef REMOTE_RELAY_PLAN_H
#define REMOTE_RELAY_PLAN_H

#include <stdbool.h>

#include "common/smtp/capabilities.h"
#include "common/smtp/command_write.h"
#include "remote-relay/job.h"
#include "remote-relay/outcome.h"

/* What the content turned out to be; see content.h. */
struct plan_content {
	/* Some octet of the header section is above 127 (to be looked for
	 * where plan_wants_ascii_header() says so). */
	bool	utf8_header;
};

struct plan {
	/* Everything of MAIL but the SIZE of converted content. */
	struct smtp_mail_write	mail;
	bool	bdat;			/* BDAT, not DATA */
	bool	binary;			/* BODY=BINARYMIME: bare CR and LF
					 * may be in it */
	bool	convert;		/* into 7bit, or 8bit with keep_8bit */
	bool	keep_8bit;
	bool	dsn;			/* RCPT may have NOTIFY and ORCPT */
};

enum plan_verdict { PLAN_GO, PLAN_REFUSE };

/*
 * Must the header section be ASCII for this peer?  It lacks SMTPUTF8, and the
 * message came with it; or it lacks 8BITMIME, too, and converting content does
 * nothing for fields that nobody may have written so (RFC 6532 section 3.6).
 */
bool plan_wants_ascii_header(const struct job *,
    const struct smtp_capabilities *);

/*
 * chunking: this route may use BDAT.  logged_in: AUTH has been used, so that
 * the AUTH parameter means something (RFC 4954 section 5).
 * PLAN_REFUSE: *why is what becomes of all its recipients.  With PLAN_GO and
 * without mail.smtputf8 those whose address is not ASCII have to be left out:
 * plan_no_utf8() says why.
 */
enum plan_verdict plan_make(const struct job *, const struct plan_content *,
    const struct smtp_capabilities *, bool chunking, bool logged_in,
    struct plan *, struct outcome *why);
void plan_no_utf8(struct outcome *why);

#endif
