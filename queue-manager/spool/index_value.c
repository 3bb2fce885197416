/* What stands in the index, as octets.  See index.h. */
#include <assert.h>

#include "common/checksum/crc32c.h"
#include "common/ipc/codec.h"
#include "queue-manager/spool/index_private.h"

MDB_val
index_meta_key(void)
{
	return (MDB_val){ 4, (void *)"meta" };
}

uint64_t
index_destination(struct slice s)
{
	uint64_t h = 14695981039346656037ULL;	/* FNV-1a */

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		h = (h ^ c) * 1099511628211ULL;
	}
	return h == 0 ? 1 : h;
}

void
index_value_seal(uint8_t *value, size_t len, const struct place *p)
{
	struct ipc_writer w;

	ipc_writer_init(&w, value, INDEX_VALUE_HEAD);
	ipc_put_u64(&w, p->generation);
	ipc_put_u32(&w, p->offset);
	ipc_put_u32(&w, p->payload);
	ipc_writer_init(&w, value + len - INDEX_VALUE_TAIL, INDEX_VALUE_TAIL);
	ipc_put_u32(&w, crc32c(0, value, len - INDEX_VALUE_TAIL));
}

bool
index_value_open(const MDB_val *v, struct slice *state, struct place *p)
{
	struct ipc_reader r;
	size_t len;

	if (v->mv_size < INDEX_VALUE_HEAD + INDEX_VALUE_TAIL)
		return false;
	len = v->mv_size - INDEX_VALUE_TAIL;
	ipc_reader_init(&r, slice_of((const char *)v->mv_data + len, 4));
	if (ipc_get_u32(&r) != crc32c(0, v->mv_data, len))
		return false;
	ipc_reader_init(&r, slice_of(v->mv_data, len));
	p->generation = ipc_get_u64(&r);
	p->offset = ipc_get_u32(&r);
	p->payload = ipc_get_u32(&r);
	*state = r.in;
	return true;
}

static void
put_place(struct ipc_writer *w, const struct place *p)
{
	ipc_put_u64(w, p->generation);
	ipc_put_u32(w, p->offset);
}

size_t
index_meta_encode(const struct index_meta *m, uint8_t to[META_SIZE])
{
	struct ipc_writer w;

	ipc_writer_init(&w, to, META_SIZE);
	ipc_put_u32(&w, INDEX_VERSION);
	ipc_put_u64(&w, m->nonce);
	put_place(&w, &m->replay);
	put_place(&w, &m->end);
	ipc_put_u64(&w, m->counters.accepted);
	ipc_put_u64(&w, m->counters.delivered);
	ipc_put_u64(&w, m->counters.bounced);
	ipc_put_u64(&w, m->counters.expired);
	ipc_put_u64(&w, m->counters.deleted);
	ipc_put_u64(&w, m->clock.spool_ms);
	ipc_put_u64(&w, m->clock.boot_ms);
	ipc_put_u64(&w, (uint64_t)m->clock.wall_ms);
	ipc_put_u64(&w, m->id_ceiling);
	ipc_put_u64(&w, m->open);
	ipc_put_u64(&w, m->held);
	ipc_put_u64(&w, m->messages);
	ipc_put_u32(&w, crc32c(0, to, w.len));
	assert(!w.failed);
	return w.len;
}

int
index_meta_decode(struct slice in, struct index_meta *m)
{
	struct ipc_reader r;

	ipc_reader_init(&r, in);
	if (ipc_get_u32(&r) != INDEX_VERSION)
		return -1;
	*m = (struct index_meta){ .nonce = ipc_get_u64(&r) };
	m->replay.generation = ipc_get_u64(&r);
	m->replay.offset = ipc_get_u32(&r);
	m->end.generation = ipc_get_u64(&r);
	m->end.offset = ipc_get_u32(&r);
	m->counters.accepted = ipc_get_u64(&r);
	m->counters.delivered = ipc_get_u64(&r);
	m->counters.bounced = ipc_get_u64(&r);
	m->counters.expired = ipc_get_u64(&r);
	m->counters.deleted = ipc_get_u64(&r);
	m->clock.spool_ms = ipc_get_u64(&r);
	m->clock.boot_ms = ipc_get_u64(&r);
	m->clock.wall_ms = (int64_t)ipc_get_u64(&r);
	m->id_ceiling = ipc_get_u64(&r);
	m->open = ipc_get_u64(&r);
	m->held = ipc_get_u64(&r);
	m->messages = ipc_get_u64(&r);
	if (r.failed || crc32c(0, in.at, in.len - r.in.len) != ipc_get_u32(&r))
		return -1;
	return ipc_reader_end(&r);
}
