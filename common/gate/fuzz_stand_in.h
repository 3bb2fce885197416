/*
 * A gate's client for fuzzing a protocol without sockets: keeps what the
 * protocol writes, answers every login at once, and checks what goes out.
 * Included once, by a fuzz target; it takes the place of client.c and
 * login.c.
 */
#ifndef COMMON_GATE_FUZZ_STAND_IN_H
#define COMMON_GATE_FUZZ_STAND_IN_H

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/gate/gate.h"
#include "common/sasl/base64.h"
#include "common/sasl/exchange.h"

struct gate_client {
	const struct gate_protocol *protocol;
	void		*state;
	bool		 closing, handed_over, secured;
	unsigned	 bad, logins;
	char		 tag[256];
	size_t		 tag_len;
	size_t		 line;		/* octets since the last line end */
	bool		 in_sasl;
	struct sasl_exchange sasl;
	char		 last;
};

void *
gate_client_state(struct gate_client *c)
{
	return c->state;
}

struct slice
gate_client_tag(const struct gate_client *c)
{
	return slice_of(c->tag, c->tag_len);
}

const char *
gate_hostname(const struct gate_client *c)
{
	(void)c;
	return "mx.example.org";
}

/* As an empty file of settings has them. */
const void *
gate_values(const struct gate_client *c)
{
	static struct settings *standard;
	struct settings_errors errors = { 0 };

	if (standard == NULL)
		standard = settings_parse(c->protocol->schema,
		    slice_of("", 0), &errors);
	assert(standard != NULL);
	return settings_values(standard);
}

uint64_t
gate_client_nonce(const struct gate_client *c)
{
	(void)c;
	return 1896;
}

bool
gate_apop_offered(const struct gate_client *c)
{
	(void)c;
	return true;
}

void
gate_flag(struct gate_client *c, uint8_t flag)
{
	(void)c, (void)flag;
}

bool
gate_login_allowed(const struct gate_client *c)
{
	(void)c;
	return true;
}

bool
gate_is_secured(const struct gate_client *c)
{
	return c->secured;
}

enum gate_starttls
gate_starttls(const struct gate_client *c)
{
	return c->secured ? GATE_TLS_ALREADY : GATE_TLS_READY;
}

bool
gate_starttls_offered(const struct gate_client *c)
{
	return !c->secured;
}

/* From here on the octets are the same, as if they came through TLS. */
void
gate_secure(struct gate_client *c)
{
	assert(!c->secured);
	c->secured = true;
	memset(c->state, 0, c->protocol->state_size);
}

/* Whole lines of printable ASCII, whatever the client has sent. */
void
gate_write(struct gate_client *c, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char at = s.at[i];

		assert(at == '\r' || at == '\n' || (at >= ' ' && at <= '~'));
		assert((at == '\n') == (c->last == '\r'));
		c->line = at == '\n' ? 0 : c->line + 1;
		assert(c->line <= 1024);
		c->last = at;
	}
}

void
gate_print(struct gate_client *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof(text));
	gate_write(c, slice_of(text, (size_t)n));
}

void
gate_login(struct gate_client *c, struct slice tag, struct slice name,
    struct slice password)
{
	uint8_t pick = 0;

	assert(tag.len <= 255);
	memmove(c->tag, tag.at, tag.len);
	c->tag_len = tag.len;
	for (size_t i = 0; i < name.len; i++)
		pick ^= (uint8_t)name.at[i];
	for (size_t i = 0; i < password.len; i++)
		pick ^= (uint8_t)password.at[i];
	if (pick % 4 == 3) {
		c->handed_over = true;
		return;
	}
	c->protocol->refused(c, (enum gate_refusal)(pick % 4));
	if (++c->logins == 5) {
		c->protocol->goodbye(c, GATE_TOO_MANY_ERRORS);
		c->closing = true;
	}
}

void
gate_login_apop(struct gate_client *c, struct slice name,
    struct slice timestamp, const uint8_t digest[GATE_DIGEST_LEN])
{
	assert(timestamp.len > 2 && digest != NULL);
	gate_login(c, slice_of("", 0), name, slice_of("apop", 4));
}

bool
gate_in_sasl(const struct gate_client *c)
{
	return c->in_sasl;
}

const char *
gate_mechanisms(const struct gate_client *c, const char *prefix, char *out)
{
	(void)c;
	return sasl_names(~0u, prefix, out, GATE_MECHANISMS_SIZE);
}

void
gate_line_too_long(struct gate_client *c)
{
	c->protocol->goodbye(c, GATE_LINE_TOO_LONG);
	c->closing = true;
}

static void
stand_in_fail(struct gate_client *c, enum gate_sasl why)
{
	c->in_sasl = false;
	c->protocol->sasl_failed(c, why);
}

/* Messages for authd are challenged with themselves, twice. */
static void
stand_in_take(struct gate_client *c, struct slice response)
{
	struct sasl_result r;

	switch (sasl_exchange_take(&c->sasl, response, &r)) {
	case SASL_SAY:
		gate_print(c, "+ x\r\n");
		break;
	case SASL_PASSWORD:
		c->in_sasl = false;
		gate_login(c, gate_client_tag(c), r.name, r.password);
		break;
	case SASL_FORWARD:
		if (c->sasl.responses < 3)
			gate_print(c, "+ y\r\n");
		else
			stand_in_fail(c, GATE_SASL_MALFORMED);
		break;
	case SASL_MALFORMED:
		stand_in_fail(c, GATE_SASL_MALFORMED);
		break;
	case SASL_IDENTITY:
		stand_in_fail(c, GATE_SASL_IDENTITY);
		break;
	}
}

void
gate_sasl_line(struct gate_client *c, struct slice line)
{
	char response[SASL_RESPONSE_MAX];
	size_t len;

	if (slice_equal(line, SLICE_LITERAL("*")))
		stand_in_fail(c, GATE_SASL_CANCELLED);
	else if (line.len > SASL_LINE_MAX ||
	    sasl_base64_decode(line, response, &len) == -1)
		stand_in_fail(c, GATE_SASL_MALFORMED);
	else
		stand_in_take(c, slice_of(response, len));
}

void
gate_authenticate(struct gate_client *c, struct slice tag,
    struct slice mechanism, const struct slice *initial)
{
	enum sasl_mechanism m = sasl_mechanism_by_name(mechanism);
	struct sasl_result r;

	assert(tag.len <= 255);
	memcpy(c->tag, tag.at, tag.len);
	c->tag_len = tag.len;
	if (m == SASL_NONE) {
		c->protocol->sasl_failed(c, GATE_SASL_MECHANISM);
		return;
	}
	c->in_sasl = true;
	sasl_exchange_begin(&c->sasl, m, &r);
	if (initial == NULL)
		gate_print(c, "+ \r\n");
	else
		gate_sasl_line(c, *initial);
}

bool
gate_bad_command(struct gate_client *c)
{
	if (++c->bad < 20)
		return false;
	if (!c->closing)
		c->protocol->goodbye(c, GATE_TOO_MANY_ERRORS);
	c->closing = true;
	return true;
}

void
gate_close(struct gate_client *c)
{
	c->closing = true;
}

/*
 * The octets as they would come in: line by line, as exact lines do, what the
 * protocol leaves before what follows.  Each piece is a copy of its own, so
 * that nothing is read behind its end.
 */
static void
stand_in_dialogue(const struct gate_protocol *protocol, const uint8_t *data,
    size_t size)
{
	struct gate_client c = { .protocol = protocol,
		.state = calloc(1, protocol->state_size) };
	size_t from = 0, to = 0;

	protocol->greet(&c);
	assert(c.last == '\n');
	while (to < size && !c.closing && !c.handed_over) {
		const uint8_t *lf = memchr(data + to, '\n', size - to);
		char *piece;
		size_t used;

		to = lf == NULL ? size : (size_t)(lf - data) + 1;
		if (to - from > protocol->input_max) {
			protocol->goodbye(&c, GATE_LINE_TOO_LONG);
			break;
		}
		do {
			size_t len = to - from;

			piece = malloc(len);
			memcpy(piece, data + from, len);
			used = protocol->input(&c, piece, len);
			free(piece);
			assert(used <= len);
			from += used;
		} while (used > 0 && from < to && !c.closing &&
		    !c.handed_over);
		assert(c.last == '\n');
	}
	free(c.state);
}

#endif
