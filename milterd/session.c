/* One request of a session, through its milters in their order. */
#include <stdlib.h>

#include "milterd/milterd.h"

int
session_compare(const struct session *a, const struct session *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(session_tree, session, by_id, session_compare)

struct session *
session_new(struct peer *p, uint64_t id)
{
	struct session *s;

	if (p->n_sessions >= MILTERD_SESSIONS_MAX ||
	    (s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->peer = p;
	s->id = id;
	s->config = p->d->config;
	s->config->users++;
	envelope_edits_init(&s->envelope);
	RB_INSERT(session_tree, &p->sessions, s);
	p->n_sessions++;
	return s;
}

static void
forget_asked(struct session *s)
{
	free(s->asked_body);
	s->asked_body = NULL;
	s->rcpt = (struct milter_rcpt){ .session = 0 };
	s->unknown = slice_of("", 0);
}

static void
forget_message(struct session *s)
{
	message_clear(&s->message);
	envelope_edits_clear(&s->envelope);
	s->peer->n_parts -= s->n_parts;
	s->peer->d->n_descriptors -= s->n_parts;
	s->n_parts = 0;
	if (s->reviewing)
		s->peer->n_reviews--;
	s->reviewing = false;
	forget_asked(s);
}

static void
drop_lines(struct session *s)
{
	while (s->n_lines > 0)
		line_clear(&s->lines[--s->n_lines]);
}

void
session_free(struct session *s)
{
	peer_forget(s);
	drop_lines(s);
	forget_message(s);
	RB_REMOVE(session_tree, &s->peer->sessions, s);
	s->peer->n_sessions--;
	config_release(s->config);
	free(s->facts);
	free(s);
}

static bool
same(struct slice a, struct slice b)
{
	return slice_equal(a, b);
}

/*
 * What CONNECT and HELO said is no longer true (STARTTLS, AUTH, another HELO,
 * other milters, other settings): milters are told anew, on new connections.
 */
static bool
is_known(const struct session *s, const struct milter_mail *m)
{
	const struct milter_mail *o = &s->mail;

	if (s->config != s->peer->d->config || s->n_lines != m->n_milters ||
	    !same(o->helo, m->helo) || !same(o->login, m->login) ||
	    !same(o->tls_cipher, m->tls_cipher) || !same(o->name, m->name))
		return false;
	for (unsigned i = 0; i < s->n_lines; i++)
		if (!same(slice_str(s->lines[i].name), m->milters[i]))
			return false;
	return true;
}

static void
make_lines(struct session *s)
{
	for (unsigned i = 0; i < s->mail.n_milters; i++)
		line_init(&s->lines[i], s, s->mail.milters[i]);
	s->n_lines = s->mail.n_milters;
}

int
session_mail(struct session *s, const struct milter_mail *m, struct slice body)
{
	char *facts = malloc(body.len);
	bool known = s->facts != NULL && is_known(s, m);

	if (facts == NULL)
		return -1;
	memcpy(facts, body.at, body.len);
	forget_message(s);
	if (!known) {
		drop_lines(s);
		config_release(s->config);
		s->config = s->peer->d->config;
		s->config->users++;
	}
	free(s->facts);
	s->facts = facts;
	s->queue_id = 0;
	s->open = true;
	/* It was decoded once already. */
	(void)milter_mail_decode(slice_of(facts, body.len), &s->mail);
	if (!known)
		make_lines(s);
	for (unsigned i = 0; i < s->n_lines; i++)
		line_begin(&s->lines[i]);
	return 0;
}

/* It was decoded once already, and stays as it is. */
static char *
keep_body(struct session *s, struct slice body)
{
	forget_asked(s);
	if ((s->asked_body = malloc(body.len)) != NULL)
		memcpy(s->asked_body, body.at, body.len);
	return s->asked_body;
}

int
session_rcpt(struct session *s, struct slice body)
{
	if (keep_body(s, body) == NULL)
		return -1;
	return milter_rcpt_decode(slice_of(s->asked_body, body.len), &s->rcpt);
}

int
session_unknown(struct session *s, struct slice body)
{
	struct milter_unknown u;

	if (keep_body(s, body) == NULL ||
	    milter_unknown_decode(slice_of(s->asked_body, body.len), &u) == -1)
		return -1;
	s->unknown = u.line;
	return 0;
}

/* ---- answers ---- */

static uint8_t
wishes(const struct session *s)
{
	uint8_t w = 0;

	for (unsigned i = 0; i < s->n_lines; i++) {
		if (line_wants(&s->lines[i], SMFIP_NORCPT))
			w |= MILTER_WANTS_RCPT;
		if (line_wants(&s->lines[i], SMFIP_NODATA))
			w |= MILTER_WANTS_DATA;
		if (line_wants_rejected(&s->lines[i]))
			w |= MILTER_WANTS_REJECTED;
		if (line_wants_unknown(&s->lines[i]))
			w |= MILTER_WANTS_UNKNOWN;
	}
	return w;
}

static void
answer(struct session *s, struct milter_verdict *v)
{
	v->session = s->id;
	v->wishes = wishes(s);
	peer_verdict(s, v);
}

void
session_answered(struct session *s)
{
	if (s->asked == IPC_MILTER_REVIEW) {
		forget_message(s);
		s->open = false;
	}
	forget_asked(s);
}

void
session_refuse(struct session *s, uint16_t code, uint8_t subject,
    uint8_t detail, const char *text)
{
	struct milter_verdict v = { .decision = MILTER_REFUSE,
		.milter = slice_of("", 0),
		.code = code,
		.enhanced = { (uint8_t)(code / 100), subject, detail },
		.text = slice_str(text) };

	answer(s, &v);
}

void
session_line_verdict(
    struct line *l, enum milter_decision decision, const struct milter_reply *r)
{
	struct milter_verdict v = { .decision = decision,
		.milter = slice_str(l->name) };

	if (r != NULL) {
		v.code = r->code;
		memcpy(v.enhanced, r->enhanced, sizeof(v.enhanced));
		v.text = slice_of(r->text, r->len);
	}
	answer(l->s, &v);
}

static void
all_done(struct session *s)
{
	struct milter_verdict v = { .decision = MILTER_GO_ON,
		.milter = slice_of("", 0) };

	answer(s, &v);
}

/*
 * In turn, and without growing the stack where many have nothing to say: a
 * line that answers at once only moves s->at on.
 */
static void
run(struct session *s)
{
	if (s->at >= s->n_lines)
		all_done(s);
	else
		line_run(&s->lines[s->at]);
}

void
session_line_done(struct line *l)
{
	l->s->at++;
	run(l->s);
}

void
session_run(struct session *s, uint64_t request, enum ipc_type asked)
{
	s->request = request;
	s->asked = asked;
	s->at = 0;
	run(s);
}

void
session_abort(struct session *s)
{
	peer_forget(s);
	forget_message(s);
	s->open = false;
	for (unsigned i = 0; i < s->n_lines; i++)
		line_abort(&s->lines[i]);
}
