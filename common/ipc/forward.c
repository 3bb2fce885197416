#include "common/ipc/forward.h"

enum { NOTHING = 1, KEEP = 2 };

static void
put_done(struct ipc_writer *w, const struct forward_done *done)
{
	ipc_put_u16(w, done->n);
	for (unsigned i = 0; i < done->n; i++)
		ipc_put_u64(w, done->at[i]);
}

static int
get_done(struct ipc_reader *r, struct forward_done *done)
{
	done->n = ipc_get_u16(r);
	if (done->n > FORWARD_DONE_MAX)
		return -1;
	for (unsigned i = 0; i < done->n; i++)
		done->at[i] = ipc_get_u64(r);
	return 0;
}

size_t
forward_ask_encode(const struct forward_ask *a, void *buf, size_t size)
{
	char body[DELIVERY_BODY_MAX];
	size_t len = delivery_encode(&a->delivery, body, sizeof(body));
	struct ipc_writer w;

	ipc_writer_init(&w, buf, size);
	ipc_put_bytes(&w, a->target);
	put_done(&w, &a->done);
	ipc_put_bytes(&w, slice_of(body, len));
	return w.failed || len == 0 || a->target.len > FORWARD_COMMAND_MAX ?
	    0 : w.len;
}

/* What a file's line can hold, and a C string. */
static bool
is_line(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.at[i] < ' ' && s.at[i] != '\t') ||
		    s.at[i] == 0x7f)
			return false;
	return true;
}

int
forward_ask_decode(struct slice body, struct forward_ask *a)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	a->target = ipc_get_bytes(&r, FORWARD_COMMAND_MAX);
	if (get_done(&r, &a->done) == -1)
		return -1;
	body = ipc_get_bytes(&r, DELIVERY_BODY_MAX);
	if (ipc_reader_end(&r) == -1 || !is_line(a->target))
		return -1;
	return delivery_decode(body, &a->delivery);
}

size_t
forward_answer_encode(const struct forward_answer *a,
    const struct slice *addresses, void *buf, size_t size)
{
	char body[2048];
	size_t len = delivered_encode(&a->result, body, sizeof(body));
	struct ipc_writer w;

	ipc_writer_init(&w, buf, size);
	ipc_put_u8(&w, (uint8_t)((a->nothing ? NOTHING : 0) |
	    (a->keep ? KEEP : 0)));
	ipc_put_bytes(&w, slice_of(body, len));
	put_done(&w, &a->done);
	ipc_put_u16(&w, a->n_addresses);
	for (unsigned i = 0; i < a->n_addresses; i++)
		ipc_put_bytes(&w, addresses[i]);
	return w.failed || len == 0 ? 0 : w.len;
}

static int
check_addresses(struct ipc_reader r, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct slice s = ipc_get_bytes(&r, DELIVERY_ADDRESS_MAX);

		if (s.len == 0 || !is_line(s))
			return -1;
	}
	return ipc_reader_end(&r);
}

int
forward_answer_decode(struct slice body, struct forward_answer *a)
{
	struct ipc_reader r;
	uint8_t flags;

	ipc_reader_init(&r, body);
	flags = ipc_get_u8(&r);
	a->nothing = (flags & NOTHING) != 0;
	a->keep = (flags & KEEP) != 0;
	body = ipc_get_bytes(&r, 2048);
	if (get_done(&r, &a->done) == -1)
		return -1;
	a->n_addresses = ipc_get_u16(&r);
	a->addresses = r;
	if (r.failed || (flags & ~(NOTHING | KEEP)) != 0 ||
	    a->n_addresses > FORWARD_ADDRESSES_MAX ||
	    check_addresses(r, a->n_addresses) == -1 ||
	    delivered_decode(body, &a->result) == -1)
		return -1;
	/* Nothing is nothing. */
	return a->nothing && (a->keep || a->n_addresses > 0) ? -1 : 0;
}

bool
forward_next_address(struct forward_answer *a, struct slice *address)
{
	if (a->n_addresses == 0)
		return false;
	a->n_addresses--;
	*address = ipc_get_bytes(&a->addresses, DELIVERY_ADDRESS_MAX);
	return true;
}
