/*
 * Append the message to a file of the user's, in mbox form.
 *
 * The file is locked in both ways that other programs know: FILE.lock, made
 * exclusively (where the directory lets us), then fcntl(2).  What could not
 * be written whole is taken back, so that the next message does not become
 * part of this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/log/log.h"
#include "common/mailbox/deliver_content.h"
#include "common/mailbox/dirs.h"
#include "local-delivery/runner/runner.h"

enum { TRY_AGAIN_MS = 250 };

struct mbox {
	struct task	*t;
	struct event	*timer;
	uint64_t	 until_ms;
	int		 fd, lock_fd;	/* -1: none */
	bool		 made;		/* we made the file */
	char		 path[PATH_MAX], lock[PATH_MAX + 8];
};

/* ---- locks ---- */

/*
 * What our FILE.lock says.  0: no process that who reads it could ask about,
 * since ours may have a number that means another one to him.
 */
static const char lock_text[] = "0\nbulkhead\n";

/*
 * While one of us lives who made it, it is locked by flock(2), too: killed in
 * the middle, we leave nothing that others would have to wait for.
 */
static bool
is_left_behind(const char *file)
{
	char text[sizeof(lock_text)];
	struct stat here, there;
	bool left = false;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd == -1)
		return false;
	if (read(fd, text, sizeof(text)) == sizeof(lock_text) - 1 &&
	    memcmp(text, lock_text, sizeof(lock_text) - 1) == 0 &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &here) == 0 &&
	    lstat(file, &there) == 0 && here.st_ino == there.st_ino &&
	    here.st_dev == there.st_dev)
		left = unlink(file) == 0;	/* while it is ours alone */
	close(fd);
	return left;
}

/* Of another program, and too old to be in use. */
static bool
is_stale(const struct mbox *b)
{
	struct stat st;

	return lstat(b->lock, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_mtime < time(NULL) -
	    (time_t)b->t->rn->set->mbox_stale_lock;
}

static void
clear_stale(const struct mbox *b)
{
	bool stale = is_left_behind(b->lock);

	if (!stale && is_stale(b)) {
		unlink(b->lock);
		stale = true;
	}
	if (stale)
		log_warning("stale-lock", LOG_CSTR("file", b->lock));
}

/* 1: locked, or no such lock can be made here; 0: somebody has it. */
static int
dot_lock(struct mbox *b)
{
	int fd = open(b->lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);

	if (fd == -1 && errno == EEXIST) {
		clear_stale(b);
		return 0;
	}
	if (fd == -1)
		return errno == EACCES || errno == EPERM || errno == EROFS ?
		    1 : -1;
	/* First the lock, then the text by which it counts. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)write_all(fd, lock_text, sizeof(lock_text) - 1);
	b->lock_fd = fd;
	return 1;
}

static void
unlock(struct mbox *b)
{
	if (b->lock_fd != -1) {
		unlink(b->lock);
		close(b->lock_fd);
	}
	b->lock_fd = -1;
	if (b->fd != -1)
		close(b->fd);	/* with the fcntl lock */
	b->fd = -1;
}

static int
file_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &lock) == 0)
		return 1;
	return errno == EACCES || errno == EAGAIN ? 0 : -1;
}

/* ---- writing ---- */

struct writing {
	int			 fd;
	struct from_quoting	 quoting;
	char			*room;
	size_t			 size;
};

static int
write_quoted(void *ctx, const char *octets, size_t len)
{
	struct writing *w = ctx;

	if (w->size < len + len / 5 + 16) {
		char *room = realloc(w->room, len + len / 5 + 16);

		if (room == NULL)
			return -1;
		w->room = room;
		w->size = len + len / 5 + 16;
	}
	return write_all(w->fd, w->room,
	    from_quote(&w->quoting, octets, len, w->room));
}

static int
write_message(const struct task *t, struct writing *w)
{
	char from[FROM_LINE_MAX], rest[8];
	size_t len = from_line(t->ask.delivery.reverse_path, time(NULL), from);

	if (write_all(w->fd, from, len) == -1 ||
	    content_render(&t->ask.delivery, t->fd, write_quoted, w) != 0)
		return -1;
	return write_all(w->fd, rest, from_quote_end(&w->quoting, rest));
}

/* What another program left without its end is ended. */
static int
end_former(int fd, off_t size)
{
	char end[2] = { '\n', '\n' };

	if (size >= 2 && pread(fd, end, 2, size - 2) != 2)
		return -1;
	if (size == 1 && pread(fd, end + 1, 1, 0) != 1)
		return -1;
	if (size == 0 || (end[0] == '\n' && end[1] == '\n'))
		return 0;
	return write_all(fd, "\n\n", end[1] == '\n' ? 1 : 2);
}

static int
last_octet(int fd)
{
	struct stat st;
	char c;

	if (fstat(fd, &st) == -1 || st.st_size == 0 ||
	    pread(fd, &c, 1, st.st_size - 1) != 1)
		return '\n';
	return c;
}

static int
append(const struct task *t, int fd)
{
	struct writing w = { .fd = fd };
	off_t size = lseek(fd, 0, SEEK_END);
	int r, saved;

	if (size == -1)
		return -1;
	r = end_former(fd, size);
	if (r == 0)
		r = write_message(t, &w);
	if (r == 0)
		r = last_octet(fd) == '\n' ? write_all(fd, "\n", 1) :
		    write_all(fd, "\n\n", 2);
	if (r == 0)
		r = fsync(fd);
	saved = errno;
	free(w.room);
	if (r == -1 && ftruncate(fd, size) == -1)
		log_error("mbox-not-cut", LOG_ERRNO(errno),
		    LOG_NUM("size", (uint64_t)size));
	errno = saved;
	return r;
}

/* A new name has to survive, too. */
static int
sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int fd, r;

	snprintf(dir, sizeof(dir), "%.*s",
	    slash == path ? 1 : (int)(slash - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	r = fsync(fd);
	close(fd);
	return r;
}

/* ---- from start to end ---- */

static void
failed(struct outcome *o, int error)
{
	switch (error) {
	case ENOSPC:
		outcome_set(o, 452, 4, 3, 1, "no space left for the file");
		return;
	case EDQUOT:
	case EFBIG:
		outcome_set(o, 452, 4, 2, 2, "the file is over its limit");
		return;
	case ENOTSUP:
		outcome_set(o, 554, 5, 6, 3, "binary content that must not be "
		    "encoded cannot be kept in a file");
		return;
	case EBADMSG:
		outcome_set(o, 451, 4, 3, 0, "the message arrived damaged");
		return;
	default:
		outcome_set(o, 451, 4, 2, 0, "the file cannot be written: %s",
		    strerror(error));
	}
}

static void
finish(struct mbox *b, const struct outcome *o)
{
	struct task *t = b->t;

	mbox_abort(b);
	task_step_done(t, o);
}

void
mbox_abort(struct mbox *b)
{
	unlock(b);
	if (b->timer != NULL)
		event_free(b->timer);
	free(b);
}

/* The null device takes everything; what else is no file, nothing. */
static bool
judge(struct mbox *b, struct outcome *o)
{
	struct stat st;

	if (fstat(b->fd, &st) == -1) {
		failed(o, errno);
	} else if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) {
		outcome_set(o, 250, 2, 1, 5, "thrown away");
	} else if (!S_ISREG(st.st_mode)) {
		outcome_set(o, 554, 5, 2, 0, "the file is none to write to");
	} else if ((st.st_mode & 0111) != 0) {
		outcome_set(o, 554, 5, 7, 1, "the file is a program");
	} else {
		return true;
	}
	return false;
}

static int
open_file(struct mbox *b)
{
	static const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK |
	    O_NOCTTY;

	b->made = false;
	b->fd = open(b->path, flags);
	if (b->fd == -1 && errno == ENOENT) {
		b->made = true;
		b->fd = open(b->path, flags | O_CREAT | O_EXCL, 0600);
	}
	return b->fd;
}

static void
write_and_finish(struct mbox *b)
{
	struct outcome o;

	if (append(b->t, b->fd) == -1 ||
	    (b->made && sync_directory(b->path) == -1))
		failed(&o, errno);
	else
		outcome_set(&o, 250, 2, 1, 5, "delivered into a file");
	finish(b, &o);
}

static void
try(struct mbox *b)
{
	static const struct timeval again = {
		.tv_usec = TRY_AGAIN_MS * 1000 };
	struct outcome o;
	int locked;

	if (open_file(b) == -1) {
		failed(&o, errno);
		finish(b, &o);
		return;
	}
	if (!judge(b, &o)) {
		finish(b, &o);
		return;
	}
	locked = dot_lock(b);
	if (locked == 1)
		locked = file_lock(b->fd);
	if (locked == 1) {
		write_and_finish(b);
		return;
	}
	unlock(b);
	if (locked == -1) {
		failed(&o, errno);
		finish(b, &o);
	} else if (runner_now_ms() >= b->until_ms ||
	    event_add(b->timer, &again) == -1) {
		outcome_set(&o, 451, 4, 2, 0, "the file is locked");
		finish(b, &o);
	}
}

static void
on_timer(int fd, short what, void *arg)
{
	(void)fd, (void)what;
	try(arg);
}

void
mbox_start(struct task *t, const struct step *s)
{
	const struct runner *rn = t->rn;
	struct mbox *b = calloc(1, sizeof(*b));
	struct outcome o;
	int n;

	outcome_set(&o, 451, 4, 3, 0, "no memory");
	if (b == NULL || (b->timer = event_new(rn->stage.base, -1, 0,
	    on_timer, b)) == NULL) {
		free(b);
		task_step_done(t, &o);
		return;
	}
	b->t = t;
	b->fd = b->lock_fd = -1;
	b->until_ms = runner_now_ms() + rn->set->mbox_lock_patience * 1000;
	n = s->text[0] == '~' ? snprintf(b->path, sizeof(b->path), "%s%s",
	    rn->user.home, s->text + 1) :
	    snprintf(b->path, sizeof(b->path), "%s", s->text);
	snprintf(b->lock, sizeof(b->lock), "%s.lock", b->path);
	if ((size_t)n >= sizeof(b->path)) {
		outcome_set(&o, 451, 4, 3, 5, "the file's path is too long");
		finish(b, &o);
		return;
	}
	t->mbox = b;
	try(b);
}
