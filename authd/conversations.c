/*
 * SCRAM (RFC 5802): the gate carries messages, and what they mean is known
 * here alone.  No verifier leaves this process, whole or in part; what a
 * client may see (salt, iterations, the server's signature) does.
 *
 * A name that nobody has gets a salt that is the same each time, of the usual
 * length and with the usual iterations, and its proof is found to be wrong by
 * the same computation.
 *
 * An attempt is client-final, as it is the password with PLAIN: then it is
 * counted and delayed.  Who never sends it has tried nothing.
 */
#include <stdlib.h>

#include <bsd/stdlib.h>
#include <event2/event.h>

#include "authd/authd.h"
#include "common/log/log.h"
#include "common/sasl/base64.h"
#include "common/sasl/scram_server.h"

enum { USUAL_ITERATIONS = 65536, USUAL_SALT = 16 };

struct conversation {
	struct scram_server	scram;
	uint64_t		number;		/* in talking; 0: not there */
	enum scram_verdict	verdict;
	bool			proven;		/* waits for the last, empty,
						 * response */
	char			final[SCRAM_SERVER_FINAL_MAX];
};

void
conversation_free(struct conversation *c)
{
	if (c == NULL)
		return;
	explicit_bzero(c, sizeof(*c));
	free(c);
}

void
conversation_forget(struct login *l)
{
	struct conversation *c = l->conversation;

	if (c->number != 0 && l->gate != NULL)
		ipc_pending_take(l->authd->talking, l->gate->channel,
		    c->number);
	c->number = 0;
}

/* Send the server's message; then it is the client's turn. */
static void
challenge(struct login *l, struct slice message)
{
	struct conversation *c = l->conversation;
	uint8_t body[AUTH_BODY_MAX];

	c->number = l->gate == NULL ? 0 : ipc_pending_add(l->authd->talking,
	    l->gate->channel, l);
	if (c->number == 0) {
		login_log(l, "login-unavailable", l->gate == NULL ?
		    "its client has gone" : "too many conversations");
		login_drop(l, AUTH_UNAVAILABLE);
		return;
	}
	l->state = LOGIN_TALKING;
	login_arm(l, CONVERSATION_SECONDS * 1000);
	login_answer(l, IPC_SASL_CHALLENGE, body, auth_sasl_message_encode(
	    c->number, message, body));
}

/* ---- client-first ---- */

/* How long a salt is, in octets, for one that looks like it. */
static size_t
salt_octets(const struct scram_verifier *v)
{
	char salt[sizeof(v->salt)];
	size_t len;

	if (sasl_base64_decode(slice_of(v->salt, v->salt_len), salt,
	    &len) == -1 || len > SCRAM_KEY_LEN)
		return USUAL_SALT;
	return len;
}

static int
invent(const struct login *l, struct slice name, struct scram_verifier *v)
{
	const struct passwords_table *t = l->authd->tables.passwords;
	const struct sasl_secret *secret = l->authd->tables.scram_secret;
	unsigned iterations = USUAL_ITERATIONS;
	size_t octets = USUAL_SALT;

	if (scram_verifier_parse(passwords_typical_scram(t), v) == 0) {
		iterations = v->iterations;
		octets = salt_octets(v);
	}
	return scram_verifier_invent(slice_of(secret->there ? secret->octets :
	    l->authd->secret, SASL_SECRET_LEN), name, iterations, octets, v);
}

/* The account's, or one that looks as good. */
static int
find_verifier(struct login *l, struct slice name, struct scram_verifier *v)
{
	const struct password *p = l->known && !l->pam ?
	    passwords_find(l->authd->tables.passwords, l->account.number) :
	    NULL;

	if (p != NULL && p->scram.len > 0)
		return scram_verifier_parse(p->scram, v);
	l->known = false;
	/* One name in several spellings has one salt, as an account's has. */
	return invent(l, l->name[0] != '\0' ? slice_str(l->name) : name, v);
}

static void
make_nonce(char nonce[SCRAM_NONCE_LEN])
{
	char octets[SCRAM_NONCE_LEN / 4 * 3];

	arc4random_buf(octets, sizeof(octets));
	sasl_base64_encode(slice_of(octets, sizeof(octets)), nonce);
}

static void
send_first(struct login *l)
{
	struct conversation *c = l->conversation;
	struct scram_verifier v;
	char nonce[SCRAM_NONCE_LEN];

	if (find_verifier(l, slice_of(c->scram.name, c->scram.name_len),
	    &v) == -1) {
		login_log(l, "login-unavailable", "no memory");
		login_drop(l, AUTH_UNAVAILABLE);
		return;
	}
	make_nonce(nonce);
	challenge(l, scram_server_first(&c->scram, &v, slice_of(nonce,
	    sizeof(nonce))));
	explicit_bzero(&v, sizeof(v));
}

/* Something else than a wrong password; it is told at once. */
static void
refuse_at_once(struct login *l, enum scram_verdict verdict, const char *why)
{
	login_log(l, "login-failed", why);
	login_drop(l, verdict == SCRAM_MALFORMED ? AUTH_MALFORMED :
	    AUTH_DENIED);
}

static void
start(struct gate *g, uint64_t id, const struct auth_sasl_start *in,
    struct conversation *c)
{
	const struct scram_channel channel = { .offered = in->plus_offered,
		.exporter = in->exporter, .unique = in->unique,
		.end_point = in->end_point };
	const char *why;
	enum scram_verdict verdict = scram_server_begin(&c->scram, in->plus,
	    in->message, &channel, &why);
	struct login *l = login_open(g, id, in->session, &in->client,
	    slice_of(c->scram.name, verdict == SCRAM_GOOD ?
	    c->scram.name_len : 0), in->accounts);

	if (l == NULL) {
		conversation_free(c);
		return;
	}
	l->conversation = c;
	if (verdict == SCRAM_GOOD)
		send_first(l);
	else
		refuse_at_once(l, verdict, why);
}

int
conversation_on_start(void *ctx, struct ipc_channel *ch,
    struct ipc_message *m)
{
	struct conversation *c;
	struct auth_sasl_start in;
	uint8_t body[AUTH_ANSWER_MAX];

	if (auth_sasl_start_decode(m->body, &in) == -1)
		return -1;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ipc_send(ch, IPC_LOGIN_REFUSED, m->id, slice_of(body,
		    auth_refusal_encode(AUTH_UNAVAILABLE, body)), NULL, 0);
	start(ctx, m->id, &in, c);
	return 0;
}

/* ---- client-final, and the client's word that it has seen ours ---- */

void
conversation_settle(struct login *l)
{
	struct conversation *c = l->conversation;

	c->proven = true;
	challenge(l, slice_of(c->final, sizeof(c->final)));
}

void
conversation_check(struct login *l)
{
	login_checked(l, l->conversation->verdict == SCRAM_GOOD ?
	    CHECK_GOOD : CHECK_BAD);
}

static void
on_final(struct login *l, struct slice message)
{
	struct conversation *c = l->conversation;
	const char *why;

	c->verdict = scram_server_finish(&c->scram, message, c->final, &why);
	if (c->verdict == SCRAM_MALFORMED) {
		refuse_at_once(l, c->verdict, why);
		return;
	}
	if (c->verdict == SCRAM_REFUSED)
		login_log(l, "login-suspect", why);
	login_begin(l);
}

int
conversation_on_response(void *ctx, struct ipc_channel *ch,
    struct ipc_message *m)
{
	struct gate *g = ctx;
	uint8_t body[AUTH_ANSWER_MAX];
	struct slice message;
	struct login *l;
	uint64_t number;

	if (auth_sasl_message_decode(m->body, &number, &message) == -1)
		return -1;
	l = ipc_pending_take(g->authd->talking, ch, number);
	if (l == NULL)		/* too late, or made up */
		return ipc_send(ch, IPC_LOGIN_REFUSED, m->id, slice_of(body,
		    auth_refusal_encode(AUTH_UNAVAILABLE, body)), NULL, 0);
	l->id = m->id;
	l->conversation->number = 0;
	event_del(l->timer);
	if (!l->conversation->proven)
		on_final(l, message);
	else if (message.len == 0)
		login_grant(l);
	else
		refuse_at_once(l, SCRAM_MALFORMED, "more than SCRAM has");
	return 0;
}

int
conversation_on_abort(void *ctx, struct ipc_channel *ch,
    struct ipc_message *m)
{
	struct gate *g = ctx;
	struct login *l;
	uint64_t number;

	if (auth_sasl_abort_decode(m->body, &number) == -1)
		return -1;
	l = ipc_pending_take(g->authd->talking, ch, number);
	if (l != NULL) {
		l->conversation->number = 0;
		login_forget(l);
	}
	return 0;
}
