#include "pop3d/session/transaction.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/log/log.h"
#include "pop3d/command.h"
#include "pop3d/session/login_delay.h"
#include "pop3d/settings.h"

enum { SAY_MAX = 512, WAIT_MS = 100, WAITS_MAX = 10 };

void
transaction_say(struct transaction *t, const char *fmt, ...)
{
	char text[SAY_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		stream_write(t->session.stream, text,
		    (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void
arm_deadline(struct transaction *t)
{
	const struct pop3d_settings *s = t->session.values;

	stream_deadline(t->session.stream, (unsigned)s->idle_timeout * 1000);
}

/* Produce until the output is full or all has been said. */
static void
pump(struct transaction *t)
{
	while (t->produce != NULL && !stream_full(t->session.stream))
		if (!t->produce(t))
			t->produce = NULL;
	if (t->produce == NULL && !t->finishing) {
		arm_deadline(t);
		stream_resume(t->session.stream);
	}
}

void
transaction_produce(struct transaction *t, bool (*produce)(struct transaction *))
{
	t->produce = produce;
	stream_pause(t->session.stream);
	pump(t);
}

/*
 * Not at once: the loop writes first, and runs the commands that came with this
 * one.
 */
void
transaction_sent(struct transaction *t)
{
	if (t->in_turn && t->idle != NULL)
		event_active(t->idle, 0, 0);
}

static void
on_idle(int fd, short what, void *arg)
{
	struct transaction *t = arg;

	(void)fd, (void)what;
	if (t->in_turn && t->produce == NULL && !t->finishing && !t->released)
		command_ahead(t);
}

static size_t
on_input(void *owner, char *at, size_t len)
{
	struct transaction *t = owner;
	char *end;
	size_t used;

	if (t->finishing)
		return len;
	if ((end = memchr(at, '\n', len)) == NULL)
		return 0;
	used = (size_t)(end - at) + 1;
	arm_deadline(t);
	command_run(t, pop3_line(at, used));
	return used;
}

static void
on_drained(void *owner)
{
	pump(owner);
}

/* The maildrop is free again before the client has read our last words. */
static void
release(struct transaction *t, const char *how)
{
	if (t->released)
		return;
	t->released = true;
	log_info("session-ended", LOG_SID(t->session.id),
	    LOG_CSTR("how", how),
	    LOG_NUM("messages", t->maildrop.count),
	    LOG_NUM("removed", t->maildrop.removed));
	retrieve_clear(&t->retrieve);
	t->ahead = 0;
	maildrop_close(&t->maildrop);
}

void
transaction_finish(struct transaction *t, const char *how)
{
	t->finishing = true;
	t->produce = NULL;
	release(t, how);
	session_finish(&t->session);
}

/* RFC 1939 section 3: a connection that times out or breaks removes nothing. */
static void
on_ended(void *owner, enum stream_end end)
{
	struct transaction *t = owner;

	if (!t->finishing && (end == STREAM_TIMEOUT || end == STREAM_SLOW ||
	    end == STREAM_OVERFLOW)) {
		transaction_say(t, "-ERR %s, nothing was removed\r\n",
		    end == STREAM_OVERFLOW ? "line too long" :
		    "idle for too long");
		transaction_finish(t, stream_end_name(end));
		return;
	}
	release(t, stream_end_name(end));
	if (t->wait != NULL)
		event_free(t->wait);
	if (t->idle != NULL)
		event_free(t->idle);
	t->wait = t->idle = NULL;
	session_end(&t->session);
}

static const struct stream_kind kind = {
	.on = { .input = on_input, .drained = on_drained, .ended = on_ended },
	.input_max = POP3_LINE_MAX, .output_max = 65536, .output_ms = 60000,
};

static const char *
refusal(int error)
{
	switch (error) {
	case EBUSY:
		return "[IN-USE] another session has this maildrop";
	case ENOSPC:
	case EDQUOT:
		return "[SYS/TEMP] the disk is full";
	default:
		return "[SYS/TEMP] the maildrop cannot be opened";
	}
}

static void
refuse(struct transaction *t, int error)
{
	log_warning("maildrop-refused", LOG_SID(t->session.id),
	    LOG_ERRNO(error));
	transaction_say(t, "-ERR %s\r\n", refusal(error));
	transaction_finish(t, "refused");
}

/*
 * A session whose client has just gone may not have seen that yet: a lock is
 * waited for a little while.
 */
static bool
wait_a_little(struct transaction *t)
{
	static const struct timeval pause = { .tv_usec = WAIT_MS * 1000 };

	return t->waits++ < WAITS_MAX && t->wait != NULL &&
	    event_add(t->wait, &pause) == 0;
}

static void
begin(struct transaction *t)
{
	struct session *s = &t->session;

	if (maildrop_open(&t->maildrop, s->home_fd) == -1) {
		int error = errno;

		if (error != EBUSY || !wait_a_little(t))
			refuse(t, error);
		return;
	}
	log_info("session-begun", LOG_SID(s->id),
	    LOG_NUM("messages", t->maildrop.count),
	    LOG_NUM("size", t->maildrop.octets));
	transaction_say(t, "+OK %lu messages (%llu octets)\r\n",
	    t->maildrop.count, (unsigned long long)t->maildrop.octets);
	arm_deadline(t);
	stream_resume(s->stream);
}

static void
on_wait(int fd, short what, void *arg)
{
	struct transaction *t = arg;

	(void)fd, (void)what;
	if (!t->finishing)
		begin(t);
}

static bool
is_too_soon(const struct transaction *t)
{
	const struct pop3d_settings *s = t->session.values;

	return s->login_delay > 0 && !login_delay_passed(t->session.home_fd,
	    (uint64_t)s->login_delay);
}

static void
on_begin(void *ctx, struct session *s)
{
	struct transaction *t = ctx;

	t->wait = event_new(s->stage.base, -1, 0, on_wait, t);
	t->idle = event_new(s->stage.base, -1, 0, on_idle, t);
	stream_pause(s->stream);
	if (is_too_soon(t)) {
		log_warning("login-too-soon", LOG_SID(s->id));
		transaction_say(t, "-ERR [LOGIN-DELAY] wait longer between "
		    "logins\r\n");
		transaction_finish(t, "too soon");
		return;
	}
	begin(t);
}

static void
on_stop(void *ctx)
{
	struct transaction *t = ctx;

	if (t->finishing)
		return;
	transaction_say(t, "-ERR [SYS/TEMP] shutting down, "
	    "nothing was removed\r\n");
	transaction_finish(t, "stopped");
}

const struct session_program pop3_session_program = {
	.role = IPC_POP3D_SESSION, .schema = &pop3d_schema, .kind = &kind,
	.begin = on_begin, .stop = on_stop,
};
