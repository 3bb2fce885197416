/* What milterd is asked while the envelope is made. */
#include <stdlib.h>

#include "common/instance/listener.h"
#include "common/tls/tls.h"
#include "smtpd/milter/milter.h"
#include "smtpd/recipients.h"
#include "smtpd/screen.h"

static const struct settings_words *
names(const struct session *s)
{
	const struct listener_settings *l = door_settings(s->door);

	return door_kind(s->door) == DOOR_INJECT || l == NULL ?
	    &s->d->set->inject_milters : &l->milters;
}

bool
milter_wanted(const struct session *s)
{
	return names(s)->n > 0;
}

/* The session's, made when it is first wanted; NULL: no milter is. */
static struct milter *
find(struct session *s, bool *failed)
{
	*failed = false;
	if (names(s)->n == 0)
		return NULL;
	if (s->milter == NULL) {
		s->milter = calloc(1, sizeof(*s->milter));
		*failed = s->milter == NULL;
		if (s->milter == NULL)
			return NULL;
		s->milter->s = s;
		s->milter->id = s->id;
		s->milter->kept.d = s->milter->changed.d = s->d;
		s->milter->kept.client = s->milter->changed.client = s->client;
	}
	return s->milter;
}

/* ---- MAIL ---- */

struct addresses {
	char client[NET_ADDRESS_SIZE], own[NET_ADDRESS_SIZE];
};

static void
put_addresses(
    const struct session *s, struct milter_mail *m, struct addresses *a)
{
	static const enum milter_family families[] = {
		[NET_NONE] = MILTER_FAMILY_UNKNOWN,
		[NET_IPV4] = MILTER_FAMILY_IPV4,
		[NET_IPV6] = MILTER_FAMILY_IPV6,
		[NET_LOCAL] = MILTER_FAMILY_LOCAL
	};
	struct net_address own;

	m->family = families[s->peer.family];
	m->address = slice_str(net_address_print(&s->peer, a->client));
	m->port = s->peer.port;
	m->own_address = slice_of("", 0);
	if (s->peer.family == NET_LOCAL ||
	    net_address_of_self(&own, stream_fd(s->stream)) == -1)
		return;
	m->own_address = slice_str(net_address_print(&own, a->own));
	m->own_port = own.port;
}

static void
put_security(const struct session *s, struct milter_mail *m)
{
	struct tls_info info = { .version = "", .cipher = "" };

	if (session_is_secured(s))
		tls_info(s->tls, &info);
	m->tls_version = slice_str(info.version);
	m->tls_cipher = slice_str(info.cipher);
	m->tls_bits = (uint16_t)info.bits;
	m->login = slice_str(s->login != NULL ? s->login->name : "");
	m->mechanism = slice_str(s->login != NULL ? s->login->mechanism : "");
}

static size_t
mail_body(const struct session *s, void *buf)
{
	const struct settings_words *list = names(s);
	const struct transaction *t = s->t;
	struct milter_mail m = { .session = s->id,
		.listener = slice_str(door_name(s->door)),
		.name = slice_str(screen_client_name(s)),
		.helo = slice_str(s->helo != NULL ? s->helo : "localhost"),
		.reverse_path = transaction_reverse_path(t),
		.params = t->params.text,
		.utf8 = t->params.smtputf8 };
	struct addresses a;

	for (size_t i = 0; i < list->n; i++)
		m.milters[m.n_milters++] = slice_str(list->at[i]);
	put_addresses(s, &m, &a);
	put_security(s, &m);
	return milter_mail_encode(&m, buf);
}

static void
mail_failed(struct transaction *t, enum smtpd_reply why)
{
	struct session *s = t->s;

	session_refuse(s, why, "MAIL", transaction_reverse_path(t));
	session_transaction_end(s);
}

void
milter_mail(struct transaction *t)
{
	struct session *s = t->s;
	struct smtpd *d = s->d;
	struct milter *m;
	bool failed;

	m = find(s, &failed);
	if (m == NULL && !failed)
		session_reply(s, SAY_MAIL_OK);
	else if (failed)
		mail_failed(t, SAY_RESOURCES);
	else if (milter_ask(m, IPC_MILTER_MAIL,
		     slice_of(d->body, mail_body(s, d->body)), -1) == -1)
		mail_failed(t, SAY_MILTERS_DOWN);
	else
		session_wait(s, WAIT_MILTER);
}

/* ---- RCPT ---- */

/* Of this transaction, and is nothing else asked? */
static bool
wants(const struct milter *m, enum milter_wish what)
{
	return m != NULL && m->on && !m->discard && (m->wishes & what) != 0;
}

static int
ask_recipient(struct milter *m, struct recipient *r, struct milter_rcpt *rcpt)
{
	struct session *s = m->s;

	rcpt->forward_path = slice_of(r->address, r->len);
	rcpt->params =
	    slice_of(r->address + r->len + r->orcpt_len, r->params_len);
	if (milter_ask(m, IPC_MILTER_RCPT,
		slice_of(s->d->body, milter_rcpt_encode(rcpt, s->d->body)),
		-1) == -1)
		return -1;
	m->recipient = r;
	recipient_wait(s, r);
	return 0;
}

bool
milter_recipient(struct session *s, struct recipient *r)
{
	struct milter *m = s->milter;
	struct milter_rcpt rcpt = { .session = s->id, .text = slice_of("", 0) };

	if (!wants(m, MILTER_WANTS_RCPT))
		return false;
	if (ask_recipient(m, r, &rcpt) == -1) {
		r->answer = SAY_MILTERS_DOWN;
		return false;
	}
	return true;
}

bool
milter_rejected(
    struct session *s, struct recipient *r, const struct recipient_refusal *why)
{
	struct milter_rcpt rcpt = {
		.session = s->id, .code = why->code, .text = why->text
	};
	const char *lf;

	if (!wants(s->milter, MILTER_WANTS_REJECTED))
		return false;
	memcpy(rcpt.enhanced, why->enhanced, sizeof(rcpt.enhanced));
	/* The first line of it: it is a macro to them. */
	if (rcpt.text.len > 0 &&
	    (lf = memchr(rcpt.text.at, '\n', rcpt.text.len)) != NULL)
		rcpt.text.len = (size_t)(lf - rcpt.text.at);
	return ask_recipient(s->milter, r, &rcpt) == 0;
}

void
milter_recipient_forget(struct session *s)
{
	struct milter *m = s->milter;

	if (m == NULL || m->recipient == NULL)
		return;
	sibling_forget(&s->d->milterd, &m->ask);
	m->recipient = NULL;
}

/* ---- DATA ---- */

bool
milter_data(struct transaction *t)
{
	struct session *s = t->s;
	struct milter *m = s->milter;
	struct milter_small data = { .session = s->id,
		.queue_id = t->queue_id };

	if (!wants(m, MILTER_WANTS_DATA))
		return false;
	if (milter_ask(m, IPC_MILTER_DATA,
		slice_of(s->d->body, milter_small_encode(&data, s->d->body)),
		-1) == -1) {
		session_refuse(s, SAY_MILTERS_DOWN, "DATA", slice_of("", 0));
		session_transaction_end(s);
	} else
		session_wait(s, WAIT_MILTER);
	return true;
}

/* ---- commands that are none ---- */

/* From its first MAIL on milters know a session, also between messages. */
bool
milter_unknown(struct session *s, struct slice line)
{
	struct milter *m = s->milter;
	struct milter_unknown u = { .session = s->id, .line = line };

	if (m == NULL || m->discard || m->ask.id != 0 ||
	    (m->wishes & MILTER_WANTS_UNKNOWN) == 0)
		return false;
	if (u.line.len > MILTER_LINE_MAX)
		u.line.len = MILTER_LINE_MAX;
	if ((m->unknown = malloc(sizeof(*m->unknown) + line.len)) == NULL)
		return false;
	m->unknown->len = line.len;
	memcpy(m->unknown->text, line.at, line.len);
	if (milter_ask(m, IPC_MILTER_UNKNOWN,
		slice_of(s->d->body, milter_unknown_encode(&u, s->d->body)),
		-1) == -1) {
		free(m->unknown);
		m->unknown = NULL;
		return false;
	}
	session_wait(s, WAIT_MILTER);
	return true;
}

/* ---- the end ---- */

static bool
is_known(const struct smtpd *d, const struct milter *m)
{
	return d->milterd.ch != NULL && m->era != 0 && m->era == d->milter_era;
}

static int
send_end(struct smtpd *d, const struct milter *m, enum ipc_type type)
{
	struct milter_small body = { .session = m->id };
	char buf[MILTER_SMALL_MAX];

	return ipc_send(d->milterd.ch, type, 0,
	    slice_of(buf, milter_small_encode(&body, buf)), NULL, 0);
}

/*
 * An end is not lost: milterd would take what the session says next for
 * nonsense, or keep its connections for ever.  Where the channel has no room
 * it is owed; the end of the session is that of the transaction, too.
 */
static void
tell(struct milter *m, enum ipc_type type)
{
	struct smtpd *d = m->s->d;

	if (!is_known(d, m))
		return;
	if (m->owes == 0 && !ipc_channel_full(d->milterd.ch) &&
	    send_end(d, m, type) == 0)
		return;
	if (m->owes == 0)
		TAILQ_INSERT_TAIL(&d->milters_owed, m, owed);
	m->owes = type;
	m->owed_to = d;
}

void
milter_owes_nothing(struct milter *m)
{
	if (m->owes != 0)
		TAILQ_REMOVE(&m->owed_to->milters_owed, m, owed);
	m->owes = 0;
	if (m->s == NULL)
		free(m);
}

void
milter_send_owed(struct smtpd *d)
{
	struct milter *m;

	while ((m = TAILQ_FIRST(&d->milters_owed)) != NULL) {
		/* NOLINTNEXTLINE: what is owed nothing is off the list */
		if (is_known(d, m) && (ipc_channel_full(d->milterd.ch) ||
					  send_end(d, m, m->owes) == -1))
			return;
		milter_owes_nothing(m);
	}
}

void
milter_abort(struct milter *m)
{
	if (m->open)
		tell(m, IPC_MILTER_ABORT);
	m->open = false;
}

void
milter_transaction_end(struct transaction *t)
{
	struct milter *m = t->s->milter;

	if (m == NULL)
		return;
	/* Its verdict would come to a session that asks something else. */
	if (m->ask.id != 0) {
		sibling_forget(&t->s->d->milterd, &m->ask);
		m->open = true;
	}
	milter_abort(m);
	if (m->is_held)
		TAILQ_REMOVE(&t->s->d->milters_held, m, held);
	kept_clear(&m->kept);
	kept_clear(&m->changed);
	free(m->hold);
	m->hold = NULL;
	m->on = m->reviewed = m->discard = m->is_held = false;
	m->next = 0;
}

void
milter_session_end(struct session *s)
{
	struct milter *m = s->milter;

	if (m == NULL)
		return;
	sibling_forget(&s->d->milterd, &m->ask);
	tell(m, IPC_MILTER_CLOSE);
	free(m->unknown);
	m->unknown = NULL;
	m->s = NULL;
	s->milter = NULL;
	if (m->owes == 0)
		free(m);
}
