#include "common/mailbox/deliver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/deliver_content.h"
#include "common/mailbox/internal.h"

/* Where messages of this batch go: few folders, so a list will do. */
struct target {
	struct target		*next;
	struct folder_name	 name;
	int			 cur_fd, new_fd, tmp_fd;
	bool			 touched;	/* new/ must be synced */
	bool			 found;		/* cur/, too: an old attempt */
	int			 error;		/* of that sync */
};

struct delivery_file {
	struct target	*target;
	int		 fd;			/* in tmp/, open; or -1 */
	uint64_t	 size, crlf_size;
	char		 tmp[UNIQUE_MAX];
	char		 name[MAILDIR_NAME_MAX + 1];	/* "": not in new/ */
};

/* ---- results ---- */

static const struct delivered delivered_here = {
	.result = DELIVERY_DELIVERED, .code = 250, .enhanced = { 2, 1, 5 },
	.text = SLICE_LITERAL("delivered into the mailbox"),
};

static const struct delivered delivered_before = {
	.result = DELIVERY_DELIVERED, .code = 250, .enhanced = { 2, 1, 5 },
	.text = SLICE_LITERAL("found in the mailbox, delivered before"),
};

static const struct delivered in_a_loop = {
	.result = DELIVERY_FAILED, .code = 554, .enhanced = { 5, 4, 6 },
	.text = SLICE_LITERAL("mail loop: delivered to this address before"),
};

/* Ends with the row for whatever else may go wrong. */
static const struct {
	int		 error;
	struct delivered result;
} failures[] = {
#define DEFERRED(e, code_, subject, detail, text_)			\
	{ (e), { .result = DELIVERY_DEFERRED, .code = (code_),		\
	    .enhanced = { 4, (subject), (detail) },			\
	    .text = SLICE_LITERAL(text_) } }
	DEFERRED(ENOSPC, 452, 3, 1, "no space left for the mailbox"),
	DEFERRED(EDQUOT, 452, 2, 2, "the mailbox is full"),
	DEFERRED(EFBIG, 452, 2, 2, "larger than the mailbox may hold"),
	DEFERRED(EIO, 451, 3, 0, "the mailbox's disk has a fault"),
	DEFERRED(EROFS, 451, 3, 0, "the mailbox cannot be written now"),
	DEFERRED(
	    EACCES, 451, 2, 0, "the mailbox cannot be written by its owner"),
	{ ENOTSUP, { .result = DELIVERY_FAILED, .code = 554,
	    .enhanced = { 5, 6, 3 },
	    .text = SLICE_LITERAL("binary content that must not be encoded "
	    "cannot be kept in a mailbox") } },
	DEFERRED(EBADMSG, 451, 3, 0, "the message arrived here damaged"),
	DEFERRED(0, 451, 3, 0, "local trouble while delivering"),
};

static struct delivered
failure(int error)
{
	size_t i = 0;

	while (failures[i].error != 0 && failures[i].error != error)
		i++;
	return failures[i].result;
}

static bool
is_open(const struct delivery_item *it)
{
	return it->result.result == 0;
}

/* ---- the folder ---- */

static void
target_free(struct target *t)
{
	if (t->cur_fd != -1)
		close(t->cur_fd);
	if (t->new_fd != -1)
		close(t->new_fd);
	if (t->tmp_fd != -1)
		close(t->tmp_fd);
	free(t);
}

static struct target *
target_open(struct mailbox *mb, const struct folder_name *name)
{
	struct target *t = calloc(1, sizeof(*t));
	int dir_fd, saved;

	if (t == NULL)
		return NULL;
	t->name = *name;
	t->cur_fd = t->new_fd = t->tmp_fd = -1;
	dir_fd = mailbox_folder_dir(mb, name);
	if (dir_fd != -1) {
		t->cur_fd = dir_make(dir_fd, "cur", NULL);
		t->new_fd = dir_make(dir_fd, "new", NULL);
		t->tmp_fd = dir_make(dir_fd, "tmp", NULL);
		saved = errno;
		close(dir_fd);
		errno = saved;
		if (t->cur_fd != -1 && t->new_fd != -1 && t->tmp_fd != -1)
			return t;
	}
	saved = errno;
	target_free(t);
	errno = saved;
	return NULL;
}

static struct target *
target_get(struct mailbox *mb, struct target **all,
    const struct folder_name *name)
{
	struct target *t = *all;

	while (t != NULL && !folder_name_equal(&t->name, name))
		t = t->next;
	if (t != NULL)
		return t;
	t = target_open(mb, name);
	if (t != NULL) {
		t->next = *all;
		*all = t;
	}
	return t;
}

/*
 * The detail chooses among the folders that there are; it never becomes a
 * path.  Without case, for addresses lose theirs on the way.
 */
static void
choose_folder(struct mailbox *mb, struct slice detail, struct folder_name *name)
{
	struct folder_name wanted;
	struct folder_list all;

	name->disk[0] = '\0';
	if (detail.len == 0 ||
	    folder_name_parse_utf8(detail, &wanted) != PARSE_OK ||
	    mailbox_list(mb, &all) == -1)
		return;
	for (size_t i = 0; i < all.count; i++) {
		if (folder_name_equal(&all.names[i], &wanted)) {
			*name = wanted;
			break;
		}
		if (slice_equal_nocase(slice_str(all.names[i].disk),
		    slice_str(wanted.disk)))
			*name = all.names[i];
	}
	folder_list_clear(&all);
}

static struct target *
target_of(struct mailbox *mb, struct target **all, const struct delivery_item *it)
{
	struct folder_name name, inbox = { "" };
	struct target *t;

	choose_folder(mb, it->d.detail, &name);
	t = target_get(mb, all, &name);
	/* Deleted this moment: INBOX it is. */
	if (t == NULL && errno == ENOENT && name.disk[0] != '\0')
		t = target_get(mb, all, &inbox);
	return t;
}

/* ---- an earlier attempt ---- */

/* What every attempt at this delivery has in its name. */
static void
delivery_key(const struct delivery *d, char to[UNIQUE_MAX])
{
	snprintf(to, UNIQUE_MAX, ".Q%012llxR%lu.%016llx",
	    (unsigned long long)d->queue_id, (unsigned long)d->number,
	    (unsigned long long)d->nonce);
}

struct search {
	const struct delivery_item *it;
	char	key[UNIQUE_MAX];
	int	dir_fd;
};

/* 1: this file is that message, whole. */
static int
search_each(void *ctx, const char *file, uint64_t ino, unsigned char type)
{
	const struct search *s = ctx;
	size_t key_len = strlen(s->key);
	struct maildir_name n;
	int fd, r;

	(void)ino;
	(void)type;
	if (maildir_name_parse(slice_str(file), &n) != PARSE_OK ||
	    n.base.len < key_len || memcmp(n.base.at + n.base.len - key_len,
	    s->key, key_len) != 0)
		return 0;
	fd = file_open(s->dir_fd, file, O_RDONLY);
	if (fd == -1)
		return 0;
	r = content_agrees(&s->it->d, s->it->fd, fd) && fsync(fd) == 0;
	close(fd);
	return r;
}

/* new/ first: from there it can only move to cur/. */
static bool
was_delivered(struct target *t, const struct delivery_item *it)
{
	struct search s = { .it = it };

	delivery_key(&it->d, s.key);
	s.dir_fd = t->new_fd;
	if (dir_scan(t->new_fd, search_each, &s) == 1) {
		t->touched = true;
		return true;
	}
	s.dir_fd = t->cur_fd;
	if (dir_scan(t->cur_fd, search_each, &s) == 1) {
		t->found = true;
		return true;
	}
	return false;
}

/* ---- the steps of a delivery ---- */

/*
 * Every sync waits for the disk, so a batch must not cost one for each of its
 * files: from a few on, one syncfs(2) makes all of them durable.  It reports
 * failures since the descriptor was opened, which was before we wrote.
 */
enum { SYNC_EACH_MAX = 3 };

static void
write_file(struct mailbox *mb, struct delivery_item *it, bool sync_each)
{
	struct delivery_file *f = it->file;
	int r;

	mailbox_unique_name(mb, f->tmp);
	f->fd = file_open(f->target->tmp_fd, f->tmp,
	    O_WRONLY | O_CREAT | O_EXCL);
	r = f->fd == -1 ? -1 : content_write(&it->d, it->fd, f->fd, &f->size,
	    &f->crlf_size);
	/* Those of one batch must not each fit alone. */
	mailbox_quota_reserve(mb, f->size, 1);
	if (r == CONTENT_LOOPS)
		it->result = in_a_loop;
	else if (r == -1)
		it->result = failure(errno);
	else if (sync_each)
		/* All are on their way before we wait for the first. */
		sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static void
begin_item(struct mailbox *mb, struct target **all, struct delivery_item *it,
    bool sync_each)
{
	struct target *t;

	it->file = NULL;
	it->result = (struct delivered){ 0 };
	t = target_of(mb, all, it);
	if (t == NULL) {
		it->result = failure(errno);
		return;
	}
	if (it->d.maybe_delivered && was_delivered(t, it)) {
		it->result = delivered_before;
		/* The answer waits for the sync of the directory. */
	} else if (mailbox_quota_room(mb, it->d.content_size, 1) == -1) {
		it->result = failure(errno);
		it->result.full = errno == EDQUOT && mailbox_quota_full(mb);
		return;
	}
	it->file = calloc(1, sizeof(*it->file));
	if (it->file == NULL) {
		it->result = failure(ENOMEM);
		return;
	}
	it->file->target = t;
	it->file->fd = -1;
	if (is_open(it))
		write_file(mb, it, sync_each);
}

static void
fail_all(struct delivery_item *items, size_t n, const struct target *t, int error)
{
	for (size_t i = 0; i < n; i++)
		if (is_open(&items[i]) && items[i].file->target == t)
			items[i].result = failure(error);
}

static void
sync_one_by_one(struct delivery_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_open(&items[i]) && fsync(items[i].file->fd) == -1)
			items[i].result = failure(errno);
}

static void
sync_files(struct delivery_item *items, size_t n, const struct target *t)
{
	size_t open = 0;

	for (size_t i = 0; i < n; i++)
		open += is_open(&items[i]);
	if (open <= SYNC_EACH_MAX) {
		sync_one_by_one(items, n);
		return;
	}
	/* Folders may lie on different file systems. */
	for (; t != NULL; t = t->next)
		if (syncfs(t->tmp_fd) == -1)
			fail_all(items, n, t, errno);
}

static int
name_file(struct delivery_item *it, time_t now)
{
	struct delivery_file *f = it->file;
	char base[UNIQUE_MAX * 2], key[UNIQUE_MAX], name[MAILDIR_NAME_MAX + 1];
	struct maildir_name n = { .has_size = true, .has_crlf_size = true,
		.size = f->size, .crlf_size = f->crlf_size };

	delivery_key(&it->d, key);
	snprintf(base, sizeof(base), "%lld%s", (long long)now, key);
	n.base = slice_str(base);
	if (maildir_name_print(&n, false, name) == -1) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (rename_new(f->target->tmp_fd, f->tmp, f->target->new_fd, name) == -1)
		return -1;
	memcpy(f->name, name, sizeof(name));
	f->target->touched = true;
	return 0;
}

/* The same delivery twice within a second, nobody having said so. */
static bool
is_there_already(struct delivery_item *it)
{
	return errno == EEXIST && was_delivered(it->file->target, it);
}

static void
finish_item(struct delivery_item *it, time_t now)
{
	int r;

	assert(it->file != NULL);	/* who is open has a file */
	r = close(it->file->fd);
	it->file->fd = -1;
	if (r == -1) {
		it->result = failure(errno);
	} else if (name_file(it, now) == -1) {
		int error = errno;

		it->result = is_there_already(it) ? delivered_before :
		    failure(error);
	}
}

static void
sync_targets(struct target *t)
{
	for (; t != NULL; t = t->next)
		if ((t->touched && fsync(t->new_fd) == -1) ||
		    (t->found && fsync(t->cur_fd) == -1))
			t->error = errno;
}

/* The last word on an item, and nothing left behind that has no name. */
static void
settle_item(struct delivery_item *it)
{
	struct delivery_file *f = it->file;

	if (f == NULL)
		return;
	if (f->fd != -1)
		close(f->fd);
	if (f->tmp[0] != '\0' && f->name[0] == '\0')
		unlinkat(f->target->tmp_fd, f->tmp, 0);
	if (is_open(it))
		it->result = delivered_here;
	if (f->target->error != 0 &&
	    it->result.result == DELIVERY_DELIVERED) {
		/* A sync that failed says nothing when it is tried again:
		 * take the message back, or own that we do not know. */
		it->result = failure(f->target->error);
		it->result.unknown = f->name[0] == '\0' ||
		    unlinkat(f->target->new_fd, f->name, 0) == -1;
	}
	free(f);
	it->file = NULL;
}

void
mailbox_deliver(struct mailbox *mb, struct delivery_item *items, size_t n)
{
	struct target *all = NULL, *next;
	time_t now = time(NULL);

	if (mailbox_reopen(mb) == -1) {
		for (size_t i = 0; i < n; i++)
			items[i].result = failure(errno);
		return;
	}
	for (size_t i = 0; i < n; i++)
		begin_item(mb, &all, &items[i], n <= SYNC_EACH_MAX);
	sync_files(items, n, all);
	for (size_t i = 0; i < n; i++)
		if (is_open(&items[i]))
			finish_item(&items[i], now);
	sync_targets(all);
	for (size_t i = 0; i < n; i++)
		settle_item(&items[i]);
	mailbox_quota_settle(mb);
	for (; all != NULL; all = next) {
		next = all->next;
		target_free(all);
	}
}

/* ---- leftovers ---- */

enum { STALE_S = 36 * 3600 };

struct cleaning {
	int	dir_fd;
	time_t	now;
};

static int
clean_each(void *ctx, const char *name, uint64_t ino, unsigned char type)
{
	const struct cleaning *c = ctx;
	struct stat st;

	(void)ino;
	(void)type;
	/* The later of both, for a date can be set, a change cannot. */
	if (fstatat(c->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    c->now - st.st_mtime < STALE_S || c->now - st.st_ctime < STALE_S)
		return 0;
	if (!S_ISDIR(st.st_mode))
		unlinkat(c->dir_fd, name, 0);
	else if (strncmp(name, "bulkhead-folder.", 16) == 0)
		folder_remove_tree(c->dir_fd, name);
	return 0;
}

void
mailbox_clean_tmp(struct mailbox *mb)
{
	struct cleaning c = { -1, time(NULL) };
	struct folder_list all;

	if (mailbox_list(mb, &all) == -1)
		return;
	for (size_t i = 0; i < all.count; i++) {
		int dir_fd = mailbox_folder_dir(mb, &all.names[i]);

		if (dir_fd == -1)
			continue;
		c.dir_fd = dir_open(dir_fd, "tmp");
		close(dir_fd);
		if (c.dir_fd == -1)
			continue;
		dir_scan(c.dir_fd, clean_each, &c);
		close(c.dir_fd);
	}
	folder_list_clear(&all);
}
