#include "queue-manager/message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/stdlib.h>

#include "common/ipc/relay.h"

/* Version 1 had neither targets nor what DSN asks for. */
enum { STATE_VERSION = 2, PIECE_MIN = 448 };

struct arena_piece {
	struct arena_piece *next;
	size_t		 used, size;
	char		 at[];
};

int
message_compare(const struct message *a, const struct message *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(message_tree, message, by_id, message_compare)

/* A copy that lives as long as the message; at is NULL when memory is short. */
static struct slice
keep(struct message *m, struct slice s)
{
	struct arena_piece *p = m->arena;
	char *to;

	if (p == NULL || p->size - p->used < s.len) {
		size_t size = s.len > PIECE_MIN ? s.len : PIECE_MIN;

		if ((p = malloc(sizeof(*p) + size)) == NULL)
			return slice_of(NULL, 0);
		*p = (struct arena_piece){ m->arena, 0, size };
		m->arena = p;
	}
	to = p->at + p->used;
	if (s.len > 0)
		memcpy(to, s.at, s.len);
	p->used += s.len;
	return slice_of(to, s.len);
}

/* Room for a struct: text has left the arena at any octet. */
static struct target *
keep_target(struct message *m)
{
	static const char blank[sizeof(struct target) +
	    _Alignof(struct target)];
	struct slice s = keep(m, slice_of(blank, sizeof(blank)));
	uintptr_t at = (uintptr_t)s.at;

	if (s.at == NULL)
		return NULL;
	at = (at + _Alignof(struct target) - 1) &
	    ~(uintptr_t)(_Alignof(struct target) - 1);
	return (struct target *)at;
}

static struct message *
message_new(uint64_t id)
{
	struct message *m = calloc(1, sizeof(*m));

	if (m != NULL) {
		m->id = id;
		m->fd = -1;
	}
	return m;
}

static void
recipient_free(struct recipient *r)
{
	free(r->reason);
	free(r->remote_mta);
	free(r);
}

void
message_free(struct message *m)
{
	struct arena_piece *p;

	if (m == NULL)
		return;
	while (m->n > 0)
		recipient_free(m->recipients[--m->n]);
	free(m->recipients);
	while ((p = m->arena) != NULL) {
		m->arena = p->next;
		free(p);
	}
	if (m->fd != -1)
		close(m->fd);
	free(m);
}

void
message_unpin(struct message *m)
{
	assert(m->pins > 0);
	if (--m->pins == 0 && m->over)
		message_free(m);
}

static int
message_room(struct message *m)
{
	struct recipient **more;
	uint32_t want = m->n_max == 0 ? 1 : m->n_max * 2;

	if (m->n < m->n_max)
		return 0;
	more = reallocarray(m->recipients, want, sizeof(*more));
	if (more == NULL)
		return -1;
	m->recipients = more;
	m->n_max = want;
	return 0;
}

struct recipient *
message_add(struct message *m, uint32_t number, struct slice address,
    struct slice given, struct slice original)
{
	struct recipient *r;

	if (message_room(m) == -1 || (r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->message = m;
	r->number = number;
	r->state = RECIPIENT_NEW;
	r->address = keep(m, address);
	r->given = keep(m, given);
	r->original = keep(m, original);
	if (r->address.at == NULL || r->given.at == NULL ||
	    r->original.at == NULL) {
		free(r);
		return NULL;
	}
	m->recipients[m->n++] = r;
	if (number >= m->next_number)
		m->next_number = number + 1;
	return r;
}

void
message_drop(struct message *m, struct recipient *r)
{
	for (uint32_t i = 0; i < m->n; i++) {
		if (m->recipients[i] != r)
			continue;
		memmove(&m->recipients[i], &m->recipients[i + 1],
		    (m->n - i - 1) * sizeof(*m->recipients));
		m->n--;
		recipient_free(r);
		return;
	}
	assert(!"a recipient of another message");
}

/* In order of number, but for gaps: start where it would be. */
struct recipient *
message_recipient(const struct message *m, uint32_t number)
{
	uint32_t low = 0, high = m->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (m->recipients[mid]->number == number)
			return m->recipients[mid];
		if (m->recipients[mid]->number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

bool
message_has_address(const struct message *m, struct slice address)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (slice_equal(m->recipients[i]->address, address))
			return true;
	return false;
}

void
recipient_reason(struct recipient *r, struct slice text)
{
	size_t len = text.len > QUEUE_REASON_MAX ? QUEUE_REASON_MAX : text.len;

	free(r->reason);
	r->reason = len == 0 ? NULL : strndup(text.at, len);
}

void
recipient_remote_mta(struct recipient *r, struct slice name)
{
	size_t len = name.len > QUEUE_MTA_MAX ? QUEUE_MTA_MAX : name.len;

	free(r->remote_mta);
	r->remote_mta = len == 0 ? NULL : strndup(name.at, len);
}

int
recipient_target(struct recipient *r, const struct target *from)
{
	struct message *m = r->message;
	struct target *t = keep_target(m);

	if (t == NULL)
		return -1;
	t->route = keep(m, from->route);
	t->domain = keep(m, from->domain);
	t->sender = keep(m, from->sender);
	if (t->route.at == NULL || t->domain.at == NULL ||
	    t->sender.at == NULL)
		return -1;
	r->target = t;
	return 0;
}

struct slice
recipient_sender(const struct recipient *r)
{
	if (r->target != NULL && r->target->sender.len > 0)
		return r->target->sender;
	return r->message->reverse_path;
}

void
message_doubt(struct message *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		m->recipients[i]->unknown = true;
}

uint64_t
message_due(const struct message *m)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t i = 0; i < m->n; i++)
		if (m->recipients[i]->due_ms < due)
			due = m->recipients[i]->due_ms;
	return due;
}

/* ---- from its record ---- */

static int
take_envelope(struct message *m, struct slice octets)
{
	struct envelope_recipient r;
	struct envelope e;
	uint32_t number = 0;

	if (envelope_decode(octets, &e) == -1)
		return -1;
	m->flags = e.flags;
	m->session = e.session;
	m->wall_ms = e.arrival_ms;
	m->ret = e.ret;
	m->held = e.hold.len > 0;
	m->reverse_path = keep(m, e.reverse_path);
	m->envid = keep(m, e.envid);
	m->auth = keep(m, e.auth);
	if (m->reverse_path.at == NULL || m->envid.at == NULL ||
	    m->auth.at == NULL)
		return -1;
	while (envelope_next(&e, &r)) {
		struct recipient *to = message_add(m, number++, r.given,
		    slice_of("", 0), r.original);

		if (to == NULL)
			return -1;
		to->notify = (uint8_t)r.notify;
		/* `bulkhead queue` shows it as the reason of the waiting. */
		if (e.hold.len > 0)
			recipient_reason(to, e.hold);
	}
	return 0;
}

struct message *
message_from_record(uint64_t id, const struct place *place,
    const struct event_message *e)
{
	struct message *m;

	if (e->state.len > 0) {
		if ((m = message_state_get(id, e->state)) == NULL)
			return NULL;
	} else {
		if ((m = message_new(id)) == NULL)
			return NULL;
		if (take_envelope(m, e->envelope) == -1) {
			message_free(m);
			return NULL;
		}
		m->arrival_ms = e->arrival_ms;
		/* Before it was recorded, what was injected here might. */
		m->may_relay = e->origin == EVENT_ORIGIN_UNSAID ?
		    (m->flags & ENVELOPE_LOCAL) != 0 :
		    e->origin == EVENT_ORIGIN_MAY_RELAY;
		for (uint32_t i = 0; i < m->n; i++)
			m->recipients[i]->due_ms = e->arrival_ms;
	}
	m->place = m->born = *place;
	m->content_octets = e->content_octets;
	m->content_crc = e->content_crc;
	m->large = e->large;
	m->content_at = (uint32_t)(RECORD_HEADER + EVENT_MESSAGE_HEAD +
	    e->envelope.len + e->state.len);
	return m;
}

/* ---- state ---- */

enum {
	STATE_FIXED = 1 + 4 + 8 + 4 + 1 + 4 + 8 + 8 + 8 + 8 + 4 + 4 + 4 +
	    4 + 1 + 4,
	STATE_RECIPIENT = 4 + 1 + 4 + 8 + 2 + 3 + 4 * 4 + 1 + 1 + 4,
	BIT_LARGE = 1, BIT_HELD = 2, BIT_MAY_RELAY = 4, BIT_UNKNOWN = 0x80,
	BIT_WARNED = 1, BIT_TARGET = 2, BITS_RECIPIENT = 3
};

static struct slice
text_of(const char *s)
{
	return slice_str(s == NULL ? "" : s);
}

static size_t
target_size(const struct target *t)
{
	return t == NULL ? 0 : (size_t)3 * 4 + t->route.len + t->domain.len +
	    t->sender.len;
}

size_t
message_state_size(const struct message *m)
{
	size_t size = STATE_FIXED + m->reverse_path.len + m->envid.len +
	    m->auth.len;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct recipient *r = m->recipients[i];

		size += STATE_RECIPIENT + r->address.len + r->given.len +
		    r->original.len + text_of(r->reason).len +
		    text_of(r->remote_mta).len + target_size(r->target);
	}
	return size;
}

static void
recipient_put(struct ipc_writer *w, const struct recipient *r)
{
	ipc_put_u32(w, r->number);
	ipc_put_u8(w, (uint8_t)(r->state | (r->unknown ? BIT_UNKNOWN : 0)));
	ipc_put_u32(w, r->attempts);
	ipc_put_u64(w, r->due_ms);
	ipc_put_u16(w, r->code);
	ipc_put_raw(w, r->enhanced, sizeof(r->enhanced));
	ipc_put_bytes(w, r->address);
	ipc_put_bytes(w, r->given);
	ipc_put_bytes(w, r->original);
	ipc_put_bytes(w, text_of(r->reason));
	ipc_put_u8(w, r->notify);
	ipc_put_u8(w, (uint8_t)((r->warned ? BIT_WARNED : 0) |
	    (r->target != NULL ? BIT_TARGET : 0)));
	ipc_put_bytes(w, text_of(r->remote_mta));
	if (r->target == NULL)
		return;
	ipc_put_bytes(w, r->target->route);
	ipc_put_bytes(w, r->target->domain);
	ipc_put_bytes(w, r->target->sender);
}

void
message_state_put(struct ipc_writer *w, const struct message *m)
{
	size_t start = w->len;

	ipc_put_u8(w, STATE_VERSION);
	ipc_put_u32(w, m->content_at);
	ipc_put_u64(w, m->content_octets);
	ipc_put_u32(w, m->content_crc);
	ipc_put_u8(w, (uint8_t)((m->large ? BIT_LARGE : 0) |
	    (m->held ? BIT_HELD : 0) |
	    (m->may_relay ? BIT_MAY_RELAY : 0)));
	ipc_put_u32(w, m->flags);
	ipc_put_u64(w, m->arrival_ms);
	ipc_put_u64(w, (uint64_t)m->wall_ms);
	ipc_put_u64(w, m->session);
	ipc_put_u64(w, m->life);
	ipc_put_u32(w, m->next_number);
	ipc_put_bytes(w, m->reverse_path);
	ipc_put_bytes(w, m->envid);
	ipc_put_u8(w, (uint8_t)m->ret);
	ipc_put_bytes(w, m->auth);
	ipc_put_u32(w, m->n);
	for (uint32_t i = 0; i < m->n; i++)
		recipient_put(w, m->recipients[i]);
	assert(w->failed || w->len - start == message_state_size(m));
}

/* What version 1 did not have. */
static int
recipient_get_more(struct ipc_reader *in, struct recipient *r)
{
	struct target t;
	struct slice mta;
	uint8_t bits;

	r->notify = ipc_get_u8(in);
	bits = ipc_get_u8(in);
	mta = ipc_get_bytes(in, QUEUE_MTA_MAX);
	if (in->failed || !envelope_notify_ok(r->notify) ||
	    (bits & ~BITS_RECIPIENT))
		return -1;
	r->warned = (bits & BIT_WARNED) != 0;
	recipient_remote_mta(r, mta);
	if (!(bits & BIT_TARGET))
		return r->state == RECIPIENT_RELAY ? -1 : 0;
	t.route = ipc_get_bytes(in, RELAY_ROUTE_MAX);
	t.domain = ipc_get_bytes(in, RELAY_DOMAIN_MAX);
	t.sender = ipc_get_bytes(in, ENVELOPE_ADDRESS_MAX);
	return in->failed ? -1 : recipient_target(r, &t);
}

static int
recipient_get(struct ipc_reader *in, struct message *m, unsigned version)
{
	struct slice address, given, original, reason;
	struct recipient copy = { 0 }, *r;
	uint8_t state;

	copy.number = ipc_get_u32(in);
	state = ipc_get_u8(in);
	copy.attempts = ipc_get_u32(in);
	copy.due_ms = ipc_get_u64(in);
	copy.code = ipc_get_u16(in);
	ipc_get_raw(in, copy.enhanced, sizeof(copy.enhanced));
	address = ipc_get_bytes(in, ENVELOPE_ADDRESS_MAX);
	given = ipc_get_bytes(in, ENVELOPE_ADDRESS_MAX);
	original = ipc_get_bytes(in, ENVELOPE_ORIGINAL_MAX);
	reason = ipc_get_bytes(in, QUEUE_REASON_MAX);
	copy.unknown = (state & BIT_UNKNOWN) != 0;
	copy.state = state & ~BIT_UNKNOWN;
	if (in->failed || copy.state < RECIPIENT_NEW ||
	    copy.state > RECIPIENT_REPORT || address.len == 0)
		return -1;
	if (m->n > 0 && m->recipients[m->n - 1]->number >= copy.number)
		return -1;
	if ((r = message_add(m, copy.number, address, given, original)) == NULL)
		return -1;
	r->state = copy.state;
	r->unknown = copy.unknown;
	r->attempts = copy.attempts;
	r->due_ms = copy.due_ms;
	r->code = copy.code;
	memcpy(r->enhanced, copy.enhanced, sizeof(r->enhanced));
	recipient_reason(r, reason);
	if (version == 1)
		return r->state > RECIPIENT_AWAY ? -1 : 0;
	return recipient_get_more(in, r);
}

/* What version 1 did not have. */
static int
state_get_more(struct ipc_reader *in, struct message *m, unsigned version)
{
	struct slice envid = slice_of("", 0), auth = slice_of("", 0);
	uint8_t ret = 0;

	if (version == 1) {
		m->may_relay = (m->flags & ENVELOPE_LOCAL) != 0;
	} else {
		envid = ipc_get_bytes(in, ENVELOPE_ENVID_MAX);
		ret = ipc_get_u8(in);
		auth = ipc_get_bytes(in, ENVELOPE_AUTH_MAX);
	}
	m->envid = keep(m, envid);
	m->auth = keep(m, auth);
	m->ret = (enum envelope_ret)ret;
	return in->failed || ret > ENVELOPE_RET_HDRS || m->envid.at == NULL ||
	    m->auth.at == NULL ? -1 : 0;
}

static int
state_get(struct ipc_reader *in, struct message *m)
{
	unsigned version = ipc_get_u8(in);
	uint32_t n, next;
	uint8_t bits;

	if (version < 1 || version > STATE_VERSION)
		return -1;
	m->content_at = ipc_get_u32(in);
	m->content_octets = ipc_get_u64(in);
	m->content_crc = ipc_get_u32(in);
	bits = ipc_get_u8(in);
	m->large = (bits & BIT_LARGE) != 0;
	m->held = (bits & BIT_HELD) != 0;
	m->may_relay = (bits & BIT_MAY_RELAY) != 0;
	m->flags = ipc_get_u32(in);
	m->arrival_ms = ipc_get_u64(in);
	m->wall_ms = (int64_t)ipc_get_u64(in);
	m->session = ipc_get_u64(in);
	m->life = ipc_get_u64(in);
	next = ipc_get_u32(in);
	m->reverse_path = keep(m, ipc_get_bytes(in, ENVELOPE_ADDRESS_MAX));
	if (state_get_more(in, m, version) == -1)
		return -1;
	n = ipc_get_u32(in);
	if (in->failed || m->reverse_path.at == NULL || n == 0 ||
	    n > ENVELOPE_RECIPIENTS_MAX)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		if (recipient_get(in, m, version) == -1)
			return -1;
	if (next > m->next_number)
		m->next_number = next;
	return ipc_reader_end(in);
}

struct message *
message_state_get(uint64_t id, struct slice octets)
{
	struct message *m = message_new(id);
	struct ipc_reader in;

	if (m == NULL)
		return NULL;
	ipc_reader_init(&in, octets);
	if (state_get(&in, m) == 0)
		return m;
	message_free(m);
	return NULL;
}
