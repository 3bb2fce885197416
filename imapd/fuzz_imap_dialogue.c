/* Whole dialogues before login: what goes out is lines of printable ASCII. */
#include "common/gate/fuzz_stand_in.h"
#include "imapd/authentication.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	stand_in_dialogue(&imap_protocol, data, size);
	return 0;
}
