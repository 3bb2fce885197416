/*
 * The client against a scripted peer over a socket pair.  A script's lines:
 *
 *	"< text"	the peer says that line
 *	"> text"	the client's next line is that
 *	">> n"		and then n octets of content
 *	"x"		the peer closes
 *	"~"		whatever was heard is forgotten
 *
 * and what came of it is written down as a string: for each recipient its
 * number, a letter (d delivered, t try again, f failed, with ? for an unknown
 * outcome and ! for one about the host) and the code, for the job "back" with
 * the number of open recipients, for the client "ready", "refused", "lost" or
 * "closed".
 */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "remote-relay/client.h"

struct world {
	struct event_base *base;
	struct stream_loop *loop;
	struct client_shared shared;
	struct settings	*settings;
	struct client	*c;
	struct client_manner manner;
	int		 peer;
	char		 heard[1 << 20];
	size_t		 heard_len;
	struct job	*jobs[8];	/* to be sent, one after the other */
	unsigned	 n_jobs, next_job;
	char		 log[1024];
};

static void __attribute__((format(printf, 2, 3)))
note(struct world *w, const char *format, ...)
{
	size_t len = strlen(w->log);
	va_list ap;

	va_start(ap, format);
	vsnprintf(w->log + len, sizeof(w->log) - len, format, ap);
	va_end(ap);
}

static void
on_ready(void *owner)
{
	struct world *w = owner;

	note(w, "ready ");
	while (w->next_job < w->n_jobs &&
	    !client_send(w->c, w->jobs[w->next_job++]))
		;
}

static void
on_answered(void *owner, struct job *j, unsigned i, const struct outcome *o)
{
	struct world *w = owner;

	assert_int_equal(j->rcpt[i].state, JOB_DONE);
	note(w, "%u%c%s%s%u ", i, "?dtf"[o->result], o->unknown ? "?" : "",
	    o->host_down ? "!" : "", o->code);
}

static void
on_returned(void *owner, struct job *j)
{
	note(owner, "back%u ", j->open);
}

static void
on_ended(void *owner, enum client_end end, const struct outcome *why)
{
	static const char *const words[] = { "refused", "insecure",
		"lost", "closed" };
	struct world *w = owner;

	assert_true(why->text_len > 0);
	note(w, "%s ", words[end]);
	client_free(w->c);
	w->c = NULL;
}

static const struct client_events events = { on_ready, on_answered,
	on_returned, on_ended };

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct settings_errors errors = { .n = 0 };

	w->base = event_base_new();
	w->loop = stream_loop_new(w->base, 65536);
	w->settings = settings_parse(&remote_relay_schema, slice_str(
	    "greeting_timeout = 1s\nmail_timeout = 1s\n"
	    "data_done_timeout = 1s\nquit_timeout = 1s\n"), &errors);
	assert_non_null(w->settings);
	assert_int_equal(client_shared_init(&w->shared, w->base, w->loop), 0);
	client_shared_use(&w->shared, settings_values(w->settings));
	w->manner = (struct client_manner){ .helo = "me.example",
		.host = "peer.example", .user = "", .password = "",
		.pipelining = true, .chunking = true };
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	client_free(w->c);
	close(w->peer);
	for (unsigned i = 0; i < w->n_jobs; i++)
		job_free(w->jobs[i]);
	client_shared_clear(&w->shared);
	settings_free(w->settings);
	stream_loop_free(w->loop);
	event_base_free(w->base);
	free(w);
	return 0;
}

/* Reject replayed state: each dialogue begins in a fresh world. */
static void
renew(void **state)
{
	teardown(state);
	setup(state);
}

static void
turn(struct world *w)
{
	ssize_t n;

	for (int i = 0; i < 12; i++) {
		event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		n = recv(w->peer, w->heard + w->heard_len,
		    sizeof(w->heard) - w->heard_len, MSG_DONTWAIT);
		if (n > 0)
			w->heard_len += (size_t)n;
	}
}

static struct job *
letter(struct world *w, const char *content, size_t len, unsigned flags,
    const char *const *rcpts)
{
	struct relay y = { .queue_id = 7, .content_size = len,
		.flags = flags, .reverse_path = SLICE_LITERAL("a@b.example"),
		.domain = SLICE_LITERAL("c.example"),
		.envid = SLICE_LITERAL("e=1"), .ret = ENVELOPE_RET_HDRS };
	struct relay_recipient r = { .number = 0,
		.notify = ENVELOPE_NOTIFY_SUCCESS,
		.original = SLICE_LITERAL("rfc822;o@c.example") };
	static uint8_t body[RELAY_BODY_MAX];
	struct relay_part part;
	int fd = memfd_create("content", MFD_CLOEXEC);
	struct job *j;
	size_t n;

	assert_int_equal(pwrite(fd, content, len, 0), (ssize_t)len);
	relay_begin(&part, &y, body);
	for (; *rcpts != NULL; rcpts++, r.number++) {
		r.address = slice_str(*rcpts);
		assert_true(relay_add(&part, &r));
	}
	n = relay_end(&part);
	assert_true(n > 0);
	j = job_new(slice_of(body, n), fd);
	assert_non_null(j);
	w->jobs[w->n_jobs++] = j;
	return j;
}

static void
hears_line(struct world *w, const char *want)
{
	char *lf;
	size_t len;

	turn(w);
	lf = memmem(w->heard, w->heard_len, "\r\n", 2);
	if (lf == NULL)
		fail_msg("nothing heard, not \"%s\"; %s", want, w->log);
	assert(lf != NULL);
	len = (size_t)(lf - w->heard);
	if (len != strlen(want) || memcmp(w->heard, want, len) != 0)
		fail_msg("\"%.*s\", not \"%s\"", (int)len, w->heard, want);
	w->heard_len -= len + 2;
	memmove(w->heard, lf + 2, w->heard_len);
}

static void
hears_octets(struct world *w, size_t n)
{
	for (int i = 0; i < 100 && w->heard_len < n; i++)
		turn(w);
	if (w->heard_len < n)
		fail_msg("%zu octets of content, not %zu", w->heard_len, n);
	w->heard_len -= n;
	memmove(w->heard, w->heard + n, w->heard_len);
}

static void
says(struct world *w, const char *text, size_t len)
{
	turn(w);
	(void)!send(w->peer, text, len, MSG_NOSIGNAL);
	turn(w);
}

static void
step(struct world *w, const char *line)
{
	char text[600];

	if (line[0] == '~')
		for (int i = 0; i < 20; i++, w->heard_len = 0)
			turn(w);
	else if (strncmp(line, ">> ", 3) == 0)
		hears_octets(w, strtoul(line + 3, NULL, 10));
	else if (line[0] == '>')
		hears_line(w, line + 2);
	else if (line[0] == '<') {
		snprintf(text, sizeof(text), "%s\r\n", line + 2);
		says(w, text, strlen(text));
	} else {
		turn(w);
		shutdown(w->peer, SHUT_RDWR);
		turn(w);
	}
}

static void
play(struct world *w, const char *const *script, const char *want)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	w->peer = sv[1];
	w->c = client_new(&w->shared, sv[0], &w->manner, &events, w);
	assert_non_null(w->c);
	for (; *script != NULL; script++)
		step(w, *script);
	turn(w);
	if (w->heard_len > 0)
		fail_msg("and then \"%.*s\"", (int)w->heard_len, w->heard);
	if (strcmp(w->log, want) != 0)
		fail_msg("\"%s\", not \"%s\"", w->log, want);
}

#define PLAY(w, want, ...) \
	play((w), (const char *const[]){ __VA_ARGS__, NULL }, (want))

#define TEXT	"Subject: x\r\n\r\n.dot\r\nend\r\n"
#define LEN	(sizeof(TEXT) - 1)
static const char *const one[] = { "x@c.example", NULL };
static const char *const two[] = { "x@c.example", "y@c.example", NULL };

#define HELLO	"< 220 hi", "> EHLO me.example"
#define MAIL	"MAIL FROM:<a@b.example>"
#define RCPT_X	"RCPT TO:<x@c.example>"
#define RCPT_Y	"RCPT TO:<y@c.example>"

static void
test_plain(void **state)
{
	struct world *w = *state;

	/* RFC 5321 appendix D: one step at a time, the dot doubled. */
	letter(w, TEXT, LEN, 0, two);
	PLAY(w, "ready 0d250 1d250 back0 ready closed ", HELLO, "< 250 hi",
	    "> " MAIL, "< 250 ok", "> " RCPT_X, "< 250 ok", "> " RCPT_Y,
	    "< 251 will forward", "> DATA", "< 354 go on", "> Subject: x",
	    "> ", "> ..dot", "> end", "> .", "< 250 taken", "x");
	renew(state);
	w = *state;
	/* HELO where EHLO is not known. */
	letter(w, TEXT, LEN, 0, one);
	PLAY(w, "ready 0d250 back0 ready ", HELLO, "< 500 what?",
	    "> HELO me.example", "< 250 hi", "> " MAIL, "< 250 ok",
	    "> " RCPT_X, "< 250 ok", "> DATA", "< 354 go on", "> Subject: x",
	    "> ", "> ..dot", "> end", "> .", "< 250 taken");
}

static void
test_pipelining(void **state)
{
	struct world *w = *state;

	letter(w, TEXT, LEN, 0, two);
	letter(w, TEXT, LEN, 0, one);
	/* Everything at once; a refused recipient does not hold the other. */
	PLAY(w, "ready 0f550 1d250 back0 ready 0t450 back0 ready ", HELLO,
	    "< 250-hi", "< 250 PIPELINING", "> " MAIL, "> " RCPT_X,
	    "> " RCPT_Y, "> DATA", "< 250 ok", "< 550 5.1.1 no", "< 250 ok",
	    "< 354 go on", "> Subject: x", "> ", "> ..dot", "> end", "> .",
	    "< 250 taken",
	    /* All refused, and DATA accepted all the same (RFC 2920): an
	     * empty one, whatever comes of that. */
	    "> " MAIL, "> " RCPT_X, "> DATA", "< 250 ok", "< 450 4.2.1 later",
	    "< 354 go on", "> .", "< 554 nobody");
}

static void
test_chunking(void **state)
{
	struct world *w = *state;

	letter(w, TEXT, LEN, 0, one);
	letter(w, TEXT, LEN, 0, one);
	letter(w, TEXT, LEN, 0, one);
	/* The first is refused at MAIL, and what was written behind it at
	 * BDAT: RSET before the next one. */
	PLAY(w, "ready 0f552 back0 ready 0f550 back0 ready 0d250 back0 ready ",
	    HELLO, "< 250-hi", "< 250-PIPELINING", "< 250 CHUNKING",
	    "> " MAIL, "> " RCPT_X, "> BDAT 25 LAST", ">> 25",
	    "< 552 5.2.2 full", "< 503 no", "< 503 no",
	    "> RSET", "> " MAIL, "> " RCPT_X, "> BDAT 25 LAST", ">> 25",
	    "< 250 ok", "< 250 ok", "< 550 no", "< 554 none",
	    "> RSET", "> " MAIL, "> " RCPT_X, "> BDAT 25 LAST", ">> 25",
	    "< 250 ok", "< 250 ok", "< 250 ok", "< 250 taken");
}

static void
test_lmtp(void **state)
{
	struct world *w = *state;

	w->manner.lmtp = true;
	letter(w, TEXT, LEN, 0, two);
	letter(w, TEXT, LEN, 0, two);
	PLAY(w, "ready 0d250 1t452 back0 ready 0d250 1t?451 back0 lost ",
	    "< 220 hi", "> LHLO me.example", "< 250-hi", "< 250-CHUNKING",
	    "< 250 PIPELINING", "> " MAIL, "> " RCPT_X, "> " RCPT_Y,
	    "< 250 ok", "< 250 ok", "< 250 ok", "> BDAT 25 LAST", ">> 25",
	    "< 250 taken", "< 452 4.2.2 full",
	    /* One reply for each recipient; the second never comes. */
	    "> RSET", "> " MAIL, "> " RCPT_X, "> " RCPT_Y, "< 250 ok",
	    "< 250 ok", "< 250 ok", "< 250 ok", "> BDAT 25 LAST", ">> 25",
	    "< 250 taken", "x");
}

static void
test_extensions(void **state)
{
	struct world *w = *state;

	letter(w, TEXT, LEN, RELAY_8BIT, one);
	PLAY(w, "ready ", HELLO, "< 250-hi", "< 250-SIZE 1000",
	    "< 250-8BITMIME", "< 250 DSN",
	    "> " MAIL " SIZE=25 BODY=8BITMIME RET=HDRS ENVID=e+3D1",
	    "< 250 ok",
	    "> " RCPT_X " NOTIFY=SUCCESS ORCPT=rfc822;o@c.example");
	renew(state);
	w = *state;
	/* Too large is said at once, and costs the connection nothing. */
	letter(w, TEXT, LEN, 0, one);
	letter(w, "", 0, 0, one);
	PLAY(w, "ready 0f552 back0 ", HELLO, "< 250-hi", "< 250 SIZE 10",
	    "> " MAIL " SIZE=0");
	renew(state);
	w = *state;
	/* BINARYMIME goes as it is, bare line feeds and all. */
	letter(w, "Subject: x\r\n\r\na\nb\0", 18, RELAY_BINARY, one);
	PLAY(w, "ready ", HELLO, "< 250-hi", "< 250-CHUNKING",
	    "< 250 BINARYMIME", "> " MAIL " BODY=BINARYMIME", "< 250 ok",
	    "> " RCPT_X, "< 250 ok", "> BDAT 18 LAST", ">> 18");
	renew(state);
	w = *state;
	/* RFC 9422: two transactions for what does not go into one. */
	letter(w, TEXT, LEN, 0, two);
	PLAY(w, "ready 0d250 1d250 back0 ready ", HELLO, "< 250-hi",
	    "< 250-PIPELINING", "< 250 LIMITS RCPTMAX=1", "> " MAIL,
	    "> " RCPT_X, "> DATA", "< 250 ok", "< 250 ok", "< 354 go",
	    "> Subject: x", "> ", "> ..dot", "> end", "> .", "< 250 taken",
	    "> " MAIL, "> " RCPT_Y, "> DATA", "< 250 ok", "< 250 ok",
	    "< 354 go", "> Subject: x", "> ", "> ..dot", "> end", "> .",
	    "< 250 taken");
}

/* 8 MiB of 8-bit text for a host that has not heard of 8BITMIME. */
static void
convertible(struct world *w)
{
	static const char head[] = "Content-Type: text/plain\r\n\r\n";
	size_t size = 8 << 20;
	char *text = malloc(size);

	for (size_t i = 0; i < size; i++)
		text[i] = "\xc3\xa9 1234567890123456789012345678\r\n"[i % 33];
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + size - 3, "x\r\n", 3);
	letter(w, text, size, RELAY_8BIT, one);
	free(text);
}

static void
test_conversion(void **state)
{
	static const char partial[] =
	    "Content-Type: message/partial\r\n\r\n\xc3\xa9\r\n";
	struct world *w = *state;

	/* It takes many turns of the loop, and the peer hears nothing yet. */
	convertible(w);
	PLAY(w, "ready ", HELLO, "< 250 hi");
	for (int i = 0; i < 1000 && w->heard_len == 0; i++)
		turn(w);
	hears_line(w, MAIL);
	says(w, "550 no\r\n", 8);
	assert_string_equal(w->log, "ready 0f550 back0 ready ");
	renew(state);
	w = *state;
	/* A peer who has waited for too long, and one who goes. */
	convertible(w);
	PLAY(w, "ready back1 lost ", HELLO, "< 250 hi", "< 421 too slow");
	renew(state);
	w = *state;
	convertible(w);
	PLAY(w, "ready back1 lost ", HELLO, "< 250 hi", "x");
	renew(state);
	w = *state;
	/* What cannot be converted is told, and the next one goes. */
	letter(w, partial, sizeof(partial) - 1, RELAY_8BIT, one);
	letter(w, TEXT, LEN, 0, one);
	PLAY(w, "ready 0f554 back0 ready ", HELLO, "< 250 hi", "> " MAIL);
	renew(state);
	w = *state;
	/* Dropped in the middle. */
	convertible(w);
	PLAY(w, "ready ", HELLO, "< 250 hi");
	client_free(w->c);
	w->c = NULL;
	turn(w);
}

static void
test_utf8(void **state)
{
	static const char header[] = "Subject: \xc3\xa9\r\n\r\nx\r\n";
	static const char body[] = "Subject: e\r\n\r\n\xc3\xa9\r\n";
	static const char *const utf8[] = { "\xc3\xa9@c.example", NULL };
	static const char *const mixed[] = { "\xc3\xa9@c.example",
		"b@c.example", NULL };
	struct world *w = *state;

	letter(w, header, sizeof(header) - 1, RELAY_SMTPUTF8, one);
	letter(w, TEXT, LEN, RELAY_SMTPUTF8, utf8);
	letter(w, body, sizeof(body) - 1, RELAY_SMTPUTF8, one);
	PLAY(w, "ready 0f553 back0 0f553 back0 ", HELLO, "< 250 hi",
	    "> " MAIL);
	renew(state);
	w = *state;
	/* Behind an alias, from a message that did not need it. */
	letter(w, TEXT, LEN, 0, utf8);
	PLAY(w, "ready ", HELLO, "< 250-hi", "< 250 SMTPUTF8",
	    "> " MAIL " SMTPUTF8", "< 250 ok",
	    "> RCPT TO:<\xc3\xa9@c.example>");
	renew(state);
	w = *state;
	/* Each recipient for itself. */
	letter(w, TEXT, LEN, RELAY_SMTPUTF8, mixed);
	PLAY(w, "ready 0f553 ", HELLO, "< 250 hi", "> " MAIL, "< 250 ok",
	    "> RCPT TO:<b@c.example>");
	renew(state);
	w = *state;
	letter(w, TEXT, LEN, RELAY_SMTPUTF8, utf8);
	PLAY(w, "ready ", HELLO, "< 250-hi", "< 250 SMTPUTF8",
	    "> " MAIL " SMTPUTF8", "< 250 ok",
	    "> RCPT TO:<\xc3\xa9@c.example>");
}

/* What nobody who reads leniently could take for two messages. */
static void
test_bare_line_ends(void **state)
{
	static const struct slice rows[] = {
		SLICE_LITERAL("a\n.\nMAIL FROM:<>\r\n"),
		SLICE_LITERAL("a\r\n.\rMAIL FROM:<>\r\n"),
		SLICE_LITERAL("a\r.\r\n"), SLICE_LITERAL("a\n"),
		SLICE_LITERAL("a\r"),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int chunking = 0; chunking < 2; chunking++) {
			struct world *w;

			renew(state);
			w = *state;
			letter(w, rows[i].at, rows[i].len, 0, one);
			PLAY(w, "ready 0f554 back0 lost ", HELLO, "< 250-hi",
			    chunking ? "< 250 CHUNKING" : "< 250 SIZE",
			    chunking ? "> " MAIL : i == 0 ?
			    "> " MAIL " SIZE=18" : i == 1 ?
			    "> " MAIL " SIZE=19" : i == 2 ?
			    "> " MAIL " SIZE=5" : "> " MAIL " SIZE=2",
			    "< 250 ok", "> " RCPT_X, "< 250 ok",
			    chunking ? "< 250 never mind" : "> DATA",
			    "< 354 go");
		}
}

/* A message of many blocks arrives as it is, and nothing of it in between. */
static void
test_large(void **state)
{
	size_t len = 3 * 1024 * 1024;
	struct world *w = *state;
	char *text = malloc(len + 1), want[40];

	for (size_t i = 0; i + 8 <= len; i += 8)
		memcpy(text + i, ".abcde\r\n", 8);
	letter(w, text, len, 0, one);
	snprintf(want, sizeof(want), ">> %zu", len / 2);
	/* Half of it, with every dot doubled; then the rest; then the end. */
	PLAY(w, "ready 0d250 back0 ready ", HELLO, "< 250 hi", "> " MAIL,
	    "< 250 ok", "> " RCPT_X, "< 250 ok", "> DATA", "< 354 go",
	    ">> 786432", ">> 786432", ">> 786432", ">> 786432", ">> 393216",
	    "> .", "< 250 taken");
	free(text);
}

static void
test_refused(void **state)
{
	static const char *const greetings[] = { "< 554 go away",
		"< 421 too busy", "< 450 no", "< hello", "< 250-\r\n251 x",
		"< 354 what", "x" };

	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		renew(state);
		PLAY(*state, "refused ", greetings[i]);
	}
	renew(state);
	PLAY(*state, "refused ", HELLO, "< 450 later");
	renew(state);
	PLAY(*state, "refused ", HELLO, "< 500 no", "> HELO me.example",
	    "< 550 no");
	renew(state);
	((struct world *)*state)->manner.lmtp = true;
	PLAY(*state, "refused ", "< 220 hi", "> LHLO me.example", "< 500 no");
}

/* 421, the end and nonsense in every phase; what was not ended is open. */
static void
test_lost(void **state)
{
	static const char *const ends[] = { "x", "< 421 4.3.2 bye",
		"< nonsense", "< 354 what" };
	static const char *const script[] = { HELLO, "< 250 hi", "> " MAIL,
		"< 250 ok", "> " RCPT_X, "< 250 ok", "> DATA", NULL };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		for (size_t cut = 4; cut <= 8; cut += 2) {
			const char *s[12] = { 0 };
			struct world *w;

			if (cut == 8 && i == 3)
				continue;	/* the answer to DATA */
			renew(state);
			w = *state;
			letter(w, TEXT, LEN, 0, one);
			memcpy(s, script, cut * sizeof(s[0]));
			s[cut] = ends[i];
			if (cut == 8)
				s[7] = "> DATA";
			play(w, s, "ready back1 lost ");
		}
}

static void
test_unknown(void **state)
{
	static const char *const ends[] = { "x", "< nonsense", "< 354 what" };
	struct world *w;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		renew(state);
		w = *state;
		letter(w, TEXT, LEN, 0, two);
		PLAY(w, "ready 0f550 1t?451 back0 lost ", HELLO, "< 250 hi",
		    "> " MAIL, "< 250 ok", "> " RCPT_X, "< 550 no",
		    "> " RCPT_Y, "< 250 ok", "> DATA", "< 354 go on",
		    "> Subject: x", "> ", "> ..dot", "> end", "> .", ends[i]);
	}
	/* 421 to the end is an answer: it was not taken. */
	renew(state);
	w = *state;
	letter(w, TEXT, LEN, 0, one);
	PLAY(w, "ready 0t!421 back0 lost ", HELLO, "< 250 hi", "> " MAIL,
	    "< 250 ok", "> " RCPT_X, "< 250 ok", "> DATA", "< 354 go on",
	    "> Subject: x", "> ", "> ..dot", "> end", "> .",
	    "< 421 4.3.2 bye");
	/* All in one piece: as long as MAIL was answered, nobody knows. */
	renew(state);
	w = *state;
	letter(w, TEXT, LEN, 0, one);
	PLAY(w, "ready 0t?451 back0 lost ", HELLO, "< 250-hi",
	    "< 250-PIPELINING", "< 250 CHUNKING", "> " MAIL, "> " RCPT_X,
	    "> BDAT 25 LAST", ">> 25", "< 250 ok", "x");
	renew(state);
	w = *state;
	letter(w, TEXT, LEN, 0, one);
	PLAY(w, "ready back1 lost ", HELLO, "< 250-hi", "< 250-PIPELINING",
	    "< 250 CHUNKING", "> " MAIL, "> " RCPT_X, "> BDAT 25 LAST",
	    ">> 25", "< 421 bye");
}

/* In the middle of the data: nothing that was sent so far has an end. */
static void
test_early_reply(void **state)
{
	static const struct {
		const char *reply, *want;
	} rows[] = {
		{ "< 421 4.3.2 bye", "ready back1 lost " },
		{ "< 552 5.3.4 too big", "ready 0f552 back0 lost " },
		{ "< 452 4.3.1 full", "ready 0t452 back0 lost " },
		{ "< 250 thanks", "ready back1 lost " },
		{ "x", "ready back1 lost " },
	};
	size_t len = 3 * 1024 * 1024;
	char *text = malloc(len);

	memset(text, 'a', len);
	memcpy(text + len - 2, "\r\n", 2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world *w;

		renew(state);
		w = *state;
		letter(w, text, len, 0, one);
		PLAY(w, rows[i].want, HELLO, "< 250 hi", "> " MAIL, "< 250 ok",
		    "> " RCPT_X, "< 250 ok", "> DATA", "< 354 go",
		    rows[i].reply, "~");
	}
	free(text);
}

static void
wait_for_end(struct world *w)
{
	for (int i = 0; i < 300 && w->c != NULL; i++) {
		usleep(10000);
		turn(w);
	}
	w->heard_len = 0;
}

/* An octet now and then moves no deadline (C5). */
static void
test_slow(void **state)
{
	struct world *w = *state;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	w->peer = sv[1];
	w->c = client_new(&w->shared, sv[0], &w->manner, &events, w);
	for (int i = 0; i < 300 && w->c != NULL; i++) {
		says(w, "2", i < 3);
		usleep(10000);
	}
	assert_string_equal(w->log, "refused ");
	renew(state);
	w = *state;
	letter(w, TEXT, LEN, 0, one);
	PLAY(w, "ready ", HELLO, "< 250 hi", "> " MAIL);
	wait_for_end(w);
	assert_string_equal(w->log, "ready back1 lost ");
}

static void
test_flood(void **state)
{
	struct world *w = *state;
	char block[4096];
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	w->peer = sv[1];
	w->c = client_new(&w->shared, sv[0], &w->manner, &events, w);
	memset(block, 'x', sizeof(block));
	memcpy(block, "220-", 4);
	/* A banner of ten megabytes: we are gone long before its end. */
	for (int i = 0; i < 2560; i++)
		says(w, block, sizeof(block));
	assert_string_equal(w->log, "refused ");
	renew(state);
	w = *state;
	w->peer = -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	w->peer = sv[1];
	w->c = client_new(&w->shared, sv[0], &w->manner, &events, w);
	for (int i = 0; i < 1000; i++)
		says(w, "220-and more\r\n", 14);
	assert_string_equal(w->log, "refused ");
}

/* Replies to nothing: out of step means over. */
static void
test_out_of_step(void **state)
{
	struct world *w = *state;

	PLAY(w, "ready closed ", HELLO, "< 250 hi", "< 250 and again");
	renew(state);
	w = *state;
	PLAY(w, "ready closed ", HELLO, "< 250 hi", "< 421 bye");
	renew(state);
	w = *state;
	letter(w, TEXT, LEN, 0, one);
	/* DATA is answered by 250: that was no 354. */
	PLAY(w, "ready back1 lost ", HELLO, "< 250 hi", "> " MAIL, "< 250 ok",
	    "> " RCPT_X, "< 250 ok", "> DATA", "< 250 ok");
}

static void
test_quit(void **state)
{
	struct world *w = *state;

	PLAY(w, "ready ", HELLO, "< 250 hi");
	client_quit(w->c);
	w->c = NULL;
	hears_line(w, "QUIT");
	says(w, "221 bye\r\n", 9);
	shutdown(w->peer, SHUT_RDWR);
	turn(w);
	assert_string_equal(w->log, "ready ");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_plain),
		T(test_pipelining),
		T(test_chunking),
		T(test_lmtp),
		T(test_extensions),
		T(test_conversion),
		T(test_utf8),
		T(test_bare_line_ends),
		T(test_large),
		T(test_refused),
		T(test_lost),
		T(test_unknown),
		T(test_early_reply),
		T(test_slow),
		T(test_flood),
		T(test_out_of_step),
		T(test_quit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
