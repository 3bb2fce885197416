#include "queue-manager/spool/record.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "common/checksum/crc32c.h"

/* The header as it lies in the file; every field is naturally aligned. */
struct header {
	uint32_t	crc, payload;
	uint16_t	type, flags;
	uint32_t	batch;
	uint64_t	id, generation;
};

_Static_assert(sizeof(struct header) == RECORD_HEADER, "no holes");

void
record_seal(uint8_t *at, const struct record *r)
{
	size_t end = RECORD_HEADER + r->payload.len;
	struct header h = {
		.payload = htole32((uint32_t)r->payload.len),
		.type = htole16(r->type), .flags = htole16(r->flags),
		.batch = htole32(r->batch),
		.id = htole64(r->id), .generation = htole64(r->generation),
	};

	assert(r->payload.len <= RECORD_PAYLOAD_MAX);
	memcpy(at, &h, sizeof(h));
	memset(at + end, 0, record_size(r->payload.len) - end);
	h.crc = htole32(crc32c(0, at + 4, end - 4));
	memcpy(at, &h.crc, sizeof(h.crc));
}

enum parse
record_decode(struct slice in, uint64_t generation, struct record *r)
{
	struct header h;
	size_t len;

	if (in.len < RECORD_HEADER)
		return PARSE_MORE;
	memcpy(&h, in.at, sizeof(h));
	len = le32toh(h.payload);
	if (le64toh(h.generation) != generation || len > RECORD_PAYLOAD_MAX)
		return PARSE_BAD;
	if (in.len < record_size(len))
		return PARSE_MORE;
	if (crc32c(0, in.at + 4, RECORD_HEADER - 4 + len) != le32toh(h.crc))
		return PARSE_BAD;
	*r = (struct record){
		.type = le16toh(h.type), .flags = le16toh(h.flags),
		.batch = le32toh(h.batch), .id = le64toh(h.id),
		.generation = generation,
		.payload = slice_of(in.at + RECORD_HEADER, len),
	};
	return PARSE_OK;
}

void
record_peek(const uint8_t at[RECORD_HEADER], struct record_peek *p)
{
	struct header h;

	memcpy(&h, at, sizeof(h));
	p->payload = le32toh(h.payload);
	p->type = le16toh(h.type);
	p->flags = le16toh(h.flags);
	p->id = le64toh(h.id);
	p->generation = le64toh(h.generation);
}
