/* Only handshakes are signed: each octet that makes it one is changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tlskeyd/input.h"

static size_t
tls13(char *out, size_t hash)
{
	static const char text[] = "TLS 1.3, server CertificateVerify";

	memset(out, ' ', 64);
	memcpy(out + 64, text, sizeof(text));
	memset(out + 64 + sizeof(text), 'h', hash);
	return 64 + sizeof(text) + hash;
}

static size_t
tls12(char *out, uint8_t curve, size_t point)
{
	memset(out, 'r', 64);
	out[64] = 3;
	out[65] = 0;
	out[66] = (char)curve;
	out[67] = (char)point;
	memset(out + 68, 'p', point);
	return 68 + point;
}

static enum handshake_input
server(const char *in, size_t len)
{
	return handshake_input(SIDE_SERVER, slice_of(in, len));
}

static enum handshake_input
client(const char *in, size_t len)
{
	return handshake_input(SIDE_CLIENT, slice_of(in, len));
}

static void
version_13(void **state)
{
	char in[256];
	size_t len = tls13(in, 32);

	(void)state;
	assert_int_equal(len, 130);
	assert_int_equal(server(in, len), INPUT_TLS13);
	assert_int_equal(handshake_input(SIDE_SERVER, slice_of(in, tls13(in, 48))),
	    INPUT_TLS13);
	for (size_t hash = 0; hash <= 64; hash++)
		assert_int_equal(handshake_input(SIDE_SERVER, slice_of(in, tls13(in,
		    hash))), hash == 32 || hash == 48 ? INPUT_TLS13 :
		    INPUT_NONE);
	for (size_t i = 0; i < 64 + 34; i++) {
		len = tls13(in, 32);
		in[i] ^= 1;
		assert_int_equal(server(in, len),
		    INPUT_NONE);
	}
	/* A client's signature is none of a server's. */
	len = tls13(in, 32);
	memcpy(in + 64, "TLS 1.3, client CertificateVerify", 33);
	assert_int_equal(server(in, len), INPUT_NONE);
}

static void
version_12(void **state)
{
	static const struct {
		uint8_t	curve;
		size_t	point;
	} curves[] = { { 23, 65 }, { 24, 97 }, { 25, 133 }, { 29, 32 },
		{ 30, 56 } };
	char in[256];

	(void)state;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		size_t len = tls12(in, curves[i].curve, curves[i].point);

		assert_int_equal(server(in, len),
		    INPUT_TLS12);
		assert_int_equal(server(in, len - 1),
		    INPUT_NONE);
		assert_int_equal(server(in, len + 1),
		    INPUT_NONE);
		for (size_t k = 64; k < 68; k++) {
			in[k] ^= 64;
			assert_int_equal(server(in, len),
			    INPUT_NONE);
			in[k] ^= 64;
		}
	}
	for (size_t len = 0; len <= 68; len++)
		assert_int_equal(server(in, len),
		    INPUT_NONE);
}

/* What a client signs in version 1.3 is nothing that a server does. */
static void
client_13(void **state)
{
	char in[256];
	size_t len = tls13(in, 32);

	(void)state;
	assert_int_equal(client(in, len), INPUT_NONE);
	memcpy(in + 64, "TLS 1.3, client CertificateVerify", 33);
	assert_int_equal(client(in, len), INPUT_TLS13);
	assert_int_equal(server(in, len), INPUT_NONE);
	assert_int_equal(client(in, len - 1), INPUT_NONE);
}

/* A handshake up to CertificateVerify; every message of that many octets. */
static size_t
transcript(char *out, const char *types, size_t n, size_t body)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		out[len] = types[i];
		out[len + 1] = 0;
		out[len + 2] = (char)(body >> 8);
		out[len + 3] = (char)body;
		memset(out + len + 4, 3, body);
		len += 4 + body;
	}
	return len;
}

static void
client_12(void **state)
{
	static const char full[] = { 1, 2, 11, 22, 12, 13, 14, 11, 16 };
	static const char usual[] = { 1, 2, 11, 12, 13, 14, 11, 16 };
	char in[16384], other[sizeof(full)];
	size_t len;

	(void)state;
	len = transcript(in, usual, sizeof(usual), 300);
	assert_int_equal(client(in, len), INPUT_TLS12);
	assert_int_equal(server(in, len), INPUT_NONE);
	assert_int_equal(client(in, len - 1), INPUT_NONE);
	assert_int_equal(client(in, len + 1), INPUT_NONE);
	len = transcript(in, full, sizeof(full), 300);
	assert_int_equal(client(in, len), INPUT_TLS12);
	/* Another version's hello; too short to be told from a server's. */
	in[5] = 1;
	assert_int_equal(client(in, len), INPUT_NONE);
	len = transcript(in, usual, sizeof(usual), 20);
	assert_int_equal(client(in, len), INPUT_NONE);
	/* No message may be missing, or be another. */
	for (size_t i = 0; i < sizeof(usual); i++) {
		memcpy(other, usual, sizeof(usual));
		other[i] = 20;
		len = transcript(in, other, sizeof(usual), 300);
		assert_int_equal(client(in, len), INPUT_NONE);
		memmove(other + i, usual + i + 1, sizeof(usual) - i - 1);
		len = transcript(in, other, sizeof(usual) - 1, 300);
		assert_int_equal(client(in, len), INPUT_NONE);
	}
	for (len = 0; len < 400; len++)
		assert_int_equal(client(in, len), INPUT_NONE);
}

static void
schemes(void **state)
{
	unsigned none = 0, tls12_only = 0, both = 0;

	(void)state;
	for (unsigned s = 0; s <= 0xffff; s++) {
		int a = handshake_scheme(INPUT_TLS12, (uint16_t)s);
		int b = handshake_scheme(INPUT_TLS13, (uint16_t)s);

		assert_false(handshake_scheme(INPUT_NONE, (uint16_t)s));
		both += a && b;
		tls12_only += a && !b;
		none += !a && !b;
	}
	assert_int_equal(both, 7);
	assert_int_equal(tls12_only, 3);
	assert_int_equal(none, 65536 - 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_13), cmocka_unit_test(version_12),
		cmocka_unit_test(client_13), cmocka_unit_test(client_12),
		cmocka_unit_test(schemes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
