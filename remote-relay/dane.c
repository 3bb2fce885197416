#include "remote-relay/dane.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void next_base(struct dane *);

enum { PREFIX_MAX = sizeof("_65535._tcp.") - 1 };

static bool
fits(const char *name)
{
	return strnlen(name, DNS_NAME_MAX + 1) + PREFIX_MAX <= DNS_NAME_MAX;
}

bool
dane_applies(const struct host *h, const char **why)
{
	if (h->literal)
		*why = "an address has no TLSA records";
	else if (!fits(h->name))
		*why = "the host's name is too long for TLSA records";
	else if (!h->secure && h->canonical[0] == '\0')
		*why = "the host's addresses are not signed";
	else
		return true;
	return false;
}

/* ---- the end ---- */

static void __attribute__((format(printf, 3, 4)))
finish(struct dane *d, enum dane_verdict v, const char *format, ...)
{
	va_list ap;

	d->verdict = v;
	va_start(ap, format);
	vsnprintf(d->why, sizeof(d->why), format, ap);
	va_end(ap);
	d->done(d->ctx);
}

static bool
is_failure(const struct dns_answer *a)
{
	return a->status == DNS_TEMPFAIL || a->status == DNS_BOGUS;
}

static void
no_answer(struct dane *d, const char *what, const char *name,
    const struct dns_answer *a)
{
	finish(d, DANE_UNKNOWN, "no answer for the %s of %s: %.*s", what, name,
	    (int)a->why.len, a->why.at);
}

/* ---- records ---- */

/* One after the other into d->octets, which has room for all. */
static void
take_record(struct dane *d, const struct dns_record *r, size_t *used)
{
	struct tls_tlsa *to = &d->at[d->n++];
	char *at = d->octets + *used;

	memcpy(at, r->tlsa.data.at, r->tlsa.data.len);
	*used += r->tlsa.data.len;
	*to = (struct tls_tlsa){ .usage = r->tlsa.usage,
		.selector = r->tlsa.selector, .matching = r->tlsa.matching,
		.data = slice_of(at, r->tlsa.data.len) };
}

static bool
take_records(struct dane *d, struct dns_answer *a)
{
	struct dns_record r;
	size_t used = 0;

	if ((d->octets = malloc(DNS_ANSWER_MAX)) == NULL)
		return false;
	while (d->n < TLS_TLSA_MAX && dns_answer_next(a, &r))
		if (r.type == DNS_TLSA)
			take_record(d, &r, &used);
	return true;
}

/* Some that were too long to come here are some all the same. */
static bool
has_records(const struct dns_answer *a)
{
	return a->secure && (a->status == DNS_OK ||
	    (a->status == DNS_NODATA && a->cut));
}

static void
on_records(void *ctx, struct dns_answer *a)
{
	struct dane *d = ctx;
	size_t usable;

	d->query = NULL;
	if (is_failure(a)) {
		no_answer(d, "TLSA records", d->base, a);
		return;
	}
	if (!has_records(a)) {
		next_base(d);
		return;
	}
	if (!take_records(d, a)) {
		finish(d, DANE_UNKNOWN, "out of memory");
		return;
	}
	usable = tls_tlsa_usable(d->at, d->n);
	finish(d, usable > 0 ? DANE_RECORDS : DANE_UNUSABLE,
	    "%zu of %u TLSA records of %s are of use", usable, d->n, d->base);
}

/* ---- names ---- */

static bool
ask_records(struct dane *d)
{
	char name[PREFIX_MAX + DNS_NAME_MAX + 1];
	int len;

	memcpy(d->base, d->names[d->next++], sizeof(d->base));
	len = snprintf(name, sizeof(name), "_%u._tcp.%s", (unsigned)d->port,
	    d->base);
	d->query = dns_ask(d->dns, DNS_TLSA, slice_of(name, (size_t)len),
	    on_records, d);
	return d->query != NULL;
}

static void
next_base(struct dane *d)
{
	if (d->next == d->n_bases)
		finish(d, DANE_NONE, "the host has no TLSA records");
	else if (!ask_records(d))
		finish(d, DANE_UNKNOWN, "the TLSA records of %s cannot be "
		    "asked for", d->base);
}

static void
add_base(struct dane *d, const char *name)
{
	memcpy(d->names[d->n_bases++], name, strnlen(name, DNS_NAME_MAX));
}

/* The CNAME leads from a signed zone to one that is not: the alias may have
 * records of its own. */
static void
on_alias(void *ctx, struct dns_answer *a)
{
	struct dane *d = ctx;

	d->query = NULL;
	if (is_failure(a))
		no_answer(d, "CNAME", d->names[0], a);
	else if (a->status == DNS_OK && a->secure)
		next_base(d);
	else
		finish(d, DANE_NONE, "the host's addresses are not signed");
}

struct dane *
dane_ask(struct dns_client *dns, const struct host *h,
    void (*done)(void *ctx), void *ctx)
{
	struct dane *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->dns = dns;
	d->port = h->address.port;
	d->done = done;
	d->ctx = ctx;
	if (h->secure && h->canonical[0] != '\0' && fits(h->canonical))
		add_base(d, h->canonical);
	add_base(d, h->name);
	if (!h->secure)
		d->query = dns_ask(dns, DNS_CNAME, slice_str(h->name),
		    on_alias, d);
	else
		ask_records(d);
	if (d->query != NULL)
		return d;
	free(d);
	return NULL;
}

void
dane_free(struct dane *d)
{
	if (d == NULL)
		return;
	dns_cancel(d->query);
	free(d->octets);
	free(d);
}
