/*
 * What the kernel tells of a folder's directories (inotify(7)), for IDLE and so
 * that a view can follow changes without reading the directories again
 * (follow.c).
 *
 * One instance serves all folders of a process: to close one takes the kernel
 * some 20 ms, to take a watch out some microseconds.
 *
 * What always holds:
 * W1  The kernel queues an event while it holds the directory's lock, so events
 *     of a folder come whole and in order; if not (its queue was full, or ours)
 *     "lost" says so.
 * W2  based: every change that is not in the view is in the queue.
 */
#include <sys/inotify.h>
#include <sys/vfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/internal.h"

enum {
	/* Past that reading the directories is no more work. */
	QUEUE_MAX = 256 * 1024,
	READ_SIZE = 16 * 1024
};

/* ---- the kernel's side ---- */

static int
add(int notify_fd, int dir_fd)
{
	/* inotify takes a path: go there and come back. */
	int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), wd = -1;

	if (cwd == -1)
		return -1;
	if (fchdir(dir_fd) == 0) {
		wd = inotify_add_watch(notify_fd, ".",
		    IN_ONLYDIR | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
			IN_MOVED_TO);
		if (fchdir(cwd) == -1)
			wd = -1;
	}
	close(cwd);
	return wd;
}

/* Does every change of it go through this kernel?  Not so on a network. */
static bool
is_local(int fd)
{
	static const uint64_t local[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,
		BTRFS_SUPER_MAGIC, TMPFS_MAGIC, F2FS_SUPER_MAGIC,
		OVERLAYFS_SUPER_MAGIC, 0x2fc12fc1 /* ZFS */,
		0xca451a4e /* bcachefs */ };
	struct statfs s;

	if (fstatfs(fd, &s) == -1)
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if ((uint64_t)s.f_type == local[i])
			return true;
	return false;
}

/* ---- the queue of each folder ---- */

static void
lose(struct folder *f)
{
	f->watch.lost = true;
	f->watch.len = 0;
}

static void
queue(struct folder *f, const struct inotify_event *e)
{
	struct folder_watch *w = &f->watch;
	size_t len = sizeof(*e) + e->len;

	if (w->lost)
		return;
	if (len > w->size - w->len) {
		size_t size = w->size == 0 ? 4096 : w->size * 2;
		char *at = size > QUEUE_MAX ? NULL : realloc(w->at, size);

		if (at == NULL) {
			lose(f);
			return;
		}
		w->at = at;
		w->size = size;
	}
	memcpy(w->at + w->len, e, len);
	w->len += len;
}

static void
dispatch(struct mailbox *mb, const struct inotify_event *e)
{
	for (struct folder *f = mb->watched; f != NULL; f = f->watch.next) {
		bool ours =
		    e->wd == f->watch.cur_wd || e->wd == f->watch.new_wd;

		if ((e->mask & IN_Q_OVERFLOW) != 0 ||
		    (ours && (e->mask & (IN_IGNORED | IN_UNMOUNT)) != 0))
			lose(f);
		else if (ours)
			queue(f, e);
	}
}

static void
pump(struct mailbox *mb)
{
	char buffer[READ_SIZE]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(mb->notify_fd, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e =
			    (const void *)(buffer + at);

			at += (ssize_t)(sizeof(*e) + e->len);
			dispatch(mb, e);
		}
}

bool
watch_next(const struct folder *f, size_t *at, struct watch_event *e)
{
	const struct folder_watch *w = &f->watch;
	const struct inotify_event *i = (const void *)(w->at + *at);

	if (*at >= w->len)
		return false;
	*e = (struct watch_event){
		.name = i->len > 0 ? i->name : "",
		.cookie = i->cookie,
		.in_new = i->wd == w->new_wd,
		.present = (i->mask & (IN_CREATE | IN_MOVED_TO)) != 0,
		.moved = (i->mask & (IN_MOVED_FROM | IN_MOVED_TO)) != 0,
		.is_dir = (i->mask & IN_ISDIR) != 0,
	};
	*at += sizeof(*i) + i->len;
	return true;
}

void
watch_pump(struct folder *f)
{
	if (folder_is_watched(f))
		pump(f->mb);
}

void
watch_forget(struct folder *f)
{
	watch_pump(f);
	f->watch.len = 0;
	f->watch.lost = false;
	if (f->watch.size > READ_SIZE) {
		free(f->watch.at);
		f->watch.at = NULL;
		f->watch.size = 0;
	}
}

/* ---- begin and end ---- */

static void
take_out(struct folder *f)
{
	for (struct folder **p = &f->mb->watched; *p != NULL;
	     p = &(*p)->watch.next)
		if (*p == f) {
			*p = f->watch.next;
			break;
		}
	free(f->watch.at);
	f->watch = (struct folder_watch){ .cur_wd = -1, .new_wd = -1 };
}

/* Of two handles of one folder the last to ask has the watch. */
static void
take_over(struct folder *f)
{
	for (struct folder *o = f->mb->watched, *next; o != NULL; o = next) {
		next = o->watch.next;
		if (o->watch.cur_wd == f->watch.cur_wd ||
		    o->watch.new_wd == f->watch.new_wd) {
			take_out(o);
			o->look_again = o->scanned;
		}
	}
}

bool
watch_has_other(const struct folder *f)
{
	for (const struct folder *o = f->mb->watched; o != NULL;
	     o = o->watch.next)
		if (o != f && folder_name_equal(&o->name, &f->name))
			return true;
	return false;
}

int
watch_begin(struct folder *f)
{
	struct mailbox *mb = f->mb;
	struct folder_watch *w = &f->watch;

	if (folder_is_watched(f))
		return 0;
	if (mb->notify_fd == -1)
		mb->notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (mb->notify_fd == -1)
		return -1;
	w->cur_wd = add(mb->notify_fd, f->cur_fd);
	w->new_wd = w->cur_wd == -1 ? -1 : add(mb->notify_fd, f->new_fd);
	take_over(f);
	if (w->new_wd == -1) {
		if (w->cur_wd != -1)
			inotify_rm_watch(mb->notify_fd, w->cur_wd);
		w->cur_wd = -1;
		return -1;
	}
	w->local = is_local(f->cur_fd) && is_local(f->new_fd);
	w->next = mb->watched;
	mb->watched = f;
	return 0;
}

/* Whoever changes the directory this moment has done so, and queued it (W1). */
static int
wait_for_changes(int dir_fd)
{
	char some[512];

	return lseek(dir_fd, 0, SEEK_SET) == -1 ||
			       getdents64(dir_fd, some, sizeof(some)) == -1
		   ? -1
		   : 0;
}

/*
 * From now on the times of change must do.  They are right for the view if
 * nothing comes that was done before they were taken.
 */
static void
take_stamps(struct folder *f)
{
	if (!f->watch.based)
		return;
	if (folder_stamps_take(f) == -1 || wait_for_changes(f->new_fd) == -1 ||
	    wait_for_changes(f->cur_fd) == -1 || !follow_is_quiet(f))
		f->look_again = true;
}

void
watch_end(struct folder *f)
{
	if (!folder_is_watched(f))
		return;
	take_stamps(f);
	inotify_rm_watch(f->mb->notify_fd, f->watch.cur_wd);
	inotify_rm_watch(f->mb->notify_fd, f->watch.new_wd);
	take_out(f);
}

void
watch_close(struct mailbox *mb)
{
	if (mb->watched != NULL || mb->notify_fd == -1)
		return;
	close(mb->notify_fd);
	mb->notify_fd = -1;
}

/* ---- for IDLE ---- */

int
folder_notify_fd(struct folder *f)
{
	/* Theirs are not the news that are waited for, and to close one takes
	 * what is in the queue, of this one too, out of sight. */
	mailbox_kept_close(f->mb);
	if (watch_begin(f) == -1)
		return -1;
	f->watch.polled = true;
	return f->mb->notify_fd;
}

void
folder_notify_drain(struct folder *f)
{
	watch_pump(f);
}

void
folder_notify_end(struct folder *f)
{
	f->watch.polled = false;
}
