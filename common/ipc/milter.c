#include "common/ipc/milter.h"

#include <string.h>

static const struct slice none = { "", 0 };

/* Text that goes on into a protocol of lines or of strings: no control. */
static bool
is_clean(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return false;
	return true;
}

/* A clean text of at most max octets; anything else fails the reader. */
static struct slice
get_text(struct ipc_reader *r, size_t max)
{
	struct slice s = ipc_get_bytes(r, max);

	if (is_clean(s))
		return s;
	r->failed = true;
	return none;
}

static bool
get_bool(struct ipc_reader *r)
{
	uint8_t v = ipc_get_u8(r);

	r->failed |= v > 1;
	return v == 1;
}

static size_t
written(const struct ipc_writer *w)
{
	return w->failed ? 0 : w->len;
}

/* What the other end would not take does not go out. */
static void
put_text(struct ipc_writer *w, struct slice text, size_t max)
{
	w->failed |= text.len > max;
	ipc_put_bytes(w, text);
}

/* ---- MILTER_MAIL ---- */

size_t
milter_mail_encode(const struct milter_mail *m, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, MILTER_MAIL_MAX);
	ipc_put_u64(&w, m->session);
	ipc_put_u8(&w, (uint8_t)m->n_milters);
	for (unsigned i = 0; i < m->n_milters; i++)
		ipc_put_bytes(&w, m->milters[i]);
	ipc_put_bytes(&w, m->listener);
	ipc_put_u8(&w, (uint8_t)m->family);
	ipc_put_bytes(&w, m->address);
	ipc_put_u16(&w, m->port);
	ipc_put_bytes(&w, m->name);
	ipc_put_bytes(&w, m->own_address);
	ipc_put_u16(&w, m->own_port);
	ipc_put_bytes(&w, m->helo);
	ipc_put_bytes(&w, m->tls_version);
	ipc_put_bytes(&w, m->tls_cipher);
	ipc_put_u16(&w, m->tls_bits);
	ipc_put_bytes(&w, m->login);
	ipc_put_bytes(&w, m->mechanism);
	put_text(&w, m->reverse_path, MILTER_PATH_MAX);
	put_text(&w, m->params, MILTER_PARAMS_MAX);
	ipc_put_u8(&w, m->utf8);
	return written(&w);
}

static bool
is_family(enum milter_family f)
{
	return f == MILTER_FAMILY_UNKNOWN || f == MILTER_FAMILY_LOCAL ||
	       f == MILTER_FAMILY_IPV4 || f == MILTER_FAMILY_IPV6;
}

static void
get_milters(struct ipc_reader *r, struct milter_mail *m)
{
	m->n_milters = ipc_get_u8(r);
	if (m->n_milters == 0 || m->n_milters > MILTERS_MAX) {
		m->n_milters = 0;
		r->failed = true;
	}
	for (unsigned i = 0; i < m->n_milters; i++)
		m->milters[i] = get_text(r, MILTER_NAME_MAX);
}

int
milter_mail_decode(struct slice body, struct milter_mail *m)
{
	struct ipc_reader r;

	memset(m, 0, sizeof(*m));
	ipc_reader_init(&r, body);
	m->session = ipc_get_u64(&r);
	get_milters(&r, m);
	m->listener = get_text(&r, MILTER_FIELD_MAX);
	m->family = (enum milter_family)ipc_get_u8(&r);
	m->address = get_text(&r, MILTER_FIELD_MAX);
	m->port = ipc_get_u16(&r);
	m->name = get_text(&r, MILTER_FIELD_MAX);
	m->own_address = get_text(&r, MILTER_FIELD_MAX);
	m->own_port = ipc_get_u16(&r);
	m->helo = get_text(&r, MILTER_FIELD_MAX);
	m->tls_version = get_text(&r, MILTER_FIELD_MAX);
	m->tls_cipher = get_text(&r, MILTER_FIELD_MAX);
	m->tls_bits = ipc_get_u16(&r);
	m->login = get_text(&r, MILTER_FIELD_MAX);
	m->mechanism = get_text(&r, MILTER_FIELD_MAX);
	m->reverse_path = get_text(&r, MILTER_PATH_MAX);
	m->params = get_text(&r, MILTER_PARAMS_MAX);
	m->utf8 = get_bool(&r);
	return ipc_reader_end(&r) == 0 && is_family(m->family) ? 0 : -1;
}

/* ---- MILTER_RCPT ---- */

size_t
milter_rcpt_encode(const struct milter_rcpt *m, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, MILTER_RCPT_MAX);
	ipc_put_u64(&w, m->session);
	put_text(&w, m->forward_path, MILTER_PATH_MAX);
	put_text(&w, m->params, MILTER_PARAMS_MAX);
	ipc_put_u16(&w, m->code);
	ipc_put_raw(&w, m->enhanced, sizeof(m->enhanced));
	put_text(&w, m->text, MILTER_TEXT_MAX);
	return written(&w);
}

int
milter_rcpt_decode(struct slice body, struct milter_rcpt *m)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	m->session = ipc_get_u64(&r);
	m->forward_path = get_text(&r, MILTER_PATH_MAX);
	m->params = get_text(&r, MILTER_PARAMS_MAX);
	m->code = ipc_get_u16(&r);
	ipc_get_raw(&r, m->enhanced, sizeof(m->enhanced));
	m->text = get_text(&r, MILTER_TEXT_MAX);
	return ipc_reader_end(&r) == 0 && m->forward_path.len > 0 ? 0 : -1;
}

/* ---- MILTER_UNKNOWN ---- */

size_t
milter_unknown_encode(const struct milter_unknown *m, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, MILTER_UNKNOWN_MAX);
	ipc_put_u64(&w, m->session);
	ipc_put_bytes(&w, m->line);
	return written(&w);
}

int
milter_unknown_decode(struct slice body, struct milter_unknown *m)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	m->session = ipc_get_u64(&r);
	m->line = get_text(&r, MILTER_LINE_MAX);
	return ipc_reader_end(&r);
}

/* ---- the small ones ---- */

size_t
milter_small_encode(const struct milter_small *m, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, MILTER_SMALL_MAX);
	ipc_put_u64(&w, m->session);
	ipc_put_u64(&w, m->queue_id);
	ipc_put_u32(&w, m->octets);
	ipc_put_u32(&w, m->own);
	ipc_put_u32(&w, m->parts);
	return written(&w);
}

int
milter_small_decode(struct slice body, struct milter_small *m)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	m->session = ipc_get_u64(&r);
	m->queue_id = ipc_get_u64(&r);
	m->octets = ipc_get_u32(&r);
	m->own = ipc_get_u32(&r);
	m->parts = ipc_get_u32(&r);
	return ipc_reader_end(&r);
}

/* ---- MILTER_VERDICT ---- */

void
milter_verdict_put(struct ipc_writer *w, const struct milter_verdict *v)
{
	ipc_put_u64(w, v->session);
	ipc_put_u8(w, (uint8_t)v->decision);
	ipc_put_bytes(w, v->milter);
	ipc_put_u8(w, v->wishes);
	ipc_put_u16(w, v->code);
	ipc_put_raw(w, v->enhanced, sizeof(v->enhanced));
	ipc_put_bytes(w, v->text);
	ipc_put_u8(w, v->changed);
	ipc_put_u32(w, v->parts);
	ipc_put_u32(w, v->kept);
	ipc_put_u8(w, v->hold);
	ipc_put_bytes(w, v->reason);
	ipc_put_u8(w, v->has_reverse_path);
	ipc_put_bytes(w, v->reverse_path);
	ipc_put_bytes(w, v->reverse_params);
	ipc_put_u32(w, v->n_changes);
}

void
milter_change_put(struct ipc_writer *w, const struct milter_change *c)
{
	ipc_put_u8(w, c->add);
	ipc_put_bytes(w, c->address);
	ipc_put_bytes(w, c->params);
}

static bool
get_change(struct ipc_reader *r, struct milter_change *c)
{
	c->add = get_bool(r);
	c->address = get_text(r, MILTER_PATH_MAX);
	c->params = get_text(r, MILTER_PARAMS_MAX);
	return !r->failed && c->address.len > 0;
}

/* What a client may be told: printable, in lines. */
static bool
is_reply_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] != '\n' && (s.at[i] < ' ' || s.at[i] > '~'))
			return false;
	return true;
}

static bool
is_status(const struct milter_verdict *v)
{
	if (v->decision != MILTER_REFUSE)
		return v->decision == MILTER_GO_ON ||
		       v->decision == MILTER_DISCARD;
	return v->code >= 400 && v->code <= 599 &&
	       v->enhanced[0] == v->code / 100 && is_reply_text(v->text);
}

int
milter_verdict_decode(struct slice body, struct milter_verdict *v)
{
	struct milter_change c;
	struct ipc_reader r;
	uint32_t n = 0;

	memset(v, 0, sizeof(*v));
	ipc_reader_init(&r, body);
	v->session = ipc_get_u64(&r);
	v->decision = (enum milter_decision)ipc_get_u8(&r);
	v->milter = get_text(&r, MILTER_NAME_MAX);
	v->wishes = ipc_get_u8(&r);
	v->code = ipc_get_u16(&r);
	ipc_get_raw(&r, v->enhanced, sizeof(v->enhanced));
	v->text = ipc_get_bytes(&r, MILTER_TEXT_MAX);
	v->changed = get_bool(&r);
	v->parts = ipc_get_u32(&r);
	v->kept = ipc_get_u32(&r);
	v->hold = get_bool(&r);
	v->reason = get_text(&r, MILTER_REASON_MAX);
	v->has_reverse_path = get_bool(&r);
	v->reverse_path = get_text(&r, MILTER_PATH_MAX);
	v->reverse_params = get_text(&r, MILTER_PARAMS_MAX);
	v->n_changes = ipc_get_u32(&r);
	v->changes = r;
	if (r.failed || !is_status(v) || v->n_changes > MILTER_CHANGES_MAX)
		return -1;
	while (n < v->n_changes && get_change(&r, &c))
		n++;
	return n == v->n_changes ? ipc_reader_end(&r) : -1;
}

bool
milter_change_next(struct milter_verdict *v, struct milter_change *c)
{
	return v->changes.in.len > 0 && get_change(&v->changes, c);
}

/* ---- to supervisor ---- */

int
milter_name_encode(struct slice name, void *buf)
{
	if (name.len == 0 || name.len > MILTER_NAME_MAX)
		return -1;
	memset(buf, 0, MILTER_NAME_MAX);
	memcpy(buf, name.at, name.len);
	return 0;
}

size_t
milter_error_encode(int error, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, MILTER_SMALL_MAX);
	ipc_put_u32(&w, (uint32_t)error);
	return written(&w);
}

int
milter_error_decode(struct slice body, int *error)
{
	struct ipc_reader r;
	uint32_t n;

	ipc_reader_init(&r, body);
	n = ipc_get_u32(&r);
	if (ipc_reader_end(&r) == -1 || n > 4095)
		return -1;
	*error = (int)n;
	return 0;
}
