/* What is kept of any header section answers as the section does; any blob is
 * survived. */
#include <assert.h>
#include <stdlib.h>

#include "imapd/session/header_fields.h"
#include "imapd/session/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice at[] = { SLICE_LITERAL("Subject"),
		SLICE_LITERAL("to"), SLICE_LITERAL("a") };
	struct header_names names = { at, 3 };
	struct slice in = slice_of((const char *)data, size);
	struct buffer blob = { 0 }, kept_lines = { 0 }, lines = { 0 };
	struct header_kept kept;
	void *copy;

	header_kept_make(&blob, in, names, SLICE_LITERAL("x-other\n"));
	assert(
	    header_kept_parse(slice_of(blob.at, blob.len), &kept) == PARSE_OK &&
	    header_kept_has(&kept, names));
	names.n = 2;
	header_fields_add(&kept_lines, kept.lines, names, false);
	header_fields_add(&lines, in, names, false);
	assert(kept_lines.len == lines.len &&
	       (lines.len == 0 ||
		   memcmp(kept_lines.at, lines.at, lines.len) == 0));
	free(blob.at);
	free(kept_lines.at);
	free(lines.at);
	if (size > 0 && (copy = malloc(size)) != NULL) {
		memcpy(copy, data, size);
		if (header_kept_parse(slice_of(copy, size), &kept) == PARSE_OK)
			header_kept_has(&kept, names);
		free(copy);
	}
	return 0;
}
