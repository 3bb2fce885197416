/* Whole dialogues before login: what goes out is lines of printable ASCII. */
#include "common/gate/fuzz_stand_in.h"
#include "pop3d/authorization.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	stand_in_dialogue(&pop3_protocol, data, size);
	return 0;
}
