/* Whatever comes out is one line of printable UTF-8: it goes into SMTP. */
#include "bulkhead/sendmail/recipients.h"

#include <assert.h>
#include <stdint.h>

#include "common/utf8/utf8.h"

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
			assert((unsigned char)l.at[i][k] >= ' ' &&
			    l.at[i][k] != 0x7f);
		assert(utf8_is_valid(slice_of(l.at[i], len)));
	}
	address_list_clear(&l);
	return 0;
}
