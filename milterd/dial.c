/*
 * Connections to milters, from supervisor, by the name of a block.  So many
 * are asked for at once, and the others wait for their turn: supervisor has
 * other things to do.
 */
#include "milterd/milterd.h"

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
		l->in_line_to_dial = false;
		ask(d, l);
	}
}

void
dial_init(struct milterd *d)
{
	TAILQ_INIT(&d->dialling);
}

void
dial_start(struct line *l)
{
	struct milterd *d = l->s->peer->d;

	TAILQ_INSERT_TAIL(&d->dialling, l, dialling);
	l->in_line_to_dial = true;
	next(d);
}

void
dial_forget(struct line *l)
{
	struct milterd *d = l->s->peer->d;

	if (l->in_line_to_dial)
		TAILQ_REMOVE(&d->dialling, l, dialling);
	l->in_line_to_dial = false;
	/* Its answer still comes: it counts until then. */
	if (l->dial.id != 0)
		sibling_forget(&d->supervisor, &l->dial);
}

static void
answered(struct milterd *d, struct ipc_channel *ch, struct ipc_message *m,
    int error)
{
	struct ask *a = sibling_answered(&d->supervisor, ch, m->id);

	if (d->n_dials > 0)
		d->n_dials--;
	if (a != NULL)
		line_dialled(of_ask(a),
		    error == 0 ? ipc_message_take_fd(m, 0) : -1, error);
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
