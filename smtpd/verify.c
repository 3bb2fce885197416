#include "smtpd/verify.h"

#include <stdlib.h>
#include <string.h>

#include "common/idn/idn.h"

/* What is being asked; a session has one at most. */
struct verify {
	struct ask	 ask;
	struct session	*s;
	bool		 utf8;		/* the reply may be beyond ASCII */
	size_t		 len;
	char		 what[];	/* the argument, for the log */
};

static struct verify *
of_ask(struct ask *a)
{
	return (struct verify *)((char *)a - offsetof(struct verify, ask));
}

/* ---- replies ---- */

static void
refuse(struct verify *v, const char *verb, enum smtpd_reply why)
{
	session_refuse(v->s, why, verb, slice_of(v->what, v->len));
}

/* Somebody who is known: "250 2.1.5 <address>". */
static void
say_address(struct session *s, struct slice address, bool more)
{
	static const uint8_t status[3] = { 2, 1, 5 };
	char text[SMTP_ADDRESS_MAX + 2], line[SMTP_REPLY_LINE_MAX];

	if (address.len > SMTP_ADDRESS_MAX)
		address.len = SMTP_ADDRESS_MAX;
	text[0] = '<';
	memcpy(text + 1, address.at, address.len);
	text[address.len + 1] = '>';
	/* One that may not be beyond ASCII has been kept from here. */
	stream_write(s->stream, line, smtp_reply_line_utf8(line, 250, status,
	    slice_of(text, address.len + 2), more));
}

static enum smtpd_reply
reply_of(enum directory_verdict verdict)
{
	switch (verdict) {
	case DIRECTORY_UNKNOWN:
	case DIRECTORY_REFUSED:
		return SAY_UNKNOWN_RECIPIENT;
	case DIRECTORY_NO_RELAY:
		return SAY_NOT_OURS;
	default:
		return SAY_DIRECTORY_DOWN;
	}
}

/* Before the reply, which may end the session: it is no longer its. */
static struct verify *
take(struct ask *a)
{
	struct verify *v = of_ask(a);

	v->s->verify = NULL;
	return v;
}

/* The reply has been given: the next command may come. */
static void
done(struct verify *v)
{
	struct session *s = v->s;

	free(v);
	session_go_on(s, WAIT_VERIFY);
}

static void
vrfy_failed(struct ask *a)
{
	struct verify *v = take(a);

	refuse(v, "VRFY", SAY_DIRECTORY_DOWN);
	done(v);
}

static void
expn_failed(struct ask *a)
{
	struct verify *v = take(a);

	refuse(v, "EXPN", SAY_DIRECTORY_DOWN);
	done(v);
}

bool
vrfy_is(const struct ask *a)
{
	return a->failed == vrfy_failed;
}

bool
expn_is(const struct ask *a)
{
	return a->failed == expn_failed;
}

/* RFC 5321 section 3.5.3: 250 only where it is verified; of a domain that is
 * not checked, 252 is all that can be said. */
void
vrfy_resolved(struct ask *a, const struct directory_resolved *r)
{
	struct verify *v = take(a);

	if (r->verdict == DIRECTORY_LOCAL && !v->utf8 &&
	    !slice_is_ascii(r->canonical))
		session_reply(v->s, SAY_NEEDS_UTF8);
	else if (r->verdict == DIRECTORY_LOCAL)
		say_address(v->s, r->canonical, false);
	else if (r->verdict == DIRECTORY_RELAY_DOMAIN)
		session_reply(v->s, SAY_CANNOT_VERIFY);
	else
		refuse(v, "VRFY", reply_of(r->verdict));
	done(v);
}

/* Is there a member that only UTF-8 can say? */
static bool
beyond_ascii(struct directory_expanded e)
{
	struct directory_target t;

	while (directory_expanded_next(&e, &t))
		if (!slice_is_ascii(t.address))
			return true;
	return false;
}

void
expn_expanded(struct ask *a, struct directory_expanded *e)
{
	struct verify *v = take(a);
	struct directory_target t;

	if (e->verdict != DIRECTORY_LOCAL &&
	    e->verdict != DIRECTORY_RELAY_DOMAIN)
		refuse(v, "EXPN", reply_of(e->verdict));
	else if (!e->last)
		session_reply(v->s, SAY_TOO_MANY_MEMBERS);
	else if (!v->utf8 && beyond_ascii(*e))
		session_reply(v->s, SAY_NEEDS_UTF8);
	else
		while (directory_expanded_next(e, &t))
			say_address(v->s, t.address, e->count > 0);
	done(v);
}

/* ---- the commands ---- */

/* "name", "a@b" or "<a@b>". */
static bool
parse(const struct session *s, struct slice args, struct smtp_address *a)
{
	const struct smtp_path_limits limits = {
		.local_part = (uint16_t)s->d->set->max_local_part,
		.domain = (uint16_t)s->d->set->max_domain,
		.path = (uint16_t)s->d->set->max_path,
	};
	size_t used;

	return smtp_path_parse(args, SMTP_PATH_FORWARD | SMTP_PATH_BARE |
	    SMTP_PATH_UNQUALIFIED | (s->d->set->smtputf8 ? SMTP_PATH_UTF8 : 0),
	    &limits, a, &used, NULL) == PARSE_OK && used == args.len &&
	    a->kind != SMTP_NULL && idn_address(a) == 0;
}

/* RFC 6531 section 3.7.4.2: a parameter without a value, behind the string. */
static bool
take_smtputf8(const struct session *s, struct slice *args)
{
	static const struct slice word = SLICE_LITERAL(" SMTPUTF8");
	size_t len;

	if (!s->esmtp || !s->d->set->smtputf8 || args->len <= word.len)
		return false;
	len = args->len - word.len;
	if (!slice_equal_nocase(slice_skip(*args, len), word))
		return false;
	for (args->len = len; args->at[args->len - 1] == ' ';)
		args->len--;
	return true;
}

static void
ask(struct session *s, struct slice args, const char *verb, bool members)
{
	struct smtpd *d = s->d;
	struct directory_ask question = { .reverse_path = slice_of("", 0) };
	struct smtp_address a;
	struct verify *v;
	bool utf8 = take_smtputf8(s, &args);
	size_t len;

	if (!parse(s, args, &a)) {
		session_refuse(s, SAY_BAD_FORWARD_PATH, verb, args);
		return;
	}
	if ((v = calloc(1, sizeof(*v) + args.len)) == NULL) {
		session_refuse(s, SAY_RESOURCES, verb, args);
		return;
	}
	v->s = s;
	v->utf8 = utf8;
	v->ask.failed = members ? expn_failed : vrfy_failed;
	v->len = args.len;
	memcpy(v->what, args.at, args.len);
	question.address = smtp_address_slice(&a);
	len = members ?
	    directory_account_ask_encode(question.address, d->body) :
	    directory_ask_encode(&question, d->body);
	s->verify = v;
	session_wait(s, WAIT_VERIFY);
	if (sibling_ask(&d->directory, &v->ask, smtpd_now_ms(d),
	    members ? IPC_MEMBERS_OF : IPC_RESOLVE, slice_of(d->body, len),
	    NULL, 0) == -1)
		v->ask.failed(&v->ask);
}

void
vrfy_command(struct session *s, struct slice args)
{
	if (args.len == 0)
		session_refuse(s, SAY_NEED_STRING, "VRFY", args);
	else if (!s->d->set->vrfy)
		session_reply(s, SAY_CANNOT_VERIFY);
	else
		ask(s, args, "VRFY", false);
}

void
expn_command(struct session *s, struct slice args)
{
	if (!s->d->set->expn)
		session_refuse(s, SAY_NOT_IMPLEMENTED, "EXPN", args);
	else if (args.len == 0)
		session_refuse(s, SAY_NEED_STRING, "EXPN", args);
	else
		ask(s, args, "EXPN", true);
}

void
verify_forget(struct session *s)
{
	if (s->verify == NULL)
		return;
	sibling_forget(&s->d->directory, &s->verify->ask);
	free(s->verify);
	s->verify = NULL;
}
