#include "common/ipc/dns.h"

#include <string.h>

/* Before the records: status, flags, type, ttl, count. */
#define FIXED	(1 + 1 + 2 + 4 + 2)

enum { FLAG_SECURE = 1, FLAG_CUT = 2, FLAGS = 3 };

static const struct {
	enum dns_type	 type;
	const char	*name;
} types[] = {
	{ DNS_A, "A" }, { DNS_CNAME, "CNAME" }, { DNS_PTR, "PTR" },
	{ DNS_MX, "MX" }, { DNS_TXT, "TXT" }, { DNS_AAAA, "AAAA" },
	{ DNS_TLSA, "TLSA" },
};

bool
dns_type_valid(unsigned type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((unsigned)types[i].type == type)
			return true;
	return false;
}

const char *
dns_type_name(enum dns_type type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

const char *
dns_status_name(enum dns_status status)
{
	static const char *const names[] = { "?", "ok", "nxdomain", "nodata",
		"tempfail", "bogus" };

	return status >= DNS_OK && status <= DNS_BOGUS ? names[status] : "?";
}

static bool
letter_valid(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '/';
}

bool
dns_name_valid(struct slice s)
{
	size_t label = 0;

	if (s.len == 0 || s.len > DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!letter_valid(s.at[i]) || ++label > DNS_LABEL_MAX)
			return false;
	}
	return label > 0;
}

/* A name in an answer: nobody has to think of case again. */
static bool
lower_name_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] >= 'A' && s.at[i] <= 'Z')
			return false;
	return dns_name_valid(s);
}

static bool
why_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < ' ' || s.at[i] > '~')
			return false;
	return s.len <= DNS_WHY_MAX;
}

size_t
dns_question_encode(const struct dns_question *q, uint8_t buf[DNS_ASK_MAX])
{
	struct ipc_writer w;

	if (!dns_type_valid(q->type) || !dns_name_valid(q->name))
		return 0;
	ipc_writer_init(&w, buf, DNS_ASK_MAX);
	ipc_put_u16(&w, (uint16_t)q->type);
	ipc_put_bytes(&w, q->name);
	return w.failed ? 0 : w.len;
}

int
dns_question_decode(struct slice body, struct dns_question *q)
{
	struct ipc_reader r;
	unsigned type;

	ipc_reader_init(&r, body);
	type = ipc_get_u16(&r);
	q->name = ipc_get_bytes(&r, DNS_NAME_MAX);
	if (ipc_reader_end(&r) == -1 || !dns_type_valid(type) ||
	    !dns_name_valid(q->name))
		return -1;
	q->type = (enum dns_type)type;
	return 0;
}

/* ---- records ---- */

static bool
record_valid(const struct dns_record *rec)
{
	switch (rec->type) {
	case DNS_A:
	case DNS_AAAA:
		return true;
	case DNS_CNAME:
	case DNS_PTR:
		return lower_name_valid(rec->name);
	case DNS_MX:
		return rec->mx.exchange.len == 0 ||
		    lower_name_valid(rec->mx.exchange);
	case DNS_TXT:
		return rec->text.len <= DNS_TEXT_MAX;
	case DNS_TLSA:
		return rec->tlsa.data.len > 0 &&
		    rec->tlsa.data.len <= DNS_TLSA_MAX;
	}
	return false;
}

static void
put_record(struct ipc_writer *w, const struct dns_record *rec)
{
	switch (rec->type) {
	case DNS_A:
		ipc_put_raw(w, rec->address, 4);
		break;
	case DNS_AAAA:
		ipc_put_raw(w, rec->address, 16);
		break;
	case DNS_CNAME:
	case DNS_PTR:
		ipc_put_bytes(w, rec->name);
		break;
	case DNS_MX:
		ipc_put_u16(w, rec->mx.preference);
		ipc_put_bytes(w, rec->mx.exchange);
		break;
	case DNS_TXT:
		ipc_put_bytes(w, rec->text);
		break;
	case DNS_TLSA:
		ipc_put_u8(w, rec->tlsa.usage);
		ipc_put_u8(w, rec->tlsa.selector);
		ipc_put_u8(w, rec->tlsa.matching);
		ipc_put_bytes(w, rec->tlsa.data);
		break;
	}
}

static void
get_record(struct ipc_reader *r, enum dns_type type, struct dns_record *rec)
{
	memset(rec, 0, sizeof(*rec));
	rec->type = type;
	switch (type) {
	case DNS_A:
		ipc_get_raw(r, rec->address, 4);
		break;
	case DNS_AAAA:
		ipc_get_raw(r, rec->address, 16);
		break;
	case DNS_CNAME:
	case DNS_PTR:
		rec->name = ipc_get_bytes(r, DNS_NAME_MAX);
		break;
	case DNS_MX:
		rec->mx.preference = ipc_get_u16(r);
		rec->mx.exchange = ipc_get_bytes(r, DNS_NAME_MAX);
		break;
	case DNS_TXT:
		rec->text = ipc_get_bytes(r, DNS_TEXT_MAX);
		break;
	case DNS_TLSA:
		rec->tlsa.usage = ipc_get_u8(r);
		rec->tlsa.selector = ipc_get_u8(r);
		rec->tlsa.matching = ipc_get_u8(r);
		rec->tlsa.data = ipc_get_bytes(r, DNS_TLSA_MAX);
		break;
	}
}

/* ---- answers ---- */

static bool
head_valid(const struct dns_answer *a)
{
	bool failed = a->status == DNS_TEMPFAIL || a->status == DNS_BOGUS;

	if (a->status < DNS_OK || a->status > DNS_BOGUS ||
	    !dns_type_valid(a->type) || a->ttl > DNS_TTL_MAX ||
	    (a->canonical.len != 0 && !lower_name_valid(a->canonical)) ||
	    !why_valid(a->why))
		return false;
	if (failed)
		return !a->secure && a->canonical.len == 0;
	return a->why.len == 0;
}

static void
put_fixed(struct ipc_writer *w, const struct dns_answer *a)
{
	ipc_put_u8(w, (uint8_t)a->status);
	ipc_put_u8(w, (uint8_t)((a->secure ? FLAG_SECURE : 0) |
	    (a->cut ? FLAG_CUT : 0)));
	ipc_put_u16(w, (uint16_t)a->type);
	ipc_put_u32(w, a->ttl);
	ipc_put_u16(w, a->count);
}

void
dns_builder_begin(struct dns_builder *b, const struct dns_answer *a,
    uint8_t buf[DNS_ANSWER_MAX])
{
	b->head = *a;
	b->head.count = 0;
	ipc_writer_init(&b->w, buf, DNS_ANSWER_MAX);
	put_fixed(&b->w, &b->head);
	ipc_put_bytes(&b->w, a->canonical);
	ipc_put_bytes(&b->w, a->why);
	b->head_len = b->w.len;
}

bool
dns_builder_add(struct dns_builder *b, const struct dns_record *rec)
{
	size_t before = b->w.len;

	if (b->head.status == DNS_OK && b->head.count < DNS_RECORDS_MAX &&
	    rec->type == b->head.type && record_valid(rec) && !b->w.failed) {
		put_record(&b->w, rec);
		if (!b->w.failed) {
			b->head.count++;
			return true;
		}
		b->w.failed = false;
		b->w.len = before;
	}
	b->head.cut = true;
	return false;
}

size_t
dns_builder_end(struct dns_builder *b)
{
	struct ipc_writer head;

	if (b->head.status == DNS_OK && b->head.count == 0)
		b->head.status = DNS_NODATA;
	if (b->w.failed || !head_valid(&b->head))
		return 0;
	ipc_writer_init(&head, b->w.buf, FIXED);
	put_fixed(&head, &b->head);
	return b->w.len;
}

static int
records_check(const struct dns_answer *a)
{
	struct ipc_reader r = a->records;
	struct dns_record rec;

	for (unsigned i = 0; i < a->count && !r.failed; i++) {
		get_record(&r, a->type, &rec);
		if (!r.failed && !record_valid(&rec))
			return -1;
	}
	return ipc_reader_end(&r);
}

int
dns_answer_decode(struct slice body, struct dns_answer *a)
{
	struct ipc_reader r;
	uint8_t flags;

	memset(a, 0, sizeof(*a));
	ipc_reader_init(&r, body);
	a->status = (enum dns_status)ipc_get_u8(&r);
	flags = ipc_get_u8(&r);
	a->type = (enum dns_type)ipc_get_u16(&r);
	a->ttl = ipc_get_u32(&r);
	a->count = ipc_get_u16(&r);
	a->canonical = ipc_get_bytes(&r, DNS_NAME_MAX);
	a->why = ipc_get_bytes(&r, DNS_WHY_MAX);
	a->secure = (flags & FLAG_SECURE) != 0;
	a->cut = (flags & FLAG_CUT) != 0;
	a->records = r;
	if (r.failed || (flags & ~FLAGS) != 0 || !head_valid(a) ||
	    a->count > DNS_RECORDS_MAX ||
	    (a->count > 0) != (a->status == DNS_OK))
		return -1;
	return records_check(a);
}

bool
dns_answer_next(struct dns_answer *a, struct dns_record *rec)
{
	if (a->count == 0)
		return false;
	a->count--;
	get_record(&a->records, a->type, rec);
	return true;
}
