/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash for tables whose
 * keys strangers choose, so that nobody can choose them to collide.
 */
#ifndef COMMON_HASH_SIPHASH_H
#define COMMON_HASH_SIPHASH_H

#include <stdint.h>

#include "common/slice/slice.h"

struct siphash_key {
	uint64_t	k[2];
};

/* A fresh random key. */
void siphash_key_init(struct siphash_key *);

uint64_t siphash(const struct siphash_key *, struct slice);

#endif
