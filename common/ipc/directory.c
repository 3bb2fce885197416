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
	return v >= DIRECTORY_LOCAL && v <= DIRECTORY_REFUSED;
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

/* The null reverse-path is empty. */
static bool
reverse_path_valid(struct slice s)
{
	return s.len == 0 || address_valid(s);
}

static bool
route_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '.' || c == '_' ||
		    c == '-'))
			return false;
	}
	return s.len <= DIRECTORY_ROUTE_MAX;
}

/* A name in small letters, or an address literal. */
static bool
domain_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c <= ' ' || c >= 0x7f || (c >= 'A' && c <= 'Z' &&
		    s.at[0] != '['))
			return false;
	}
	return s.len > 0 && s.len <= DIRECTORY_DOMAIN_MAX;
}

static bool
text_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < ' ' || s.at[i] > '~')
			return false;
	return s.len > 0 && s.len <= DIRECTORY_TEXT_MAX;
}

static bool
refusal_valid(const struct directory_refusal *f)
{
	if (f->code == 0)
		return f->text.len == 0 && f->enhanced[0] == 0 &&
		    f->enhanced[1] == 0 && f->enhanced[2] == 0;
	return f->code >= 450 && f->code <= 599 &&
	    f->enhanced[0] == f->code / 100 && text_valid(f->text);
}

static void
put_refusal(struct ipc_writer *w, const struct directory_refusal *f)
{
	ipc_put_u16(w, f->code);
	ipc_put_raw(w, f->enhanced, sizeof(f->enhanced));
	ipc_put_bytes(w, f->text);
}

static void
get_refusal(struct ipc_reader *r, struct directory_refusal *f)
{
	f->code = ipc_get_u16(r);
	ipc_get_raw(r, f->enhanced, sizeof(f->enhanced));
	f->text = ipc_get_bytes(r, DIRECTORY_TEXT_MAX);
}

size_t
directory_ask_encode(const struct directory_ask *a, void *buf)
{
	struct ipc_writer w;

	if (!address_valid(a->address) ||
	    !reverse_path_valid(a->reverse_path))
		return 0;
	ipc_writer_init(&w, buf, DIRECTORY_BODY_MAX);
	ipc_put_bytes(&w, a->address);
	ipc_put_bytes(&w, a->reverse_path);
	ipc_put_u8(&w, a->forwarded);
	return written(&w);
}

int
directory_ask_decode(struct slice body, struct directory_ask *a)
{
	struct ipc_reader r;
	uint8_t forwarded;

	ipc_reader_init(&r, body);
	a->address = ipc_get_bytes(&r, DIRECTORY_ADDRESS_MAX);
	a->reverse_path = ipc_get_bytes(&r, DIRECTORY_ADDRESS_MAX);
	forwarded = ipc_get_u8(&r);
	a->forwarded = forwarded == 1;
	if (ipc_reader_end(&r) == -1 || forwarded > 1 ||
	    !address_valid(a->address) ||
	    !reverse_path_valid(a->reverse_path))
		return -1;
	return 0;
}

size_t
directory_account_ask_encode(struct slice address, void *buf)
{
	struct ipc_writer w;

	if (!address_valid(address))
		return 0;
	ipc_writer_init(&w, buf, DIRECTORY_BODY_MAX);
	ipc_put_bytes(&w, address);
	return written(&w);
}

int
directory_account_ask_decode(struct slice body, struct slice *address)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	*address = ipc_get_bytes(&r, DIRECTORY_ADDRESS_MAX);
	if (ipc_reader_end(&r) == -1 || !address_valid(*address))
		return -1;
	return 0;
}

/* Do the fields agree with the verdict? */
static bool
resolved_valid(const struct directory_resolved *a)
{
	bool named = a->verdict == DIRECTORY_LOCAL ||
	    a->verdict == DIRECTORY_RELAY_DOMAIN;

	if (named ? !address_valid(a->canonical) : a->canonical.len > 0)
		return false;
	if (!refusal_valid(&a->refusal))
		return false;
	if (a->verdict == DIRECTORY_REFUSED)
		return a->refusal.code != 0;
	return a->refusal.code == 0 || a->verdict == DIRECTORY_NO_RELAY;
}

size_t
directory_resolved_encode(const struct directory_resolved *a, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, DIRECTORY_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)a->verdict);
	ipc_put_bytes(&w, a->canonical);
	put_refusal(&w, &a->refusal);
	return resolved_valid(a) ? written(&w) : 0;
}

int
directory_resolved_decode(struct slice body, struct directory_resolved *a)
{
	struct ipc_reader r;
	uint8_t verdict;

	ipc_reader_init(&r, body);
	verdict = ipc_get_u8(&r);
	a->canonical = ipc_get_bytes(&r, DIRECTORY_ADDRESS_MAX);
	get_refusal(&r, &a->refusal);
	if (ipc_reader_end(&r) == -1 || !verdict_valid(verdict))
		return -1;
	a->verdict = (enum directory_verdict)verdict;
	return resolved_valid(a) ? 0 : -1;
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
directory_part_add(struct directory_part *part,
    const struct directory_target *t)
{
	struct ipc_writer w = part->w;

	ipc_put_u8(&w, (uint8_t)t->kind);
	ipc_put_bytes(&w, t->address);
	ipc_put_bytes(&w, t->reverse_path);
	if (t->kind == DIRECTORY_TARGET_RELAY) {
		ipc_put_bytes(&w, t->route);
		ipc_put_bytes(&w, t->domain);
	} else if (t->kind == DIRECTORY_TARGET_REFUSED)
		put_refusal(&w, &t->refusal);
	if (w.failed || part->count == UINT16_MAX)
		return false;
	part->w = w;
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

static bool
target_valid(const struct directory_target *t)
{
	if (!address_valid(t->address) ||
	    !reverse_path_valid(t->reverse_path))
		return false;
	switch (t->kind) {
	case DIRECTORY_TARGET_LOCAL:
		return true;
	case DIRECTORY_TARGET_RELAY:
		return route_valid(t->route) && domain_valid(t->domain);
	case DIRECTORY_TARGET_REFUSED:
		return t->refusal.code != 0 && refusal_valid(&t->refusal);
	}
	return false;
}

static void
get_target(struct ipc_reader *r, struct directory_target *t)
{
	*t = (struct directory_target){ 0 };
	t->kind = (enum directory_target_kind)ipc_get_u8(r);
	t->address = ipc_get_bytes(r, DIRECTORY_ADDRESS_MAX);
	t->reverse_path = ipc_get_bytes(r, DIRECTORY_ADDRESS_MAX);
	if (t->kind == DIRECTORY_TARGET_RELAY) {
		t->route = ipc_get_bytes(r, DIRECTORY_ROUTE_MAX);
		t->domain = ipc_get_bytes(r, DIRECTORY_DOMAIN_MAX);
	} else if (t->kind == DIRECTORY_TARGET_REFUSED)
		get_refusal(r, &t->refusal);
}

int
directory_expanded_decode(struct slice body, struct directory_expanded *e)
{
	struct directory_target t;
	struct ipc_reader r;
	uint8_t verdict, last;

	ipc_reader_init(&r, body);
	verdict = ipc_get_u8(&r);
	last = ipc_get_u8(&r);
	e->count = ipc_get_u16(&r);
	e->targets = r;
	for (unsigned i = 0; i < e->count && !r.failed; i++) {
		get_target(&r, &t);
		if (!target_valid(&t))
			return -1;
	}
	if (ipc_reader_end(&r) == -1 || !verdict_valid(verdict) || last > 1)
		return -1;
	e->verdict = (enum directory_verdict)verdict;
	e->last = last == 1;
	switch (e->verdict) {
	case DIRECTORY_LOCAL:
	case DIRECTORY_RELAY_DOMAIN:
		return e->count > 0 ? 0 : -1;
	case DIRECTORY_NO_RELAY:
		return e->count == 1 && e->last ? 0 : -1;
	case DIRECTORY_UNKNOWN:
	case DIRECTORY_TEMPFAIL:
		return e->count == 0 && e->last ? 0 : -1;
	case DIRECTORY_REFUSED:
		break;
	}
	return -1;
}

bool
directory_expanded_next(struct directory_expanded *e,
    struct directory_target *t)
{
	if (e->count == 0)
		return false;
	e->count--;
	get_target(&e->targets, t);
	return true;
}

size_t
directory_account_encode(const struct directory_account *a, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, DIRECTORY_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)a->verdict);
	if (a->verdict > DIRECTORY_TEMPFAIL)
		return 0;
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
	if (!verdict_valid(verdict) || verdict > DIRECTORY_TEMPFAIL)
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

size_t
directory_full_encode(const struct directory_full *f, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, DIRECTORY_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)f->account.kind);
	ipc_put_u32(&w, f->account.number);
	ipc_put_u8(&w, f->full);
	ipc_put_u8(&w, f->permanent);
	return w.failed ? 0 : w.len;
}

int
directory_full_decode(struct slice body, struct directory_full *f)
{
	struct ipc_reader r;
	uint8_t full, permanent;

	ipc_reader_init(&r, body);
	f->account.kind = (enum account_kind)ipc_get_u8(&r);
	f->account.number = ipc_get_u32(&r);
	full = ipc_get_u8(&r);
	permanent = ipc_get_u8(&r);
	f->full = full == 1;
	f->permanent = permanent == 1;
	return ipc_reader_end(&r) == 0 && full <= 1 && permanent <= 1 &&
		       account_valid(f->account)
		   ? 0
		   : -1;
}

size_t
directory_terminal_encode(enum directory_terminal v, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, 16);
	ipc_put_u8(&w, (uint8_t)v);
	return w.failed ? 0 : w.len;
}

int
directory_terminal_decode(struct slice body, enum directory_terminal *v)
{
	struct ipc_reader r;
	uint8_t n;

	ipc_reader_init(&r, body);
	n = ipc_get_u8(&r);
	*v = (enum directory_terminal)n;
	return ipc_reader_end(&r) == -1 || n < DIRECTORY_TERMINAL_YES ||
	    n > DIRECTORY_TERMINAL_LATER ? -1 : 0;
}
