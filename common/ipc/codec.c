#include "common/ipc/codec.h"

static void
put_number(struct ipc_writer *w, uint64_t v, unsigned octets)
{
	uint8_t raw[8];

	for (unsigned i = 0; i < octets; i++)
		raw[i] = (uint8_t)(v >> (8 * i));
	ipc_put_raw(w, raw, octets);
}

void
ipc_writer_init(struct ipc_writer *w, void *buf, size_t size)
{
	*w = (struct ipc_writer){ .buf = buf, .size = size };
}

void
ipc_put_u8(struct ipc_writer *w, uint8_t v)
{
	put_number(w, v, 1);
}

void
ipc_put_u16(struct ipc_writer *w, uint16_t v)
{
	put_number(w, v, 2);
}

void
ipc_put_u32(struct ipc_writer *w, uint32_t v)
{
	put_number(w, v, 4);
}

void
ipc_put_u64(struct ipc_writer *w, uint64_t v)
{
	put_number(w, v, 8);
}

void
ipc_put_bytes(struct ipc_writer *w, struct slice s)
{
	if (s.len > UINT32_MAX) {
		w->failed = true;
		return;
	}
	ipc_put_u32(w, (uint32_t)s.len);
	ipc_put_raw(w, s.at, s.len);
}

void
ipc_put_raw(struct ipc_writer *w, const void *at, size_t len)
{
	if (w->failed || len > w->size - w->len) {
		w->failed = true;
		return;
	}
	if (len > 0)
		memcpy(w->buf + w->len, at, len);
	w->len += len;
}

void
ipc_reader_init(struct ipc_reader *r, struct slice body)
{
	*r = (struct ipc_reader){ .in = body };
}

void
ipc_get_raw(struct ipc_reader *r, void *to, size_t len)
{
	if (r->failed || len > r->in.len) {
		r->failed = true;
		memset(to, 0, len);
		return;
	}
	if (len > 0)
		memcpy(to, r->in.at, len);
	r->in = slice_skip(r->in, len);
}

static uint64_t
get_number(struct ipc_reader *r, unsigned octets)
{
	uint8_t raw[8];
	uint64_t v = 0;

	ipc_get_raw(r, raw, octets);
	for (unsigned i = 0; i < octets; i++)
		v |= (uint64_t)raw[i] << (8 * i);
	return v;
}

uint8_t
ipc_get_u8(struct ipc_reader *r)
{
	return (uint8_t)get_number(r, 1);
}

uint16_t
ipc_get_u16(struct ipc_reader *r)
{
	return (uint16_t)get_number(r, 2);
}

uint32_t
ipc_get_u32(struct ipc_reader *r)
{
	return (uint32_t)get_number(r, 4);
}

uint64_t
ipc_get_u64(struct ipc_reader *r)
{
	return get_number(r, 8);
}

struct slice
ipc_get_bytes(struct ipc_reader *r, size_t max)
{
	uint32_t len = ipc_get_u32(r);
	struct slice s = SLICE_LITERAL("");

	if (r->failed || len > max || len > r->in.len) {
		r->failed = true;
		return s;
	}
	s = slice_of(r->in.at, len);
	r->in = slice_skip(r->in, len);
	return s;
}

int
ipc_reader_end(const struct ipc_reader *r)
{
	return r->failed || r->in.len != 0 ? -1 : 0;
}
