/* Inside of the index: its tables, keys and values. */
#ifndef QUEUE_MANAGER_SPOOL_INDEX_PRIVATE_H
#define QUEUE_MANAGER_SPOOL_INDEX_PRIVATE_H

#include <endian.h>
#include <lmdb.h>
#include <string.h>

#include "queue-manager/spool/index.h"

enum { INDEX_VERSION = 1, META_SIZE = 200 };

struct index {
	MDB_env		*env;
	MDB_dbi		 message, due, destination, meta;
	int		 dir;
};

struct key {
	uint8_t	octets[16];
	MDB_val	val;
};

static inline MDB_val *
key1(struct key *k, uint64_t a)
{
	a = htobe64(a);
	memcpy(k->octets, &a, 8);
	k->val = (MDB_val){ 8, k->octets };
	return &k->val;
}

static inline MDB_val *
key2(struct key *k, uint64_t a, uint64_t b)
{
	key1(k, a);
	b = htobe64(b);
	memcpy(k->octets + 8, &b, 8);
	k->val.mv_size = 16;
	return &k->val;
}

static inline uint64_t
key_part(const MDB_val *v, unsigned i)
{
	uint64_t n;

	if (v->mv_size < (i + 1) * 8)
		return 0;
	memcpy(&n, (const uint8_t *)v->mv_data + i * 8, 8);
	return be64toh(n);
}

/* The key of struct index_meta.  index_value.c */
MDB_val index_meta_key(void);
size_t index_meta_encode(const struct index_meta *, uint8_t to[META_SIZE]);
int index_meta_decode(struct slice, struct index_meta *);
/* Check a value of `message`; false: it is none. */
bool index_value_open(const MDB_val *, struct slice *state, struct place *);

#endif
