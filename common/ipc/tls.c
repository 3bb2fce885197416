#include "common/ipc/tls.h"

#include "common/ipc/codec.h"

static size_t
written(const struct ipc_writer *w)
{
	return w->failed ? 0 : w->len;
}

const char *
tls_refusal_name(enum tls_refusal why)
{
	switch (why) {
	case TLS_NO_KEY:
		return "tlskeyd has no such key for us";
	case TLS_NO_HANDSHAKE:
		return "tlskeyd takes it for no handshake";
	case TLS_BUSY:
		return "tlskeyd: too many signatures";
	case TLS_FAILED:
		break;
	}
	return "tlskeyd cannot sign";
}

size_t
tls_sign_encode(const struct tls_sign *sign, void *buf)
{
	struct ipc_writer w;

	if (sign->input.len > TLS_INPUT_MAX)
		return 0;
	ipc_writer_init(&w, buf, TLS_BODY_MAX);
	ipc_put_raw(&w, sign->key.octets, TLS_KEY_ID_LEN);
	ipc_put_u16(&w, sign->scheme);
	ipc_put_bytes(&w, sign->input);
	return written(&w);
}

int
tls_sign_decode(struct slice body, struct tls_sign *sign)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	ipc_get_raw(&r, sign->key.octets, TLS_KEY_ID_LEN);
	sign->scheme = ipc_get_u16(&r);
	sign->input = ipc_get_bytes(&r, TLS_INPUT_MAX);
	return ipc_reader_end(&r);
}

size_t
tls_signed_encode(struct slice signature, void *buf)
{
	struct ipc_writer w;

	if (signature.len == 0 || signature.len > TLS_SIGNATURE_MAX)
		return 0;
	ipc_writer_init(&w, buf, TLS_BODY_MAX);
	ipc_put_bytes(&w, signature);
	return written(&w);
}

int
tls_signed_decode(struct slice body, struct slice *signature)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	*signature = ipc_get_bytes(&r, TLS_SIGNATURE_MAX);
	if (signature->len == 0)
		return -1;
	return ipc_reader_end(&r);
}

size_t
tls_refused_encode(enum tls_refusal why, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, TLS_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)why);
	return written(&w);
}

int
tls_refused_decode(struct slice body, enum tls_refusal *why)
{
	struct ipc_reader r;
	uint8_t v;

	ipc_reader_init(&r, body);
	v = ipc_get_u8(&r);
	if (v < TLS_NO_KEY || v > TLS_FAILED)
		return -1;
	*why = (enum tls_refusal)v;
	return ipc_reader_end(&r);
}

size_t
tls_keys_encode(const struct tls_key_id *ids, size_t n, void *buf)
{
	struct ipc_writer w;

	if (n > TLS_KEYS_MAX)
		return 0;
	ipc_writer_init(&w, buf, TLS_BODY_MAX);
	ipc_put_u32(&w, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		ipc_put_raw(&w, ids[i].octets, TLS_KEY_ID_LEN);
	return written(&w);
}

int
tls_keys_decode(struct slice body, struct tls_key_id *ids, size_t *n)
{
	struct ipc_reader r;
	uint32_t count;

	ipc_reader_init(&r, body);
	count = ipc_get_u32(&r);
	if (count > TLS_KEYS_MAX)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		ipc_get_raw(&r, ids[i].octets, TLS_KEY_ID_LEN);
	*n = count;
	return ipc_reader_end(&r);
}

static void
put_ticket_key(struct ipc_writer *w, const struct tls_ticket_key *k)
{
	ipc_put_raw(w, k->name, sizeof(k->name));
	ipc_put_raw(w, k->mac, sizeof(k->mac));
	ipc_put_raw(w, k->cipher, sizeof(k->cipher));
}

static void
get_ticket_key(struct ipc_reader *r, struct tls_ticket_key *k)
{
	ipc_get_raw(r, k->name, sizeof(k->name));
	ipc_get_raw(r, k->mac, sizeof(k->mac));
	ipc_get_raw(r, k->cipher, sizeof(k->cipher));
}

size_t
tls_tickets_encode(const struct tls_ticket_keys *keys, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, TLS_BODY_MAX);
	ipc_put_u8(&w, keys->has_former);
	put_ticket_key(&w, &keys->now);
	if (keys->has_former)
		put_ticket_key(&w, &keys->former);
	return written(&w);
}

int
tls_tickets_decode(struct slice body, struct tls_ticket_keys *keys)
{
	struct ipc_reader r;
	uint8_t former;

	ipc_reader_init(&r, body);
	former = ipc_get_u8(&r);
	if (former > 1)
		return -1;
	keys->has_former = former == 1;
	get_ticket_key(&r, &keys->now);
	if (keys->has_former)
		get_ticket_key(&r, &keys->former);
	return ipc_reader_end(&r);
}

size_t
tls_block_encode(const char *name, uint32_t roles, void *buf)
{
	struct ipc_writer w;
	struct slice s = slice_str(name);

	if (s.len == 0 || s.len > TLS_NAME_MAX)
		return 0;
	ipc_writer_init(&w, buf, TLS_BODY_MAX);
	ipc_put_u32(&w, roles);
	ipc_put_bytes(&w, s);
	return written(&w);
}

int
tls_block_decode(struct slice body, char name[TLS_NAME_MAX + 1],
    uint32_t *roles)
{
	struct ipc_reader r;
	struct slice s;

	ipc_reader_init(&r, body);
	*roles = ipc_get_u32(&r);
	s = ipc_get_bytes(&r, TLS_NAME_MAX);
	if (ipc_reader_end(&r) == -1 || s.len == 0)
		return -1;
	return slice_copy_str(s, name, TLS_NAME_MAX + 1);
}
