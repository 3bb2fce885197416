#include "common/ipc/delivery.h"

#include "common/ipc/codec.h"
#include "common/ipc/envelope.h"

enum { MAYBE = 1, MORE = 2 };

enum {
	FLAGS = ENVELOPE_8BITMIME | ENVELOPE_SMTPUTF8 | ENVELOPE_BINARYMIME |
	    ENVELOPE_TERMINALS
};

/* An address that ends up in header fields of the stored message. */
static bool
is_clean(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '\r' || s.at[i] == '\n' || s.at[i] == '\0')
			return false;
	return true;
}

static bool
is_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < ' ' || s.at[i] > '~')
			return false;
	return true;
}

static bool
is_delivery(const struct delivery *d)
{
	uint64_t end;

	return d->reverse_path.len <= DELIVERY_ADDRESS_MAX &&
	    d->recipient.len <= DELIVERY_ADDRESS_MAX && d->recipient.len > 0 &&
	    d->original.len <= DELIVERY_ORCPT_MAX &&
	    d->detail.len <= DELIVERY_DETAIL_MAX &&
	    d->envid.len <= ENVELOPE_TEXT_MAX && is_text(d->envid) &&
	    d->orcpt.len <= ENVELOPE_ORIGINAL_MAX && is_clean(d->orcpt) &&
	    (d->flags & ~(uint32_t)FLAGS) == 0 &&
	    d->ret <= ENVELOPE_RET_HDRS && envelope_notify_ok(d->notify) &&
	    is_clean(d->reverse_path) && is_clean(d->recipient) &&
	    is_clean(d->original) && is_clean(d->detail) &&
	    !__builtin_add_overflow(d->content_offset, d->content_size, &end) &&
	    end <= INT64_MAX;
}

size_t
delivery_encode(const struct delivery *d, void *buf, size_t size)
{
	struct ipc_writer w;

	if (!is_delivery(d))
		return 0;
	ipc_writer_init(&w, buf, size);
	ipc_put_u64(&w, d->queue_id);
	ipc_put_u64(&w, d->nonce);
	ipc_put_u32(&w, d->number);
	ipc_put_u8(&w, (uint8_t)((d->maybe_delivered ? MAYBE : 0) |
	    (d->more ? MORE : 0)));
	ipc_put_u64(&w, d->content_size);
	ipc_put_u64(&w, d->content_offset);
	ipc_put_u64(&w, (uint64_t)d->arrival);
	ipc_put_bytes(&w, d->reverse_path);
	ipc_put_bytes(&w, d->recipient);
	ipc_put_bytes(&w, d->original);
	ipc_put_bytes(&w, d->detail);
	ipc_put_u32(&w, d->flags);
	ipc_put_u8(&w, d->ret);
	ipc_put_u8(&w, d->notify);
	ipc_put_bytes(&w, d->envid);
	ipc_put_bytes(&w, d->orcpt);
	return w.failed ? 0 : w.len;
}

int
delivery_decode(struct slice body, struct delivery *d)
{
	struct ipc_reader r;
	uint8_t flags;

	ipc_reader_init(&r, body);
	d->queue_id = ipc_get_u64(&r);
	d->nonce = ipc_get_u64(&r);
	d->number = ipc_get_u32(&r);
	flags = ipc_get_u8(&r);
	d->maybe_delivered = flags & MAYBE;
	d->more = flags & MORE;
	d->content_size = ipc_get_u64(&r);
	d->content_offset = ipc_get_u64(&r);
	d->arrival = (int64_t)ipc_get_u64(&r);
	d->reverse_path = ipc_get_bytes(&r, DELIVERY_ADDRESS_MAX);
	d->recipient = ipc_get_bytes(&r, DELIVERY_ADDRESS_MAX);
	d->original = ipc_get_bytes(&r, DELIVERY_ORCPT_MAX);
	d->detail = ipc_get_bytes(&r, DELIVERY_DETAIL_MAX);
	d->flags = ipc_get_u32(&r);
	d->ret = ipc_get_u8(&r);
	d->notify = ipc_get_u8(&r);
	d->envid = ipc_get_bytes(&r, ENVELOPE_TEXT_MAX);
	d->orcpt = ipc_get_bytes(&r, ENVELOPE_ORIGINAL_MAX);
	if (ipc_reader_end(&r) == -1 || flags > (MAYBE | MORE) ||
	    !is_delivery(d))
		return -1;
	return 0;
}

/* Result, reply code and enhanced code must tell one story. */
static bool
is_delivered(const struct delivered *d)
{
	static const struct {
		unsigned low, high, class;
	} rows[] = {
		[DELIVERY_DELIVERED] = { 250, 259, 2 },
		[DELIVERY_DEFERRED] = { 400, 499, 4 },
		[DELIVERY_FAILED] = { 500, 599, 5 },
	};
	unsigned n = (unsigned)d->result;

	return n >= DELIVERY_DELIVERED && n <= DELIVERY_FAILED &&
	       d->code >= rows[n].low && d->code <= rows[n].high &&
	       d->enhanced[0] == rows[n].class &&
	       (!d->unknown || d->result == DELIVERY_DEFERRED) &&
	       (!d->full || d->result == DELIVERY_DEFERRED) &&
	       d->text.len <= DELIVERY_TEXT_MAX && is_text(d->text);
}

enum { UNKNOWN = 1, FULL = 2 };

size_t
delivered_encode(const struct delivered *d, void *buf, size_t size)
{
	struct ipc_writer w;

	if (!is_delivered(d))
		return 0;
	ipc_writer_init(&w, buf, size);
	ipc_put_u8(&w, (uint8_t)d->result);
	ipc_put_u8(
	    &w, (uint8_t)((d->unknown ? UNKNOWN : 0) | (d->full ? FULL : 0)));
	ipc_put_u16(&w, d->code);
	ipc_put_raw(&w, d->enhanced, sizeof(d->enhanced));
	ipc_put_bytes(&w, d->text);
	return w.failed ? 0 : w.len;
}

int
delivered_decode(struct slice body, struct delivered *d)
{
	struct ipc_reader r;
	uint8_t how;

	ipc_reader_init(&r, body);
	d->result = (enum delivery_result)ipc_get_u8(&r);
	how = ipc_get_u8(&r);
	d->unknown = how & UNKNOWN;
	d->full = how & FULL;
	d->code = ipc_get_u16(&r);
	ipc_get_raw(&r, d->enhanced, sizeof(d->enhanced));
	d->text = ipc_get_bytes(&r, DELIVERY_TEXT_MAX);
	if (ipc_reader_end(&r) == -1 || how > (UNKNOWN | FULL) ||
	    !is_delivered(d))
		return -1;
	return 0;
}
