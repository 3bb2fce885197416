#include "common/ipc/envelope.h"

enum tag {
	TAG_REVERSE_PATH = 1,
	TAG_RECIPIENT,
	TAG_FLAGS,
	TAG_SESSION,
	TAG_ARRIVAL,
	TAG_LISTENER,
	TAG_ENVID,
	TAG_RET,
	TAG_AUTH,
	TAG_HOLD,
	TAG_CLIENT = ENVELOPE_OPTIONAL,
	TAG_HELO,
	TAG_PROTOCOL
};

static void
put_field(struct ipc_writer *w, enum tag tag, struct slice s)
{
	ipc_put_u8(w, (uint8_t)tag);
	ipc_put_bytes(w, s);
}

static void
put_number(struct ipc_writer *w, enum tag tag, uint64_t v, unsigned octets)
{
	ipc_put_u8(w, (uint8_t)tag);
	ipc_put_u32(w, octets);
	if (octets == 4)
		ipc_put_u32(w, (uint32_t)v);
	else
		ipc_put_u64(w, v);
}

void
envelope_begin(struct ipc_writer *w, const struct envelope *e)
{
	ipc_put_u8(w, ENVELOPE_VERSION);
	put_field(w, TAG_REVERSE_PATH, e->reverse_path);
	put_number(w, TAG_FLAGS, e->flags, 4);
	put_number(w, TAG_SESSION, e->session, 8);
	put_number(w, TAG_ARRIVAL, (uint64_t)e->arrival_ms, 8);
	put_field(w, TAG_LISTENER, e->listener);
	put_field(w, TAG_CLIENT, e->client);
	put_field(w, TAG_HELO, e->helo);
	put_field(w, TAG_PROTOCOL, e->protocol);
	if (e->envid.len > 0)
		put_field(w, TAG_ENVID, e->envid);
	if (e->ret != ENVELOPE_RET_UNSAID)
		put_number(w, TAG_RET, (uint64_t)e->ret, 4);
	if (e->auth.len > 0)
		put_field(w, TAG_AUTH, e->auth);
	if (e->hold.len > 0)
		put_field(w, TAG_HOLD, e->hold);
}

void
envelope_put_recipient(struct ipc_writer *w,
    const struct envelope_recipient *r)
{
	ipc_put_u8(w, TAG_RECIPIENT);
	ipc_put_u32(w, (uint32_t)(12 + r->given.len + r->original.len));
	ipc_put_u32(w, r->notify);
	ipc_put_bytes(w, r->given);
	ipc_put_bytes(w, r->original);
}

/* Text that goes into header fields, reports and the log.  8-bit is fine. */
static bool
is_clean(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return false;
	return true;
}

bool
envelope_notify_ok(uint32_t notify)
{
	return notify <= ENVELOPE_NOTIFY_NEVER ||
	    (notify < 2 * ENVELOPE_NOTIFY_DELAY &&
	    !(notify & ENVELOPE_NOTIFY_NEVER));
}

static int
get_recipient(struct slice field, struct envelope_recipient *to)
{
	struct ipc_reader r;

	ipc_reader_init(&r, field);
	to->notify = ipc_get_u32(&r);
	to->given = ipc_get_bytes(&r, ENVELOPE_ADDRESS_MAX);
	to->original = ipc_get_bytes(&r, ENVELOPE_ORIGINAL_MAX);
	if (ipc_reader_end(&r) == -1 || to->given.len == 0 ||
	    !envelope_notify_ok(to->notify))
		return -1;
	return is_clean(to->given) && is_clean(to->original) ? 0 : -1;
}

static int
get_text(struct slice field, size_t max, struct slice *to)
{
	if (field.len > max || !is_clean(field))
		return -1;
	*to = field;
	return 0;
}

static int
get_u32(struct slice field, uint32_t *to)
{
	struct ipc_reader r;

	ipc_reader_init(&r, field);
	*to = ipc_get_u32(&r);
	return ipc_reader_end(&r);
}

static int
get_u64(struct slice field, uint64_t *to)
{
	struct ipc_reader r;

	ipc_reader_init(&r, field);
	*to = ipc_get_u64(&r);
	return ipc_reader_end(&r);
}

static int
get_ret(struct slice field, enum envelope_ret *to)
{
	uint32_t n;

	if (get_u32(field, &n) == -1 || n < ENVELOPE_RET_FULL ||
	    n > ENVELOPE_RET_HDRS)
		return -1;
	*to = (enum envelope_ret)n;
	return 0;
}

/* Printable ASCII: it stands in fields of reports. */
static int
get_envid(struct slice field, struct slice *to)
{
	for (size_t i = 0; i < field.len; i++)
		if ((unsigned char)field.at[i] > '~')
			return -1;
	return get_text(field, ENVELOPE_ENVID_MAX, to);
}

static int
get_field(struct envelope *e, unsigned tag, struct slice field)
{
	struct envelope_recipient rcpt;
	uint64_t n;

	switch (tag) {
	case TAG_REVERSE_PATH:
		return get_text(field, ENVELOPE_ADDRESS_MAX, &e->reverse_path);
	case TAG_RECIPIENT:
		if (++e->n_recipients > ENVELOPE_RECIPIENTS_MAX)
			return -1;
		return get_recipient(field, &rcpt);
	case TAG_FLAGS:
		if (get_u32(field, &e->flags) == -1)
			return -1;
		return e->flags & ~(uint32_t)ENVELOPE_FLAGS_KNOWN ? -1 : 0;
	case TAG_SESSION:
		return get_u64(field, &e->session);
	case TAG_ARRIVAL:
		if (get_u64(field, &n) == -1)
			return -1;
		e->arrival_ms = (int64_t)n;
		return 0;
	case TAG_LISTENER:
		return get_text(field, ENVELOPE_TEXT_MAX, &e->listener);
	case TAG_ENVID:
		return get_envid(field, &e->envid);
	case TAG_RET:
		return get_ret(field, &e->ret);
	case TAG_AUTH:
		return get_text(field, ENVELOPE_AUTH_MAX, &e->auth);
	case TAG_HOLD:
		return get_text(field, ENVELOPE_HOLD_MAX, &e->hold);
	case TAG_CLIENT:
		return get_text(field, ENVELOPE_TEXT_MAX, &e->client);
	case TAG_HELO:
		return get_text(field, ENVELOPE_TEXT_MAX, &e->helo);
	case TAG_PROTOCOL:
		return get_text(field, ENVELOPE_TEXT_MAX, &e->protocol);
	default:
		return tag < ENVELOPE_OPTIONAL ? -1 : 0;
	}
}

int
envelope_decode(struct slice in, struct envelope *e)
{
	uint64_t seen[4] = { 0 };
	struct ipc_reader r;

	*e = (struct envelope){ .envid = slice_of("", 0),
	    .auth = slice_of("", 0), .hold = slice_of("", 0) };
	ipc_reader_init(&r, in);
	if (in.len > ENVELOPE_MAX || ipc_get_u8(&r) != ENVELOPE_VERSION)
		return -1;
	e->recipients = r;
	while (r.in.len > 0 && !r.failed) {
		unsigned tag = ipc_get_u8(&r);
		struct slice field = ipc_get_bytes(&r, ENVELOPE_MAX);
		uint64_t bit = (uint64_t)1 << (tag % 64);

		if (r.failed || get_field(e, tag, field) == -1)
			return -1;
		if (tag != TAG_RECIPIENT && (seen[tag / 64] & bit))
			return -1;
		seen[tag / 64] |= bit;
	}
	if (r.failed || e->n_recipients == 0)
		return -1;
	return seen[0] & ((uint64_t)1 << TAG_REVERSE_PATH) ? 0 : -1;
}

bool
envelope_next(struct envelope *e, struct envelope_recipient *to)
{
	while (e->recipients.in.len > 0) {
		unsigned tag = ipc_get_u8(&e->recipients);
		struct slice field =
		    ipc_get_bytes(&e->recipients, ENVELOPE_MAX);

		if (tag == TAG_RECIPIENT)
			return get_recipient(field, to) == 0;
	}
	return false;
}
