#include "queue-manager/spool/events.h"

#include <assert.h>

#include "common/ipc/relay.h"

/* The kind of content, and in bits above it the origin. */
enum { KIND_INLINE = 1, KIND_LARGE = 2, KIND_MASK = 0xff, ORIGIN_SHIFT = 8 };
enum { AWAY = 1, WARNED = 2 };

size_t
event_message_size(const struct event_message *m)
{
	return EVENT_MESSAGE_HEAD + m->envelope.len + m->state.len +
	    (m->large ? 0 : m->content_octets);
}

size_t
event_message_put(const struct event_message *m, void *payload, size_t size)
{
	struct ipc_writer w;

	ipc_writer_init(&w, payload, size);
	ipc_put_u64(&w, m->arrival_ms);
	ipc_put_u64(&w, m->content_octets);
	ipc_put_u32(&w, m->content_crc);
	ipc_put_u32(&w, (m->large ? KIND_LARGE : KIND_INLINE) |
	    (uint32_t)m->origin << ORIGIN_SHIFT);
	ipc_put_u32(&w, (uint32_t)m->envelope.len);
	ipc_put_u32(&w, (uint32_t)m->state.len);
	assert(w.len == EVENT_MESSAGE_HEAD);
	ipc_put_raw(&w, m->envelope.at, m->envelope.len);
	ipc_put_raw(&w, m->state.at, m->state.len);
	assert(!w.failed);
	return w.len;
}

static struct slice
take(struct slice *from, size_t n)
{
	struct slice s = slice_of(from->at, n);

	*from = slice_skip(*from, n);
	return s;
}

int
event_message_get(struct slice payload, struct event_message *m)
{
	struct ipc_reader r;
	uint32_t kind, envelope, state, origin;

	ipc_reader_init(&r, payload);
	*m = (struct event_message){ .arrival_ms = ipc_get_u64(&r) };
	m->content_octets = ipc_get_u64(&r);
	m->content_crc = ipc_get_u32(&r);
	kind = ipc_get_u32(&r);
	origin = kind >> ORIGIN_SHIFT;
	kind &= KIND_MASK;
	envelope = ipc_get_u32(&r);
	state = ipc_get_u32(&r);
	if (r.failed || (kind != KIND_INLINE && kind != KIND_LARGE) ||
	    origin > EVENT_ORIGIN_OTHER || m->content_octets > INT64_MAX)
		return -1;
	m->origin = (enum event_origin)origin;
	if (envelope > r.in.len || state > r.in.len - envelope)
		return -1;
	m->envelope = take(&r.in, envelope);
	m->state = take(&r.in, state);
	m->content = r.in;
	m->large = kind == KIND_LARGE;
	return r.in.len == (m->large ? 0 : m->content_octets) ? 0 : -1;
}

void
event_expanded_put(struct ipc_writer *w, const struct event_expanded *e)
{
	ipc_put_u32(w, e->number);
	ipc_put_u32(w, e->first);
	ipc_put_u32(w, e->count);
}

bool
event_address_next(struct ipc_reader *r, struct slice *address)
{
	if (r->in.len == 0 || r->failed)
		return false;
	*address = ipc_get_bytes(r, ENVELOPE_ADDRESS_MAX);
	return !r->failed;
}

int
event_expanded_get(struct slice payload, struct event_expanded *e)
{
	struct ipc_reader r;
	struct slice address;
	uint32_t n = 0, end;

	ipc_reader_init(&r, payload);
	e->number = ipc_get_u32(&r);
	e->first = ipc_get_u32(&r);
	e->count = ipc_get_u32(&r);
	e->addresses = r;
	while (event_address_next(&r, &address))
		n++;
	if (r.failed || n != e->count ||
	    __builtin_add_overflow(e->first, n, &end))
		return -1;
	return 0;
}

size_t
event_target_size(const struct event_target *t)
{
	size_t size = 1 + 1 + 1 + 4 + t->address.len;

	if (t->kind == EVENT_TARGET_RELAY)
		size += 8 + t->route.len + t->domain.len;
	if (t->kind == EVENT_TARGET_REFUSED)
		size += 2 + 3 + 4 + t->text.len;
	return size + 4 + t->sender.len;
}

void
event_target_put(struct ipc_writer *w, const struct event_target *t)
{
	ipc_put_u8(w, (uint8_t)t->kind);
	ipc_put_u8(w, (uint8_t)t->notify);
	ipc_put_u8(w, t->with_original);
	ipc_put_bytes(w, t->address);
	if (t->kind == EVENT_TARGET_RELAY) {
		ipc_put_bytes(w, t->route);
		ipc_put_bytes(w, t->domain);
	}
	if (t->kind == EVENT_TARGET_REFUSED) {
		ipc_put_u16(w, t->code);
		ipc_put_raw(w, t->enhanced, sizeof(t->enhanced));
		ipc_put_bytes(w, t->text);
	}
	ipc_put_bytes(w, t->sender);
}

static int
target_get(struct ipc_reader *r, struct event_target *t)
{
	uint8_t original;

	*t = (struct event_target){ .kind = ipc_get_u8(r) };
	t->notify = ipc_get_u8(r);
	original = ipc_get_u8(r);
	t->with_original = original != 0;
	t->address = ipc_get_bytes(r, ENVELOPE_ADDRESS_MAX);
	t->route = t->domain = t->text = slice_of("", 0);
	if (t->kind == EVENT_TARGET_RELAY) {
		t->route = ipc_get_bytes(r, RELAY_ROUTE_MAX);
		t->domain = ipc_get_bytes(r, RELAY_DOMAIN_MAX);
	}
	if (t->kind == EVENT_TARGET_REFUSED) {
		t->code = ipc_get_u16(r);
		ipc_get_raw(r, t->enhanced, sizeof(t->enhanced));
		t->text = ipc_get_bytes(r, QUEUE_REASON_MAX);
	}
	t->sender = ipc_get_bytes(r, ENVELOPE_ADDRESS_MAX);
	return r->failed || original > 1 || !envelope_notify_ok(t->notify) ||
	    t->address.len == 0 || t->kind < EVENT_TARGET_LOCAL ||
	    t->kind > EVENT_TARGET_REFUSED ? -1 : 0;
}

bool
event_target_next(struct ipc_reader *r, struct event_target *t)
{
	return r->in.len > 0 && target_get(r, t) == 0;
}

int
event_targets_get(struct slice payload, struct event_expanded *e)
{
	struct event_target t;
	struct ipc_reader r;
	uint32_t n = 0, end;

	ipc_reader_init(&r, payload);
	e->number = ipc_get_u32(&r);
	e->first = ipc_get_u32(&r);
	e->count = ipc_get_u32(&r);
	e->addresses = r;
	if (r.failed)
		return -1;
	for (; r.in.len > 0; n++)
		if (target_get(&r, &t) == -1)
			return -1;
	return n != e->count || __builtin_add_overflow(e->first, n, &end) ?
	    -1 : 0;
}

void
event_result_put(struct ipc_writer *w, const struct event_result *e)
{
	assert(e->text.len <= QUEUE_REASON_MAX);
	ipc_put_u32(w, e->number);
	ipc_put_u8(w, (uint8_t)e->outcome);
	ipc_put_u8(w, e->unknown);
	ipc_put_u8(w, (uint8_t)((e->away ? AWAY : 0) |
	    (e->warned ? WARNED : 0)));
	ipc_put_u32(w, e->attempts);
	ipc_put_u64(w, e->due_ms);
	ipc_put_u16(w, e->code);
	ipc_put_raw(w, e->enhanced, sizeof(e->enhanced));
	ipc_put_bytes(w, e->text);
	/* There was none before; so none is written where there is none. */
	if (e->remote_mta.len > 0)
		ipc_put_bytes(w, e->remote_mta);
}

int
event_result_get(struct slice payload, struct event_result *e)
{
	struct ipc_reader r;
	uint8_t unknown, marks;

	ipc_reader_init(&r, payload);
	e->number = ipc_get_u32(&r);
	e->outcome = (enum outcome)ipc_get_u8(&r);
	unknown = ipc_get_u8(&r);
	marks = ipc_get_u8(&r);
	e->unknown = unknown != 0;
	e->away = (marks & AWAY) != 0;
	e->warned = (marks & WARNED) != 0;
	e->attempts = ipc_get_u32(&r);
	e->due_ms = ipc_get_u64(&r);
	e->code = ipc_get_u16(&r);
	ipc_get_raw(&r, e->enhanced, sizeof(e->enhanced));
	e->text = ipc_get_bytes(&r, QUEUE_REASON_MAX);
	e->remote_mta = slice_of("", 0);
	if (r.in.len > 0)
		e->remote_mta = ipc_get_bytes(&r, QUEUE_MTA_MAX);
	if (ipc_reader_end(&r) == -1 || unknown > 1 ||
	    (marks & ~(AWAY | WARNED)))
		return -1;
	return e->outcome >= OUTCOME_DEFERRED && e->outcome <= OUTCOME_REPORT
	    ? 0 : -1;
}

void
event_hold_put(struct ipc_writer *w, bool held)
{
	ipc_put_u8(w, held);
}

int
event_hold_get(struct slice payload, bool *held)
{
	struct ipc_reader r;
	uint8_t v;

	ipc_reader_init(&r, payload);
	v = ipc_get_u8(&r);
	*held = v != 0;
	return ipc_reader_end(&r) == -1 || v > 1 ? -1 : 0;
}

void
event_ids_put(struct ipc_writer *w, uint64_t ceiling)
{
	ipc_put_u64(w, ceiling);
}

int
event_ids_get(struct slice payload, uint64_t *ceiling)
{
	struct ipc_reader r;

	ipc_reader_init(&r, payload);
	*ceiling = ipc_get_u64(&r);
	return ipc_reader_end(&r);
}

void
event_clock_put(struct ipc_writer *w, const struct clock_mark *m)
{
	ipc_put_u64(w, m->spool_ms);
	ipc_put_u64(w, m->boot_ms);
	ipc_put_u64(w, (uint64_t)m->wall_ms);
}

int
event_clock_get(struct slice payload, struct clock_mark *m)
{
	struct ipc_reader r;

	ipc_reader_init(&r, payload);
	m->spool_ms = ipc_get_u64(&r);
	m->boot_ms = ipc_get_u64(&r);
	m->wall_ms = (int64_t)ipc_get_u64(&r);
	return ipc_reader_end(&r);
}
