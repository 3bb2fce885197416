/* One message for this user: its steps one after the other, and the answer. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/hash/siphash.h"
#include "common/ipc/envelope.h"
#include "common/log/log.h"
#include "common/mailbox/deliver_content.h"
#include "local-delivery/runner/runner.h"

void
outcome_set(struct outcome *o, unsigned code, unsigned class_,
    unsigned subject, unsigned detail, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(o->text, sizeof(o->text), format, ap);
	va_end(ap);
	/* What goes over the channel is one line of ASCII. */
	for (char *p = o->text; *p != '\0'; p++)
		if (*p < ' ' || *p >= 0x7f)
			*p = '?';
	o->result = (struct delivered){
		.result = class_ == 2 ? DELIVERY_DELIVERED :
		    class_ == 4 ? DELIVERY_DEFERRED : DELIVERY_FAILED,
		.code = (uint16_t)code,
		.enhanced = { (uint8_t)class_, (uint8_t)subject,
		    (uint8_t)detail },
	};
}

void
task_free(struct task *t)
{
	if (t->program != NULL)
		program_abort(t->program);
	if (t->mbox != NULL)
		mbox_abort(t->mbox);
	TAILQ_REMOVE(&t->rn->tasks, t, entry);
	for (unsigned i = 0; i < t->n_steps; i++)
		free(t->steps[i].text);
	for (unsigned i = 0; i < t->n_addresses; i++)
		free(t->addresses[i]);
	close(t->fd);
	free(t->body);
	free(t);
}

/* The last word; the task is gone afterwards. */
static void
answer(struct task *t, bool nothing)
{
	struct forward_answer a = { .nothing = nothing, .keep = t->keep,
		.result = t->worst.result, .done = t->done,
		.n_addresses = (uint16_t)t->n_addresses };
	struct slice addresses[FORWARD_ADDRESSES_MAX];
	static const size_t max = FORWARD_ANSWER_MAX;
	char *body = malloc(max);
	size_t len = 0;

	a.result.text = slice_str(t->worst.text);
	for (unsigned i = 0; i < t->n_addresses; i++)
		addresses[i] = slice_str(t->addresses[i]);
	if (body != NULL)
		len = forward_answer_encode(&a, addresses, body, max);
	if (len == 0 && body != NULL) {
		a = (struct forward_answer){ .done = t->done };
		outcome_set(&t->worst, 451, 4, 3, 5,
		    "the recipient's .forward has too many addresses");
		a.result = t->worst.result;
		a.result.text = slice_str(t->worst.text);
		len = forward_answer_encode(&a, NULL, body, max);
	}
	if (t->rn->channel != NULL && len > 0)
		ipc_send(t->rn->channel, IPC_FORWARDED, t->id,
		    slice_of(body, len), NULL, 0);
	free(body);
	task_free(t);
}

static int
badness(const struct delivered *d)
{
	return d->result == DELIVERY_DEFERRED ? 2 :
	    d->result == DELIVERY_FAILED ? 1 : 0;
}

/* Of two that are equally bad the first is told. */
static void
note(struct task *t, const struct outcome *o)
{
	if (t->worst.result.result == 0 ||
	    badness(&o->result) > badness(&t->worst.result))
		t->worst = *o;
}

static bool
is_done(const struct task *t, const struct step *s)
{
	for (unsigned i = 0; i < t->done.n; i++)
		if (t->done.at[i] == s->hash)
			return true;
	return false;
}

/* Start steps until one takes time; the task is gone when all are over. */
static void
go_on(struct task *t)
{
	struct outcome why;

	while (t->next < t->n_steps) {
		const struct step *s = &t->steps[t->next++];

		if (is_done(t, s))
			continue;
		if (s->kind == FORWARD_MBOX) {
			mbox_start(t, s);
			return;
		}
		if (program_start(t, s, &why))
			return;
		note(t, &why);
	}
	if (t->worst.result.result == 0)
		outcome_set(&t->worst, 250, 2, 1, 5, "forwarded");
	answer(t, false);
}

void
task_step_done(struct task *t, const struct outcome *o)
{
	const struct step *s = &t->steps[t->next - 1];

	log_info(s->kind == FORWARD_MBOX ? "file-delivery" : "program-ended",
	    LOG_QID(t->ask.delivery.queue_id),
	    LOG_CSTR("user", t->rn->user.name),
	    LOG_CSTR("target", s->text), LOG_NUM("line", s->line),
	    LOG_NUM("code", o->result.code), LOG_CSTR("reason", o->text));
	t->program = NULL;
	t->mbox = NULL;
	if (o->result.result == DELIVERY_DELIVERED &&
	    t->done.n < FORWARD_DONE_MAX)
		t->done.at[t->done.n++] = s->hash;
	note(t, o);
	go_on(t);
}

/*
 * SEND, SOML, SAML: to the terminals, once.  True: that is all there is to
 * do, and worst says how it went.
 */
static bool
at_terminals(struct task *t)
{
	static const char step[] = "the terminals";
	uint32_t flags = t->ask.delivery.flags;
	struct siphash_key key = { { t->ask.delivery.nonce,
	    t->ask.delivery.queue_id } };
	struct step shown = { .hash = siphash(&key, slice_str(step)) };
	unsigned n;

	if ((flags & ENVELOPE_TERMINALS) == 0 || t->ask.target.len > 0 ||
	    is_done(t, &shown))
		return false;
	n = terminal_show(t);
	if (flags & ENVELOPE_SAML) {
		/* Not shown again when the mailbox has to be tried again. */
		if (t->done.n < FORWARD_DONE_MAX)
			t->done.at[t->done.n++] = shown.hash;
		return false;
	}
	if (n > 0)
		outcome_set(&t->worst, 250, 2, 1, 5, "shown on %u terminals",
		    n);
	else if (flags & ENVELOPE_SEND)
		outcome_set(&t->worst, 550, 5, 2, 1, "not logged in at a "
		    "terminal that takes messages");
	return n > 0 || (flags & ENVELOPE_SEND) != 0;
}

/* Without forward_files it is here for its terminals alone. */
static enum plan
make_plan(struct task *t, struct outcome *why)
{
	return t->ask.target.len == 0 && !t->rn->set->forward_files ?
	    PLAN_NOTHING : plan_make(t, why);
}

static void
begin(struct task *t)
{
	struct outcome why;

	if (at_terminals(t)) {
		answer(t, false);
		return;
	}
	switch (make_plan(t, &why)) {
	case PLAN_NOTHING:
		outcome_set(&t->worst, 250, 2, 1, 5, "no .forward");
		answer(t, true);
		return;
	case PLAN_REFUSED:
		/* Nothing of a file that is half understood. */
		t->keep = false;
		while (t->n_addresses > 0)
			free(t->addresses[--t->n_addresses]);
		t->worst = why;
		answer(t, false);
		return;
	case PLAN_READY:
		break;
	}
	if (content_has_loop(&t->ask.delivery, t->fd)) {
		t->keep = false;
		while (t->n_addresses > 0)
			free(t->addresses[--t->n_addresses]);
		outcome_set(&t->worst, 554, 5, 4, 6,
		    "mail loop: delivered to this address before");
		answer(t, false);
		return;
	}
	go_on(t);
}

bool
task_begin(struct runner *rn, uint64_t id, char *body, size_t len, int fd)
{
	struct task *t = calloc(1, sizeof(*t));

	if (t == NULL || forward_ask_decode(slice_of(body, len), &t->ask) ==
	    -1) {
		free(t);
		free(body);
		close(fd);
		return false;
	}
	t->rn = rn;
	t->id = id;
	t->body = body;
	t->fd = fd;
	t->done = t->ask.done;
	t->deadline_ms = runner_now_ms() + rn->set->program_timeout * 1000;
	TAILQ_INSERT_TAIL(&rn->tasks, t, entry);
	begin(t);
	return true;
}
