#include "common/ipc/sender.h"

#include "common/ipc/codec.h"

static bool
address_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return false;
	return s.len > 0 && s.len <= SENDER_ADDRESS_MAX;
}

size_t
sender_ask_encode(const struct account *a, struct slice address, void *buf)
{
	struct ipc_writer w;

	if (!account_valid(*a) || !address_valid(address))
		return 0;
	ipc_writer_init(&w, buf, SENDER_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)a->kind);
	ipc_put_u32(&w, a->number);
	ipc_put_bytes(&w, address);
	return w.failed ? 0 : w.len;
}

int
sender_ask_decode(struct slice body, struct account *a, struct slice *address)
{
	struct ipc_reader r;
	uint8_t kind;

	ipc_reader_init(&r, body);
	kind = ipc_get_u8(&r);
	*a = (struct account){ (enum account_kind)kind, ipc_get_u32(&r) };
	*address = ipc_get_bytes(&r, SENDER_ADDRESS_MAX);
	return ipc_reader_end(&r) == -1 || !account_valid(*a) ||
	    !address_valid(*address) ? -1 : 0;
}

size_t
sender_verdict_encode(enum sender_verdict v, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, 16);
	ipc_put_u8(&w, (uint8_t)v);
	return w.failed ? 0 : w.len;
}

int
sender_verdict_decode(struct slice body, enum sender_verdict *v)
{
	struct ipc_reader r;
	uint8_t n;

	ipc_reader_init(&r, body);
	n = ipc_get_u8(&r);
	*v = (enum sender_verdict)n;
	return ipc_reader_end(&r) == -1 || n < SENDER_OWN ||
	    n > SENDER_TEMPFAIL ? -1 : 0;
}
