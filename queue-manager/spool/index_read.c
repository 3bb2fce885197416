/* Questions to the index, by the event loop.  See index.h. */
#include <stdlib.h>

#include "queue-manager/spool/index_private.h"

static MDB_txn *
reading(struct index *x)
{
	MDB_txn *t;

	return mdb_txn_begin(x->env, NULL, MDB_RDONLY, &t) == 0 ? t : NULL;
}

bool
index_get_meta(struct index *x, struct index_meta *m)
{
	MDB_txn *t = reading(x);
	MDB_val meta_key = index_meta_key(), v;
	bool ok;

	if (t == NULL)
		return false;
	ok = mdb_get(t, x->meta, &meta_key, &v) == 0 &&
	    index_meta_decode(slice_of(v.mv_data, v.mv_size), m) == 0;
	mdb_txn_abort(t);
	return ok;
}

size_t
index_get_live(struct index *x, struct index_live *to, size_t max)
{
	MDB_txn *t = reading(x);
	MDB_cursor *c;
	MDB_val k, v;
	size_t n = 0;

	if (t == NULL)
		return 0;
	if (mdb_cursor_open(t, x->meta, &c) == 0) {
		while (n < max && mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
			uint64_t live;

			if (k.mv_size != 8 || v.mv_size != sizeof(live))
				continue;
			memcpy(&live, v.mv_data, sizeof(live));
			to[n++] = (struct index_live){ key_part(&k, 0),
			    le64toh(live) };
		}
		mdb_cursor_close(c);
	}
	mdb_txn_abort(t);
	return n;
}

enum index_answer
index_get(struct index *x, uint64_t id, uint8_t **value,
    struct slice *state, struct place *place)
{
	enum index_answer answer = INDEX_CORRUPT;
	MDB_txn *t = reading(x);
	struct key k;
	MDB_val v;
	int rc;

	if (t == NULL)
		return INDEX_CORRUPT;
	rc = mdb_get(t, x->message, key1(&k, id), &v);
	if (rc == MDB_NOTFOUND)
		answer = INDEX_NONE;
	else if (rc == 0 && (*value = malloc(v.mv_size)) != NULL) {
		memcpy(*value, v.mv_data, v.mv_size);
		v.mv_data = *value;
		if (index_value_open(&v, state, place))
			answer = INDEX_FOUND;
		else
			free(*value);
	}
	mdb_txn_abort(t);
	return answer;
}

/* Walk 16-octet keys from (a, b) on. */
static MDB_cursor *
cursor_at(MDB_txn *t, MDB_dbi dbi, uint64_t a, uint64_t b, MDB_val *k,
    bool *found)
{
	MDB_cursor *c;
	struct key from;
	MDB_val v;

	*found = false;
	if (mdb_cursor_open(t, dbi, &c) != 0)
		return NULL;
	*k = *key2(&from, a, b);
	*found = mdb_cursor_get(c, k, &v, MDB_SET_RANGE) == 0;
	return c;
}

size_t
index_due(struct index *x, uint64_t now, struct index_cursor *after,
    uint64_t *ids, size_t max)
{
	MDB_txn *t = reading(x);
	MDB_cursor *c;
	MDB_val k, v;
	size_t n = 0;
	bool found;

	if (t == NULL)
		return 0;
	c = cursor_at(t, x->due, after->first, after->id, &k, &found);
	while (found && n < max && key_part(&k, 0) <= now) {
		ids[n++] = key_part(&k, 1);
		*after = (struct index_cursor){ key_part(&k, 0),
		    key_part(&k, 1) + 1 };
		found = mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0;
	}
	if (c != NULL)
		mdb_cursor_close(c);
	mdb_txn_abort(t);
	return n;
}

uint64_t
index_next_due(struct index *x)
{
	MDB_txn *t = reading(x);
	uint64_t due = UINT64_MAX;
	MDB_cursor *c;
	MDB_val k;
	bool found;

	if (t == NULL)
		return due;
	c = cursor_at(t, x->due, 0, 0, &k, &found);
	if (found)
		due = key_part(&k, 0);
	if (c != NULL)
		mdb_cursor_close(c);
	mdb_txn_abort(t);
	return due;
}

static size_t
list_all(struct index *x, MDB_txn *t, uint64_t after, uint64_t *ids,
    size_t max)
{
	MDB_cursor *c;
	struct key from;
	MDB_val k, v;
	size_t n = 0;
	int rc;

	if (after == UINT64_MAX || mdb_cursor_open(t, x->message, &c) != 0)
		return 0;
	k = *key1(&from, after + 1);
	rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	while (rc == 0 && n < max) {
		ids[n++] = key_part(&k, 0);
		rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(c);
	return n;
}

static size_t
list_destination(struct index *x, MDB_txn *t, uint64_t destination,
    uint64_t after, uint64_t *ids, size_t max)
{
	MDB_cursor *c;
	MDB_val k, v;
	size_t n = 0;
	bool found;

	if (after == UINT64_MAX)
		return 0;
	c = cursor_at(t, x->destination, destination, after + 1, &k, &found);
	while (found && n < max && key_part(&k, 0) == destination) {
		ids[n++] = key_part(&k, 1);
		found = mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0;
	}
	if (c != NULL)
		mdb_cursor_close(c);
	return n;
}

size_t
index_list(struct index *x, uint64_t destination, uint64_t after,
    uint64_t *ids, size_t max)
{
	MDB_txn *t = reading(x);
	size_t n;

	if (t == NULL)
		return 0;
	n = destination == 0 ? list_all(x, t, after, ids, max) :
	    list_destination(x, t, destination, after, ids, max);
	mdb_txn_abort(t);
	return n;
}
