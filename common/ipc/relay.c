#include "common/ipc/relay.h"

#include <string.h>

/* It ends up in commands to another host and in header fields. */
static bool
is_clean(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return false;
	return true;
}

static bool
is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < ' ' || s.at[i] > '~')
			return false;
	return true;
}

static bool
is_within(struct slice s, size_t max)
{
	return s.len <= max && is_clean(s);
}

/* ---- RELAY ---- */

static bool
is_relay(const struct relay *y)
{
	uint64_t end;

	return y->queue_id != 0 && !(y->flags & ~(uint32_t)RELAY_FLAGS_KNOWN) &&
	    (unsigned)y->ret <= ENVELOPE_RET_HDRS &&
	    is_within(y->reverse_path, ENVELOPE_ADDRESS_MAX) &&
	    is_within(y->envid, ENVELOPE_ENVID_MAX) && is_ascii(y->envid) &&
	    is_within(y->auth, ENVELOPE_AUTH_MAX) &&
	    is_within(y->route, RELAY_ROUTE_MAX) && is_ascii(y->route) &&
	    y->domain.len > 0 && is_within(y->domain, RELAY_DOMAIN_MAX) &&
	    is_ascii(y->domain) &&
	    !__builtin_add_overflow(y->content_offset, y->content_size, &end) &&
	    end <= INT64_MAX;
}

static bool
is_recipient(const struct relay_recipient *r)
{
	return r->address.len > 0 &&
	    is_within(r->address, ENVELOPE_ADDRESS_MAX) &&
	    is_within(r->original, ENVELOPE_ORIGINAL_MAX) &&
	    envelope_notify_ok(r->notify);
}

void
relay_begin(struct relay_part *p, const struct relay *y,
    uint8_t buf[RELAY_BODY_MAX])
{
	struct ipc_writer *w = &p->w;

	ipc_writer_init(w, buf, RELAY_BODY_MAX);
	p->count = 0;
	if (!is_relay(y)) {
		w->failed = true;
		return;
	}
	ipc_put_u64(w, y->queue_id);
	ipc_put_u64(w, y->nonce);
	ipc_put_u64(w, y->content_size);
	ipc_put_u64(w, y->content_offset);
	ipc_put_u64(w, (uint64_t)y->arrival);
	ipc_put_u32(w, y->flags);
	ipc_put_u8(w, (uint8_t)y->ret);
	ipc_put_bytes(w, y->reverse_path);
	ipc_put_bytes(w, y->envid);
	ipc_put_bytes(w, y->auth);
	ipc_put_bytes(w, y->route);
	ipc_put_bytes(w, y->domain);
	p->count_at = w->len;
	ipc_put_u32(w, 0);
}

bool
relay_add(struct relay_part *p, const struct relay_recipient *r)
{
	struct ipc_writer *w = &p->w;

	if (w->failed || !is_recipient(r)) {
		w->failed = true;	/* end tells */
		return true;
	}
	if (p->count == RELAY_RECIPIENTS_MAX ||
	    w->size - w->len < 16 + r->address.len + r->original.len)
		return false;
	ipc_put_u32(w, r->number);
	ipc_put_u32(w, r->notify);
	ipc_put_bytes(w, r->address);
	ipc_put_bytes(w, r->original);
	p->count++;
	return true;
}

size_t
relay_end(struct relay_part *p)
{
	struct ipc_writer count;
	struct relay check;

	if (p->w.failed)
		return 0;
	ipc_writer_init(&count, p->w.buf + p->count_at, 4);
	ipc_put_u32(&count, p->count);
	return relay_decode(slice_of(p->w.buf, p->w.len), &check) == 0 ?
	    p->w.len : 0;
}

static int
recipient_get(struct ipc_reader *in, struct relay_recipient *r)
{
	r->number = ipc_get_u32(in);
	r->notify = ipc_get_u32(in);
	r->address = ipc_get_bytes(in, ENVELOPE_ADDRESS_MAX);
	r->original = ipc_get_bytes(in, ENVELOPE_ORIGINAL_MAX);
	return in->failed || !is_recipient(r) ? -1 : 0;
}

/* The whole list, so that relay_next cannot fail. */
static int
recipients_check(struct relay *y, struct ipc_reader in)
{
	struct relay_recipient r = { .number = 0 };

	for (uint32_t i = 0; i < y->n_recipients; i++) {
		uint32_t before = r.number;

		if (recipient_get(&in, &r) == -1 ||
		    (i > 0 && r.number <= before))
			return -1;
	}
	return ipc_reader_end(&in);
}

int
relay_decode(struct slice body, struct relay *y)
{
	struct ipc_reader in;

	ipc_reader_init(&in, body);
	y->queue_id = ipc_get_u64(&in);
	y->nonce = ipc_get_u64(&in);
	y->content_size = ipc_get_u64(&in);
	y->content_offset = ipc_get_u64(&in);
	y->arrival = (int64_t)ipc_get_u64(&in);
	y->flags = ipc_get_u32(&in);
	y->ret = (enum envelope_ret)ipc_get_u8(&in);
	y->reverse_path = ipc_get_bytes(&in, ENVELOPE_ADDRESS_MAX);
	y->envid = ipc_get_bytes(&in, ENVELOPE_ENVID_MAX);
	y->auth = ipc_get_bytes(&in, ENVELOPE_AUTH_MAX);
	y->route = ipc_get_bytes(&in, RELAY_ROUTE_MAX);
	y->domain = ipc_get_bytes(&in, RELAY_DOMAIN_MAX);
	y->n_recipients = ipc_get_u32(&in);
	y->recipients = in;
	if (in.failed || !is_relay(y) || y->n_recipients == 0 ||
	    y->n_recipients > RELAY_RECIPIENTS_MAX)
		return -1;
	return recipients_check(y, in);
}

bool
relay_next(struct relay *y, struct relay_recipient *r)
{
	return y->recipients.in.len > 0 &&
	    recipient_get(&y->recipients, r) == 0;
}

/* ---- RELAYED ---- */

/* Result, codes and marks must tell one story. */
static bool
is_relayed(const struct relayed *d)
{
	static const struct {
		unsigned low, high, class;
	} rows[] = {
		[RELAY_DELIVERED] = { 250, 259, 2 },
		[RELAY_DEFERRED] = { 400, 499, 4 },
		[RELAY_FAILED] = { 500, 599, 5 },
	};
	unsigned n = (unsigned)d->result;

	return n >= RELAY_DELIVERED && n <= RELAY_FAILED &&
	    d->queue_id != 0 &&
	    d->code >= rows[n].low && d->code <= rows[n].high &&
	    d->enhanced[0] == rows[n].class &&
	    (!d->unknown || d->result == RELAY_DEFERRED) &&
	    (!d->host_down || d->result == RELAY_DEFERRED) &&
	    (!d->dsn_passed || d->result == RELAY_DELIVERED) &&
	    d->text.len <= RELAY_TEXT_MAX && is_ascii(d->text) &&
	    d->remote_mta.len <= RELAY_MTA_MAX && is_ascii(d->remote_mta);
}

enum { UNKNOWN = 1, DSN_PASSED = 2, HOST_DOWN = 4, LAST = 8, MARKS = 15 };

size_t
relayed_encode(const struct relayed *d, void *buf, size_t size)
{
	struct ipc_writer w;

	if (!is_relayed(d))
		return 0;
	ipc_writer_init(&w, buf, size);
	ipc_put_u64(&w, d->queue_id);
	ipc_put_u32(&w, d->number);
	ipc_put_u8(&w, (uint8_t)d->result);
	ipc_put_u8(&w, (uint8_t)((d->unknown ? UNKNOWN : 0) |
	    (d->dsn_passed ? DSN_PASSED : 0) |
	    (d->host_down ? HOST_DOWN : 0) | (d->last ? LAST : 0)));
	ipc_put_u16(&w, d->code);
	ipc_put_raw(&w, d->enhanced, sizeof(d->enhanced));
	ipc_put_bytes(&w, d->text);
	ipc_put_bytes(&w, d->remote_mta);
	return w.failed ? 0 : w.len;
}

int
relayed_decode(struct slice body, struct relayed *d)
{
	struct ipc_reader r;
	uint8_t marks;

	ipc_reader_init(&r, body);
	d->queue_id = ipc_get_u64(&r);
	d->number = ipc_get_u32(&r);
	d->result = (enum relay_result)ipc_get_u8(&r);
	marks = ipc_get_u8(&r);
	d->unknown = (marks & UNKNOWN) != 0;
	d->dsn_passed = (marks & DSN_PASSED) != 0;
	d->host_down = (marks & HOST_DOWN) != 0;
	d->last = (marks & LAST) != 0;
	d->code = ipc_get_u16(&r);
	ipc_get_raw(&r, d->enhanced, sizeof(d->enhanced));
	d->text = ipc_get_bytes(&r, RELAY_TEXT_MAX);
	d->remote_mta = ipc_get_bytes(&r, RELAY_MTA_MAX);
	if (ipc_reader_end(&r) == -1 || (marks & ~MARKS) || !is_relayed(d))
		return -1;
	return 0;
}
