#include "common/mailbox/index.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/dirs.h"

#define MAP_LEAST	((size_t)16 << 20)
#define MAP_MOST	((size_t)1 << 30)

/* The file "alive": version, and one of these words. */
#define MARK_CLEAN	"bulkhead-index 1 clean\n"
#define MARK_USED	"bulkhead-index 1 used \n"	/* opened */
#define MARK_WRITTEN	"bulkhead-index 1 dirty\n"	/* not synced */
enum { MARK_LEN = sizeof(MARK_CLEAN) - 1 };

struct index {
	int	 home_fd;
	int	 dir_fd, alive_fd;
	MDB_env	*env;		/* NULL: none is open */
	MDB_dbi	 dbi;
	int	 data_fd;	/* LMDB's own */
	off_t least;            /* it had this size once, and never shrinks */
	bool	 marked;	/* MARK_WRITTEN is durable */
	bool	 other_version;	/* leave it alone, do without */
};

struct index_txn {
	MDB_txn	*txn;
	MDB_dbi	 dbi;
	int	 error;		/* first of LMDB's that was no plain miss */
};

/* ---- the mark ---- */

static int
mark_write(struct index *ix, const char *mark)
{
	return pwrite(ix->alive_fd, mark, MARK_LEN, 0) == MARK_LEN ? 0 : -1;
}

static bool
mark_is(struct index *ix, const char *mark)
{
	char now[MARK_LEN];

	return pread(ix->alive_fd, now, MARK_LEN, 0) == MARK_LEN &&
	    memcmp(now, mark, MARK_LEN) == 0;
}

static bool
mark_is_ours(struct index *ix)
{
	char now[MARK_LEN];
	ssize_t n = pread(ix->alive_fd, now, MARK_LEN, 0);

	/* Not even a whole first line: nothing that another version wrote. */
	return n < MARK_LEN || memcmp(now, MARK_CLEAN, 17) == 0;
}

/* ---- opening ---- */

/* LMDB takes a path: go to the directory, open, and come back. */
static int
env_open_here(struct index *ix)
{
	int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), r;

	if (cwd == -1)
		return errno;
	if (fchdir(ix->dir_fd) == -1) {
		r = errno;
	} else {
		r = mdb_env_open(ix->env, "data.mdb", MDB_NOSUBDIR | MDB_NOLOCK |
		    MDB_NOSYNC | MDB_NOTLS | MDB_NORDAHEAD, 0600);
		if (fchdir(cwd) == -1 && r == 0)
			r = errno;
	}
	close(cwd);
	return r;
}

/* How long its own tables say that the file is, and how long it is. */
static bool
env_octets(struct index *ix, off_t *need, off_t *there)
{
	MDB_envinfo info;
	MDB_stat pages;
	struct stat st;

	if (mdb_env_info(ix->env, &info) != 0 ||
	    mdb_env_stat(ix->env, &pages) != 0 ||
	    fstat(ix->data_fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    __builtin_mul_overflow((uint64_t)info.me_last_pgno + 1,
		(uint64_t)pages.ms_psize, need))
		return false;
	*there = st.st_size;
	return true;
}

static bool
env_is_whole(struct index *ix)
{
	off_t need, there;

	return env_octets(ix, &need, &there) && there >= need;
}

static size_t
map_size(struct index *ix)
{
	struct stat st;
	size_t size = MAP_LEAST;

	if (fstatat(ix->dir_fd, "data.mdb", &st, AT_SYMLINK_NOFOLLOW) == 0)
		while (size < MAP_MOST && size < 2 * (uint64_t)st.st_size)
			size *= 2;
	return size;
}

static int
env_open(struct index *ix)
{
	MDB_txn *txn;
	int fd = file_open(ix->dir_fd, "data.mdb", O_RDWR | O_CREAT);

	if (fd == -1)		/* a symbolic link, or no file at all */
		return -1;
	close(fd);
	if (mdb_env_create(&ix->env) != 0) {
		ix->env = NULL;
		return -1;
	}
	if (mdb_env_set_mapsize(ix->env, map_size(ix)) != 0 ||
	    env_open_here(ix) != 0 ||
	    mdb_env_get_fd(ix->env, &ix->data_fd) != 0)
		goto fail;
	/* The two first pages are written by the one that made the file; the
	 * lock on the directory is held, so nobody else does now. */
	if (mdb_txn_begin(ix->env, NULL, 0, &txn) != 0)
		goto fail;
	if (mdb_dbi_open(txn, NULL, 0, &ix->dbi) != 0) {
		mdb_txn_abort(txn);
		goto fail;
	}
	mdb_txn_abort(txn);
	/* Not between a commit and its stretch(). */
	if (lock_fd(ix->data_fd, LOCK_SH) == -1 || !env_is_whole(ix))
		goto fail;	/* closing it unlocks */
	lock_fd(ix->data_fd, LOCK_UN);
	ix->least = 0;
	return 0;
fail:
	mdb_env_close(ix->env);
	ix->env = NULL;
	return -1;
}

/* The lock on the directory is held. */
static int
open_locked(struct index *ix)
{
	bool first;

	ix->alive_fd = file_open(ix->dir_fd, "alive", O_RDWR | O_CREAT);
	if (ix->alive_fd == -1)
		return -1;
	if (!mark_is_ours(ix)) {
		ix->other_version = true;
		return -1;
	}
	first = lock_fd(ix->alive_fd, LOCK_EX | LOCK_NB) == 0;
	if (first && !mark_is(ix, MARK_CLEAN))
		unlinkat(ix->dir_fd, "data.mdb", 0);
	/* Before LMDB sees it: what it reads there may be the end of us. */
	if (first && mark_write(ix, MARK_USED) == -1)
		return -1;
	if (lock_fd(ix->alive_fd, LOCK_SH) == -1)
		return -1;
	if (env_open(ix) == -1) {
		/* Not usable: others that have it open will notice (I6). */
		if (unlinkat(ix->dir_fd, "data.mdb", 0) == -1 &&
		    errno != ENOENT)
			return -1;
		if (env_open(ix) == -1)
			return -1;
	}
	return 0;
}

static void
index_close(struct index *ix)
{
	if (ix->env != NULL)
		mdb_env_close(ix->env);
	if (ix->alive_fd != -1)
		close(ix->alive_fd);
	if (ix->dir_fd != -1)
		close(ix->dir_fd);
	ix->env = NULL;
	ix->alive_fd = ix->dir_fd = -1;
	ix->marked = false;
}

static int
index_open(struct index *ix)
{
	int r = -1;

	ix->dir_fd = dir_make(ix->home_fd, "index", NULL);
	if (ix->dir_fd != -1 && lock_fd(ix->dir_fd, LOCK_EX) == 0) {
		r = open_locked(ix);
		lock_fd(ix->dir_fd, LOCK_UN);
	}
	if (r == -1)
		index_close(ix);
	return r;
}

struct index *
index_new(int home_fd)
{
	struct index *ix = calloc(1, sizeof(*ix));

	if (ix == NULL)
		return NULL;
	ix->dir_fd = ix->alive_fd = -1;
	ix->home_fd = dir_open(home_fd, ".");
	if (ix->home_fd == -1) {
		free(ix);
		return NULL;
	}
	return ix;
}

/* The last one to leave syncs, and says so. */
static void
leave_clean(struct index *ix)
{
	if (lock_fd(ix->dir_fd, LOCK_EX) == -1)
		return;
	if (lock_fd(ix->alive_fd, LOCK_EX | LOCK_NB) == 0) {
		if (mark_is(ix, MARK_USED))
			mark_write(ix, MARK_CLEAN);
		else if (mark_is(ix, MARK_WRITTEN) &&
			 (ix->env != NULL || env_open(ix) == 0) && /* rested */
			 mdb_env_sync(ix->env, 1) == 0 &&
			 mark_write(ix, MARK_CLEAN) == 0)
			fdatasync(ix->alive_fd);
	}
	lock_fd(ix->dir_fd, LOCK_UN);
}

void
index_free(struct index *ix)
{
	if (ix == NULL)
		return;
	if (ix->dir_fd != -1)
		leave_clean(ix);
	index_close(ix);
	close(ix->home_fd);
	free(ix);
}

/* ---- transactions ---- */

/* Deleted or replaced under us?  Then the name leads elsewhere. */
static bool
is_deleted(int fd)
{
	struct stat st;

	return fstat(fd, &st) == -1 || st.st_nlink == 0;
}

static bool
is_gone(struct index *ix)
{
	return is_deleted(ix->data_fd) || is_deleted(ix->alive_fd) ||
	       is_deleted(ix->dir_fd);
}

/* After index_rest: this process still counts as one that has it open. */
static int
wake(struct index *ix)
{
	int r = -1;

	if (lock_fd(ix->dir_fd, LOCK_EX) == -1)
		return -1;
	if (!is_deleted(ix->alive_fd) && !is_deleted(ix->dir_fd))
		r = env_open(ix);
	lock_fd(ix->dir_fd, LOCK_UN);
	return r;
}

static int
ensure_open(struct index *ix)
{
	if (ix->other_version)
		return -1;
	if (ix->env != NULL && is_gone(ix))
		index_close(ix);
	if (ix->env == NULL && ix->dir_fd != -1 && wake(ix) == -1)
		index_close(ix);
	return ix->env != NULL ? 0 : index_open(ix);
}

void
index_rest(struct index *ix)
{
	if (ix->env == NULL)
		return;
	mdb_env_close(ix->env);
	ix->env = NULL;
}

/* Damaged: make it disappear for everybody. */
static void
throw_away(struct index *ix)
{
	unlinkat(ix->dir_fd, "data.mdb", 0);
	index_close(ix);
}

/* I5: durable before the first write. */
static int
mark_written(struct index *ix)
{
	if (ix->marked)
		return 0;
	if (mark_write(ix, MARK_WRITTEN) == -1 ||
	    fdatasync(ix->alive_fd) == -1 || fsync(ix->dir_fd) == -1)
		return -1;
	ix->marked = true;
	return 0;
}

/* By somebody else, while it is mapped: to read it would be SIGBUS. */
static bool
is_cut(struct index *ix)
{
	struct stat st;

	if (fstat(ix->data_fd, &st) == -1 || st.st_size < ix->least)
		return true;
	ix->least = st.st_size;
	return false;
}

/* LMDB never writes a page that was taken and freed in one transaction, not even
 * the last one: then the file is shorter than its tables say. */
static void
stretch(struct index *ix)
{
	off_t need, there;

	if (env_octets(ix, &need, &there) && there < need)
		(void)!ftruncate(ix->data_fd, need);
}

/* 0, or LMDB's error. */
static int
run(struct index *ix, bool write, index_work *work, void *ctx, int *answer)
{
	struct index_txn t = { .dbi = ix->dbi };
	int r;

	if (lock_fd(ix->data_fd, write ? LOCK_EX : LOCK_SH) == -1)
		return errno;
	r = is_cut(ix)
		? MDB_CORRUPTED
		: mdb_txn_begin(ix->env, NULL, write ? 0 : MDB_RDONLY, &t.txn);
	if (r == 0) {
		*answer = work(&t, ctx);
		r = t.error;
		if (r == 0 && *answer == 0 && write)
			r = mdb_txn_commit(t.txn);
		else
			mdb_txn_abort(t.txn);
		if (r == 0 && write)
			stretch(ix);
	}
	lock_fd(ix->data_fd, LOCK_UN);
	return r;
}

static int
grow(struct index *ix)
{
	MDB_envinfo info;

	if (mdb_env_info(ix->env, &info) != 0 || info.me_mapsize >= MAP_MOST)
		return -1;
	return mdb_env_set_mapsize(ix->env, info.me_mapsize * 2) == 0 ? 0 : -1;
}

static int
transact(struct index *ix, bool write, index_work *work, void *ctx)
{
	int answer = -1;

	for (int tries = 0; tries < 16; tries++) {
		if (ensure_open(ix) == -1 || (write && mark_written(ix) == -1))
			return -1;
		switch (run(ix, write, work, ctx, &answer)) {
		case 0:
			return answer;
		case MDB_MAP_FULL:
			/* At its largest it starts over, as a cache may. */
			if (grow(ix) == -1)
				throw_away(ix);
			break;
		case MDB_MAP_RESIZED:	/* somebody else let it grow */
			if (mdb_env_set_mapsize(ix->env, 0) != 0)
				return -1;
			break;
		case ENOMEM:
		case ENOSPC:
		case EDQUOT:
		case EFBIG:
			return -1;
		default:
			throw_away(ix);
		}
	}
	return -1;
}

int
index_read(struct index *ix, index_work *work, void *ctx)
{
	return transact(ix, false, work, ctx);
}

int
index_write(struct index *ix, index_work *work, void *ctx)
{
	return transact(ix, true, work, ctx);
}

static MDB_val
key_val(const uint8_t key[INDEX_KEY_LEN])
{
	return (MDB_val){ INDEX_KEY_LEN, (void *)(uintptr_t)key };
}

/* A miss is an answer; all else ends the transaction. */
static int
checked(struct index_txn *t, int r)
{
	if (r == 0)
		return 0;
	if (r != MDB_NOTFOUND && t->error == 0)
		t->error = r;
	errno = ENOENT;
	return -1;
}

int
index_get(struct index_txn *t, const uint8_t key[INDEX_KEY_LEN],
    struct slice *value)
{
	MDB_val k = key_val(key), v;

	if (checked(t, mdb_get(t->txn, t->dbi, &k, &v)) == -1)
		return -1;
	*value = slice_of(v.mv_data, v.mv_size);
	return 0;
}

int
index_put(struct index_txn *t, const uint8_t key[INDEX_KEY_LEN],
    struct slice head, struct slice value)
{
	MDB_val k = key_val(key), v = { head.len + value.len, NULL };

	if (checked(t, mdb_put(t->txn, t->dbi, &k, &v, MDB_RESERVE)) == -1)
		return -1;
	if (head.len > 0)
		memcpy(v.mv_data, head.at, head.len);
	if (value.len > 0)
		memcpy((char *)v.mv_data + head.len, value.at, value.len);
	return 0;
}

int
index_delete(struct index_txn *t, const uint8_t key[INDEX_KEY_LEN])
{
	MDB_val k = key_val(key);

	return checked(t, mdb_del(t->txn, t->dbi, &k, NULL));
}

int
index_walk(struct index_txn *t, const uint8_t from[INDEX_KEY_LEN],
    index_each *each, void *ctx)
{
	MDB_val k = key_val(from), v;
	MDB_cursor *c;
	int r, answer = 0;

	if (checked(t, mdb_cursor_open(t->txn, t->dbi, &c)) == -1)
		return -1;
	r = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	while (r == 0 && answer == 0) {
		answer = each(ctx, slice_of(k.mv_data, k.mv_size),
		    slice_of(v.mv_data, v.mv_size));
		r = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(c);
	if (r != 0 && r != MDB_NOTFOUND)
		return checked(t, r);
	return 0;
}
