/* Whatever comes out is one line of printable ASCII: it goes into SMTP. */
#include "bulkhead/sendmail/recipients.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address_list l = { 0 };

	recipients_take(slice_of(data, size), &l);
	for (size_t i = 0; i < l.count; i++) {
		size_t len = strlen(l.at[i]);

		assert(len > 0 && len <= SENDMAIL_ADDRESS_MAX);
		for (size_t k = 0; k < len; k++)
			assert(l.at[i][k] >= ' ' && l.at[i][k] < 0x7f);
	}
	address_list_clear(&l);
	return 0;
}
