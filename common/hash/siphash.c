#include "common/hash/siphash.h"

#include <endian.h>
#include <stdlib.h>

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
rounds(uint64_t v[4], unsigned n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void
take_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	rounds(v, 2);
	v[0] ^= m;
}

void
siphash_key_init(struct siphash_key *key)
{
	arc4random_buf(key->k, sizeof(key->k));
}

uint64_t
siphash(const struct siphash_key *key, struct slice in)
{
	uint64_t v[4] = {
		key->k[0] ^ 0x736f6d6570736575, key->k[1] ^ 0x646f72616e646f6d,
		key->k[0] ^ 0x6c7967656e657261, key->k[1] ^ 0x7465646279746573,
	};
	uint64_t word, last = (uint64_t)in.len << 56;

	for (; in.len >= sizeof(word); in = slice_skip(in, sizeof(word))) {
		memcpy(&word, in.at, sizeof(word));
		take_word(v, le64toh(word));
	}
	for (size_t i = 0; i < in.len; i++)
		last |= (uint64_t)(unsigned char)in.at[i] << 8 * i;
	take_word(v, last);
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
