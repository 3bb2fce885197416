/*
 * A folder's bulkhead-keywords: read when it was changed, under the folder's
 * lock; written whole, durably.  What changed there shows in no file name, so
 * cur/ is touched, and whoever looks after that reads everything anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/internal.h"

#define MORE_FILE "bulkhead-keywords"
enum { MORE_FILE_MAX = 128 * 1024 * 1024 };

static void
drop(struct folder *f)
{
	if (f->more != NULL)
		more_clear(f->more);
	free(f->more);
	f->more = NULL;
}

void
folder_more_clear(struct folder *f)
{
	drop(f);
}

/* There is something to hold keywords in. */
static struct more_keywords *
have(struct folder *f)
{
	if (f->more == NULL)
		f->more = calloc(1, sizeof(*f->more));
	if (f->more != NULL)
		f->more->identity = f->state.identity;
	return f->more;
}

/* Damage costs these keywords, and nothing else. */
static void
read_all(struct folder *f, int fd, size_t size)
{
	char *text = malloc(size + 1);

	drop(f);
	if (text != NULL && have(f) != NULL) {
		if (pread(fd, text, size, 0) != (ssize_t)size ||
		    more_parse(slice_of(text, size), f->more) != PARSE_OK)
			more_clear(f->more);
		if (f->more->identity != f->state.identity)
			f->more->count = 0; /* their UIDs are others' */
		f->more->identity = f->state.identity;
	}
	free(text);
}

static bool
is_as_read(const struct folder *f, const struct stat *st)
{
	return !f->more_racy && st->st_ino == f->more_ino &&
	       st->st_ctim.tv_sec == f->more_time.tv_sec &&
	       st->st_ctim.tv_nsec == f->more_time.tv_nsec;
}

static void
remember(struct folder *f, const struct stat *st)
{
	f->more_ino = st->st_ino;
	f->more_time = st->st_ctim;
	/* another one could have this time and, after two, this inode */
	f->more_racy = time_is_racy(&st->st_ctim);
}

int
folder_more_read(struct folder *f)
{
	struct stat st;
	int fd;

	if (fstatat(f->dir_fd, MORE_FILE, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno != ENOENT)
			return -1;
		if (f->more_ino != 0)
			drop(f);
		f->more_ino = 0;
		return 0;
	}
	if (is_as_read(f, &st))
		return 0;
	fd = file_open(f->dir_fd, MORE_FILE, O_RDONLY);
	if (fd == -1)
		return errno == EINVAL || errno == ELOOP || errno == ENOENT
			   ? 0
			   : -1;
	if (fstat(fd, &st) == 0 && st.st_size <= MORE_FILE_MAX) {
		read_all(f, fd, (size_t)st.st_size);
		remember(f, &st);
		f->keywords_changed = true;
	}
	close(fd);
	return 0;
}

/* Messages that are gone need no row. */
static void
prune(struct folder *f)
{
	struct more_keywords *m = f->more;
	size_t kept = 0;

	if (!f->scanned)
		return;
	for (size_t i = 0; i < m->count; i++)
		if (m->rows[i].uid > f->highest_uid ||
		    folder_seq_of(f, m->rows[i].uid) != 0)
			m->rows[kept++] = m->rows[i];
	m->count = kept;
}

/* Others see that something happened: the directory's times, and inotify. */
static void
touch(struct folder *f)
{
	int fd = file_open(f->cur_fd, TOUCH_FILE, O_WRONLY | O_CREAT);

	if (fd != -1)
		close(fd);
	unlinkat(f->cur_fd, TOUCH_FILE, 0);
}

int
folder_more_write(struct folder *f)
{
	struct stat st;
	size_t len;
	char *text;
	int r;

	if (have(f) == NULL)
		return -1;
	prune(f);
	text = more_print(f->more, &len);
	if (text == NULL)
		return -1;
	r = file_replace(
	    f->dir_fd, MORE_FILE, MORE_FILE ".tmp", slice_of(text, len));
	free(text);
	if (r == 0 &&
	    fstatat(f->dir_fd, MORE_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0)
		remember(f, &st);
	else
		f->more_ino = 0; /* what is there is read again */
	if (r == 0)
		touch(f);
	f->look_again = true;
	return r;
}

uint64_t
folder_more_get(const struct folder *f, uint32_t uid)
{
	return f->more == NULL ? 0 : more_get(f->more, uid) << FOLDER_LETTERS;
}

int
folder_more_set(struct folder *f, uint32_t uid, uint64_t keywords)
{
	return have(f) == NULL
		   ? -1
		   : more_set(f->more, uid, keywords >> FOLDER_LETTERS);
}

char *
folder_more_name(struct folder *f, unsigned n, bool make)
{
	if (make ? have(f) == NULL : f->more == NULL)
		return NULL;
	return f->more->names[n - FOLDER_LETTERS];
}
