/*
 * A request for a signature, as a captured peer might send it: nothing is
 * taken for a handshake that is not one to the octet.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc/tls.h"
#include "tlskeyd/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_tls13(struct slice in)
{
	static const char text[] = "TLS 1.3, server CertificateVerify";

	assert(in.len == 130 || in.len == 146);
	assert(memcmp(in.at + 64, text, sizeof(text)) == 0);
	for (size_t i = 0; i < 64; i++)
		assert(in.at[i] == ' ');
}

static void
check_tls12(struct slice in)
{
	assert(in.len > 68 && in.len == 68 + (size_t)(uint8_t)in.at[67]);
	assert(in.at[64] == 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_sign sign;

	if (tls_sign_decode(slice_of(data, size), &sign) == -1)
		return 0;
	assert(sign.input.len <= TLS_INPUT_MAX);
	switch (handshake_input(sign.input)) {
	case INPUT_TLS13:
		check_tls13(sign.input);
		break;
	case INPUT_TLS12:
		check_tls12(sign.input);
		break;
	case INPUT_NONE:
		assert(!handshake_scheme(INPUT_NONE, sign.scheme));
		break;
	}
	return 0;
}
