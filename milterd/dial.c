/*
 * Connections to milters, from supervisor, by the name of a block.  So many
 * are asked for at once, and the others wait for their turn: supervisor has
 * other things to do.
 *
 * A Unix socket whose backlog is full answers EAGAIN at once, and libmilter's
 * is short: that is no failure before the time for connecting is over.
 */
#include <errno.h>

#include "milterd/milterd.h"

enum { REST_MS = 20 };

static struct line *
of_ask(struct ask *a)
{
	return (struct line *)((char *)a - offsetof(struct line, dial));
}

static void
dial_failed(struct ask *a)
{
	line_dialled(of_ask(a), -1, 0);
}

static void
ask(struct milterd *d, struct line *l)
{
	char body[MILTER_NAME_MAX];

	l->dial.failed = dial_failed;
	if (milter_name_encode(slice_str(l->g->name), body) == 0 &&
	    sibling_ask(&d->supervisor, &l->dial, 0, IPC_MILTER_CONNECT,
		slice_of(body, sizeof(body)), NULL, 0) == 0)
		d->n_dials++;
	else
		line_dialled(l, -1, 0);
}

static void
next(struct milterd *d)
{
	struct line *l;

	while (d->n_dials < MILTERD_DIALS_MAX &&
	       (l = TAILQ_FIRST(&d->dialling)) != NULL) {
		TAILQ_REMOVE(&d->dialling, l, dialling);
		l->waits_dial = NULL;
		ask(d, l);
	}
}

static void
wait_in(struct line *l, struct lines *list)
{
	TAILQ_INSERT_TAIL(list, l, dialling);
	l->waits_dial = list;
}

/* Those that have rested stand in line again. */
static void
rested(evutil_socket_t fd, short what, void *arg)
{
	struct milterd *d = arg;
	struct line *l;

	(void)fd;
	(void)what;
	while ((l = TAILQ_FIRST(&d->resting)) != NULL) {
		TAILQ_REMOVE(&d->resting, l, dialling);
		wait_in(l, &d->dialling);
	}
	next(d);
}

int
dial_init(struct milterd *d)
{
	TAILQ_INIT(&d->dialling);
	TAILQ_INIT(&d->resting);
	d->rest = evtimer_new(d->stage.base, rested, d);
	return d->rest == NULL ? -1 : 0;
}

void
dial_start(struct line *l)
{
	struct milterd *d = l->s->peer->d;

	l->dial_until_ms = stream_loop_now_ms(d->loop) +
			   line_settings(l)->connect_timeout * 1000;
	wait_in(l, &d->dialling);
	next(d);
}

void
dial_forget(struct line *l)
{
	struct milterd *d = l->s->peer->d;

	if (l->waits_dial != NULL)
		TAILQ_REMOVE(l->waits_dial, l, dialling);
	l->waits_dial = NULL;
	/* Its answer still comes: it counts until then. */
	if (l->dial.id != 0)
		sibling_forget(&d->supervisor, &l->dial);
}

static void
unreachable(struct milterd *d, struct line *l, int error)
{
	static const struct timeval soon = { 0, REST_MS * 1000 };

	if (error != EAGAIN ||
	    stream_loop_now_ms(d->loop) >= l->dial_until_ms) {
		line_dialled(l, -1, error);
		return;
	}
	wait_in(l, &d->resting);
	if (!evtimer_pending(d->rest, NULL))
		evtimer_add(d->rest, &soon);
}

static void
answered(
    struct milterd *d, struct ipc_channel *ch, struct ipc_message *m, int error)
{
	struct ask *a = sibling_answered(&d->supervisor, ch, m->id);

	if (d->n_dials > 0)
		d->n_dials--;
	if (a != NULL && error == 0)
		line_dialled(of_ask(a), ipc_message_take_fd(m, 0), 0);
	else if (a != NULL)
		unreachable(d, of_ask(a), error);
	next(d);
}

int
dial_connected(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	if (m->body.len != 0)
		return -1;
	answered(ctx, ch, m, 0);
	return 0;
}

int
dial_unreachable(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	int error;

	if (milter_error_decode(m->body, &error) == -1 || error == 0)
		return -1;
	answered(ctx, ch, m, error);
	return 0;
}
