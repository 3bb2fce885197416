#include "tlskeyd/input.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* RFC 8446 section 4.4.3: 64 spaces, this, a zero octet, a transcript hash. */
#define SPACES	64
static const char contexts[][sizeof("TLS 1.3, server CertificateVerify")] = {
	[SIDE_SERVER] = "TLS 1.3, server CertificateVerify",
	[SIDE_CLIENT] = "TLS 1.3, client CertificateVerify",
};

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
is_tls13(enum handshake_side side, const unsigned char *at, size_t len)
{
	size_t hash = SPACES + sizeof(contexts[side]);

	if (len != hash + 32 && len != hash + 48)
		return 0;
	for (size_t i = 0; i < SPACES; i++)
		if (at[i] != ' ')
			return 0;
	/* The string's own NUL is the zero octet. */
	return memcmp(at + SPACES, contexts[side],
	    sizeof(contexts[side])) == 0;
}

static int
is_server_tls12(const unsigned char *at, size_t len)
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

/*
 * RFC 5246 section 7.3, up to a client's CertificateVerify, with ephemeral
 * keys as all that we allow (RFC 8422 section 5).
 */
static const struct {
	uint8_t	type;
	bool	optional;
} flight[] = {
	{ 1, false },		/* ClientHello */
	{ 2, false },		/* ServerHello */
	{ 11, false },		/* Certificate */
	{ 22, true },		/* CertificateStatus, RFC 6066 section 8 */
	{ 12, false },		/* ServerKeyExchange */
	{ 13, false },		/* CertificateRequest */
	{ 14, false },		/* ServerHelloDone */
	{ 11, false },		/* Certificate, ours */
	{ 16, false },		/* ClientKeyExchange */
};

/* The longest input of a server's signature: nothing is both. */
enum { SERVER_TLS12_MAX = HEAD + 133 };

/* One message of that type: octets used, or 0. */
static size_t
take_message(const unsigned char *at, size_t len, uint8_t type)
{
	size_t body;

	if (len < 4 || at[0] != type)
		return 0;
	body = (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
	return body <= len - 4 ? 4 + body : 0;
}

static int
is_client_tls12(const unsigned char *at, size_t len)
{
	size_t used;

	if (len <= SERVER_TLS12_MAX || at[4] != 3 || at[5] != 3)
		return 0;
	for (size_t i = 0; i < sizeof(flight) / sizeof(flight[0]); i++) {
		used = take_message(at, len, flight[i].type);
		if (used == 0 && !flight[i].optional)
			return 0;
		at += used;
		len -= used;
	}
	return len == 0;
}

enum handshake_input
handshake_input(enum handshake_side side, struct slice input)
{
	const unsigned char *at = (const void *)input.at;
	int old;

	if (is_tls13(side, at, input.len))
		return INPUT_TLS13;
	old = side == SIDE_CLIENT ? is_client_tls12(at, input.len) :
	    is_server_tls12(at, input.len);
	return old ? INPUT_TLS12 : INPUT_NONE;
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
