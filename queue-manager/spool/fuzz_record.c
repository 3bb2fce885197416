/* A record that decodes is, sealed again, the same octets. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/checksum/crc32c.h"
#include "queue-manager/spool/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
seal_again(const uint8_t *data, const struct record *r)
{
	size_t size = record_size(r->payload.len);
	uint8_t *copy = malloc(size);

	assert(copy != NULL);
	memcpy(copy, data, RECORD_HEADER + r->payload.len);
	record_seal(copy, r);
	assert(memcmp(copy, data, RECORD_HEADER + r->payload.len) == 0);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct segment_header h;
	struct record_peek peek;
	struct record r;
	uint32_t crc;
	uint8_t *fixed;

	if (size >= SEGMENT_HEADER)
		(void)segment_header_decode(data, &h);
	if (size < RECORD_HEADER)
		return 0;
	record_peek(data, &peek);
	if (record_decode(slice_of(data, size), peek.generation, &r) ==
	    PARSE_OK)
		seal_again(data, &r);
	/* The same with the sum made right, to come past it. */
	if (peek.payload > size - RECORD_HEADER)
		return 0;
	fixed = malloc(size);
	assert(fixed != NULL);
	memcpy(fixed, data, size);
	crc = crc32c(0, fixed + 4, RECORD_HEADER - 4 + peek.payload);
	memcpy(fixed, &crc, 4);
	if (record_decode(slice_of(fixed, size), peek.generation, &r) ==
	    PARSE_OK)
		seal_again(fixed, &r);
	free(fixed);
	return 0;
}
