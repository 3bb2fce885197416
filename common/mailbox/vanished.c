#include "common/mailbox/vanished.h"

#include <string.h>

#include "common/checksum/crc32c.h"
#include "common/ipc/codec.h"

/* It goes up with that of the chunks of records, too: what cannot be read of
 * these cannot be missed. */
enum { VANISHED_VERSION = 2 };

/* ---- the record ---- */

size_t
vanished_pack(const struct vanished *v, uint8_t to[VANISHED_SIZE])
{
	size_t size = VANISHED_HEAD + (size_t)v->len * VANISHED_RANGE;
	struct ipc_writer w;

	ipc_writer_init(&w, to, size);
	ipc_put_u32(&w, VANISHED_VERSION);
	ipc_put_u64(&w, v->floor);
	ipc_put_u32(&w, v->highest);
	ipc_put_u32(&w, v->len);
	for (uint32_t i = 0; i < v->len; i++) {
		ipc_put_u64(&w, v->range[i].modseq);
		ipc_put_u32(&w, v->range[i].first);
		ipc_put_u32(&w, v->range[i].last);
	}
	ipc_put_u32(&w, crc32c(0, to, size - 4));
	return size;
}

static bool
range_is_sane(const struct vanished *v, uint32_t i)
{
	const struct vanished_range *r = &v->range[i];

	return r->first > 0 && r->first <= r->last && r->modseq > v->floor &&
	    r->modseq <= INT64_MAX &&
	    (i == 0 || v->range[i - 1].modseq <= r->modseq);
}

enum parse
vanished_parse(struct slice in, struct vanished *v)
{
	struct ipc_reader rd;
	uint32_t version, crc;
	bool sane = true;

	ipc_reader_init(&rd, in);
	version = ipc_get_u32(&rd);
	v->floor = ipc_get_u64(&rd);
	v->highest = ipc_get_u32(&rd);
	v->len = ipc_get_u32(&rd);
	if (version != VANISHED_VERSION || v->len > VANISHED_MAX ||
	    in.len != VANISHED_HEAD + (size_t)v->len * VANISHED_RANGE)
		return PARSE_BAD;
	for (uint32_t i = 0; i < v->len; i++) {
		v->range[i].modseq = ipc_get_u64(&rd);
		v->range[i].first = ipc_get_u32(&rd);
		v->range[i].last = ipc_get_u32(&rd);
		sane &= range_is_sane(v, i);
	}
	crc = ipc_get_u32(&rd);
	if (ipc_reader_end(&rd) == -1 || !sane ||
	    crc != crc32c(0, in.at, in.len - 4))
		return PARSE_BAD;
	return PARSE_OK;
}

/* ---- changing it ---- */

/* X2: a quarter at once, so that it is not done for each. */
static void
give_up_oldest(struct vanished *v)
{
	uint32_t n = VANISHED_MAX / 4;

	v->floor = v->range[n - 1].modseq;
	/* what was expunged together goes together */
	while (n < v->len && v->range[n].modseq == v->floor)
		n++;
	v->len -= n;
	memmove(v->range, v->range + n, v->len * sizeof(v->range[0]));
}

void
vanished_add(struct vanished *v, uint32_t first, uint32_t last, uint64_t modseq)
{
	struct vanished_range *r = v->len > 0 ? &v->range[v->len - 1] : NULL;

	if (first > last || modseq <= v->floor)
		return;
	if (r != NULL && r->modseq == modseq && r->last == first - 1) {
		r->last = last;
		return;
	}
	if (v->len == VANISHED_MAX)
		give_up_oldest(v);
	/* All of it may have been of this one expunge. */
	if (modseq > v->floor)
		v->range[v->len++] = (struct vanished_range){ modseq, first,
			last };
}

/* One range out of the middle becomes two. */
static void
split(struct vanished *v, uint32_t i, uint32_t uid)
{
	struct vanished_range upper = v->range[i];

	v->range[i].last = uid - 1;
	upper.first = uid + 1;
	if (v->len == VANISHED_MAX) {
		/* X1 without it: nothing is known up to here */
		v->floor = v->range[v->len - 1].modseq;
		v->len = 0;
		return;
	}
	memmove(&v->range[i + 2], &v->range[i + 1],
	    (v->len - i - 1) * sizeof(v->range[0]));
	v->range[i + 1] = upper;
	v->len++;
}

void
vanished_remove(struct vanished *v, uint32_t uid)
{
	for (uint32_t i = 0; i < v->len; i++) {
		struct vanished_range *r = &v->range[i];

		if (uid < r->first || uid > r->last)
			continue;
		if (r->first == r->last) {
			memmove(r, r + 1, (v->len - i - 1) * sizeof(*r));
			v->len--;
			i--;
		} else if (uid == r->first)
			r->first++;
		else if (uid == r->last)
			r->last--;
		else
			split(v, i, uid);
	}
}

bool
vanished_has(const struct vanished *v, uint32_t uid)
{
	for (uint32_t i = 0; i < v->len; i++)
		if (uid >= v->range[i].first && uid <= v->range[i].last)
			return true;
	return false;
}
