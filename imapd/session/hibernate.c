#include "imapd/session/hibernate.h"

#include <stdlib.h>

#include "common/checksum/crc32c.h"
#include "common/ipc/codec.h"

enum { IS_IDLING = 1, IS_SELECTED = 2, IS_READ_ONLY = 4, FLAGS = 7 };

size_t
hibernated_size(const struct hibernated *h)
{
	return HIBERNATE_HEAD + (h->uids.len + h->saved.len) * 8;
}

static void
put_set(struct ipc_writer *w, const struct set *set)
{
	ipc_put_u32(w, (uint32_t)set->len);
	for (size_t i = 0; i < set->len; i++) {
		ipc_put_u32(w, set->range[i].first);
		ipc_put_u32(w, set->range[i].last);
	}
}

static bool
is_within_limits(const struct hibernated *h)
{
	return h->tag.len <= HIBERNATE_TAG_MAX &&
	    h->folder.len <= HIBERNATE_NAME_MAX &&
	    h->uids.len <= HIBERNATE_RANGES_MAX &&
	    h->saved.len <= HIBERNATE_RANGES_MAX;
}

size_t
hibernated_encode(const struct hibernated *h, void *buf, size_t size)
{
	struct ipc_writer w;

	if (!is_within_limits(h) || size < 4)
		return 0;
	ipc_writer_init(&w, buf, size - 4);
	ipc_put_u8(&w, HIBERNATE_VERSION);
	ipc_put_u8(&w, (uint8_t)((h->idling ? IS_IDLING : 0) |
	    (h->selected ? IS_SELECTED : 0) |
	    (h->read_only ? IS_READ_ONLY : 0)));
	ipc_put_u64(&w, h->session);
	ipc_put_u32(&w, h->enabled);
	ipc_put_u64(&w, h->hidden);
	ipc_put_bytes(&w, h->tag);
	ipc_put_bytes(&w, h->folder);
	ipc_put_u32(&w, h->uidvalidity);
	ipc_put_u64(&w, h->modseq);
	ipc_put_u32(&w, h->recent);
	put_set(&w, &h->uids);
	put_set(&w, &h->saved);
	if (w.failed)
		return 0;
	size = w.len;
	ipc_writer_init(&w, (char *)buf + size, 4);
	ipc_put_u32(&w, crc32c(0, buf, size));
	return size + 4;
}

/* Ascending, and apart from each other. */
static int
get_set(struct ipc_reader *r, struct set *set)
{
	uint32_t n = ipc_get_u32(r), last = 0;

	*set = (struct set){ .len = n };
	if (n > HIBERNATE_RANGES_MAX || r->in.len / 8 < n)
		return -1;
	if ((set->range = reallocarray(NULL, n + 1, sizeof(*set->range))) ==
	    NULL)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		struct range q = { .first = ipc_get_u32(r) };

		q.last = ipc_get_u32(r);
		if (q.first == 0 || q.last < q.first ||
		    (i > 0 && (q.first <= last || q.first == last + 1)))
			return -1;
		set->range[i] = q;
		last = q.last;
	}
	return 0;
}

static int
decode(struct ipc_reader *r, struct hibernated *h)
{
	uint8_t version = ipc_get_u8(r), flags = ipc_get_u8(r);

	h->idling = flags & IS_IDLING;
	h->selected = flags & IS_SELECTED;
	h->read_only = flags & IS_READ_ONLY;
	h->session = ipc_get_u64(r);
	h->enabled = ipc_get_u32(r);
	h->hidden = ipc_get_u64(r);
	h->tag = ipc_get_bytes(r, HIBERNATE_TAG_MAX);
	h->folder = ipc_get_bytes(r, HIBERNATE_NAME_MAX);
	h->uidvalidity = ipc_get_u32(r);
	h->modseq = ipc_get_u64(r);
	h->recent = ipc_get_u32(r);
	if (version != HIBERNATE_VERSION || (flags & ~FLAGS) != 0 ||
	    get_set(r, &h->uids) == -1 || get_set(r, &h->saved) == -1)
		return -1;
	return ipc_reader_end(r);
}

int
hibernated_decode(struct slice in, struct hibernated *h)
{
	struct ipc_reader r;
	uint32_t crc;

	*h = (struct hibernated){ .session = 0 };
	if (in.len < 4)
		return -1;
	ipc_reader_init(&r, slice_skip(in, in.len - 4));
	crc = ipc_get_u32(&r);
	in.len -= 4;
	if (crc != crc32c(0, in.at, in.len))
		return -1;
	ipc_reader_init(&r, in);
	if (decode(&r, h) == 0)
		return 0;
	hibernated_clear(h);
	return -1;
}

void
hibernated_clear(struct hibernated *h)
{
	free(h->uids.range);
	free(h->saved.range);
	*h = (struct hibernated){ .session = 0 };
}
