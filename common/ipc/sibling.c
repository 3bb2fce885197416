#include <string.h>
#include <unistd.h>

#include "common/ipc/sibling.h"

int
sibling_init(struct sibling *s, unsigned max)
{
	memset(s, 0, sizeof(*s));
	TAILQ_INIT(&s->asked);
	s->pending = ipc_pending_new(max);
	return s->pending == NULL ? -1 : 0;
}

static void
take(struct sibling *s, struct ask *a)
{
	TAILQ_REMOVE(&s->asked, a, order);
	a->id = 0;
}

static void
fail(struct sibling *s, struct ask *a)
{
	ipc_pending_take(s->pending, s->ch, a->id);
	take(s, a);
	a->failed(a);
}

void
sibling_gone(struct sibling *s)
{
	struct ask *a;

	while (ipc_pending_take_any(s->pending, s->ch) != NULL)
		;
	/* Without a channel nobody can ask anew while failures are told. */
	s->ch = NULL;
	while ((a = TAILQ_FIRST(&s->asked)) != NULL) {
		take(s, a);
		a->failed(a);
	}
}

void
sibling_connect(struct sibling *s, struct ipc_channel *ch)
{
	struct ipc_channel *former = s->ch;

	if (former != NULL) {
		sibling_gone(s);
		ipc_channel_free(former);
	}
	s->ch = ch;
}

int
sibling_ask(struct sibling *s, struct ask *a, uint64_t now_ms,
    enum ipc_type type, struct slice body, const int *fds, unsigned nfds)
{
	uint64_t id = 0;

	if (s->ch != NULL)
		id = ipc_pending_add(s->pending, s->ch, a);
	if (id == 0) {
		for (unsigned i = 0; i < nfds; i++)
			close(fds[i]);
		return -1;
	}
	if (ipc_send(s->ch, type, id, body, fds, nfds) == -1) {
		ipc_pending_take(s->pending, s->ch, id);
		return -1;
	}
	a->id = id;
	a->type = type;
	a->since_ms = now_ms;
	TAILQ_INSERT_TAIL(&s->asked, a, order);
	return 0;
}

struct ask *
sibling_answered(struct sibling *s, struct ipc_channel *ch, uint64_t id)
{
	struct ask *a = ipc_pending_take(s->pending, ch, id);

	if (a != NULL)
		take(s, a);
	return a;
}

void
sibling_forget(struct sibling *s, struct ask *a)
{
	if (a->id == 0)
		return;
	ipc_pending_take(s->pending, s->ch, a->id);
	take(s, a);
}

void
sibling_expire(struct sibling *s, uint64_t before_ms)
{
	struct ask *a;

	while ((a = TAILQ_FIRST(&s->asked)) != NULL && a->since_ms < before_ms)
		fail(s, a);
}
