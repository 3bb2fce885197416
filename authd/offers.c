/*
 * Which mechanisms make sense: SCRAM only where each account that may log in
 * has a verifier, since a client that is offered it takes it, and who has
 * none would be locked out.  And whether a greeting should have what APOP
 * needs: where some account has a secret for it.
 */
#include "authd/authd.h"

static unsigned
offer(const struct authd *a)
{
	const struct passwords_table *t = a->tables.passwords;
	unsigned set = passwords_apop_count(t) > 0 ? AUTH_OFFER_APOP : 0;

	if (passwords_count(t) == 0 ||
	    passwords_scram_count(t) != passwords_count(t))
		return set;
	set |= AUTH_OFFER_VIRTUAL;
	/* System users log in by PAM, which has no verifiers. */
	if (!authd_settings(a)->pam || a->tables.system == NULL ||
	    system_users_count(a->tables.system) == 0)
		set |= AUTH_OFFER_ALL;
	return set;
}

void
offer_tell(struct gate *g)
{
	unsigned set = offer(g->authd);
	uint8_t body[AUTH_ANSWER_MAX];

	if (g->offered == (int)set)
		return;
	if (ipc_send(g->channel, IPC_LOGIN_OFFER, 0, slice_of(body,
	    auth_offer_encode(set, body)), NULL, 0) == 0)
		g->offered = (int)set;
}

void
offers_tell(struct authd *a)
{
	struct gate *g;

	TAILQ_FOREACH(g, &a->gates, entry)
		/* cppcheck-suppress uninitvar ; TAILQ_FOREACH sets it */
		offer_tell(g);
}
