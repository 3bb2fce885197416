#include "tlskeyd/input.h"

#include <stddef.h>
#include <string.h>

/* RFC 8446 section 4.4.3: 64 spaces, this, a zero octet, a transcript hash. */
#define SPACES	64
static const char context[] = "TLS 1.3, server CertificateVerify";

/* RFC 8422 section 5.4: both randoms, then the parameters of the curve. */
enum { RANDOMS = 64, NAMED_CURVE = 3, HEAD = RANDOMS + 4 };

/* Octets of a public point (uncompressed), by RFC 8422 section 5.1.1. */
static const struct {
	uint16_t	curve;
	uint8_t		point;
} curves[] = {
	{ 23, 65 }, { 24, 97 }, { 25, 133 }, { 29, 32 }, { 30, 56 },
};

static int
is_tls13(const unsigned char *at, size_t len)
{
	size_t hash = SPACES + sizeof(context);

	if (len != hash + 32 && len != hash + 48)
		return 0;
	for (size_t i = 0; i < SPACES; i++)
		if (at[i] != ' ')
			return 0;
	/* The string's own NUL is the zero octet. */
	return memcmp(at + SPACES, context, sizeof(context)) == 0;
}

static int
is_tls12(const unsigned char *at, size_t len)
{
	unsigned curve;

	if (len <= HEAD || at[RANDOMS] != NAMED_CURVE)
		return 0;
	curve = (unsigned)at[RANDOMS + 1] << 8 | at[RANDOMS + 2];
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (curves[i].curve == curve)
			return at[RANDOMS + 3] == curves[i].point &&
			    len == HEAD + (size_t)curves[i].point;
	return 0;
}

enum handshake_input
handshake_input(struct slice input)
{
	const unsigned char *at = (const void *)input.at;

	if (is_tls13(at, input.len))
		return INPUT_TLS13;
	return is_tls12(at, input.len) ? INPUT_TLS12 : INPUT_NONE;
}

int
handshake_scheme(enum handshake_input kind, uint16_t scheme)
{
	switch (scheme) {
	case 0x0401:
	case 0x0501:
	case 0x0601:
		return kind == INPUT_TLS12;
	case 0x0403:
	case 0x0503:
	case 0x0603:
	case 0x0804:
	case 0x0805:
	case 0x0806:
	case 0x0807:
		return kind != INPUT_NONE;
	default:
		return 0;
	}
}
