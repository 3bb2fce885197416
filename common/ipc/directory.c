#include "common/ipc/directory.h"

/* The length of what was written; 0 when something did not fit. */
static size_t
written(const struct ipc_writer *w)
{
	return w->failed ? 0 : w->len;
}

static bool
verdict_valid(uint8_t v)
{
	return v >= DIRECTORY_LOCAL && v <= DIRECTORY_TEMPFAIL;
}

/* No control character, and so nothing that could break a log or a list. */
static bool
address_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return false;
	return s.len > 0 && s.len <= DIRECTORY_ADDRESS_MAX;
}

static bool
detail_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("._-+='", c) != NULL)))
			return false;
	}
	return s.len <= DIRECTORY_DETAIL_MAX && (s.len == 0 || s.at[0] != '.');
}

size_t
directory_ask_encode(struct slice address, void *buf)
{
	struct ipc_writer w;

	if (!address_valid(address))
		return 0;
	ipc_writer_init(&w, buf, DIRECTORY_BODY_MAX);
	ipc_put_bytes(&w, address);
	return written(&w);
}

int
directory_ask_decode(struct slice body, struct slice *address)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	*address = ipc_get_bytes(&r, DIRECTORY_ADDRESS_MAX);
	if (ipc_reader_end(&r) == -1 || !address_valid(*address))
		return -1;
	return 0;
}

size_t
directory_resolved_encode(const struct directory_resolved *a, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, DIRECTORY_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)a->verdict);
	ipc_put_bytes(&w, a->canonical);
	return a->canonical.len > DIRECTORY_ADDRESS_MAX ? 0 : written(&w);
}

int
directory_resolved_decode(struct slice body, struct directory_resolved *a)
{
	struct ipc_reader r;
	uint8_t verdict;

	ipc_reader_init(&r, body);
	verdict = ipc_get_u8(&r);
	a->canonical = ipc_get_bytes(&r, DIRECTORY_ADDRESS_MAX);
	if (ipc_reader_end(&r) == -1 || !verdict_valid(verdict))
		return -1;
	a->verdict = (enum directory_verdict)verdict;
	if (a->verdict == DIRECTORY_LOCAL)
		return address_valid(a->canonical) ? 0 : -1;
	return a->canonical.len == 0 ? 0 : -1;
}

/* The head of a part: verdict, last, count. */
#define PART_HEAD	4

static void
put_head(struct ipc_writer *w, enum directory_verdict verdict, bool last,
    uint16_t count)
{
	ipc_put_u8(w, (uint8_t)verdict);
	ipc_put_u8(w, last);
	ipc_put_u16(w, count);
}

void
directory_part_begin(struct directory_part *part,
    uint8_t buf[DIRECTORY_EXPANDED_MAX])
{
	ipc_writer_init(&part->w, buf, DIRECTORY_EXPANDED_MAX);
	put_head(&part->w, DIRECTORY_TEMPFAIL, true, 0);
	part->count = 0;
}

bool
directory_part_add(struct directory_part *part, struct slice address)
{
	if (part->w.size - part->w.len < sizeof(uint32_t) + address.len)
		return false;
	ipc_put_bytes(&part->w, address);
	part->count++;
	return true;
}

size_t
directory_part_end(struct directory_part *part, enum directory_verdict verdict,
    bool last)
{
	struct ipc_writer head;

	ipc_writer_init(&head, part->w.buf, PART_HEAD);
	put_head(&head, verdict, last, part->count);
	return written(&part->w);
}

int
directory_expanded_decode(struct slice body, struct directory_expanded *e)
{
	struct ipc_reader r;
	uint8_t verdict, last;

	ipc_reader_init(&r, body);
	verdict = ipc_get_u8(&r);
	last = ipc_get_u8(&r);
	e->count = ipc_get_u16(&r);
	e->addresses = r;
	for (unsigned i = 0; i < e->count && !r.failed; i++)
		if (!address_valid(ipc_get_bytes(&r, DIRECTORY_ADDRESS_MAX)))
			return -1;
	if (ipc_reader_end(&r) == -1 || !verdict_valid(verdict) || last > 1)
		return -1;
	e->verdict = (enum directory_verdict)verdict;
	e->last = last == 1;
	if (e->verdict == DIRECTORY_LOCAL)
		return e->count > 0 ? 0 : -1;
	return e->count == 0 && e->last ? 0 : -1;
}

bool
directory_expanded_next(struct directory_expanded *e, struct slice *address)
{
	if (e->count == 0)
		return false;
	e->count--;
	*address = ipc_get_bytes(&e->addresses, DIRECTORY_ADDRESS_MAX);
	return true;
}

size_t
directory_account_encode(const struct directory_account *a, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, DIRECTORY_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)a->verdict);
	if (a->verdict != DIRECTORY_LOCAL)
		return written(&w);
	ipc_put_u8(&w, (uint8_t)a->account.kind);
	ipc_put_u32(&w, a->account.number);
	ipc_put_bytes(&w, a->canonical);
	ipc_put_bytes(&w, a->detail);
	ipc_put_raw(&w, a->voucher.octets, TICKET_LEN);
	return !account_valid(a->account) || !address_valid(a->canonical) ||
	    !detail_valid(a->detail) ? 0 : written(&w);
}

int
directory_account_decode(struct slice body, struct directory_account *a)
{
	struct ipc_reader r;
	uint8_t verdict;

	memset(a, 0, sizeof(*a));
	ipc_reader_init(&r, body);
	verdict = ipc_get_u8(&r);
	if (!verdict_valid(verdict))
		return -1;
	a->verdict = (enum directory_verdict)verdict;
	if (a->verdict != DIRECTORY_LOCAL)
		return ipc_reader_end(&r);
	a->account.kind = (enum account_kind)ipc_get_u8(&r);
	a->account.number = ipc_get_u32(&r);
	a->canonical = ipc_get_bytes(&r, DIRECTORY_ADDRESS_MAX);
	a->detail = ipc_get_bytes(&r, DIRECTORY_DETAIL_MAX);
	ipc_get_raw(&r, a->voucher.octets, TICKET_LEN);
	if (ipc_reader_end(&r) == -1 || !account_valid(a->account) ||
	    !address_valid(a->canonical) || !detail_valid(a->detail))
		return -1;
	return 0;
}
