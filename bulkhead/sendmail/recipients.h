/*
 * The addresses of a To, Cc or Bcc field, or of a command line's word, for an
 * envelope.  Strict where common/message/address.h is lenient: that one shows
 * what a field may mean, and a mistake costs nothing; here a mistake would
 * send a message to the wrong people.
 */
#ifndef BULKHEAD_SENDMAIL_RECIPIENTS_H
#define BULKHEAD_SENDMAIL_RECIPIENTS_H

#include "bulkhead/sendmail/sendmail.h"

/*
 * Add every mailbox of an address-list (RFC 5322 section 3.4, with the
 * obsolete forms of section 4.4: comments, folding and blanks anywhere,
 * source routes, which are dropped) to the list.  Display names and groups'
 * names are left out; quoted local-parts keep their quotes.
 *
 * in    the field's body; may be folded.  An empty one adds nothing.
 *
 * PARSE_BAD: not in the grammar, an address over SENDMAIL_ADDRESS_MAX, an
 * octet that cannot stand in an envelope of RFC 5321 (control characters,
 * 8-bit), or too many.  The list may then hold the addresses before it.
 * Never PARSE_MORE.
 */
enum parse recipients_take(struct slice in, struct address_list *);

/*
 * Complete a mailbox into buf: "local" gets "@domain".  Returns -1 when the
 * result is longer than SENDMAIL_ADDRESS_MAX octets.
 */
int recipient_qualify(const char *address, const char *domain,
    char buf[SENDMAIL_ADDRESS_MAX + 1]);

#endif
