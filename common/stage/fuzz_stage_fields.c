/* Any octets as the fields of STAGE_* messages. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/stage/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1), name[STAGE_NAME_MAX + 1];
	char again[STAGE_BODY_MAX];
	struct slice in;
	enum stage_table table;
	struct stage_peer peer;
	int form;

	memcpy(copy, data, size);
	in = slice_of(copy, size);
	if (stage_table_decode(in, &table) == 0)
		assert(stage_table_name(table) != NULL);
	if (stage_listener_decode(in, name) == 0)
		assert(stage_listener_encode(name, again) == size);
	if (stage_channel_decode(in, &peer) == 0)
		assert(stage_channel_encode(&peer, again) == size &&
		    memcmp(again, copy, size) == 0);
	stage_log_decode(in, &form);
	free(copy);
	return 0;
}
