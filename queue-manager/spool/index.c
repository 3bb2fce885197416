/* Opening the index, and leaving a mark when it kills us.  See index.h. */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue-manager/spool/index_private.h"

static const char mark[] = "suspect";

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
