#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/internal.h"

#define OWNER_FILE "bulkhead-mailbox"

static int
make_maildir(int maildir_fd)
{
	static const char *const subs[] = { "cur", "new", "tmp" };
	bool any = false;

	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
		bool made;
		int fd = dir_make(maildir_fd, subs[i], &made);

		if (fd == -1)
			return -1;
		close(fd);
		any |= made;
	}
	return any ? fsync(maildir_fd) : 0;
}

static int
open_maildir(struct mailbox *mb)
{
	bool made;

	mb->maildir_fd = dir_make(mb->home_fd, "Maildir", &made);
	if (mb->maildir_fd == -1 || make_maildir(mb->maildir_fd) == -1)
		return -1;
	return made ? fsync(mb->home_fd) : 0;
}

int
mailbox_open(int home_fd, struct mailbox **mb)
{
	struct mailbox *new = calloc(1, sizeof(*new));
	int saved;

	if (new == NULL)
		return -1;
	new->maildir_fd = new->notify_fd = -1;
	/* A description of our own: its lock must not be the caller's. */
	new->home_fd = dir_open(home_fd, ".");
	if (new->home_fd != -1 && open_maildir(new) == 0) {
		new->index = index_new(new->home_fd);
		if (new->index != NULL) {
			*mb = new;
			return 0;
		}
	}
	saved = errno;
	mailbox_close(new);
	errno = saved;
	return -1;
}

void
mailbox_follow(struct mailbox *mb)
{
	mb->follows = true;
}

void
mailbox_rest(struct mailbox *mb)
{
	mailbox_kept_close(mb);
	for (struct folder *f = mb->watched, *next; f != NULL; f = next) {
		next = f->watch.next;
		if (!f->watch.polled)
			folder_unwatch(f);
	}
	watch_close(mb);
	index_rest(mb->index);
}

void
mailbox_close(struct mailbox *mb)
{
	if (mb == NULL)
		return;
	mailbox_kept_close(mb);
	watch_close(mb);
	index_free(mb->index);
	if (mb->maildir_fd != -1)
		close(mb->maildir_fd);
	if (mb->home_fd != -1)
		close(mb->home_fd);
	free(mb);
}

int
mailbox_reopen(struct mailbox *mb)
{
	struct stat a, b;
	int former = mb->maildir_fd;

	if (fstat(former, &a) == 0 && fstatat(mb->home_fd, "Maildir", &b,
	    AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino &&
	    a.st_dev == b.st_dev)
		return 0;
	if (open_maildir(mb) == -1) {
		if (mb->maildir_fd != -1)
			close(mb->maildir_fd);
		mb->maildir_fd = former;
		return -1;
	}
	close(former);
	return 0;
}

int
mailbox_lock(struct mailbox *mb)
{
	if (mb->locks == 0 && lock_fd(mb->home_fd, LOCK_EX) == -1)
		return -1;
	mb->locks++;
	return 0;
}

void
mailbox_unlock(struct mailbox *mb)
{
	if (--mb->locks == 0)
		lock_fd(mb->home_fd, LOCK_UN);
}

int
mailbox_folder_dir(struct mailbox *mb, const struct folder_name *name)
{
	return dir_open(mb->maildir_fd,
	    folder_name_is_inbox(name) ? "." : name->disk);
}

void
mailbox_unique_name(struct mailbox *mb, char to[UNIQUE_MAX])
{
	uint32_t random[2];

	arc4random_buf(random, sizeof(random));
	snprintf(to, UNIQUE_MAX, "%lld.M%lluQ%lu.%08x%08x",
	    (long long)time(NULL), (unsigned long long)mb->unique++,
	    (unsigned long)getpid(), (unsigned)random[0], (unsigned)random[1]);
}

int
mailbox_temporary(struct mailbox *mb)
{
	char unique[UNIQUE_MAX], path[UNIQUE_MAX + 8];
	int fd = file_open(mb->maildir_fd, "tmp", O_TMPFILE | O_RDWR);

	if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	mailbox_unique_name(mb, unique);
	snprintf(path, sizeof(path), "tmp/%s", unique);
	fd = file_open(mb->maildir_fd, path, O_RDWR | O_CREAT | O_EXCL);
	if (fd != -1)
		unlinkat(mb->maildir_fd, path, 0);
	return fd;
}

/* ---- UIDVALIDITY ---- */

struct highest {
	struct mailbox	*mb;
	uint32_t	 v;
};

static void
at_least(struct highest *h, uint32_t v)
{
	if (v > h->v)
		h->v = v;
}

static int
look_at_name(void *ctx, const char *name, uint64_t ino, unsigned char type)
{
	struct maildir_name n;

	(void)ino;
	(void)type;
	if (maildir_name_parse(slice_str(name), &n) == PARSE_OK &&
	    n.has_identity)
		at_least(ctx, n.uidvalidity);
	return 0;
}

static void
look_at_folder(struct highest *h, const struct folder_name *name)
{
	static const char *const subs[] = { "cur", "new" };
	int dir_fd = mailbox_folder_dir(h->mb, name);
	char text[STATE_FILE_MAX];
	struct folder_state s;
	ssize_t n;

	if (dir_fd == -1)
		return;
	n = file_read(dir_fd, "bulkhead-folder", text, sizeof(text));
	if (n > 0 &&
	    folder_state_parse(slice_of(text, (size_t)n), &s) == STATE_OK) {
		at_least(h, s.uidvalidity);
		at_least(h, s.identity);
	}
	for (size_t i = 0; i < 2; i++) {
		int fd = dir_open(dir_fd, subs[i]);

		if (fd == -1)
			continue;
		dir_scan(fd, look_at_name, h);
		close(fd);
	}
	close(dir_fd);
}

/* The owner's file is lost: whatever can still be seen was handed out. */
static int
highest_seen(struct mailbox *mb, uint32_t *v)
{
	struct highest h = { mb, 0 };
	struct folder_list all;

	if (mailbox_list(mb, &all) == -1)
		return -1;
	for (size_t i = 0; i < all.count; i++)
		look_at_folder(&h, &all.names[i]);
	folder_list_clear(&all);
	*v = h.v;
	return 0;
}

static int
read_last(struct mailbox *mb, uint32_t *last)
{
	char text[STATE_FILE_MAX];
	ssize_t n = file_read(mb->maildir_fd, OWNER_FILE, text, sizeof(text));

	if (n == -1 && errno != ENOENT && errno != EFBIG && errno != ELOOP)
		return -1;
	if (n >= 0) {
		switch (mailbox_state_parse(slice_of(text, (size_t)n), last)) {
		case STATE_OK:
			return 0;
		case STATE_OTHER_VERSION:
			errno = ENOTSUP;
			return -1;
		case STATE_DAMAGED:
			break;
		}
	}
	return highest_seen(mb, last);
}

static int
take_uidvalidity_locked(struct mailbox *mb, uint32_t least, uint32_t *v)
{
	char text[STATE_FILE_MAX];
	time_t now = time(NULL);
	uint32_t last;

	if (read_last(mb, &last) == -1)
		return -1;
	if (least > 0 && last < least - 1)
		last = least - 1;
	if (last == UINT32_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	*v = last + 1;
	if (now > (time_t)*v && now < (time_t)UINT32_MAX)
		*v = (uint32_t)now;
	return file_replace(mb->maildir_fd, OWNER_FILE, OWNER_FILE ".tmp",
	    slice_of(text, mailbox_state_print(*v, text)));
}

int
mailbox_take_uidvalidity(struct mailbox *mb, uint32_t least, uint32_t *v)
{
	int r;

	if (mailbox_lock(mb) == -1)
		return -1;
	r = take_uidvalidity_locked(mb, least, v);
	mailbox_unlock(mb);
	return r;
}
