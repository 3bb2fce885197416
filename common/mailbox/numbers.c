/*
 * Who has which number: UIDVALIDITY, UIDs, modification sequences.
 *
 * What always holds:
 * N1  No number is handed out that is not below a ceiling that is durable.
 * N2  "bulkhead-next" is written before a number that it gives away is used,
 *     under the folder's lock.
 * N3  It is believed only if some process has held the folder open ever since
 *     it was written: each holds a shared lock on cur/ while it is open.  The
 *     first one to come starts at the ceilings, whatever the file says.
 * N4  The last one to leave lowers the ceilings to what was used.
 */
#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/internal.h"

#define FOLDER_FILE	"bulkhead-folder"
#define NEXT_FILE	"bulkhead-next"

/* ---- the state file ---- */

int
folder_state_put(int dir_fd, const struct folder_state *s)
{
	char text[STATE_FILE_MAX];

	return file_replace(dir_fd, FOLDER_FILE, FOLDER_FILE ".tmp",
	    slice_of(text, folder_state_print(s, text)));
}

int
folder_state_write(struct folder *f)
{
	return folder_state_put(f->dir_fd, &f->state);
}

int
folder_state_read(int dir_fd, struct folder_state *s)
{
	char text[STATE_FILE_MAX];
	ssize_t n = file_read(dir_fd, FOLDER_FILE, text, sizeof(text));

	if (n == -1)
		return -1;
	switch (folder_state_parse(slice_of(text, (size_t)n), s)) {
	case STATE_OK:
		return 0;
	case STATE_OTHER_VERSION:
		errno = ENOTSUP;
		return -1;
	case STATE_DAMAGED:
		break;
	}
	errno = ENOENT;
	return -1;
}

void
mailbox_id_make(char to[MAILBOX_ID_LEN + 1])
{
	uint8_t random[MAILBOX_ID_LEN / 2];

	arc4random_buf(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(to + 2 * i, 3, "%02x", random[i]);
}

int
folder_state_make(struct mailbox *mb, int dir_fd, unsigned special_use,
    struct folder_state *s)
{
	memset(s, 0, sizeof(*s));
	s->special_use = special_use;
	if (mailbox_take_uidvalidity(mb, 0, &s->uidvalidity) == -1)
		return -1;
	s->identity = s->uidvalidity;
	mailbox_id_make(s->mailbox_id);
	/* 1 is the highest modification sequence of a folder without any. */
	s->ceiling = (struct numbers){ 1, 2 };
	return folder_state_put(dir_fd, s);
}

/* No state, or none that can be read; that one is kept for people to look at.
 */
static int
state_first(struct folder *f)
{
	struct stat st;
	int r;

	if (fstatat(f->dir_fd, FOLDER_FILE, &st, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT) {
		r = folder_migrate(f);
		if (r != 0)
			return r == 1 ? 0 : -1;
	}
	if (renameat(f->dir_fd, FOLDER_FILE, f->dir_fd,
	    FOLDER_FILE ".damaged") == -1 && errno != ENOENT)
		return -1;
	return folder_state_make(f->mb, f->dir_fd, 0, &f->state);
}

/* ---- what comes next ---- */

static bool
next_is_good(const struct folder *f, uint32_t uidvalidity,
    const struct numbers *n)
{
	return uidvalidity == f->state.uidvalidity &&
	    n->uid <= f->state.ceiling.uid &&
	    n->modseq <= f->state.ceiling.modseq;
}

static int
next_write(struct folder *f)
{
	char text[STATE_FILE_MAX];
	size_t len = next_print(f->state.uidvalidity, &f->next, text);
	int fd = file_open(f->dir_fd, NEXT_FILE, O_WRONLY | O_CREAT);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = pwrite(fd, text, len, 0);
	if (n != -1 && (size_t)n != len) {
		errno = ENOSPC;
		n = -1;
	}
	if (close(fd) == -1 || n == -1)
		return -1;
	return 0;
}

/*
 * Go on from the ceilings.  On a full disk, too: mail must be read and removed
 * there.  Then there is no file, so that nobody believes an old one, and no
 * number is handed out until one can be written.
 */
static int
next_start(struct folder *f)
{
	int error;

	f->next = f->state.ceiling;
	if (next_write(f) == 0)
		return 0;
	error = errno;
	if (unlinkat(f->dir_fd, NEXT_FILE, 0) == -1 && errno != ENOENT)
		return -1;
	errno = error;
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? 0 : -1;
}

static int
next_read(struct folder *f)
{
	char text[STATE_FILE_MAX];
	ssize_t n = file_read(f->dir_fd, NEXT_FILE, text, sizeof(text));
	uint32_t uidvalidity;

	if (n > 0 && next_parse(slice_of(text, (size_t)n), &uidvalidity,
	    &f->next) == STATE_OK && next_is_good(f, uidvalidity, &f->next))
		return 0;
	return next_start(f);
}

/* ---- handing out ---- */

static bool
numbers_equal(const struct numbers *a, const struct numbers *b)
{
	return a->uid == b->uid && a->modseq == b->modseq;
}

static int
reserve(struct folder *f, const struct numbers *need)
{
	struct folder_state s = f->state;

	if (need->uid > s.ceiling.uid &&
	    __builtin_add_overflow(need->uid, UID_BLOCK, &s.ceiling.uid))
		s.ceiling.uid = UINT32_MAX;
	if (need->modseq > s.ceiling.modseq)
		s.ceiling.modseq = need->modseq > MODSEQ_MAX - MODSEQ_BLOCK ?
		    MODSEQ_MAX : need->modseq + MODSEQ_BLOCK;
	if (numbers_equal(&s.ceiling, &f->state.ceiling))
		return 0;
	if (folder_state_put(f->dir_fd, &s) == -1)
		return -1;
	f->state = s;
	return 0;
}

static int
advance(struct folder *f, const struct numbers *next)
{
	struct numbers before = f->next;

	if (reserve(f, next) == -1)
		return -1;
	f->next = *next;
	if (next_write(f) == 0)
		return 0;
	f->next = before;
	return -1;
}

int
folder_take_uids(struct folder *f, uint32_t n, uint32_t *first)
{
	struct numbers next = f->next;

	if (__builtin_add_overflow(next.uid, n, &next.uid)) {
		errno = EOVERFLOW;
		return -1;
	}
	*first = f->next.uid;
	return advance(f, &next);
}

int
folder_take_modseq(struct folder *f, uint64_t *modseq)
{
	struct numbers next = f->next;
	/* Nobody else took one since our last look. */
	bool in_step = f->synced == next.modseq - 1;

	if (next.modseq == MODSEQ_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	*modseq = next.modseq++;
	if (advance(f, &next) == -1)
		return -1;
	if (in_step)
		f->synced = *modseq;
	return 0;
}

/* ---- the lock ---- */

/* Deleted, renamed, or another one in its place? */
static bool
is_where_it_was(struct folder *f)
{
	struct stat a, b;

	if (fstat(f->dir_fd, &a) == -1 || a.st_nlink == 0)
		return false;
	if (folder_name_is_inbox(&f->name))
		return true;
	return fstatat(f->mb->maildir_fd, f->name.disk, &b,
	    AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino &&
	    a.st_dev == b.st_dev;
}

static int
read_again(struct folder *f)
{
	struct folder_state s;

	if (!is_where_it_was(f)) {
		errno = ESTALE;
		return -1;
	}
	if (folder_state_read(f->dir_fd, &s) == -1) {
		if (errno == ENOENT)	/* lost: the next to open makes one */
			errno = ESTALE;
		return -1;
	}
	if (s.uidvalidity != f->state.uidvalidity ||
	    s.identity != f->state.identity) {
		errno = ESTALE;
		return -1;
	}
	f->keywords_changed |=
	    memcmp(s.keywords, f->state.keywords, sizeof(s.keywords)) != 0;
	f->state = s;
	if (folder_more_read(f) == -1)
		return -1;
	return next_read(f);
}

int
folder_lock(struct folder *f)
{
	if (f->locks == 0) {
		if (lock_fd(f->dir_fd, LOCK_EX) == -1)
			return -1;
		if (read_again(f) == -1) {
			int saved = errno;

			lock_fd(f->dir_fd, LOCK_UN);
			errno = saved;
			return -1;
		}
	}
	f->locks++;
	return 0;
}

void
folder_unlock(struct folder *f)
{
	if (--f->locks == 0)
		lock_fd(f->dir_fd, LOCK_UN);
}

static int
enter_locked(struct folder *f)
{
	bool first;

	if (!is_where_it_was(f)) {
		errno = ENOENT;
		return -1;
	}
	if (folder_state_read(f->dir_fd, &f->state) == -1 &&
	    (errno != ENOENT || state_first(f) == -1))
		return -1;
	if (folder_more_read(f) == -1)
		return -1;
	f->keywords_changed = false;
	first = lock_fd(f->live_fd, LOCK_EX | LOCK_NB) == 0;
	if (lock_fd(f->live_fd, LOCK_SH) == -1)
		return -1;
	if (!first)
		return next_read(f);
	return next_start(f);	/* N3 */
}

int
folder_enter(struct folder *f)
{
	int r, saved;

	if (lock_fd(f->dir_fd, LOCK_EX) == -1)
		return -1;
	r = enter_locked(f);
	saved = errno;
	lock_fd(f->dir_fd, LOCK_UN);
	errno = saved;
	return r;
}

void
folder_leave(struct folder *f)
{
	if (folder_lock(f) == -1)
		return;
	if (lock_fd(f->live_fd, LOCK_EX | LOCK_NB) == 0 &&
	    !numbers_equal(&f->next, &f->state.ceiling)) {
		f->state.ceiling = f->next;
		folder_state_write(f);
	}
	folder_unlock(f);
}
