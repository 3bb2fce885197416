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
check_tls13(struct slice in, const char *text)
{
	assert(in.len == 130 || in.len == 146);
	assert(memcmp(in.at + 64, text, strlen(text) + 1) == 0);
	for (size_t i = 0; i < 64; i++)
		assert(in.at[i] == ' ');
}

static void
check_tls12(struct slice in)
{
	assert(in.len > 68 && in.len == 68 + (size_t)(uint8_t)in.at[67]);
	assert(in.at[64] == 3);
}

/* Nothing is both a server's and a client's. */
static void
check_client(struct slice in)
{
	switch (handshake_input(SIDE_CLIENT, in)) {
	case INPUT_TLS13:
		check_tls13(in, "TLS 1.3, client CertificateVerify");
		break;
	case INPUT_TLS12:
		assert(in.len > 201 && in.at[0] == 1);
		break;
	case INPUT_NONE:
		return;
	}
	assert(handshake_input(SIDE_SERVER, in) == INPUT_NONE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_sign sign;

	if (tls_sign_decode(slice_of(data, size), &sign) == -1)
		return 0;
	assert(sign.input.len <= TLS_INPUT_MAX);
	check_client(sign.input);
	switch (handshake_input(SIDE_SERVER, sign.input)) {
	case INPUT_TLS13:
		check_tls13(sign.input, "TLS 1.3, server CertificateVerify");
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
