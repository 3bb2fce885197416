/*
 * Keys of session tickets.  Every kind of peer has keys of its own, so that
 * those of a captured smtpd say nothing about an imapd's sessions; all
 * processes of a kind share them, so that a client may come back to any.
 */
#include "tlskeyd/tlskeyd.h"

#include <stdlib.h>

#include <bsd/stdlib.h>

static void
renew(struct ticket_group *g)
{
	g->keys.former = g->keys.now;
	g->keys.has_former = g->made_ms != 0;
	arc4random_buf(&g->keys.now, sizeof(g->keys.now));
	g->made_ms = tlskeyd_now_ms();
}

const struct tls_ticket_keys *
tickets_of(struct tlskeyd *d, enum ipc_role role)
{
	struct ticket_group *g = &d->tickets[role];

	if (g->made_ms == 0)
		renew(g);
	return &g->keys;
}

void
tickets_turn(struct tlskeyd *d)
{
	uint64_t age = d->set->ticket_rotation * 1000;

	for (int role = 0; role < IPC_ROLE_COUNT; role++) {
		struct ticket_group *g = &d->tickets[role];

		if (g->made_ms == 0 || tlskeyd_now_ms() - g->made_ms < age)
			continue;
		renew(g);
		peers_give_tickets(d, (enum ipc_role)role);
	}
}
