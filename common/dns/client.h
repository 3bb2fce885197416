/*
 * How a stage asks resolver: many questions at once, none of them waited for.
 *
 *	client = dns_client_new(base, IPC_SMTPD, 10000, 30000);
 *	dns_client_channel(client, fd);		as supervisor gives one
 *	q = dns_ask(client, DNS_MX, name, on_mx, session);
 *	...
 *	static void
 *	on_mx(void *ctx, struct dns_answer *a)
 *	{
 *		while (dns_answer_next(a, &rec))
 *
 * What resolver says is checked as if it were hostile; a malformed answer
 * closes the channel.  While there is no channel (resolver restarts) the
 * questions wait, and are asked again on the next one; what has no answer
 * after timeout_ms gets DNS_TEMPFAIL.
 */
#ifndef COMMON_DNS_CLIENT_H
#define COMMON_DNS_CLIENT_H

#include "common/ipc/dns.h"
#include "common/ipc/roles.h"
#include "common/net/address.h"
#include "common/slice/slice.h"

struct dns_client;
struct dns_query;
struct event_base;

/*
 * The answer, once; the query is gone when this is called.  The answer and
 * its slices are borrowed for the call.  It may ask and cancel others, but
 * not free the client.
 */
typedef void dns_done(void *ctx, struct dns_answer *);

/* At most max questions at once.  NULL with errno when memory is short. */
struct dns_client *dns_client_new(struct event_base *, enum ipc_role self,
    unsigned max, unsigned timeout_ms);
/* Questions that wait are dropped, their done is not called.  NULL is
 * accepted. */
void dns_client_free(struct dns_client *);

/* lost is called when the channel has gone and no other is there. */
void dns_client_on_lost(struct dns_client *, void (*lost)(void *ctx),
    void *ctx);

/* A new channel to resolver; fd becomes the client's, also on failure.  -1
 * with errno. */
int dns_client_channel(struct dns_client *, int fd);

/*
 * Ask.  done is never called before this returns.  NULL with errno: EINVAL
 * for what is not a domain name (common/ipc/dns.h: no final dot, no address),
 * EAGAIN when max questions wait, ENOMEM.
 */
struct dns_query *dns_ask(struct dns_client *, enum dns_type,
    struct slice name, dns_done *, void *ctx);
/* The answer is not wanted any more; done is not called.  NULL is accepted. */
void dns_cancel(struct dns_query *);

/* Questions without an answer so far. */
unsigned dns_client_waiting(const struct dns_client *);

/*
 * The name that says something about a host in a zone: for 192.0.2.1 and
 * "list.example" 1.2.0.192.list.example (RFC 5782 section 2.1), for IPv6 its
 * 32 nibbles (section 2.4).  An empty zone stands for in-addr.arpa or
 * ip6.arpa (RFC 1035 section 3.5, RFC 3596 section 2.5), for PTR.  Returns
 * the length, or 0 where the address is no host's or the name gets too long.
 */
size_t dns_reverse_name(const struct net_address *, struct slice zone,
    char out[DNS_NAME_MAX + 1]);

/* The address in an A or AAAA record, port 0. */
void dns_record_address(const struct dns_record *, struct net_address *);

#endif
