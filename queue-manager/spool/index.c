#include "queue-manager/spool/index.h"

#include <sys/stat.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/checksum/crc32c.h"
#include "common/ipc/codec.h"
#include "queue-manager/message.h"

enum { INDEX_VERSION = 1, META_SIZE = 200 };

static const char mark[] = "suspect";

struct index {
	MDB_env		*env;
	MDB_dbi		 message, due, destination, meta;
	int		 dir;
};

/* ---- opening ---- */

static void
wipe(int dir)
{
	unlinkat(dir, "data.mdb", 0);
	unlinkat(dir, "lock.mdb", 0);
	unlinkat(dir, mark, 0);
}

static int
open_tables(struct index *x)
{
	MDB_txn *t;
	int rc;

	if ((rc = mdb_txn_begin(x->env, NULL, 0, &t)) != 0)
		return rc;
	if ((rc = mdb_dbi_open(t, "message", MDB_CREATE, &x->message)) == 0 &&
	    (rc = mdb_dbi_open(t, "due", MDB_CREATE, &x->due)) == 0 &&
	    (rc = mdb_dbi_open(t, "destination", MDB_CREATE,
	    &x->destination)) == 0)
		rc = mdb_dbi_open(t, "meta", MDB_CREATE, &x->meta);
	if (rc != 0) {
		mdb_txn_abort(t);
		return rc;
	}
	return mdb_txn_commit(t);
}

/* A file shorter than its own account of itself would be a SIGBUS later. */
static bool
is_truncated(struct index *x)
{
	MDB_envinfo info;
	struct stat st;
	MDB_stat ms;

	if (mdb_env_info(x->env, &info) != 0 || mdb_env_stat(x->env, &ms) != 0)
		return true;
	if (fstatat(x->dir, "data.mdb", &st, AT_SYMLINK_NOFOLLOW) == -1)
		return true;
	return (uint64_t)st.st_size < (info.me_last_pgno + 1) * ms.ms_psize;
}

static int
open_once(struct index *x, const char *path, size_t map_size,
    const char **why)
{
	int rc;

	if ((rc = mdb_env_create(&x->env)) != 0) {
		*why = mdb_strerror(rc);
		return -1;
	}
	mdb_env_set_maxdbs(x->env, 4);
	mdb_env_set_mapsize(x->env, map_size);
	rc = mdb_env_open(x->env, path, MDB_NOTLS | MDB_NORDAHEAD, 0600);
	if (rc == 0 && is_truncated(x)) {
		*why = "truncated";
		goto fail;
	}
	if (rc == 0)
		rc = open_tables(x);
	if (rc == 0)
		return 0;
	*why = mdb_strerror(rc);
fail:
	mdb_env_close(x->env);
	return -1;
}

struct index *
index_open(int dir, const char *path, size_t map_size, const char **why)
{
	struct index *x = calloc(1, sizeof(*x));
	const char *again;
	struct stat st;

	*why = NULL;
	if (x == NULL) {
		*why = strerror(ENOMEM);
		return NULL;
	}
	x->dir = dir;
	if (fstatat(dir, mark, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		*why = "we died while using it";
		wipe(dir);
	} else if (fstatat(dir, "data.mdb", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size == 0) {
		*why = "empty";
		wipe(dir);
	}
	if (open_once(x, path, map_size, why) == 0)
		return x;
	wipe(dir);
	if (open_once(x, path, map_size, &again) == 0)
		return x;
	*why = again;
	free(x);
	return NULL;
}

void
index_close(struct index *x)
{
	if (x == NULL)
		return;
	mdb_env_close(x->env);
	free(x);
}

int
index_reset(struct index *x)
{
	MDB_txn *t;

	if (mdb_txn_begin(x->env, NULL, 0, &t) != 0)
		return -1;
	if (mdb_drop(t, x->message, 0) != 0 || mdb_drop(t, x->due, 0) != 0 ||
	    mdb_drop(t, x->destination, 0) != 0 ||
	    mdb_drop(t, x->meta, 0) != 0) {
		mdb_txn_abort(t);
		return -1;
	}
	return mdb_txn_commit(t) == 0 ? 0 : -1;
}

/* ---- keys and values ---- */

struct key {
	uint8_t	octets[16];
	MDB_val	val;
};

static MDB_val *
key1(struct key *k, uint64_t a)
{
	a = htobe64(a);
	memcpy(k->octets, &a, 8);
	k->val = (MDB_val){ 8, k->octets };
	return &k->val;
}

static MDB_val *
key2(struct key *k, uint64_t a, uint64_t b)
{
	key1(k, a);
	b = htobe64(b);
	memcpy(k->octets + 8, &b, 8);
	k->val.mv_size = 16;
	return &k->val;
}

static uint64_t
key_part(const MDB_val *v, unsigned i)
{
	uint64_t n;

	if (v->mv_size < (i + 1) * 8)
		return 0;
	memcpy(&n, (const uint8_t *)v->mv_data + i * 8, 8);
	return be64toh(n);
}

static MDB_val meta_key = { 4, (void *)"meta" };

uint64_t
index_destination(struct slice s)
{
	uint64_t h = 14695981039346656037ULL;	/* FNV-1a */

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		h = (h ^ c) * 1099511628211ULL;
	}
	return h == 0 ? 1 : h;
}

void
index_value_seal(uint8_t *value, size_t len, const struct place *p)
{
	struct ipc_writer w;

	ipc_writer_init(&w, value, INDEX_VALUE_HEAD);
	ipc_put_u64(&w, p->generation);
	ipc_put_u32(&w, p->offset);
	ipc_put_u32(&w, p->payload);
	ipc_writer_init(&w, value + len - INDEX_VALUE_TAIL, INDEX_VALUE_TAIL);
	ipc_put_u32(&w, crc32c(0, value, len - INDEX_VALUE_TAIL));
}

static bool
value_open(MDB_val *v, struct slice *state, struct place *p)
{
	struct ipc_reader r;
	size_t len;

	if (v->mv_size < INDEX_VALUE_HEAD + INDEX_VALUE_TAIL)
		return false;
	len = v->mv_size - INDEX_VALUE_TAIL;
	ipc_reader_init(&r, slice_of((char *)v->mv_data + len, 4));
	if (ipc_get_u32(&r) != crc32c(0, v->mv_data, len))
		return false;
	ipc_reader_init(&r, slice_of(v->mv_data, len));
	p->generation = ipc_get_u64(&r);
	p->offset = ipc_get_u32(&r);
	p->payload = ipc_get_u32(&r);
	*state = r.in;
	return true;
}

/* ---- writing ---- */

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

	if (!value_open(value, &state, &place))
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

static void
put_place(struct ipc_writer *w, const struct place *p)
{
	ipc_put_u64(w, p->generation);
	ipc_put_u32(w, p->offset);
}

static size_t
meta_encode(const struct index_meta *m, uint8_t to[META_SIZE])
{
	struct ipc_writer w;

	ipc_writer_init(&w, to, META_SIZE);
	ipc_put_u32(&w, INDEX_VERSION);
	ipc_put_u64(&w, m->nonce);
	put_place(&w, &m->replay);
	put_place(&w, &m->end);
	ipc_put_u64(&w, m->counters.accepted);
	ipc_put_u64(&w, m->counters.delivered);
	ipc_put_u64(&w, m->counters.bounced);
	ipc_put_u64(&w, m->counters.expired);
	ipc_put_u64(&w, m->counters.deleted);
	ipc_put_u64(&w, m->clock.spool_ms);
	ipc_put_u64(&w, m->clock.boot_ms);
	ipc_put_u64(&w, (uint64_t)m->clock.wall_ms);
	ipc_put_u64(&w, m->id_ceiling);
	ipc_put_u64(&w, m->open);
	ipc_put_u64(&w, m->held);
	ipc_put_u64(&w, m->messages);
	ipc_put_u32(&w, crc32c(0, to, w.len));
	assert(!w.failed);
	return w.len;
}

static int
meta_decode(struct slice in, struct index_meta *m)
{
	struct ipc_reader r;

	ipc_reader_init(&r, in);
	if (ipc_get_u32(&r) != INDEX_VERSION)
		return -1;
	*m = (struct index_meta){ .nonce = ipc_get_u64(&r) };
	m->replay.generation = ipc_get_u64(&r);
	m->replay.offset = ipc_get_u32(&r);
	m->end.generation = ipc_get_u64(&r);
	m->end.offset = ipc_get_u32(&r);
	m->counters.accepted = ipc_get_u64(&r);
	m->counters.delivered = ipc_get_u64(&r);
	m->counters.bounced = ipc_get_u64(&r);
	m->counters.expired = ipc_get_u64(&r);
	m->counters.deleted = ipc_get_u64(&r);
	m->clock.spool_ms = ipc_get_u64(&r);
	m->clock.boot_ms = ipc_get_u64(&r);
	m->clock.wall_ms = (int64_t)ipc_get_u64(&r);
	m->id_ceiling = ipc_get_u64(&r);
	m->open = ipc_get_u64(&r);
	m->held = ipc_get_u64(&r);
	m->messages = ipc_get_u64(&r);
	if (r.failed || crc32c(0, in.at, in.len - r.in.len) != ipc_get_u32(&r))
		return -1;
	return ipc_reader_end(&r);
}

static int
write_meta(struct index *x, MDB_txn *t, const struct index_batch *b)
{
	uint8_t raw[META_SIZE];
	MDB_val value = { 0, raw };
	int rc = mdb_drop(t, x->meta, 0);

	value.mv_size = meta_encode(&b->meta, raw);
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
	if (rc == MDB_MAP_FULL)
		return ENOSPC;
	return rc < 0 ? EIO : rc;
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

/* ---- reading ---- */

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
	MDB_val v;
	bool ok;

	if (t == NULL)
		return false;
	ok = mdb_get(t, x->meta, &meta_key, &v) == 0 &&
	    meta_decode(slice_of(v.mv_data, v.mv_size), m) == 0;
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
		if (value_open(&v, state, place))
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

/* ---- the guard ---- */

/* What the handler needs.  With -1 its openat fails, and that is all. */
static volatile sig_atomic_t guard_dir = -1;

static void
guard_handler(int signo)
{
	int fd = openat(guard_dir, mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)signo;	/* SA_RESETHAND: it comes again, and kills */
	if (fd != -1)
		close(fd);
}

void
index_guard_dir(int dir)
{
	guard_dir = dir;
}

void
index_guard(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT };
	struct sigaction sa = { .sa_handler = guard_handler,
	    .sa_flags = SA_RESETHAND };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}
