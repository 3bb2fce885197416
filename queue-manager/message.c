#include "queue-manager/message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/stdlib.h>

enum { STATE_VERSION = 1, PIECE_MIN = 448 };

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
	m->reverse_path = keep(m, e.reverse_path);
	if (m->reverse_path.at == NULL)
		return -1;
	while (envelope_next(&e, &r))
		if (message_add(m, number++, r.given, slice_of("", 0),
		    r.original) == NULL)
			return -1;
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
	STATE_FIXED = 1 + 4 + 8 + 4 + 1 + 4 + 8 + 8 + 8 + 8 + 4 + 4 + 4,
	STATE_RECIPIENT = 4 + 1 + 4 + 8 + 2 + 3 + 4 * 4,
	BIT_LARGE = 1, BIT_HELD = 2, BIT_UNKNOWN = 0x80
};

static size_t
reason_len(const struct recipient *r)
{
	return r->reason == NULL ? 0 : strlen(r->reason);
}

size_t
message_state_size(const struct message *m)
{
	size_t size = STATE_FIXED + m->reverse_path.len;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct recipient *r = m->recipients[i];

		size += STATE_RECIPIENT + r->address.len + r->given.len +
		    r->original.len + reason_len(r);
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
	ipc_put_bytes(w, slice_of(r->reason, reason_len(r)));
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
	    (m->held ? BIT_HELD : 0)));
	ipc_put_u32(w, m->flags);
	ipc_put_u64(w, m->arrival_ms);
	ipc_put_u64(w, (uint64_t)m->wall_ms);
	ipc_put_u64(w, m->session);
	ipc_put_u64(w, m->life);
	ipc_put_u32(w, m->next_number);
	ipc_put_bytes(w, m->reverse_path);
	ipc_put_u32(w, m->n);
	for (uint32_t i = 0; i < m->n; i++)
		recipient_put(w, m->recipients[i]);
	assert(w->failed || w->len - start == message_state_size(m));
}

static int
recipient_get(struct ipc_reader *in, struct message *m)
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
	    copy.state > RECIPIENT_AWAY || address.len == 0)
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
	return 0;
}

static int
state_get(struct ipc_reader *in, struct message *m)
{
	uint32_t n, next;
	uint8_t bits;

	if (ipc_get_u8(in) != STATE_VERSION)
		return -1;
	m->content_at = ipc_get_u32(in);
	m->content_octets = ipc_get_u64(in);
	m->content_crc = ipc_get_u32(in);
	bits = ipc_get_u8(in);
	m->large = (bits & BIT_LARGE) != 0;
	m->held = (bits & BIT_HELD) != 0;
	m->flags = ipc_get_u32(in);
	m->arrival_ms = ipc_get_u64(in);
	m->wall_ms = (int64_t)ipc_get_u64(in);
	m->session = ipc_get_u64(in);
	m->life = ipc_get_u64(in);
	next = ipc_get_u32(in);
	m->reverse_path = keep(m, ipc_get_bytes(in, ENVELOPE_ADDRESS_MAX));
	n = ipc_get_u32(in);
	if (in->failed || m->reverse_path.at == NULL || n == 0 ||
	    n > ENVELOPE_RECIPIENTS_MAX)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		if (recipient_get(in, m) == -1)
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
