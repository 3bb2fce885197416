/* Whatever comes in: parts nest, ends are in order, limits hold. */
#include <assert.h>
#include <stdint.h>

#include "common/message/header.h"
#include "common/message/structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct mime *m, const struct mime_limits *limits, size_t size)
{
	assert(m->parts_len >= 1 && m->parts_len <= limits->parts + 1);
	assert(m->end.raw == size && m->strings_len <= limits->strings);
	for (uint32_t i = 0; i < m->parts_len; i++) {
		const struct mime_part *p = &m->parts[i];
		assert(p->depth <= limits->depth);
		assert(p->header.raw <= p->body.raw);
		assert(p->body.raw <= p->raw_end && p->raw_end <= size);
		assert(p->octets >= p->raw_end - p->body.raw);
		assert(p->octets <= 2 * (p->raw_end - p->body.raw));
		assert(p->lines <= p->octets);
		assert((p->kind == MIME_MULTIPART || p->kind == MIME_MESSAGE) ==
		    (p->first_child != MIME_NONE));
		if (p->parent != MIME_NONE) {
			const struct mime_part *up = &m->parts[p->parent];
			assert(p->depth == up->depth + 1);
			assert(p->header.raw >= up->body.raw);
			/* a header section may keep its empty line */
			assert(p->raw_end <= up->raw_end + 2);
		}
		if (p->next != MIME_NONE)
			assert(m->parts[p->next].header.raw + 2 >=
			    p->raw_end);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mime_limits limits = { .depth = 10, .parts = 50,
		.header = 500, .strings = 2000 };
	size_t piece = size > 0 ? data[0] + 1U : 1;
	struct slice in = slice_of(data, size), rest = in;
	struct mime_parser *p = mime_parser_new(&limits);
	struct header_field f;
	struct mime *m;

	while (in.len > 0) {
		size_t n = in.len < piece ? in.len : piece;
		mime_feed(p, slice_of(in.at, n));
		in = slice_skip(in, n);
	}
	m = mime_finish(p);
	check(m, &limits, size);
	mime_free(m);
	mime_parser_free(p);
	while (header_next(&rest, &f))
		assert(f.name.len > 0 && f.whole.len > f.name.len);
	assert(header_section_len(slice_of(data, size)) <= size);
	return 0;
}
