#include "remote-relay/plan.h"

static bool
has(const struct smtp_capabilities *c, unsigned bits)
{
	return (c->have & bits) == bits;
}

/* How many of those who are still open have an address that is ASCII, and
 * how many have not. */
static void
count_addresses(const struct job *j, unsigned *ascii, unsigned *others)
{
	*ascii = *others = 0;
	for (unsigned i = 0; i < j->n; i++) {
		if (j->rcpt[i].state != JOB_OPEN)
			continue;
		if (slice_is_ascii(j->rcpt[i].r.address))
			++*ascii;
		else
			++*others;
	}
}

void
plan_no_utf8(struct outcome *why)
{
	outcome_own(why, 553, 6, 7, "the next host does not take "
	    "internationalized addresses and header fields (SMTPUTF8)");
}

bool
plan_wants_ascii_header(const struct job *j, const struct smtp_capabilities *c)
{
	bool eight = (j->y.flags & (RELAY_8BIT | RELAY_BINARY)) != 0;

	return !has(c, SMTP_HAS_SMTPUTF8) &&
	    ((j->y.flags & RELAY_SMTPUTF8) != 0 ||
		(eight && !has(c, SMTP_HAS_8BITMIME)));
}

/*
 * RFC 6531 section 3.2: to a peer without SMTPUTF8 goes only what does not
 * need it.  An alias may lead from a message that did not come with it to an
 * address that does need it.  Of the recipients each is judged by itself, as
 * its RCPT is written.
 */
static enum plan_verdict
plan_utf8(const struct job *j, const struct plan_content *content,
    const struct smtp_capabilities *c, struct plan *p, struct outcome *why)
{
	bool came_so = (j->y.flags & RELAY_SMTPUTF8) != 0;
	unsigned ascii, others;

	count_addresses(j, &ascii, &others);
	if (has(c, SMTP_HAS_SMTPUTF8)) {
		p->mail.smtputf8 = came_so || others > 0 ||
		    !slice_is_ascii(j->y.reverse_path);
		return PLAN_GO;
	}
	if (ascii > 0 && slice_is_ascii(j->y.reverse_path) &&
	    (!content->utf8_header || !plan_wants_ascii_header(j, c)))
		return PLAN_GO;
	plan_no_utf8(why);
	return PLAN_REFUSE;
}

/* RFC 6152 and 3030: what the content is, and what the peer takes. */
static void
plan_body(const struct job *j, const struct smtp_capabilities *c,
    bool chunking, struct plan *p)
{
	bool binary = (j->y.flags & RELAY_BINARY) != 0;
	bool eight = binary || (j->y.flags & RELAY_8BIT) != 0;

	p->bdat = chunking && has(c, SMTP_HAS_CHUNKING);
	if (binary && p->bdat && has(c, SMTP_HAS_BINARYMIME)) {
		p->mail.body = SMTP_WRITE_BINARYMIME;
		p->binary = true;
		return;
	}
	p->keep_8bit = has(c, SMTP_HAS_8BITMIME);
	if (eight && p->keep_8bit)
		p->mail.body = SMTP_WRITE_8BITMIME;
	p->convert = binary || (eight && !p->keep_8bit);
	/* The size of what is converted is not known before its end. */
	if (p->convert)
		p->bdat = false;
}

static void
plan_dsn(const struct job *j, const struct smtp_capabilities *c,
    struct plan *p)
{
	static const enum smtp_write_ret rets[] = {
		[ENVELOPE_RET_FULL] = SMTP_WRITE_FULL,
		[ENVELOPE_RET_HDRS] = SMTP_WRITE_HDRS,
	};

	p->dsn = has(c, SMTP_HAS_DSN);
	if (!p->dsn)
		return;
	p->mail.envid = j->y.envid;
	if (j->y.ret != 0)
		p->mail.ret = rets[j->y.ret];
}

static enum plan_verdict
plan_size(const struct job *j, const struct smtp_capabilities *c,
    struct plan *p, struct outcome *why)
{
	if (!has(c, SMTP_HAS_SIZE))
		return PLAN_GO;
	p->mail.has_size = true;
	p->mail.size = j->y.content_size;
	if (c->size == 0 || j->y.content_size <= c->size)
		return PLAN_GO;
	outcome_own(why, 552, 3, 4, "the message has %llu octets, and the next "
	    "host takes no more than %llu",
	    (unsigned long long)j->y.content_size, (unsigned long long)c->size);
	return PLAN_REFUSE;
}

enum plan_verdict
plan_make(const struct job *j, const struct plan_content *content,
    const struct smtp_capabilities *c, bool chunking, bool logged_in,
    struct plan *p, struct outcome *why)
{
	*p = (struct plan){ .mail.reverse_path = j->y.reverse_path };
	if (!smtp_address_can_be_written(j->y.reverse_path)) {
		outcome_own(why, 553, 1, 7, "the reverse-path is no address");
		return PLAN_REFUSE;
	}
	plan_body(j, c, chunking, p);
	plan_dsn(j, c, p);
	if (logged_in && has(c, SMTP_HAS_AUTH))
		p->mail.auth = j->y.auth.len > 0 &&
		    slice_is_ascii(j->y.auth) ? j->y.auth : slice_str("<>");
	if (plan_utf8(j, content, c, p, why) == PLAN_REFUSE)
		return PLAN_REFUSE;
	return plan_size(j, c, p, why);
}
