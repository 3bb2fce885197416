/* The folders of an owner: list, create, delete, rename, subscribe. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/import.h"
#include "common/mailbox/internal.h"

/* ---- lists ---- */

struct listing {
	struct folder_list	*list;
	size_t			 size;
	int			 maildir_fd;
};

static int
list_add(struct listing *l, const struct folder_name *name)
{
	struct folder_list *list = l->list;

	if (list->count == MAILBOX_FOLDERS_MAX)
		return 0;
	if (list->count == l->size) {
		size_t size = l->size == 0 ? 16 : l->size * 2;
		struct folder_name *names =
		    reallocarray(list->names, size, sizeof(*names));

		if (names == NULL)
			return -1;
		list->names = names;
		l->size = size;
	}
	list->names[list->count++] = *name;
	return 0;
}

static int
compare_folders(const void *a, const void *b)
{
	const struct folder_name *x = a, *y = b;

	return strcmp(x->disk, y->disk);
}

static void
list_sort(struct folder_list *l)
{
	size_t kept = 0;

	if (l->count == 0)
		return;
	qsort(l->names, l->count, sizeof(*l->names), compare_folders);
	for (size_t i = 1; i < l->count; i++)
		if (!folder_name_equal(&l->names[i], &l->names[kept]))
			l->names[++kept] = l->names[i];
	l->count = kept + 1;
}

void
folder_list_clear(struct folder_list *l)
{
	free(l->names);
	*l = (struct folder_list){ 0 };
}

/* Can it be a folder, as far as its name says? */
static bool
is_named(const char *name, unsigned char type, struct folder_name *n)
{
	return (type == DT_DIR || type == DT_UNKNOWN) &&
	       folder_name_parse_disk(slice_str(name), n) == PARSE_OK;
}

/* A directory with cur/ in it. */
static bool
is_folder(int maildir_fd, const char *name)
{
	char cur[NAME_MAX + sizeof("/cur")];
	struct stat st;

	snprintf(cur, sizeof(cur), "%s/cur", name);
	return fstatat(maildir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode) &&
	       fstatat(maildir_fd, cur, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
list_each(void *ctx, const char *name, uint64_t ino, unsigned char type)
{
	struct listing *l = ctx;
	struct folder_name n;

	(void)ino;
	return is_named(name, type, &n) && is_folder(l->maildir_fd, name)
		   ? list_add(l, &n)
		   : 0;
}

int
mailbox_list(struct mailbox *mb, struct folder_list *list)
{
	struct listing l = { list, 0, mb->maildir_fd };
	struct folder_name inbox = { "" };

	*list = (struct folder_list){ 0 };
	if (list_add(&l, &inbox) == -1 ||
	    dir_scan(mb->maildir_fd, list_each, &l) != 0) {
		folder_list_clear(list);
		return -1;
	}
	list_sort(list);
	return 0;
}

struct inferiors {
	const struct folder_name *of;
	int maildir_fd;
};

/* Stops at the first one. */
static int
inferior_each(void *ctx, const char *name, uint64_t ino, unsigned char type)
{
	const struct inferiors *i = ctx;
	struct folder_name n;

	(void)ino;
	return is_named(name, type, &n) &&
	       (folder_name_is_below(&n, i->of) ||
		   (folder_name_is_inbox(i->of) &&
		       slice_starts_nocase(slice_str(folder_name_imap(&n)),
			   SLICE_LITERAL("INBOX.")))) &&
	       is_folder(i->maildir_fd, name);
}

int
mailbox_has_inferiors(struct mailbox *mb, const struct folder_name *name)
{
	struct inferiors i = { name, mb->maildir_fd };

	return dir_scan(mb->maildir_fd, inferior_each, &i);
}

int
mailbox_exists(struct mailbox *mb, const struct folder_name *name)
{
	int fd = mailbox_folder_dir(mb, name);

	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
		    errno == EXDEV ? 0 : -1;
	close(fd);
	return 1;
}

/* ---- create ---- */

static int
fill_folder(struct mailbox *mb, int fd, unsigned special_use)
{
	static const char *const subs[] = { "cur", "new", "tmp" };
	struct folder_state s;
	int mark;

	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++)
		if (mkdirat(fd, subs[i], 0700) == -1)
			return -1;
	/* Maildir++ wants this in every folder but INBOX. */
	mark = file_open(fd, "maildirfolder", O_WRONLY | O_CREAT);
	if (mark == -1)
		return -1;
	close(mark);
	/* Syncs the directory, too. */
	return folder_state_make(mb, fd, special_use, &s);
}

/* Made in tmp/ under a name that leftovers are known by, moved when whole. */
static int
create_locked(
    struct mailbox *mb, const struct folder_name *name, unsigned special_use)
{
	char unique[UNIQUE_MAX], path[UNIQUE_MAX + 32];
	int fd, r;

	mailbox_unique_name(mb, unique);
	snprintf(path, sizeof(path), "tmp/bulkhead-folder.%s", unique);
	if (mkdirat(mb->maildir_fd, path, 0700) == -1)
		return -1;
	fd = dir_open(mb->maildir_fd, path);
	if (fd == -1)
		return -1;
	r = fill_folder(mb, fd, special_use);
	close(fd);
	if (r == 0)
		r = rename_new(mb->maildir_fd, path, mb->maildir_fd,
		    name->disk);
	if (r == -1) {
		int saved = errno;

		folder_remove_tree(mb->maildir_fd, path);
		errno = saved;
		return -1;
	}
	return fsync(mb->maildir_fd);
}

static int
count_each(void *ctx, const char *name, uint64_t ino, unsigned char type)
{
	size_t *n = ctx;

	(void)ino;
	*n += type == DT_DIR && name[0] == FOLDER_SEPARATOR;
	return 0;
}

/* More than mailbox_list can tell of are not made. */
static int
check_room(struct mailbox *mb)
{
	struct stat st;
	size_t n = 0;

	if (fstat(mb->maildir_fd, &st) == -1)
		return -1;
	/* the links say how many directories there are, but for file systems
	 * that do not count so far, and then say 1 */
	if (st.st_nlink > 1 && st.st_nlink < MAILBOX_FOLDERS_MAX)
		return 0;
	if (dir_scan(mb->maildir_fd, count_each, &n) == -1)
		return -1;
	if (n + 1 < MAILBOX_FOLDERS_MAX)
		return 0;
	errno = EFBIG;
	return -1;
}

int
mailbox_create(struct mailbox *mb, const struct folder_name *name)
{
	return mailbox_create_special_use(mb, name, 0);
}

int
mailbox_create_special_use(
    struct mailbox *mb, const struct folder_name *name, unsigned special_use)
{
	int r = mailbox_exists(mb, name), saved;

	if (r == 1)
		errno = EEXIST;
	if (r != 0 || mailbox_lock(mb) == -1)
		return -1;
	r = check_room(mb);
	if (r == 0)
		r = create_locked(mb, name, special_use);
	saved = errno;
	mailbox_unlock(mb);
	errno = saved;
	return r;
}

/* ---- delete ---- */

static int
remove_file(void *ctx, const char *name, uint64_t ino, unsigned char type)
{
	(void)ino;
	if (type != DT_DIR)
		unlinkat(*(int *)ctx, name, 0);
	return 0;
}

/* dir/name with the files in it; no further down. */
static void
remove_flat(int dir_fd, const char *name)
{
	int fd = dir_open(dir_fd, name);

	if (fd == -1)
		return;
	dir_scan(fd, remove_file, &fd);
	close(fd);
	unlinkat(dir_fd, name, AT_REMOVEDIR);
}

void
folder_remove_tree(int dir_fd, const char *path)
{
	int fd = dir_open(dir_fd, path);

	if (fd == -1)
		return;
	remove_flat(fd, "cur");
	remove_flat(fd, "new");
	remove_flat(fd, "tmp");
	dir_scan(fd, remove_file, &fd);
	close(fd);
	unlinkat(dir_fd, path, AT_REMOVEDIR);
}

/* What the index has of it; without a state file it has nothing. */
static void
forget_folder(struct mailbox *mb, const char *path)
{
	struct folder_state s;
	int fd = dir_open(mb->maildir_fd, path);

	if (fd == -1)
		return;
	if (folder_state_read(fd, &s) == 0)
		mailbox_index_drop(mb, s.identity);
	close(fd);
}

int
mailbox_delete(struct mailbox *mb, const struct folder_name *name)
{
	char unique[UNIQUE_MAX], path[UNIQUE_MAX + 32];
	int r;

	if (folder_name_is_inbox(name)) {
		errno = EINVAL;
		return -1;
	}
	mailbox_kept_close(mb);
	mailbox_unique_name(mb, unique);
	snprintf(path, sizeof(path), "tmp/bulkhead-folder.%s", unique);
	if (mailbox_lock(mb) == -1)
		return -1;
	/* Out of sight at once; the rest may take its time, or be done by
	 * whoever clears tmp/ after a crash. */
	r = renameat(mb->maildir_fd, name->disk, mb->maildir_fd, path);
	if (r == 0)
		r = fsync(mb->maildir_fd);
	mailbox_unlock(mb);
	if (r == 0) {
		forget_folder(mb, path);
		folder_remove_tree(mb->maildir_fd, path);
	}
	return r;
}

/* ---- rename ---- */

/* The name of an inferior after its superior has become to. */
static int
moved_name(const struct folder_name *n, const struct folder_name *from,
    const struct folder_name *to, struct folder_name *moved)
{
	char disk[2 * sizeof(n->disk)];

	snprintf(disk, sizeof(disk), "%s%s", to->disk,
	    n->disk + strlen(from->disk));
	if (folder_name_parse_disk(slice_str(disk), moved) == PARSE_OK)
		return 0;
	errno = EINVAL;
	return -1;
}

static bool
is_concerned(const struct folder_name *n, const struct folder_name *from)
{
	return folder_name_equal(n, from) || folder_name_is_below(n, from);
}

/* All or none: look first whether each can have its new name. */
static int
check_moves(struct mailbox *mb, const struct folder_list *all,
    const struct folder_name *from, const struct folder_name *to)
{
	size_t concerned = 0;

	for (size_t i = 0; i < all->count; i++) {
		struct folder_name moved;
		int there;

		if (!is_concerned(&all->names[i], from))
			continue;
		concerned++;
		if (moved_name(&all->names[i], from, to, &moved) == -1)
			return -1;
		there = mailbox_exists(mb, &moved);
		if (there == 1)
			errno = EEXIST;
		if (there != 0)
			return -1;
	}
	if (concerned > 0)
		return 0;
	errno = ENOENT;
	return -1;
}

static int
move_folders(struct mailbox *mb, const struct folder_list *all,
    const struct folder_name *from, const struct folder_name *to)
{
	for (size_t i = 0; i < all->count; i++) {
		struct folder_name moved;

		if (!is_concerned(&all->names[i], from))
			continue;
		if (moved_name(&all->names[i], from, to, &moved) == -1 ||
		    rename_new(mb->maildir_fd, all->names[i].disk,
			mb->maildir_fd, moved.disk) == -1)
			return -1;
	}
	return fsync(mb->maildir_fd);
}

static int
rename_locked(struct mailbox *mb, const struct folder_name *from,
    const struct folder_name *to)
{
	struct folder_list all;
	int r, saved;

	if (mailbox_list(mb, &all) == -1)
		return -1;
	r = check_moves(mb, &all, from, to);
	if (r == 0)
		r = move_folders(mb, &all, from, to);
	saved = errno;
	folder_list_clear(&all);
	errno = saved;
	return r;
}

/* RFC 3501 section 6.3.5: the messages move to a new folder. */
static int
move_messages(struct folder *from, struct folder *to)
{
	uint32_t *seqs, first;
	size_t n = 0;
	int r;

	if (folder_sync(from, 0, NULL) == -1)
		return -1;
	if (folder_count(from) == 0)
		return 0;
	seqs = reallocarray(NULL, folder_count(from), sizeof(*seqs));
	if (seqs == NULL)
		return -1;
	while (n < folder_count(from)) {
		seqs[n] = (uint32_t)(n + 1);
		n++;
	}
	r = folder_copy(from, seqs, n, to, true, &first);
	free(seqs);
	return r;
}

static int
rename_inbox(struct mailbox *mb, const struct folder_name *to)
{
	struct folder_name inbox = { "" };
	struct folder *from, *into;
	int r = -1;

	if (mailbox_create(mb, to) == -1)
		return -1;
	if (folder_open(mb, &inbox, 0, &from) == -1)
		return -1;
	if (folder_open(mb, to, 0, &into) == 0) {
		r = move_messages(from, into);
		folder_close(into);
	}
	folder_close(from);
	return r;
}

int
mailbox_rename(struct mailbox *mb, const struct folder_name *from,
    const struct folder_name *to)
{
	int r, saved;

	if (folder_name_is_inbox(to) || folder_name_equal(from, to)) {
		errno = EEXIST;
		return -1;
	}
	if (folder_name_is_below(to, from)) {
		errno = EINVAL;
		return -1;
	}
	mailbox_kept_close(mb);
	if (folder_name_is_inbox(from))
		return rename_inbox(mb, to);
	if (mailbox_lock(mb) == -1)
		return -1;
	r = rename_locked(mb, from, to);
	saved = errno;
	mailbox_unlock(mb);
	errno = saved;
	return r;
}

/* ---- special uses ---- */

int
mailbox_special_use(
    struct mailbox *mb, const struct folder_name *name, unsigned *uses)
{
	int fd = mailbox_folder_dir(mb, name), r, saved;
	struct folder_state s;

	*uses = 0;
	if (fd == -1)
		return -1;
	r = folder_state_read(fd, &s);
	saved = errno;
	close(fd);
	if (r == 0)
		*uses = s.special_use;
	errno = saved;
	return r == 0 || errno == ENOENT ? 0 : -1;
}

static int
special_use_set(struct folder *f, unsigned uses)
{
	unsigned before;
	int r = 0;

	if (folder_lock(f) == -1)
		return -1;
	before = f->state.special_use;
	f->state.special_use = uses;
	if (before != uses)
		r = folder_state_write(f);
	folder_unlock(f);
	return r;
}

int
mailbox_special_use_set(
    struct mailbox *mb, const struct folder_name *name, unsigned uses)
{
	struct folder *f;
	int r, saved;

	if (folder_open(mb, name, 0, &f) == -1)
		return -1;
	r = special_use_set(f, uses);
	saved = errno;
	folder_close(f);
	errno = saved;
	return r;
}

/* ---- STATUS ---- */

int
mailbox_status(struct mailbox *mb, const struct folder_name *name,
    struct folder_status *s)
{
	struct folder *f;
	int r, saved;

	if (folder_open(mb, name, FOLDER_READ_ONLY, &f) == -1)
		return -1;
	r = folder_sync(f, FOLDER_OUTLINE, NULL);
	if (r == 0)
		folder_status(f, s);
	saved = errno;
	folder_close(f);
	errno = saved;
	return r;
}

/* ---- subscriptions: one name a line, as Dovecot keeps them ---- */

#define SUBSCRIPTIONS "subscriptions"
#define OF_COURIER "courierimapsubscribed" /* where there is none of ours */
enum { SUBSCRIPTIONS_MAX = 4 * 1024 * 1024 };

static int
parse_subscriptions(struct slice text, bool courier, struct listing *l)
{
	bool v2 = text.len > sizeof(SUBSCRIPTIONS_V2) - 1 &&
		  memcmp(text.at, SUBSCRIPTIONS_V2 "\n",
		      sizeof(SUBSCRIPTIONS_V2)) == 0;

	if (v2)
		text = slice_skip(text, sizeof(SUBSCRIPTIONS_V2));
	while (text.len > 0) {
		const char *end = memchr(text.at, '\n', text.len);
		size_t n = end != NULL ? (size_t)(end - text.at) : text.len;
		char line[SUBSCRIPTION_MAX];
		struct folder_name name;
		size_t len =
		    subscription_parse(slice_of(text.at, n), v2, courier, line);

		/* What is no name of ours is passed over. */
		if (folder_name_parse(slice_of(line, len), &name) == PARSE_OK &&
		    list_add(l, &name) == -1)
			return -1;
		text = slice_skip(text, end != NULL ? n + 1 : n);
	}
	return 0;
}

int
mailbox_subscriptions(struct mailbox *mb, struct folder_list *list)
{
	struct listing l = { list, 0, mb->maildir_fd };
	char *text = malloc(SUBSCRIPTIONS_MAX);
	bool courier;
	ssize_t n;
	int r = -1;

	*list = (struct folder_list){ 0 };
	if (text == NULL)
		return -1;
	n = file_read(mb->maildir_fd, SUBSCRIPTIONS, text, SUBSCRIPTIONS_MAX);
	courier = n == -1 && errno == ENOENT;
	if (courier)
		n = file_read(
		    mb->maildir_fd, OF_COURIER, text, SUBSCRIPTIONS_MAX);
	if (n >= 0)
		r = parse_subscriptions(slice_of(text, (size_t)n), courier, &l);
	else if (errno == ENOENT)
		r = 0;
	free(text);
	if (r == -1)
		folder_list_clear(list);
	else
		list_sort(list);
	return r;
}

static int
write_subscriptions(struct mailbox *mb, const struct folder_list *list)
{
	size_t size = 1, len = 0;
	char *text;
	int r;

	for (size_t i = 0; i < list->count; i++)
		size += strlen(folder_name_imap(&list->names[i])) + 1;
	if (size > SUBSCRIPTIONS_MAX) { /* it could not be read again */
		errno = EFBIG;
		return -1;
	}
	if ((text = malloc(size)) == NULL)
		return -1;
	for (size_t i = 0; i < list->count; i++)
		len += (size_t)snprintf(text + len, size - len, "%s\n",
		    folder_name_imap(&list->names[i]));
	r = file_replace(mb->maildir_fd, SUBSCRIPTIONS, SUBSCRIPTIONS ".tmp",
	    slice_of(text, len));
	free(text);
	return r;
}

static int
subscribe_locked(struct mailbox *mb, const struct folder_name *name, bool on)
{
	struct folder_list list;
	size_t kept = 0;
	int r;

	if (mailbox_subscriptions(mb, &list) == -1)
		return -1;
	for (size_t i = 0; i < list.count; i++)
		if (!folder_name_equal(&list.names[i], name))
			list.names[kept++] = list.names[i];
	if (on ? kept < list.count : kept == list.count) {
		folder_list_clear(&list);
		return 0;	/* as it should be already */
	}
	if (on) {
		struct listing l = { &list, list.count, mb->maildir_fd };

		if (list_add(&l, name) == -1) {
			folder_list_clear(&list);
			return -1;
		}
		list_sort(&list);
	} else {
		list.count = kept;
	}
	r = write_subscriptions(mb, &list);
	folder_list_clear(&list);
	return r;
}

int
mailbox_subscribe(struct mailbox *mb, const struct folder_name *name, bool on)
{
	int r, saved;

	if (mailbox_lock(mb) == -1)
		return -1;
	r = subscribe_locked(mb, name, on);
	saved = errno;
	mailbox_unlock(mb);
	errno = saved;
	return r;
}
