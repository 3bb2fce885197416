#include "remote-relay/client_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/log/log.h"

enum {
	INPUT_MAX = 4096,		/* more than a reply line can have */
	OUTPUT_MAX = 2 * CONTENT_BLOCK,
	/* Every line of dots, and the end of the data. */
	STUFFED_MAX = 2 * CONTENT_BLOCK + 16
};

static size_t on_input(void *, char *, size_t);
static void on_drained(void *);
static void on_secured(void *);
static void on_ended(void *, enum stream_end);
static size_t on_goodbye(void *, char *, size_t);
static void on_gone(void *, enum stream_end);

/* After QUIT: whatever comes, it is over. */
static const struct stream_kind leaving = {
	.on = { .input = on_goodbye, .ended = on_gone },
	.input_max = INPUT_MAX, .output_max = INPUT_MAX, .output_ms = 10000,
};

/* ---- what is waited for ---- */

static const char *const waits[EXPECT_COUNT] = {
	[EXPECT_GREETING] = "the greeting",
	[EXPECT_EHLO] = "the reply to EHLO",
	[EXPECT_HELO] = "the reply to HELO",
	[EXPECT_STARTTLS] = "the reply to STARTTLS",
	[EXPECT_AUTH] = "the reply to AUTH",
	[EXPECT_RSET] = "the reply to RSET",
	[EXPECT_MAIL] = "the reply to MAIL",
	[EXPECT_RCPT] = "the reply to RCPT",
	[EXPECT_DATA] = "the reply to DATA",
	[EXPECT_FINAL] = "the reply to the end of the data",
};

const char *
client_waits_for(const struct client *c)
{
	if (c->securing)
		return "the TLS handshake";
	if (c->n_expected > 0)
		return waits[c->expected[0].kind];
	if (c->phase != CLIENT_BUSY)
		return "the next message";
	return c->t.step == STEP_CONVERT ? "the content to be converted"
					 : "the data to be taken";
}

static uint64_t
seconds_for(const struct client *c, enum expect kind)
{
	const struct remote_relay_settings *set = c->shared->set;

	switch (kind) {
	case EXPECT_GREETING:
		return set->greeting_timeout;
	case EXPECT_EHLO:
	case EXPECT_HELO:
	case EXPECT_STARTTLS:
	case EXPECT_AUTH:
		return set->helo_timeout;
	case EXPECT_RSET:
		return set->quit_timeout;
	case EXPECT_MAIL:
		return set->mail_timeout;
	case EXPECT_RCPT:
		return set->rcpt_timeout;
	case EXPECT_DATA:
		return set->data_timeout;
	default:
		return set->data_done_timeout;
	}
}

/* For the whole of the next reply, however its octets trickle in. */
static void
set_deadline(struct client *c)
{
	stream_deadline(c->s, c->n_expected == 0 ? 0 :
	    (unsigned)(seconds_for(c, c->expected[0].kind) * 1000));
}

void
client_expect(struct client *c, enum expect kind, unsigned count)
{
	assert(c->n_expected < EXPECTED_MAX && count > 0);
	c->expected[c->n_expected++] = (struct expected){ kind, count };
	if (c->n_expected == 1)
		set_deadline(c);
}

static enum expect
take_expected(struct client *c)
{
	enum expect kind = c->expected[0].kind;

	if (--c->expected[0].count == 0) {
		c->n_expected--;
		memmove(&c->expected[0], &c->expected[1],
		    c->n_expected * sizeof(c->expected[0]));
	}
	set_deadline(c);
	return kind;
}

void
client_write(struct client *c, struct slice s)
{
	stream_write(c->s, s.at, s.len);
}

void
client_enter(struct client *c)
{
	c->working++;
}

void
client_leave(struct client *c)
{
	if (--c->working == 0 && c->gone)
		free(c);
}

/* ---- the end ---- */

void
client_fail(struct client *c, const struct outcome *why)
{
	enum client_phase was = c->phase;

	if (was == CLIENT_OVER)
		return;
	c->phase = CLIENT_OVER;
	c->n_expected = 0;
	/* The end of the data is the last that was written: it is here yet. */
	if (stream_pending(c->s) > 0)
		c->t.ended = false;
	stream_free(c->s);
	c->s = NULL;
	if (was == CLIENT_BUSY)
		transaction_lost(c, why);
	c->on->ended(c->owner, was == CLIENT_BUSY ? CLIENT_LOST :
	    was == CLIENT_READY ? CLIENT_CLOSED :
	    c->insecure ? CLIENT_INSECURE : CLIENT_REFUSED, why);
}

/* RFC 5321 section 3.8: the peer goes, and did not do what was asked. */
static void
closing(struct client *c)
{
	struct outcome o;

	outcome_reply(&o, &c->reply, 3, 2);
	o.host_down = true;
	c->t.ended = false;
	client_fail(c, &o);
}

static void
protocol_fault(struct client *c)
{
	struct outcome o;

	outcome_host(&o, 5, 0, "%u is no answer to what was asked (waiting for "
	    "%s)", c->reply.code, client_waits_for(c));
	client_fail(c, &o);
}

/* ---- before the first message ---- */

void
client_become_ready(struct client *c)
{
	if (c->messages == 0 && c->tls == NULL)
		log_info("in-clear", LOG_CSTR("host", c->manner.host));
	c->phase = CLIENT_READY;
	c->ready_ms = clock_ms();
	c->pipelining = c->manner.pipelining &&
	    (c->caps.have & SMTP_HAS_PIPELINING) != 0;
	c->on->ready(c->owner);
}

static void
say_hello(struct client *c, const char *verb, enum expect kind)
{
	char line[300];
	int len = snprintf(line, sizeof(line), "%s %s\r\n", verb,
	    c->manner.helo);

	c->fresh = (struct smtp_capabilities){ 0 };
	client_write(c, slice_of(line, (size_t)len));
	client_expect(c, kind, 1);
}

void
client_say_hello(struct client *c)
{
	say_hello(c, c->manner.lmtp ? "LHLO" : "EHLO", EXPECT_EHLO);
}

static void
refuse(struct client *c, const char *what)
{
	struct outcome o;

	outcome_host(&o, 3, 2, "%s: %u %.*s", what, c->reply.code,
	    (int)c->reply.text_len, c->reply.text);
	client_fail(c, &o);
}

static void
opening_reply(struct client *c, enum expect kind)
{
	unsigned class = c->reply.code / 100;

	if (kind == EXPECT_GREETING) {
		if (class != 2)
			refuse(c, "greeting");
		else
			client_say_hello(c);
		return;
	}
	if (kind == EXPECT_STARTTLS) {
		security_starttls_reply(c);
		return;
	}
	if (kind == EXPECT_AUTH) {
		security_auth_reply(c);
		return;
	}
	if (kind == EXPECT_EHLO && class == 5 && !c->manner.lmtp) {
		say_hello(c, "HELO", EXPECT_HELO);
		return;
	}
	if (class != 2) {
		refuse(c, kind == EXPECT_HELO ? "HELO" : "EHLO");
		return;
	}
	smtp_capabilities_end(&c->fresh);
	c->caps = c->fresh;
	if (security_wants_tls(c))
		security_start_tls(c);
	else
		security_log_in(c);
}

/* ---- replies ---- */

static void
take_reply(struct client *c)
{
	enum expect kind;

	if (c->n_expected == 0) {
		if (c->phase == CLIENT_BUSY)
			transaction_early_reply(c);
		else if (c->reply.code == 421)
			closing(c);
		else
			protocol_fault(c);
		return;
	}
	kind = c->expected[0].kind;
	if (c->reply.code == 421 && kind != EXPECT_FINAL) {
		closing(c);
		return;
	}
	if (c->reply.code / 100 == 3 && kind != EXPECT_DATA &&
	    kind != EXPECT_AUTH) {
		protocol_fault(c);
		return;
	}
	take_expected(c);
	if (c->phase == CLIENT_OPENING)
		opening_reply(c, kind);
	else
		transaction_reply(c, kind);
}

static void
bad_reply(struct client *c, enum smtp_reply_fault why)
{
	struct outcome o;

	outcome_host(&o, 5, 0, why == SMTP_REPLY_LONG ?
	    "the reply has no end (waiting for %s)" :
	    "that is no SMTP reply (waiting for %s)", client_waits_for(c));
	client_fail(c, &o);
}

/* One line of a reply; octets used, 0 when it is not whole. */
static size_t
take_line(struct client *c, struct slice in)
{
	enum smtp_reply_fault why;
	struct slice line;
	size_t used;
	enum parse p = smtp_reply_take(&c->reply, in, &used, &line, &why);

	if (p == PARSE_BAD) {
		bad_reply(c, why);
		return in.len;
	}
	if (used > 0 && c->reply.lines > 1 && c->n_expected > 0 &&
	    c->expected[0].kind == EXPECT_EHLO)
		smtp_capabilities_line(&c->fresh, line);
	if (p == PARSE_OK) {
		take_reply(c);
		c->reply = (struct smtp_reply_read){ 0 };
	}
	return used;
}

/*
 * Something stands in clear behind the reply to STARTTLS: somebody put it
 * there to have it read as if it had come through TLS (CVE-2011-0411).
 */
static void
injected(struct client *c)
{
	struct outcome o;

	outcome_host(&o, 7, 0, "octets in clear behind the reply to STARTTLS");
	client_fail(c, &o);
}

static size_t
on_input(void *owner, char *at, size_t len)
{
	struct client *c = owner;
	size_t total = 0, used = 1;

	client_enter(c);
	while (used > 0 && total < len && !c->gone && !c->securing &&
	    c->phase != CLIENT_OVER) {
		used = take_line(c, slice_of(at + total, len - total));
		total += used;
		if (!c->gone && c->phase == CLIENT_BUSY && c->n_expected == 0)
			transaction_advance(c);
	}
	if (!c->gone && c->securing && total < len) {
		injected(c);
		total = len;
	}
	client_leave(c);
	return total;
}

static void
on_drained(void *owner)
{
	struct client *c = owner;

	client_enter(c);
	if (c->phase == CLIENT_BUSY)
		transaction_drained(c);
	client_leave(c);
}

static void
on_secured(void *owner)
{
	struct client *c = owner;

	client_enter(c);
	security_secured(c);
	client_leave(c);
}

static void
on_ended(void *owner, enum stream_end why)
{
	struct client *c = owner;
	struct outcome o;

	if (why == STREAM_INSECURE && c->phase == CLIENT_OPENING) {
		client_enter(c);
		security_failed(c);
		client_leave(c);
		return;
	}
	if (why == STREAM_TIMEOUT)
		outcome_host(&o, 4, 2, "timed out waiting for %s",
		    client_waits_for(c));
	else if (why == STREAM_ERROR && errno != 0)
		outcome_host(&o, 4, 2, "connection lost waiting for %s: %s",
		    client_waits_for(c), strerror(errno));
	else
		outcome_host(&o, 4, 2, "connection closed waiting for %s",
		    client_waits_for(c));
	client_enter(c);
	client_fail(c, &o);
	client_leave(c);
}

/* ---- life ---- */

int
client_shared_init(
    struct client_shared *sh, struct event_base *base, struct stream_loop *loop)
{
	*sh = (struct client_shared){ .loop = loop, .kind = {
		.on = { .input = on_input, .drained = on_drained,
		    .secured = on_secured, .ended = on_ended },
		.input_max = INPUT_MAX, .output_max = OUTPUT_MAX } };
	sh->block = malloc(CONTENT_BLOCK);
	sh->stuffed = malloc(STUFFED_MAX);
	conversions_init(&sh->conversions, &sh->turns);
	return turns_init(&sh->turns, base) == 0 && sh->block != NULL &&
		       sh->stuffed != NULL
		   ? 0
		   : -1;
}

void
client_shared_use(struct client_shared *sh,
    const struct remote_relay_settings *set)
{
	sh->set = set;
	sh->kind.output_ms = (int)set->data_block_timeout * 1000;
}

void
client_shared_clear(struct client_shared *sh)
{
	free(sh->block);
	free(sh->stuffed);
	turns_clear(&sh->turns);
}

struct client *
client_new(struct client_shared *sh, int fd, const struct client_manner *manner,
    const struct client_events *on, void *owner)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->shared = sh;
	c->manner = *manner;
	c->on = on;
	c->owner = owner;
	c->since_ms = clock_ms();
	if ((c->s = stream_new(sh->loop, fd, &sh->kind, c)) == NULL) {
		close(fd);
		free(c);
		return NULL;
	}
	if (!manner->wrapped) {
		client_expect(c, EXPECT_GREETING, 1);
		return c;
	}
	stream_deadline(c->s, (unsigned)sh->set->helo_timeout * 1000);
	c->securing = true;
	if ((c->tls = tls_ask(sh->tls, c->s, manner->expect)) == NULL) {
		client_free(c);
		errno = EPROTO;
		return NULL;
	}
	return c;
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	stream_free(c->s);
	sasl_client_free(c->sasl);
	transaction_stop(c);
	c->sasl = NULL;
	c->s = NULL;
	c->phase = CLIENT_OVER;
	c->gone = true;
	if (c->working == 0)
		free(c);
}

static size_t
on_goodbye(void *owner, char *at, size_t len)
{
	(void)owner;
	(void)at;
	return len;
}

static void
on_gone(void *owner, enum stream_end why)
{
	(void)why;
	stream_free(owner);
}

/*
 * What is left of the connection looks after itself: it is the stream alone,
 * as its own owner.
 */
void
client_quit(struct client *c)
{
	struct stream *s = c->s;

	if (s != NULL && c->phase != CLIENT_OVER) {
		c->s = NULL;
		stream_deadline(s, 0);
		stream_write(s, "QUIT\r\n", 6);
		stream_become(s, &leaving, s);
		stream_finish(s, (unsigned)c->shared->set->quit_timeout * 1000);
	}
	client_free(c);
}

unsigned
client_messages(const struct client *c)
{
	return c->messages;
}

unsigned
client_messages_max(const struct client *c)
{
	return c->caps.mail_max;
}

struct job *
client_job(const struct client *c)
{
	return c->t.job;
}

uint64_t
client_age_ms(const struct client *c)
{
	return clock_ms() - c->since_ms;
}

uint64_t
client_idle_ms(const struct client *c)
{
	return c->phase == CLIENT_READY ? clock_ms() - c->ready_ms : 0;
}
