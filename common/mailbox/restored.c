/*
 * After a backup was put back: what the state files say was handed out is not
 * all that was, so each folder begins with numbers that nobody can know.
 */
#include <sys/file.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mailbox/internal.h"

/* 1: done, 0: it has no state yet, and gets fresh numbers anyway. */
static int
renumber_locked(struct mailbox *mb, int dir_fd)
{
	struct folder_state s;
	uint32_t before;

	if (folder_state_read(dir_fd, &s) == -1)
		return errno == ENOENT ? 0 : -1;
	before = s.identity;
	if (mailbox_take_uidvalidity(mb, 0, &s.uidvalidity) == -1)
		return -1;
	/* Names that bear the former number are new messages from now on. */
	s.identity = s.uidvalidity;
	if (folder_state_put(dir_fd, &s) == -1)
		return -1;
	mailbox_index_drop(mb, before);
	return 1;
}

static int
renumber(struct mailbox *mb, const struct folder_name *name)
{
	int dir_fd = mailbox_folder_dir(mb, name), r = -1, saved;

	if (dir_fd == -1)
		return errno == ENOENT ? 0 : -1;
	if (lock_fd(dir_fd, LOCK_EX) == 0)
		r = renumber_locked(mb, dir_fd);
	saved = errno;
	close(dir_fd);
	errno = saved;
	return r;
}

int
mailbox_restored(struct mailbox *mb, size_t *folders)
{
	struct folder_list all;
	int r = 0, saved;

	*folders = 0;
	mailbox_kept_close(mb);
	if (mailbox_list(mb, &all) == -1)
		return -1;
	for (size_t i = 0; i < all.count && r != -1; i++) {
		r = renumber(mb, &all.names[i]);
		*folders += r == 1;
	}
	saved = errno;
	folder_list_clear(&all);
	errno = saved;
	return r == -1 ? -1 : 0;
}
