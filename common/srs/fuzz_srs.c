/* SRS local-parts that come back, and paths that are rewritten. */
#include <assert.h>
#include <stdint.h>

#include "common/accounts/username.h"
#include "common/srs/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct srs_secrets secrets = {
		.keys = { { { 1, 2 } } }, .count = 1 };
	struct slice in = slice_of(data, size);
	char out[SRS_ADDRESS_MAX], back[SRS_ADDRESS_MAX];
	char local[USERNAME_UNQUOTED_SIZE];
	struct srs_secrets made;
	struct username name;
	struct table_error err;
	int n = srs_reverse(&secrets, 7, in, out);

	assert(n == -1 || (n > 0 && n <= SRS_ADDRESS_MAX));
	if (srs_secrets_compile(in, &made, &err) == 0)
		assert(made.count <= SRS_SECRETS_MAX);
	if (address_parts(in, local, &name) != PARSE_OK ||
	    !username_domain_valid(name.domain))
		return 0;
	n = srs_forward(&secrets, 7, name.local, name.domain,
	    SLICE_LITERAL("o.example"), out);
	if (n == -1)
		return 0;
	/* What we write, we take back, and it is an address. */
	assert(address_plain_parse(slice_of(out, (size_t)n), &name) ==
	    PARSE_OK);
	assert(srs_reverse(&secrets, 7, name.local, back) > 0 ||
	    slice_starts_nocase(name.local, SLICE_LITERAL("SRS1")));
	return 0;
}
