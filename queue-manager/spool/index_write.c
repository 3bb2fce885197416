/* One transaction of the index.  For one thread.  See index.h, X1. */
#include <errno.h>
#include <stdlib.h>

#include "queue-manager/message.h"
#include "queue-manager/spool/index_private.h"

static struct slice
domain_of(struct slice address)
{
	const char *at = memrchr(address.at, '@', address.len);

	if (at == NULL)
		return slice_of("", 0);
	return slice_skip(address, (size_t)(at + 1 - address.at));
}

/* Add or remove the rows of `due` and `destination` that belong to a value. */
static int
rows(struct index *x, MDB_txn *t, uint64_t id, MDB_val *value, bool add)
{
	MDB_val nothing = { 0, NULL };
	struct slice state;
	struct place place;
	struct message *m;
	struct key k;
	uint64_t dest[2];
	int rc = 0;

	if (!index_value_open(value, &state, &place))
		return MDB_CORRUPTED;
	if ((m = message_state_get(id, state)) == NULL)
		return MDB_CORRUPTED;
	if (!m->held) {
		key2(&k, message_due(m), id);
		rc = add ? mdb_put(t, x->due, &k.val, &nothing, 0) :
		    mdb_del(t, x->due, &k.val, NULL);
	}
	for (uint32_t i = 0; i < m->n && (rc == 0 || rc == MDB_NOTFOUND); i++) {
		struct slice address = m->recipients[i]->address;

		dest[0] = index_destination(address);
		dest[1] = index_destination(domain_of(address));
		for (unsigned d = 0; d < 2; d++) {
			key2(&k, dest[d], id);
			rc = add ? mdb_put(t, x->destination, &k.val,
			    &nothing, 0) :
			    mdb_del(t, x->destination, &k.val, NULL);
		}
	}
	message_free(m);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
write_op(struct index *x, MDB_txn *t, const struct index_op *op)
{
	MDB_val old, value = { op->len, op->value };
	struct key k;
	int rc;

	rc = mdb_get(t, x->message, key1(&k, op->id), &old);
	if (rc == 0)
		rc = rows(x, t, op->id, &old, false);
	else if (rc == MDB_NOTFOUND)
		rc = 0;
	if (rc != 0)
		return rc;
	if (op->value == NULL) {
		rc = mdb_del(t, x->message, &k.val, NULL);
		return rc == MDB_NOTFOUND ? 0 : rc;
	}
	rc = mdb_put(t, x->message, &k.val, &value, 0);
	return rc == 0 ? rows(x, t, op->id, &value, true) : rc;
}

static int
write_meta(struct index *x, MDB_txn *t, const struct index_batch *b)
{
	uint8_t raw[META_SIZE];
	MDB_val value = { 0, raw };
	MDB_val meta_key = index_meta_key();
	int rc = mdb_drop(t, x->meta, 0);

	value.mv_size = index_meta_encode(&b->meta, raw);
	if (rc == 0)
		rc = mdb_put(t, x->meta, &meta_key, &value, 0);
	for (size_t i = 0; i < b->n_live && rc == 0; i++) {
		uint64_t live = htole64(b->live[i].live);
		struct key k;

		value = (MDB_val){ sizeof(live), &live };
		rc = mdb_put(t, x->meta, key1(&k, b->live[i].generation),
		    &value, 0);
	}
	return rc;
}

static int
errno_of(int rc)
{
	switch (rc) {
	case MDB_MAP_FULL:
		return ENOSPC;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
		return EBADMSG;
	default:
		return rc < 0 ? EIO : rc;
	}
}

int
index_write(struct index *x, const struct index_batch *b)
{
	MDB_txn *t;
	int rc = mdb_txn_begin(x->env, NULL, 0, &t);

	if (rc != 0)
		return errno_of(rc);
	for (size_t i = 0; i < b->n && rc == 0; i++)
		rc = write_op(x, t, &b->ops[i]);
	if (rc == 0 && b->with_meta)
		rc = write_meta(x, t, b);
	if (rc != 0) {
		mdb_txn_abort(t);
		return errno_of(rc);
	}
	return errno_of(mdb_txn_commit(t));
}
