/*
 * A DNS message (RFC 1035 section 4) with an answer, as libunbound gives it,
 * turned into the form in which stages see it.
 */
#ifndef RESOLVER_PACKET_H
#define RESOLVER_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/dns.h"
#include "common/slice/slice.h"

/* CNAMEs that are followed from the name that was asked for. */
enum { PACKET_CNAMES_MAX = 16 };

/*
 * Build the body of a DNS_ANSWER into buf from a message; secure says how
 * the resolver has validated it.  Records that are not about the question or
 * the name that CNAMEs lead to are left out.
 *
 * Returns the length, or 0 for what is not a DNS message, or not one with an
 * answer: another response code than NOERROR and NXDOMAIN, CNAMEs in a loop.
 */
size_t packet_to_answer(struct slice packet, const struct dns_question *,
    bool secure, uint8_t buf[DNS_ANSWER_MAX]);

#endif
