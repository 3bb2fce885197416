/* Channels to those who ask. */
#include "resolver/resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"

static int
on_ask(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct dns_question q;

	(void)ch;
	if (dns_question_decode(m->body, &q) == -1)
		return -1;
	lookup_start(arg, m->id, &q);
	return 0;
}

static int
on_cancel(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ch;
	if (m->body.len != 0)
		return -1;
	lookup_cancel(arg, m->id);
	return 0;
}

static void
on_closed(void *arg, struct ipc_channel *ch)
{
	struct asker *asker = arg;

	(void)ch;
	lookups_abandon(asker);
	free(asker);
}

static void
on_drained(void *arg, struct ipc_channel *ch)
{
	(void)arg;
	ipc_channel_resume(ch);
}

static const struct ipc_handler handlers[] = {
	{ IPC_DNS_ASK, on_ask },
	{ IPC_DNS_CANCEL, on_cancel },
};

static const struct ipc_events events = { .handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed, .drained = on_drained };

int
asker_open(struct resolver *r, enum ipc_role peer, int fd)
{
	struct asker *asker = malloc(sizeof(*asker));

	if (asker == NULL) {
		close(fd);
		log_error("channel-not-opened", LOG_ERRNO(ENOMEM));
		return -1;
	}
	*asker = (struct asker){ .resolver = r };
	TAILQ_INIT(&asker->lookups);
	asker->channel = ipc_channel_new(r->stage.base, fd, IPC_RESOLVER,
	    peer, &events, asker);
	if (asker->channel == NULL) {
		log_error("channel-not-opened", LOG_ERRNO(errno));
		free(asker);
		return -1;
	}
	return 0;
}
