/*
 * Folders that were closed a moment ago.  A client that appends, copies or asks
 * for STATUS does so again: to close a folder each time would be to write its
 * state each time (N4), and to lose a view that is as good as before.
 *
 * What always holds:
 * K1  A kept folder counts as open (N3) and is closed for good by mailbox_rest,
 *     mailbox_close and whatever renames or removes folders here.
 * K2  Who opens it again finds what folder_open promises: nothing in the view
 *     before folder_sync, which tells all of it as arrived.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mailbox/internal.h"

/* A larger view is memory that nobody may ask for again. */
enum { KEPT_VIEW_MAX = 65536 };

bool
folder_keep(struct folder *f)
{
	struct mailbox *mb = f->mb;
	size_t count = f->aside ? f->aside_count : f->count;

	if (!mb->follows || f->pop3_fd != -1 || f->rest != NULL ||
	    count > KEPT_VIEW_MAX)
		return false;
	f->watch.polled = false;
	if (mb->nkept == KEPT_MAX)
		folder_close_now(mb->kept[--mb->nkept]);
	memmove(mb->kept + 1, mb->kept, mb->nkept * sizeof(struct folder *));
	mb->kept[0] = f;
	mb->nkept++;
	return true;
}

void
mailbox_kept_close(struct mailbox *mb)
{
	while (mb->nkept > 0)
		folder_close_now(mb->kept[--mb->nkept]);
}

static struct folder *
take(struct mailbox *mb, const struct folder_name *name)
{
	for (size_t i = 0; i < mb->nkept; i++) {
		struct folder *f = mb->kept[i];

		if (!folder_name_equal(&f->name, name))
			continue;
		mb->nkept--;
		memmove(mb->kept + i, mb->kept + i + 1,
		    (mb->nkept - i) * sizeof(struct folder *));
		return f;
	}
	return NULL;
}

static void
forget_view(struct folder *f)
{
	free(f->outline);
	f->outline = NULL;
	f->count = f->told = 0;
	f->highest_uid = 0;
	f->pool.len = 0;
	f->synced = f->held = f->tracked = 0;
	f->scanned = f->tidied = f->look_again = f->any_gone = false;
	f->named = f->any_fresh = f->any_changed = false;
	f->unrecorded = f->untold = f->watch.based = false;
	f->changes.withheld = 0;
}

/* The view is put aside: many who open a folder never look at it. */
static void
put_aside(struct folder *f)
{
	if (f->aside)
		return;
	if (!f->scanned) { /* its last look has failed */
		forget_view(f);
		return;
	}
	f->aside = true;
	f->aside_count = f->count;
	f->count = f->told = 0;
	f->scanned = false;
}

static bool
stands(const struct folder *f, const char *name, int fd)
{
	struct stat there, ours;

	return fstatat(f->dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(fd, &ours) == 0 && there.st_dev == ours.st_dev &&
	       there.st_ino == ours.st_ino;
}

/* Is it still the folder of that name, and the numbers as they are?  Somebody
 * may have put others in place of its directories, from a backup perhaps. */
static bool
is_as_it_was(struct folder *f)
{
	if (folder_lock(f) == -1)
		return false;
	folder_unlock(f);
	return stands(f, "cur", f->cur_fd) && stands(f, "new", f->new_fd) &&
	       stands(f, "tmp", f->tmp_fd);
}

struct folder *
folder_kept(struct mailbox *mb, const struct folder_name *name, unsigned how)
{
	struct folder *f = take(mb, name);

	if (f == NULL)
		return NULL;
	if (!is_as_it_was(f)) {
		folder_close_now(f);
		return NULL;
	}
	f->how = how;
	f->keywords_changed = false;
	put_aside(f);
	return f;
}

void
folder_take_up(struct folder *f)
{
	if (!f->aside)
		return;
	f->aside = false;
	f->count = f->aside_count;
	f->scanned = true;
	if (f->outline != NULL) {
		f->untold |= f->synced != f->next.modseq - 1;
		return;
	}
	if (!folder_view_is_whole(f)) {
		forget_view(f);
		return;
	}
	for (size_t i = 0; i < f->count; i++)
		if (f->entries[i].m.recent | f->entries[i].changed)
			f->entries[i].m.recent = f->entries[i].changed = false;
	f->any_changed = false;
	f->held = 0;
	f->untold = true;
}
