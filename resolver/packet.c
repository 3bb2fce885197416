#include "resolver/packet.h"

#include <string.h>

enum {
	HEAD_LEN = 12,
	CLASS_IN = 1,
	TYPE_SOA = 6,
	RCODE_NOERROR = 0, RCODE_NXDOMAIN = 3,
	WIRE_NAME_MAX = 255,	/* RFC 1035 section 2.3.4 */
	RECORDS_SEEN_MAX = 4096	/* of one message */
};

/* A name as text; usable: it is of the form that DNS_ANSWER takes. */
struct name {
	bool	usable;
	size_t	len;
	char	at[DNS_NAME_MAX + 1];
};

/* A place in a message. */
struct cursor {
	struct slice	msg;
	size_t		at;
};

struct record {
	struct name	owner;
	unsigned	type, class;
	uint32_t	ttl;
	size_t		data, end;	/* offsets of the record's data */
};

static bool
take(struct cursor *c, size_t n, const unsigned char **at)
{
	if (n > c->msg.len - c->at)
		return false;
	*at = (const unsigned char *)c->msg.at + c->at;
	c->at += n;
	return true;
}

static bool
take16(struct cursor *c, unsigned *v)
{
	const unsigned char *p;

	if (!take(c, 2, &p))
		return false;
	*v = (unsigned)p[0] << 8 | p[1];
	return true;
}

static bool
take32(struct cursor *c, uint32_t *v)
{
	unsigned high, low;

	if (!take16(c, &high) || !take16(c, &low))
		return false;
	*v = (uint32_t)high << 16 | low;
	return true;
}

/* One label of n octets more, in lower case; a dot comes before it. */
static void
add_label(struct name *name, const unsigned char *p, size_t n)
{
	if (name->len + n + 1 > DNS_NAME_MAX) {
		name->usable = false;
		return;
	}
	if (name->len > 0)
		name->at[name->len++] = '.';
	for (size_t i = 0; i < n; i++) {
		char c = (char)p[i];

		if (c == '.')
			name->usable = false;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		name->at[name->len++] = c;
	}
}

/*
 * A name, compressed or not (RFC 1035 section 4.1.4).  Each pointer must lead
 * further back than all before it, so that this ends.
 */
static bool
take_name(struct cursor *c, struct name *name)
{
	struct cursor here = *c;
	size_t back = c->at, octets = 0;
	const unsigned char *p;
	bool jumped = false;

	*name = (struct name){ .usable = true };
	for (;;) {
		size_t n;

		if (!take(&here, 1, &p))
			return false;
		if ((n = p[0]) == 0)
			break;
		if ((n & 0xc0) == 0xc0) {
			if (!take(&here, 1, &p))
				return false;
			if (!jumped)
				c->at = here.at;
			jumped = true;
			n = (n & 0x3f) << 8 | p[0];
			if (n >= back)
				return false;
			here.at = back = n;
			continue;
		}
		octets += n + 1;
		if ((n & 0xc0) != 0 || octets >= WIRE_NAME_MAX ||
		    !take(&here, n, &p))
			return false;
		add_label(name, p, n);
	}
	if (!jumped)
		c->at = here.at;
	if (name->usable && name->len > 0)
		name->usable = dns_name_valid(slice_of(name->at, name->len));
	return true;
}

static bool
take_record(struct cursor *c, struct record *rec)
{
	const unsigned char *p;
	unsigned len;

	if (!take_name(c, &rec->owner) || !take16(c, &rec->type) ||
	    !take16(c, &rec->class) || !take32(c, &rec->ttl) ||
	    !take16(c, &len))
		return false;
	rec->data = c->at;
	rec->end = c->at + len;
	return take(c, len, &p);
}

struct message {
	unsigned	rcode;
	unsigned	answers, authorities;
	struct cursor	start;		/* of the answer section */
};

static bool
read_head(struct slice packet, struct message *m)
{
	struct cursor c = { packet, 0 };
	unsigned id, flags, questions, additional, type, class;
	struct name name;

	if (!take16(&c, &id) || !take16(&c, &flags) ||
	    !take16(&c, &questions) || !take16(&c, &m->answers) ||
	    !take16(&c, &m->authorities) || !take16(&c, &additional))
		return false;
	m->rcode = flags & 0xf;
	if (questions != 1 || !take_name(&c, &name) || !take16(&c, &type) ||
	    !take16(&c, &class) ||
	    m->answers + m->authorities > RECORDS_SEEN_MAX)
		return false;
	m->start = c;
	return true;
}

/* Does every record up to the end of the authorities hold together? */
static bool
whole(const struct message *m)
{
	struct cursor c = m->start;
	struct record rec;

	for (unsigned i = 0; i < m->answers + m->authorities; i++)
		if (!take_record(&c, &rec))
			return false;
	return true;
}

static bool
same_name(const struct name *a, const struct name *b)
{
	return a->usable && b->usable && a->len == b->len &&
	    memcmp(a->at, b->at, a->len) == 0;
}

/* Where does the CNAME of this name, if there is one, lead? */
static bool
follow(const struct message *m, struct name *name, uint32_t *ttl)
{
	struct cursor c = m->start;
	struct record rec;

	for (unsigned i = 0; i < m->answers && take_record(&c, &rec); i++) {
		struct cursor data = { m->start.msg, rec.data };
		struct name target;

		if (rec.class != CLASS_IN || rec.type != DNS_CNAME ||
		    !same_name(&rec.owner, name) ||
		    !take_name(&data, &target) || data.at != rec.end)
			continue;
		*name = target;
		if (rec.ttl < *ttl)
			*ttl = rec.ttl;
		return true;
	}
	return false;
}

static struct slice
name_slice(const struct name *name)
{
	return slice_of(name->at, name->len);
}

/* Character strings, joined. */
static bool
read_text(struct cursor *c, size_t end, char *text, size_t *len)
{
	const unsigned char *p;

	*len = 0;
	while (c->at < end) {
		size_t n;

		if (!take(c, 1, &p))
			return false;
		n = p[0];
		if (n > end - c->at || n > DNS_TEXT_MAX - *len ||
		    !take(c, n, &p))
			return false;
		memcpy(text + *len, p, n);
		*len += n;
	}
	return true;
}

static bool
read_tlsa(struct cursor *c, size_t end, struct dns_record *out)
{
	const unsigned char *p;

	if (end - c->at < 4 || !take(c, 3, &p))
		return false;
	out->tlsa.usage = p[0];
	out->tlsa.selector = p[1];
	out->tlsa.matching = p[2];
	out->tlsa.data = slice_of(c->msg.at + c->at, end - c->at);
	c->at = end;
	return true;
}

/* Room for what a record of the answer points to. */
struct room {
	struct name	name;
	char		text[DNS_TEXT_MAX];
};

static bool
read_data(struct cursor c, const struct record *rec, struct room *room,
    struct dns_record *out)
{
	size_t want = rec->type == DNS_A ? 4 : 16, len;
	const unsigned char *p;
	unsigned preference;

	c.at = rec->data;
	switch (out->type) {
	case DNS_A:
	case DNS_AAAA:
		if (rec->end - rec->data != want || !take(&c, want, &p))
			return false;
		memcpy(out->address, p, want);
		return true;
	case DNS_CNAME:
	case DNS_PTR:
		if (!take_name(&c, &room->name) || !room->name.usable)
			return false;
		out->name = name_slice(&room->name);
		break;
	case DNS_MX:
		if (!take16(&c, &preference) || !take_name(&c, &room->name) ||
		    !room->name.usable)
			return false;
		out->mx.preference = (uint16_t)preference;
		out->mx.exchange = name_slice(&room->name);
		break;
	case DNS_TXT:
		if (!read_text(&c, rec->end, room->text, &len))
			return false;
		out->text = slice_of(room->text, len);
		break;
	case DNS_TLSA:
		if (!read_tlsa(&c, rec->end, out))
			return false;
		break;
	}
	return c.at == rec->end;
}

/* The records that answer, least TTL first found. */
static void
collect(const struct message *m, const struct name *owner,
    struct dns_builder *b, uint32_t *ttl)
{
	struct cursor c = m->start;
	struct record rec;
	struct room room;

	for (unsigned i = 0; i < m->answers && take_record(&c, &rec); i++) {
		struct dns_record out = { .type = b->head.type };

		if (rec.class != CLASS_IN || rec.type != b->head.type ||
		    !same_name(&rec.owner, owner))
			continue;
		if (rec.ttl < *ttl)
			*ttl = rec.ttl;
		if (read_data(c, &rec, &room, &out))
			dns_builder_add(b, &out);
		else
			b->head.cut = true;
	}
}

/* RFC 2308 section 5: the lesser of the SOA's TTL and its last field. */
static uint32_t
negative_ttl(const struct message *m, uint32_t most)
{
	struct cursor c = m->start;
	struct record rec;

	for (unsigned i = 0; i < m->answers + m->authorities &&
	    take_record(&c, &rec); i++) {
		struct cursor last = { m->start.msg, rec.end - 4 };
		uint32_t minimum;

		if (i < m->answers || rec.type != TYPE_SOA ||
		    rec.end - rec.data < 22 || !take32(&last, &minimum))
			continue;
		if (minimum < most)
			most = minimum;
		return rec.ttl < most ? rec.ttl : most;
	}
	return 0;
}

static void
name_from(struct slice text, struct name *name)
{
	*name = (struct name){ .usable = true };
	for (size_t i = 0; i < text.len && i < DNS_NAME_MAX; i++) {
		char c = text.at[i];

		name->at[name->len++] = c >= 'A' && c <= 'Z' ?
		    (char)(c - 'A' + 'a') : c;
	}
}

size_t
packet_to_answer(struct slice packet, const struct dns_question *q,
    bool secure, uint8_t buf[DNS_ANSWER_MAX])
{
	struct dns_answer head = { .status = DNS_OK, .type = q->type,
		.secure = secure };
	uint32_t ttl = DNS_TTL_MAX;
	struct dns_builder b;
	struct message m;
	struct name name;
	unsigned hops = 0;

	if (!read_head(packet, &m) || !whole(&m) ||
	    (m.rcode != RCODE_NOERROR && m.rcode != RCODE_NXDOMAIN))
		return 0;
	name_from(q->name, &name);
	while (q->type != DNS_CNAME && follow(&m, &name, &ttl))
		if (++hops > PACKET_CNAMES_MAX)
			return 0;
	if (m.rcode == RCODE_NXDOMAIN)
		head.status = DNS_NXDOMAIN;
	if (hops > 0 && name.usable)
		head.canonical = name_slice(&name);
	dns_builder_begin(&b, &head, buf);
	if (head.status == DNS_OK)
		collect(&m, &name, &b, &ttl);
	if (b.head.count == 0)
		ttl = negative_ttl(&m, ttl);
	b.head.ttl = ttl < DNS_TTL_MAX ? ttl : DNS_TTL_MAX;
	return dns_builder_end(&b);
}
