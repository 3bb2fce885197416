/*
 * Connections to milters between two clients.  A session that has ended says
 * QUIT_NC, and its connection waits for the next one, which begins with
 * CONNECT and what was agreed upon before: without a thread, a process or an
 * exchange of options for each client on the milter's side.
 *
 * A connection is kept only where all is as it should be: the milter speaks
 * version 6, the block is still what it was, and the last that it heard was the
 * end of a message, to which it said CONTINUE.  libmilter takes QUIT_NC in that
 * state and behind an unknown command alone: elsewhere (behind ACCEPT, a
 * refusal, ABORT) it passes over it, and over the CONNECT that follows.  It
 * belongs to no peer then, and nothing that it says is listened to: it ends.
 */
#include <stdlib.h>

#include "milterd/milterd.h"

struct kept {
	TAILQ_ENTRY(kept) all;
	struct milterd *d;
	struct keep *keep;
	const char *name; /* the block's, as long as it is kept */
	struct stream *stream;
	struct agreed agreed;
};

static void
take_out(struct kept *k)
{
	TAILQ_REMOVE(&k->keep->list, k, all);
	k->keep->n--;
	k->d->n_descriptors--;
}

static void
end(struct kept *k)
{
	take_out(k);
	stream_free(k->stream);
	agreed_clear(&k->agreed);
	free(k);
}

static void
say(struct stream *st, char code)
{
	char head[MILTER_PACKET_HEAD];

	milter_head(head, code, 0);
	stream_write(st, head, sizeof(head));
	stream_flush(st);
}

static size_t
on_input(void *owner, char *at, size_t len)
{
	(void)at;
	log_warning("milter-failed",
	    LOG_CSTR("milter", ((struct kept *)owner)->name),
	    LOG_CSTR("at", "between clients"),
	    LOG_CSTR("reason", "it speaks without being asked"));
	end(owner);
	return len;
}

static void
on_ended(void *owner, enum stream_end why)
{
	struct kept *k = owner;

	if (why == STREAM_TIMEOUT)
		say(k->stream, SMFIC_QUIT);
	end(k);
}

void
keep_kind(struct milterd *d)
{
	d->kept_kind = (struct stream_kind){
		.on = { .input = on_input, .ended = on_ended },
		.input_max = MILTERD_INPUT_MORE,
		.output_max = MILTERD_INPUT_MORE,
		.output_ms = 60 * 1000,
	};
}

/* The end of a connection that was kept too long is seen at the first answer,
 * while all can be said anew.  Where none is due before a recipient, it would
 * be seen too late. */
static bool
answers_soon(const struct line *l)
{
	static const uint32_t silent[] = {
		SMFIP_NOCONNECT | SMFIP_NR_CONN,
		SMFIP_NOHELO | SMFIP_NR_HELO,
		SMFIP_NOMAIL | SMFIP_NR_MAIL,
	};

	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		if ((l->agreed.steps & silent[i]) == 0)
			return true;
	return false;
}

/* Nothing of this client is left in it, and it will be of use. */
static bool
is_fit(const struct line *l)
{
	const struct session *s = l->s;

	return l->g != NULL && s->config == s->peer->d->config &&
	       s->config->keep[l->block].n <
		   line_settings(l)->keep_connections &&
	       l->agreed.version >= SMFI_VERSION && l->whole &&
	       answers_soon(l) && !stream_broken(l->stream) &&
	       stream_pending(l->stream) == 0 && stream_waiting(l->stream) == 0;
}

bool
keep_give(struct line *l)
{
	struct milterd *d = l->s->peer->d;
	struct kept *k;

	stream_flush(l->stream);
	if (!is_fit(l) || (k = calloc(1, sizeof(*k))) == NULL)
		return false;
	say(l->stream, SMFIC_QUIT_NC);
	*k = (struct kept){ .d = d,
		.keep = &l->s->config->keep[l->block],
		.name = l->g->name,
		.stream = l->stream,
		.agreed = l->agreed };
	l->stream = NULL;
	l->agreed = (struct agreed){ .version = 0 };
	stream_become(k->stream, &d->kept_kind, k);
	stream_deadline(k->stream, MILTERD_KEEP_MS);
	TAILQ_INSERT_HEAD(&k->keep->list, k, all);
	k->keep->n++;
	d->n_descriptors++;
	return true;
}

bool
keep_take(struct line *l)
{
	struct session *s = l->s;
	struct kept *k;

	if (s->config != s->peer->d->config)
		return false;
	k = TAILQ_FIRST(&s->config->keep[l->block].list);
	if (k == NULL)
		return false;
	take_out(k);
	l->stream = k->stream;
	l->agreed = k->agreed;
	free(k);
	stream_deadline(l->stream, 0);
	stream_become(l->stream, line_kind(l), l);
	return true;
}

void
keep_drop(struct keep *keep)
{
	struct kept *k;

	while ((k = TAILQ_FIRST(&keep->list)) != NULL) {
		/* NOLINTNEXTLINE: what end() freed is off the list */
		say(k->stream, SMFIC_QUIT);
		end(k);
	}
}

void
keep_drop_all(struct milterd *d)
{
	struct config *c = d->config;

	if (c == NULL)
		return;
	for (size_t i = 0; i < settings_n_groups(c->settings); i++)
		keep_drop(&c->keep[i]);
}
