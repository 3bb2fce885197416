/*
 * PAM, at arm's length: for each attempt supervisor starts a process that
 * makes one conversation and ends.  Few at a time; what is more waits here.
 */
#include <errno.h>
#include <stdlib.h>

#include "authd/authd.h"
#include "common/log/log.h"

struct helper {
	struct authd		*authd;
	struct login		*login;		/* NULL: forgotten */
	struct ipc_channel	*channel;	/* NULL: being started */
};

static void start_next(struct authd *);

/* The helper has done, or never will. */
static void
finish(struct helper *h, enum check result)
{
	struct authd *a = h->authd;
	struct login *l = h->login;

	ipc_channel_free(h->channel);
	free(h);
	a->helpers--;
	if (l != NULL) {
		l->helper = NULL;
		login_checked(l, result);
	}
	start_next(a);
}

static int
on_verdict(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct helper *h = ctx;
	enum pam_verdict verdict;

	(void)ch;
	if (auth_pam_verdict_decode(m->body, &verdict) == -1)
		return -1;
	finish(h, verdict == PAM_VERDICT_GOOD ? CHECK_GOOD :
	    verdict == PAM_VERDICT_DENIED ? CHECK_BAD : CHECK_UNAVAILABLE);
	return 0;
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct helper *h = ctx;

	(void)ch;
	h->channel = NULL;	/* freed when this returns */
	log_warning("pam-helper-lost");
	finish(h, CHECK_UNAVAILABLE);
}

static const struct ipc_handler handlers[] = {
	{ IPC_PAM_VERDICT, on_verdict },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
};

/* local@domain: PAM knows the local-part alone. */
static struct slice
local_of(const struct login *l)
{
	const char *at = strchr(l->name, '@');

	return at == NULL ? slice_str(l->name) :
	    slice_of(l->name, (size_t)(at - l->name));
}

static int
send_attempt(struct helper *h)
{
	struct login *l = h->login;
	struct auth_pam_attempt attempt = { local_of(l),
		slice_of(l->password, l->password_len), l->client };
	uint8_t body[AUTH_BODY_MAX];
	size_t len = auth_pam_attempt_encode(&attempt, body);
	int result = len == 0 ? -1 : ipc_send(h->channel, IPC_PAM_ATTEMPT, 0,
	    slice_of(body, len), NULL, 0);

	explicit_bzero(body, sizeof(body));
	explicit_bzero(l->password, sizeof(l->password));
	return result;
}

int
helpers_started(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct authd *a = ctx;
	struct helper *h = ipc_pending_take(a->starting, ch, m->id);

	if (h == NULL || m->body.len != 0)
		return -1;
	h->channel = ipc_channel_new(a->stage.base, ipc_message_take_fd(m, 0),
	    IPC_AUTHD, IPC_AUTHD_PAM, &events, h);
	if (h->channel == NULL || h->login == NULL || send_attempt(h) == -1)
		finish(h, CHECK_UNAVAILABLE);
	return 0;
}

int
helpers_refused(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct authd *a = ctx;
	struct helper *h = ipc_pending_take(a->starting, ch, m->id);
	enum start_refusal why;

	if (h == NULL || start_refusal_decode(m->body, &why) == -1)
		return -1;
	log_warning("pam-helper-refused", LOG_NUM("why", why));
	finish(h, CHECK_UNAVAILABLE);
	return 0;
}

static int
start(struct login *l)
{
	struct authd *a = l->authd;
	struct helper *h = calloc(1, sizeof(*h));
	uint64_t id;

	if (h == NULL)
		return -1;
	h->authd = a;
	h->login = l;
	id = ipc_pending_add(a->starting, a->stage.supervisor, h);
	if (id == 0 || ipc_send(a->stage.supervisor, IPC_PAM_START, id,
	    SLICE_LITERAL(""), NULL, 0) == -1) {
		ipc_pending_take(a->starting, a->stage.supervisor, id);
		free(h);
		return -1;
	}
	a->helpers++;
	l->helper = h;
	l->state = LOGIN_CHECKING;
	return 0;
}

static void
start_next(struct authd *a)
{
	struct login *l;

	while ((l = TAILQ_FIRST(&a->pam_queue)) != NULL &&
	    a->helpers < authd_settings(a)->pam_parallel) {
		if (start(l) == -1)
			return;		/* its deadline is running */
		TAILQ_REMOVE(&a->pam_queue, l, queued);
	}
}

void
helpers_check(struct login *l)
{
	TAILQ_INSERT_TAIL(&l->authd->pam_queue, l, queued);
	start_next(l->authd);
}

/* supervisor ends the process itself, at its deadline. */
void
helpers_forget(struct login *l)
{
	if (l->state == LOGIN_QUEUED) {
		TAILQ_REMOVE(&l->authd->pam_queue, l, queued);
		return;
	}
	l->helper->login = NULL;
	if (l->helper->channel != NULL)
		finish(l->helper, CHECK_UNAVAILABLE);
	l->helper = NULL;
}
