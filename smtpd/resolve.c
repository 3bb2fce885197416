/* The channel to directory (common/ipc/directory.h): answers to RESOLVE and
 * MEMBERS_OF. */
#include <stdlib.h>

#include "common/ipc/directory.h"
#include "smtpd/recipients.h"
#include "smtpd/session.h"
#include "smtpd/verify.h"

static int
on_resolved(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct smtpd *d = ctx;
	struct directory_resolved resolved;
	struct ask *a;

	if (directory_resolved_decode(m->body, &resolved) == -1)
		return -1;
	a = sibling_answered(&d->directory, ch, m->id);
	if (a == NULL)
		return 0;
	if (a->type != IPC_RESOLVE) {
		a->failed(a);
		return -1;	/* not what we asked */
	}
	if (vrfy_is(a))
		vrfy_resolved(a, &resolved);
	else
		recipient_resolved(a, &resolved);
	return 0;
}

static int
on_sender_is(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct smtpd *d = ctx;
	enum sender_verdict verdict;
	struct ask *a;

	if (sender_verdict_decode(m->body, &verdict) == -1)
		return -1;
	a = sibling_answered(&d->directory, ch, m->id);
	if (a == NULL)
		return 0;
	if (a->type != IPC_SENDER_ASK) {
		a->failed(a);
		return -1;
	}
	sender_answered(a, verdict);
	return 0;
}

static int
on_terminal_is(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct smtpd *d = ctx;
	enum directory_terminal v;
	struct ask *a;

	if (directory_terminal_decode(m->body, &v) == -1)
		return -1;
	a = sibling_answered(&d->directory, ch, m->id);
	if (a == NULL)
		return 0;
	if (a->type != IPC_TERMINAL_ASK) {
		a->failed(a);
		return -1;
	}
	recipient_terminal(a, v);
	return 0;
}

static int
on_members(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct smtpd *d = ctx;
	struct directory_expanded members;
	struct ask *a;

	if (directory_expanded_decode(m->body, &members) == -1)
		return -1;
	a = sibling_answered(&d->directory, ch, m->id);
	if (a == NULL)
		return 0;
	if (!expn_is(a)) {
		a->failed(a);
		return -1;
	}
	expn_expanded(a, &members);
	return 0;
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct smtpd *d = ctx;

	if (d->directory.ch != ch)
		return;
	log_warning("sibling-gone", LOG_CSTR("peer", "directory"));
	sibling_gone(&d->directory);
	stage_channel_lost(&d->stage, IPC_DIRECTORY, 0);
}

static const struct ipc_handler handlers[] = {
	{ IPC_RESOLVED, on_resolved },
	{ IPC_SENDER_IS, on_sender_is },
	{ IPC_MEMBERS, on_members },
	{ IPC_TERMINAL_IS, on_terminal_is },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
};

int
resolve_connect(struct smtpd *d, int fd)
{
	struct ipc_channel *ch = ipc_channel_new(d->stage.base, fd,
	    d->role, IPC_DIRECTORY, &events, d);

	if (ch == NULL)
		return -1;
	sibling_connect(&d->directory, ch);
	return 0;
}
