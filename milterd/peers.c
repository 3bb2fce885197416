/*
 * The channels to smtpd: which sessions there are, what is asked of them, and
 * the verdicts.  A session that milterd does not know (it was started anew
 * meanwhile) is answered with 451 until its next MAIL.
 *
 * A peer that does not read costs bounded memory and loses nothing: while its
 * channel is full no request is read, and verdicts wait in their sessions,
 * which have one request each.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "milterd/milterd.h"

static struct session *
find(struct peer *p, uint64_t id)
{
	struct session key = { .id = id };

	return RB_FIND(session_tree, &p->sessions, &key);
}

/* ---- answers ---- */

static void
send_refusal(struct peer *p, uint64_t request, uint64_t session)
{
	struct milter_verdict v = { .session = session,
		.decision = MILTER_REFUSE,
		.wishes = MILTER_WANTS_RCPT | MILTER_WANTS_DATA,
		.milter = slice_of("", 0),
		.code = 451,
		.enhanced = { 4, 3, 0 },
		.text = SLICE_LITERAL("Mail filters not available, try later"),
		.reason = slice_of("", 0),
		.reverse_path = slice_of("", 0),
		.reverse_params = slice_of("", 0) };
	struct ipc_writer w;

	ipc_writer_init(&w, p->d->body, sizeof(p->d->body));
	milter_verdict_put(&w, &v);
	if (!w.failed)
		(void)ipc_send(p->ch, IPC_MILTER_VERDICT, request,
		    slice_of(p->d->body, w.len), NULL, 0);
}

static int
send_parts(struct session *s, struct parts *made)
{
	struct peer *p = s->peer;
	char body[MILTER_SMALL_MAX];
	int result = 0;

	for (uint32_t i = 0; i < made->n; i++) {
		struct milter_small m = { .session = s->id,
			.octets = made->at[i].octets };

		if (ipc_send(p->ch, IPC_MILTER_PART, s->request,
			slice_of(body, milter_small_encode(&m, body)),
			&made->at[i].fd, 1) == -1)
			result = -1;
	}
	made->n = 0; /* the descriptors are the channel's */
	parts_clear(made);
	return result;
}

/* The changed content goes ahead.  -1: it cannot be had. */
static int
give_content(struct session *s, struct milter_verdict *v)
{
	struct parts made;

	if (!s->message.header_changed && !s->message.body_changed)
		return 0;
	if (message_rebuild(&s->message, &made, &v->kept) == -1)
		return -1;
	if (made.n > MILTERD_PARTS_BACK_MAX) {
		parts_clear(&made);
		return -1;
	}
	v->changed = true;
	v->parts = made.n;
	return send_parts(s, &made);
}

static void
take_envelope(struct session *s, struct milter_verdict *v)
{
	const struct envelope_edits *e = &s->envelope;

	if (e->hold != NULL) {
		v->hold = true;
		v->reason = slice_str(e->hold);
		v->milter = slice_str(e->held_by);
	}
	if (e->reverse_path != NULL) {
		v->has_reverse_path = true;
		v->reverse_path = slice_str(e->reverse_path);
		v->reverse_params = slice_str(e->reverse_params);
	}
	v->n_changes = e->n;
}

static void
send_verdict(struct session *s, struct milter_verdict *v)
{
	struct peer *p = s->peer;
	struct ipc_writer w;
	struct edit *i;
	uint64_t request = s->request;

	if (s->asked == IPC_MILTER_REVIEW && v->decision == MILTER_GO_ON) {
		take_envelope(s, v);
		if (give_content(s, v) == -1) {
			s->request = 0;
			send_refusal(p, request, s->id);
			return;
		}
	}
	s->request = 0;
	ipc_writer_init(&w, p->d->body, sizeof(p->d->body));
	milter_verdict_put(&w, v);
	if (v->n_changes > 0)
		TAILQ_FOREACH (i, &s->envelope.list, order) {
			struct milter_change c = { .add =
						       i->code != SMFIR_DELRCPT,
				.address = i->name,
				.params = i->value };

			milter_change_put(&w, &c);
		}
	if (w.failed)
		send_refusal(p, request, s->id);
	else
		(void)ipc_send(p->ch, IPC_MILTER_VERDICT, request,
		    slice_of(p->d->body, w.len), NULL, 0);
}

/* Its slices point into the session, but for the text. */
static void
hold(struct session *s, const struct milter_verdict *v)
{
	struct held_verdict *h = malloc(sizeof(*h));

	if (h != NULL) {
		h->v = *v;
		if (v->text.len > 0)
			memcpy(h->text, v->text.at, v->text.len);
		h->v.text = slice_of(h->text, v->text.len);
	}
	s->held = h;
	s->held_up = true;
	TAILQ_INSERT_TAIL(&s->peer->waiting, s, waits);
}

void
peer_verdict(struct session *s, struct milter_verdict *v)
{
	if (s->request == 0)
		return;
	v->reason = v->reverse_path = v->reverse_params = slice_of("", 0);
	if (v->text.at == NULL)
		v->text = slice_of("", 0);
	if (ipc_channel_full(s->peer->ch) || !TAILQ_EMPTY(&s->peer->waiting)) {
		hold(s, v);
		return;
	}
	send_verdict(s, v);
	session_answered(s);
}

void
peer_forget(struct session *s)
{
	s->request = 0;
	if (s->held_up)
		TAILQ_REMOVE(&s->peer->waiting, s, waits);
	free(s->held);
	s->held = NULL;
	s->held_up = false;
}

static void
send_held(struct peer *p)
{
	struct session *s;

	while (!ipc_channel_full(p->ch) &&
	       (s = TAILQ_FIRST(&p->waiting)) != NULL) {
		struct held_verdict *h = s->held;
		uint64_t request = s->request;

		s->held = NULL;
		if (h != NULL)
			send_verdict(s, &h->v);
		else
			send_refusal(p, request, s->id);
		free(h);
		peer_forget(s);
		session_answered(s);
	}
}

/* No more requests while their answers have no room. */
static void
press_back(struct peer *p)
{
	if (ipc_channel_full(p->ch) || !TAILQ_EMPTY(&p->waiting))
		ipc_channel_pause(p->ch);
	else
		ipc_channel_resume(p->ch);
}

/*
 * A peer that somebody owns could have all the descriptors there are, and
 * milterd would lose what supervisor sends it: one more for this peer?
 */
static bool
has_room(struct peer *p)
{
	struct milterd *d = p->d;
	unsigned peers =
	    d->n_peers < MILTERD_PEERS_LEAST ? MILTERD_PEERS_LEAST : d->n_peers;

	if (p->n_parts + p->n_streams >= MILTERD_DESCRIPTORS_MAX / peers)
		return false;
	if (d->n_descriptors >= MILTERD_DESCRIPTORS_MAX)
		keep_drop_all(d);
	return d->n_descriptors < MILTERD_DESCRIPTORS_MAX;
}

bool
peer_counts_stream(struct peer *p)
{
	if (!has_room(p))
		return false;
	p->n_streams++;
	p->d->n_descriptors++;
	return true;
}

void
peer_counts_off_stream(struct peer *p)
{
	p->n_streams--;
	p->d->n_descriptors--;
}

bool
peer_counts_part(struct session *s)
{
	if (s->peer->n_parts >= MILTERD_PARTS_MAX || !has_room(s->peer))
		return false;
	s->peer->n_parts++;
	s->n_parts++;
	s->peer->d->n_descriptors++;
	return true;
}

/* ---- requests ---- */

static int
on_mail(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct peer *p = ctx;
	struct milter_mail mail;
	struct session *s;

	(void)ch;
	if (milter_mail_decode(m->body, &mail) == -1)
		return -1;
	s = find(p, mail.session);
	/* The former one has ended, whatever of it is under way. */
	if (s != NULL && s->request != 0)
		session_abort(s);
	if (s == NULL)
		s = session_new(p, mail.session);
	if (s == NULL || session_mail(s, &mail, m->body) == -1)
		send_refusal(p, m->id, mail.session);
	else
		session_run(s, m->id, IPC_MILTER_MAIL);
	return 0;
}

/*
 * The session of a request, when nothing else is asked of it.  NULL, and *bad:
 * something is; otherwise it is not known, which was answered.
 */
static struct session *
asked(struct peer *p, uint64_t id, uint64_t request, bool *bad)
{
	struct session *s = find(p, id);

	*bad = s != NULL && s->request != 0;
	if (s == NULL)
		send_refusal(p, request, id);
	return *bad ? NULL : s;
}

static int
on_rcpt(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct milter_rcpt rcpt;
	struct session *s;
	bool bad;

	(void)ch;
	if (milter_rcpt_decode(m->body, &rcpt) == -1)
		return -1;
	s = asked(ctx, rcpt.session, m->id, &bad);
	if (s == NULL)
		return bad ? -1 : 0;
	if (session_rcpt(s, m->body) == -1)
		send_refusal(ctx, m->id, rcpt.session);
	else
		session_run(s, m->id, IPC_MILTER_RCPT);
	return 0;
}

static int
on_unknown(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct milter_unknown u;
	struct session *s;
	bool bad;

	(void)ch;
	if (milter_unknown_decode(m->body, &u) == -1)
		return -1;
	s = asked(ctx, u.session, m->id, &bad);
	if (s == NULL)
		return bad ? -1 : 0;
	if (session_unknown(s, m->body) == -1)
		send_refusal(ctx, m->id, u.session);
	else
		session_run(s, m->id, IPC_MILTER_UNKNOWN);
	return 0;
}

static int
on_data(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct milter_small data;
	struct session *s;
	bool bad;

	(void)ch;
	if (milter_small_decode(m->body, &data) == -1)
		return -1;
	s = asked(ctx, data.session, m->id, &bad);
	if (s == NULL)
		return bad ? -1 : 0;
	s->queue_id = data.queue_id;
	session_run(s, m->id, IPC_MILTER_DATA);
	return 0;
}

static int
take_part(struct session *s, struct ipc_message *m, uint32_t octets)
{
	if (content_check(m->fds[0], octets) == -1 || octets > QUEUE_PART_MAX ||
	    s->message.parts.n >= MILTER_PARTS_MAX)
		return -1;
	/* Without room or memory the review finds them to be too few. */
	if (!peer_counts_part(s))
		return 0;
	(void)parts_add(&s->message.parts, ipc_message_take_fd(m, 0), octets);
	return 0;
}

static int
on_content(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct milter_small part;
	struct session *s;

	(void)ch;
	if (milter_small_decode(m->body, &part) == -1)
		return -1;
	s = find(ctx, part.session);
	if (s == NULL)
		return 0;
	return s->request != 0 ? -1 : take_part(s, m, part.octets);
}

static void
review(struct session *s, const struct milter_small *r, uint64_t request)
{
	enum message_fault fault = MESSAGE_FAILED;

	s->queue_id = r->queue_id;
	s->request = request;
	s->asked = IPC_MILTER_REVIEW;
	if (s->peer->n_reviews >= s->config->set->max_reviews) {
		session_refuse(
		    s, 451, 3, 2, "Too many messages under review, try later");
		return;
	}
	s->reviewing = true;
	s->peer->n_reviews++;
	if (s->message.parts.n == r->parts + 1)
		fault = message_read(&s->message, r->own);
	if (fault == MESSAGE_HEADER_LONG)
		session_refuse(s, 552, 3, 4, "Header section too long");
	else if (fault != MESSAGE_OK)
		session_refuse(s, 451, 3, 0, "Out of resources, try later");
	else
		session_run(s, request, IPC_MILTER_REVIEW);
}

static int
on_review(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct milter_small r;
	struct session *s;
	bool bad;

	(void)ch;
	if (milter_small_decode(m->body, &r) == -1)
		return -1;
	s = asked(ctx, r.session, m->id, &bad);
	if (s == NULL)
		return bad ? -1 : 0;
	if (take_part(s, m, r.octets) == -1)
		return -1;
	review(s, &r, m->id);
	return 0;
}

static int
on_abort(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct milter_small a;
	struct session *s;

	(void)ch;
	if (milter_small_decode(m->body, &a) == -1)
		return -1;
	if ((s = find(ctx, a.session)) != NULL)
		session_abort(s);
	return 0;
}

static int
on_close(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct milter_small c;
	struct session *s;

	(void)ch;
	if (milter_small_decode(m->body, &c) == -1)
		return -1;
	if ((s = find(ctx, c.session)) != NULL)
		session_free(s);
	return 0;
}

/* ---- channels ---- */

static void
peer_free(struct peer *p)
{
	struct session *s;

	while ((s = RB_MIN(session_tree, &p->sessions)) != NULL)
		session_free(s);
	TAILQ_REMOVE(&p->d->peers, p, all);
	p->d->n_peers--;
	free(p);
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	peer_free(ctx);
}

static void
on_drained(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	send_held(ctx);
	press_back(ctx);
}

static void
on_turn(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	press_back(ctx);
}

static const struct ipc_handler handlers[] = {
	{ IPC_MILTER_MAIL, on_mail },
	{ IPC_MILTER_RCPT, on_rcpt },
	{ IPC_MILTER_DATA, on_data },
	{ IPC_MILTER_UNKNOWN, on_unknown },
	{ IPC_MILTER_CONTENT, on_content },
	{ IPC_MILTER_REVIEW, on_review },
	{ IPC_MILTER_ABORT, on_abort },
	{ IPC_MILTER_CLOSE, on_close },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
	.drained = on_drained,
	.turn = on_turn,
};

static void
drop(struct peer *p)
{
	struct ipc_channel *ch = p->ch;

	peer_free(p);
	ipc_channel_free(ch);
}

int
peers_add(struct milterd *d, enum ipc_role role, unsigned instance, int fd)
{
	struct peer *p, *next;

	TAILQ_FOREACH_SAFE(p, &d->peers, all, next)
	if (p->role == role && p->instance == instance)
		drop(p);
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		close(fd);
		return -1;
	}
	p->d = d;
	p->role = role;
	p->instance = instance;
	RB_INIT(&p->sessions);
	TAILQ_INIT(&p->waiting);
	p->ch =
	    ipc_channel_new(d->stage.base, fd, IPC_MILTERD, role, &events, p);
	if (p->ch == NULL) {
		free(p);
		return -1;
	}
	TAILQ_INSERT_TAIL(&d->peers, p, all);
	d->n_peers++;
	return 0;
}

void
peers_clear(struct milterd *d)
{
	while (!TAILQ_EMPTY(&d->peers))
		drop(TAILQ_FIRST(&d->peers));	/* NOLINT: off the list */
}
