#include "common/ipc/auth.h"

#include "common/ipc/codec.h"

static size_t
written(const struct ipc_writer *w)
{
	return w->failed ? 0 : w->len;
}

/* Session ids go into logs as they are: letters, digits, '-' and '.'. */
static bool
session_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.'))
			return false;
	}
	return s.len > 0 && s.len <= AUTH_SESSION_MAX;
}

size_t
auth_login_encode(const struct auth_login *l, void *buf)
{
	struct ipc_writer w;

	if (!session_valid(l->session) || l->name.len > AUTH_NAME_MAX ||
	    l->password.len > AUTH_PASSWORD_MAX)
		return 0;
	ipc_writer_init(&w, buf, AUTH_BODY_MAX);
	ipc_put_bytes(&w, l->session);
	ipc_put_raw(&w, l->client.octets, sizeof(l->client.octets));
	ipc_put_u8(&w, (uint8_t)l->accounts);
	ipc_put_bytes(&w, l->name);
	ipc_put_bytes(&w, l->password);
	return written(&w);
}

static bool
get_accounts(struct ipc_reader *r, enum auth_accounts *accounts)
{
	uint8_t v = ipc_get_u8(r);

	*accounts = (enum auth_accounts)v;
	return v <= AUTH_VIRTUAL_ACCOUNTS;
}

static bool
get_bool(struct ipc_reader *r, bool *to)
{
	uint8_t v = ipc_get_u8(r);

	*to = v == 1;
	return v <= 1;
}

int
auth_login_decode(struct slice body, struct auth_login *l)
{
	struct ipc_reader r;
	bool valid;

	ipc_reader_init(&r, body);
	l->session = ipc_get_bytes(&r, AUTH_SESSION_MAX);
	ipc_get_raw(&r, l->client.octets, sizeof(l->client.octets));
	valid = get_accounts(&r, &l->accounts);
	l->name = ipc_get_bytes(&r, AUTH_NAME_MAX);
	l->password = ipc_get_bytes(&r, AUTH_PASSWORD_MAX);
	return ipc_reader_end(&r) == -1 || !valid ||
	    !session_valid(l->session) ? -1 : 0;
}

size_t
auth_apop_encode(const struct auth_apop *a, void *buf)
{
	struct ipc_writer w;

	if (!session_valid(a->session) || a->name.len > AUTH_NAME_MAX ||
	    a->timestamp.len > AUTH_TIMESTAMP_MAX)
		return 0;
	ipc_writer_init(&w, buf, AUTH_BODY_MAX);
	ipc_put_bytes(&w, a->session);
	ipc_put_raw(&w, a->client.octets, sizeof(a->client.octets));
	ipc_put_u8(&w, (uint8_t)a->accounts);
	ipc_put_bytes(&w, a->name);
	ipc_put_bytes(&w, a->timestamp);
	ipc_put_raw(&w, a->digest, sizeof(a->digest));
	return written(&w);
}

int
auth_apop_decode(struct slice body, struct auth_apop *a)
{
	struct ipc_reader r;
	bool valid;

	ipc_reader_init(&r, body);
	a->session = ipc_get_bytes(&r, AUTH_SESSION_MAX);
	ipc_get_raw(&r, a->client.octets, sizeof(a->client.octets));
	valid = get_accounts(&r, &a->accounts);
	a->name = ipc_get_bytes(&r, AUTH_NAME_MAX);
	a->timestamp = ipc_get_bytes(&r, AUTH_TIMESTAMP_MAX);
	ipc_get_raw(&r, a->digest, sizeof(a->digest));
	return valid && session_valid(a->session) ? ipc_reader_end(&r) : -1;
}

size_t
auth_ticket_encode(const struct ticket *t, struct slice name, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, AUTH_ANSWER_MAX);
	ipc_put_raw(&w, t->octets, TICKET_LEN);
	ipc_put_bytes(&w, name);
	return name.len > USERNAME_MAX ? 0 : written(&w);
}

int
auth_ticket_decode(struct slice body, struct ticket *t, struct slice *name)
{
	struct username parts;
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	ipc_get_raw(&r, t->octets, TICKET_LEN);
	*name = ipc_get_bytes(&r, USERNAME_MAX);
	if (ipc_reader_end(&r) == -1 ||
	    username_parse(*name, &parts) != PARSE_OK)
		return -1;
	return 0;
}

size_t
auth_account_encode(const struct account *a, struct slice name, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, AUTH_ANSWER_MAX);
	ipc_put_u8(&w, (uint8_t)a->kind);
	ipc_put_u32(&w, a->number);
	ipc_put_bytes(&w, name);
	return name.len > USERNAME_MAX ? 0 : written(&w);
}

int
auth_account_decode(struct slice body, struct account *a, struct slice *name)
{
	struct username parts;
	struct ipc_reader r;
	uint8_t kind;

	ipc_reader_init(&r, body);
	kind = ipc_get_u8(&r);
	*a = (struct account){ (enum account_kind)kind, ipc_get_u32(&r) };
	*name = ipc_get_bytes(&r, USERNAME_MAX);
	if (ipc_reader_end(&r) == -1 || !account_valid(*a) ||
	    username_parse(*name, &parts) != PARSE_OK)
		return -1;
	return 0;
}

size_t
auth_sasl_start_encode(const struct auth_sasl_start *s, void *buf)
{
	struct ipc_writer w;

	if (!session_valid(s->session) || s->exporter.len > AUTH_BINDING_MAX ||
	    s->unique.len > AUTH_BINDING_MAX ||
	    s->end_point.len > AUTH_BINDING_MAX ||
	    s->message.len > AUTH_MESSAGE_MAX)
		return 0;
	ipc_writer_init(&w, buf, AUTH_BODY_MAX);
	ipc_put_bytes(&w, s->session);
	ipc_put_raw(&w, s->client.octets, sizeof(s->client.octets));
	ipc_put_u8(&w, (uint8_t)s->accounts);
	ipc_put_u8(&w, s->plus);
	ipc_put_u8(&w, s->plus_offered);
	ipc_put_bytes(&w, s->exporter);
	ipc_put_bytes(&w, s->unique);
	ipc_put_bytes(&w, s->end_point);
	ipc_put_bytes(&w, s->message);
	return written(&w);
}

int
auth_sasl_start_decode(struct slice body, struct auth_sasl_start *s)
{
	struct ipc_reader r;
	bool valid;

	ipc_reader_init(&r, body);
	s->session = ipc_get_bytes(&r, AUTH_SESSION_MAX);
	ipc_get_raw(&r, s->client.octets, sizeof(s->client.octets));
	valid = get_accounts(&r, &s->accounts);
	valid = get_bool(&r, &s->plus) && valid;
	valid = get_bool(&r, &s->plus_offered) && valid;
	s->exporter = ipc_get_bytes(&r, AUTH_BINDING_MAX);
	s->unique = ipc_get_bytes(&r, AUTH_BINDING_MAX);
	s->end_point = ipc_get_bytes(&r, AUTH_BINDING_MAX);
	s->message = ipc_get_bytes(&r, AUTH_MESSAGE_MAX);
	return ipc_reader_end(&r) == -1 || !valid ||
	    !session_valid(s->session) ? -1 : 0;
}

size_t
auth_sasl_message_encode(uint64_t conversation, struct slice message,
    void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, AUTH_BODY_MAX);
	ipc_put_u64(&w, conversation);
	ipc_put_bytes(&w, message);
	return message.len > AUTH_MESSAGE_MAX ? 0 : written(&w);
}

int
auth_sasl_message_decode(struct slice body, uint64_t *conversation,
    struct slice *message)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	*conversation = ipc_get_u64(&r);
	*message = ipc_get_bytes(&r, AUTH_MESSAGE_MAX);
	return ipc_reader_end(&r);
}

size_t
auth_sasl_abort_encode(uint64_t conversation, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, 16);
	ipc_put_u64(&w, conversation);
	return written(&w);
}

int
auth_sasl_abort_decode(struct slice body, uint64_t *conversation)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	*conversation = ipc_get_u64(&r);
	return ipc_reader_end(&r);
}

/* A body of one octet that says which of a few it is. */
static size_t
choice_encode(uint8_t v, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, 16);
	ipc_put_u8(&w, v);
	return written(&w);
}

static int
choice_decode(struct slice body, uint8_t min, uint8_t max, uint8_t *v)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	*v = ipc_get_u8(&r);
	return ipc_reader_end(&r) == -1 || *v < min || *v > max ? -1 : 0;
}

size_t
auth_refusal_encode(enum auth_refusal why, void *buf)
{
	return choice_encode((uint8_t)why, buf);
}

int
auth_refusal_decode(struct slice body, enum auth_refusal *why)
{
	uint8_t v;

	if (choice_decode(body, AUTH_DENIED, AUTH_MALFORMED, &v) == -1)
		return -1;
	*why = (enum auth_refusal)v;
	return 0;
}

size_t
auth_offer_encode(unsigned set, void *buf)
{
	return choice_encode((uint8_t)set, buf);
}

int
auth_offer_decode(struct slice body, unsigned *set)
{
	uint8_t v;

	if (choice_decode(body, 0, AUTH_OFFERS_KNOWN, &v) == -1)
		return -1;
	*set = v;
	return 0;
}

size_t
auth_verify_encode(struct slice hash, struct slice password, void *buf)
{
	struct ipc_writer w;

	if (!password_hash_valid(hash) || password.len > PASSWORD_MAX)
		return 0;
	ipc_writer_init(&w, buf, AUTH_BODY_MAX);
	ipc_put_bytes(&w, hash);
	ipc_put_bytes(&w, password);
	return written(&w);
}

int
auth_verify_decode(struct slice body, struct slice *hash,
    struct slice *password)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	*hash = ipc_get_bytes(&r, PASSWORD_HASH_SIZE - 1);
	*password = ipc_get_bytes(&r, PASSWORD_MAX);
	if (ipc_reader_end(&r) == -1 || !password_hash_valid(*hash))
		return -1;
	return 0;
}

size_t
auth_verified_encode(bool good, void *buf)
{
	return choice_encode(good, buf);
}

int
auth_verified_decode(struct slice body, bool *good)
{
	uint8_t v;

	if (choice_decode(body, 0, 1, &v) == -1)
		return -1;
	*good = v == 1;
	return 0;
}

/* A name that PAM may see: no domain, no capitals, and a password. */
static bool
pam_attempt_valid(const struct auth_pam_attempt *a)
{
	for (size_t i = 0; i < a->name.len; i++)
		if (a->name.at[i] >= 'A' && a->name.at[i] <= 'Z')
			return false;
	return username_local_valid(a->name) && a->password.len > 0 &&
	    a->password.len <= PASSWORD_MAX &&
	    memchr(a->password.at, '\0', a->password.len) == NULL;
}

size_t
auth_pam_attempt_encode(const struct auth_pam_attempt *a, void *buf)
{
	struct ipc_writer w;

	if (!pam_attempt_valid(a))
		return 0;
	ipc_writer_init(&w, buf, AUTH_BODY_MAX);
	ipc_put_bytes(&w, a->name);
	ipc_put_bytes(&w, a->password);
	ipc_put_raw(&w, a->client.octets, sizeof(a->client.octets));
	return written(&w);
}

int
auth_pam_attempt_decode(struct slice body, struct auth_pam_attempt *a)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	a->name = ipc_get_bytes(&r, USERNAME_LOCAL_MAX);
	a->password = ipc_get_bytes(&r, PASSWORD_MAX);
	ipc_get_raw(&r, a->client.octets, sizeof(a->client.octets));
	return ipc_reader_end(&r) == -1 || !pam_attempt_valid(a) ? -1 : 0;
}

size_t
auth_pam_verdict_encode(enum pam_verdict verdict, void *buf)
{
	return choice_encode((uint8_t)verdict, buf);
}

int
auth_pam_verdict_decode(struct slice body, enum pam_verdict *verdict)
{
	uint8_t v;

	if (choice_decode(body, PAM_VERDICT_GOOD, PAM_VERDICT_UNAVAILABLE,
	    &v) == -1)
		return -1;
	*verdict = (enum pam_verdict)v;
	return 0;
}
