/* The daily lines: certificates that expire, and what was signed. */
#include "tlskeyd/tlskeyd.h"

#include <time.h>

#include "common/log/log.h"

enum { DAY_MS = 24 * 3600 * 1000, DAY_S = 24 * 3600 };

static void
report_block(const struct block *b, uint64_t within)
{
	time_t now = time(NULL), left = b->used.expires - now;

	if (b->used.key == NULL || left > (time_t)within)
		return;
	if (left <= 0)
		log_error("certificate-expired",
		    LOG_CSTR("certificate", b->name),
		    LOG_NUM("days", (uint64_t)(-left / DAY_S)));
	else
		log_warning("certificate-expires",
		    LOG_CSTR("certificate", b->name),
		    LOG_NUM("days", (uint64_t)(left / DAY_S)));
}

void
report_expiry(struct tlskeyd *d)
{
	const struct block *b;

	TAILQ_FOREACH(b, &d->blocks, all)
		report_block(b, d->set->expiry_warning);
}

static void
report_peer(struct peer *p)
{
	if (p->signed_count == 0 && p->refused_count == 0)
		return;
	log_info("signatures", LOG_CSTR("peer", ipc_role_name(p->role)),
	    LOG_NUM("instance", p->instance),
	    LOG_NUM("signed", p->signed_count),
	    LOG_NUM("refused", p->refused_count));
	p->signed_count = p->refused_count = 0;
}

void
report_turn(struct tlskeyd *d)
{
	uint64_t now = tlskeyd_now_ms();
	struct peer *p;

	TAILQ_FOREACH(p, &d->peers, all)
		p->told_busy = false;
	if (d->reported_ms == 0)
		d->reported_ms = now;
	if (now - d->reported_ms < DAY_MS)
		return;
	d->reported_ms = now;
	report_expiry(d);
	TAILQ_FOREACH(p, &d->peers, all)
		report_peer(p);
}
