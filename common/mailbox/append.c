/*
 * Messages on their way into a folder: written into tmp/ and made durable
 * there, or known by their names elsewhere; then given UIDs and their final
 * names all at once, and the directories synced.  Append, copy and move are
 * this.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/append.h"

enum { BUFFER = 64 * 1024 };

int
folder_append_begin(struct folder *to, struct append **out)
{
	struct append *a;

	if (folder_must_be_writable(to) == -1)
		return -1;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return -1;
	a->buffer = malloc(BUFFER);
	if (a->buffer == NULL) {
		free(a);
		return -1;
	}
	a->to = to;
	a->now = (uint64_t)time(NULL);
	a->fd = -1;
	*out = a;
	return 0;
}

struct staged *
append_stage(struct append *a)
{
	if (a->count == a->size) {
		size_t size = a->size == 0 ? 4 : a->size * 2;
		struct staged *s = size > MESSAGES_MAX ? NULL :
		    reallocarray(a->staged, size, sizeof(*s));

		if (s == NULL)
			return NULL;
		a->staged = s;
		a->size = size;
	}
	memset(&a->staged[a->count], 0, sizeof(a->staged[0]));
	return &a->staged[a->count++];
}

struct staged *
append_stage_in_tmp(struct append *a)
{
	struct staged *s = append_stage(a);

	if (s != NULL)
		mailbox_unique_name(a->to->mb, s->tmp);
	return s;
}

static int
named_dir(const struct append *a, const struct staged *s)
{
	return s->in_new ? a->to->new_fd : a->to->cur_fd;
}

static void
undo(struct append *a)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct staged *s = &a->staged[i];

		if (s->name[0] != '\0')
			unlinkat(named_dir(a, s), s->name, 0);
		else if (s->seq == 0)
			unlinkat(a->to->tmp_fd, s->tmp, 0);
	}
	a->count = 0;
}

/* Undo what can be undone, and free. */
void
folder_append_abort(struct append *a)
{
	int saved = errno;

	if (a == NULL)
		return;
	if (a->fd != -1)
		close(a->fd);
	undo(a);
	free(a->staged);
	free(a->buffer);
	free(a);
	errno = saved;
}

/* ---- content ---- */

static int
flush(struct append *a)
{
	struct staged *s = &a->staged[a->count - 1];

	if (write_all(a->fd, a->buffer, a->len) == -1)
		return -1;
	s->size += a->len;
	a->octets += a->len;
	s->crlf_size += crlf_expanded_len(&a->expand, a->buffer, a->len);
	a->len = 0;
	return 0;
}

/* Whole, and on disk before it gets its name. */
int
append_finish(struct append *a)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = a->date } };
	int r;

	if (a->fd == -1)
		return 0;
	if (crlf_reduce_end(&a->reduce))
		a->buffer[a->len++] = '\r';
	r = flush(a);
	if (r == 0 && a->date != 0)
		r = futimens(a->fd, times);
	if (r == 0)
		r = fsync(a->fd);
	if (close(a->fd) == -1)
		r = -1;
	a->fd = -1;
	return r;
}

int
folder_append_next(
    struct append *a, uint8_t flags, uint64_t keywords, time_t date)
{
	struct staged *s;

	if (append_finish(a) == -1)
		return -1;
	s = append_stage_in_tmp(a);
	if (s == NULL)
		return -1;
	s->flags = flags & FLAG_ALL;
	s->keywords = keywords;
	s->has_size = true;
	a->date = date;
	a->reduce = a->expand = (struct crlf){ false };
	a->fd = file_open(a->to->tmp_fd, s->tmp, O_WRONLY | O_CREAT | O_EXCL);
	return a->fd == -1 ? -1 : 0;
}

int
folder_append_write(struct append *a, const void *octets, size_t len)
{
	const char *at = octets;

	while (len > 0) {
		size_t n = len < APPEND_PIECE ? len : APPEND_PIECE;

		/* Two more: a CR held back before, and one at the end. */
		if (n + 2 > BUFFER - a->len && flush(a) == -1)
			return -1;
		a->len += crlf_reduce(&a->reduce, at, n, a->buffer + a->len);
		at += n;
		len -= n;
	}
	return 0;
}

/* ---- names ---- */

/* No file may be in the way: the first one there stays. */
static int
put_under(struct append *a, const struct staged *s, const char *name)
{
	const struct entry *e;

	if (s->seq == 0)
		return rename_new(a->to->tmp_fd, s->tmp, named_dir(a, s), name);
	e = folder_entry(a->from, s->seq);
	assert(e->name != UINT32_MAX); /* all_to_link_stand */
	return linkat(entry_dir(a->from, e), entry_name(a->from, e),
	    named_dir(a, s), name, 0);
}

static int
give_name(struct append *a, struct staged *s, uint32_t uid)
{
	struct maildir_name n = {
		.base = slice_str(s->base[0] != '\0' ? s->base : s->tmp),
		.has_saved = s->base[0] != '\0',
		.saved = a->now,
		.has_size = s->has_size,
		.has_crlf_size = s->has_size,
		.size = s->size,
		.crlf_size = s->crlf_size,
		.has_identity = true,
		.uidvalidity = a->to->state.identity,
		.uid = uid,
		.flags = s->flags,
		.keywords = (uint32_t)s->keywords & LETTERS_MASK,
	};
	char name[MAILDIR_NAME_MAX + 1];

	/* Without flags it is \Recent for whoever comes first. */
	s->in_new = s->flags == 0 && s->keywords == 0;
	if (maildir_name_print(&n, !s->in_new, name) == -1) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (put_under(a, s, name) == -1)
		return -1;
	memcpy(s->name, name, sizeof(name));
	return 0;
}

/* As before give_names. */
static void
take_names_back(struct append *a)
{
	for (size_t i = 0; i < a->count; i++) {
		struct staged *s = &a->staged[i];

		if (s->name[0] == '\0')
			continue;
		if (s->seq != 0)
			unlinkat(named_dir(a, s), s->name, 0);
		else if (renameat(named_dir(a, s), s->name, a->to->tmp_fd,
			     s->tmp) == -1)
			continue; /* undo finds it there */
		s->name[0] = '\0';
	}
}

/* Before the messages are seen; rows for UIDs that come to nothing harm nobody.
 */
static int
give_more_keywords(struct append *a, uint32_t first)
{
	bool any = false;

	for (size_t i = 0; i < a->count; i++) {
		uint64_t keywords = a->staged[i].keywords;

		if (keywords >> FOLDER_LETTERS == 0)
			continue;
		any = true;
		if (folder_more_set(a->to, first + (uint32_t)i, keywords) == -1)
			return -1;
	}
	return any ? folder_more_write(a->to) : 0;
}

/* Before the first of them gets a name that others see. */
static bool
all_to_link_stand(const struct append *a)
{
	struct stat st;

	for (size_t i = 0; i < a->count; i++) {
		const struct entry *e;

		if (a->staged[i].seq == 0)
			continue;
		e = folder_entry(a->from, a->staged[i].seq);
		if (e->name == UINT32_MAX) {
			errno = ENOENT;
			return false;
		}
		if (fstatat(entry_dir(a->from, e), entry_name(a->from, e), &st,
			AT_SYMLINK_NOFOLLOW) == -1)
			return false;
	}
	return true;
}

static int
give_names(struct append *a, uint32_t *first)
{
	bool in_new = false, in_cur = false;

	if (!all_to_link_stand(a))
		return -1;
	if (folder_take_uids(a->to, (uint32_t)a->count, first) == -1 ||
	    give_more_keywords(a, *first) == -1)
		return -1;
	for (size_t i = 0; i < a->count; i++) {
		if (give_name(a, &a->staged[i], *first + (uint32_t)i) == -1)
			return -1;
		in_new |= a->staged[i].in_new;
		in_cur |= !a->staged[i].in_new;
	}
	if ((in_new && fsync(a->to->new_fd) == -1) ||
	    (in_cur && fsync(a->to->cur_fd) == -1))
		return -1;
	return 0;
}

void
folder_append_replaces(struct append *a, uint64_t octets)
{
	a->replaced.octets += octets;
	a->replaced.messages++;
}

static uint64_t
beyond(uint64_t more, uint64_t less)
{
	return more > less ? more - less : 0;
}

static int
check_quota(const struct append *a, uint64_t more_octets, uint64_t more)
{
	uint64_t octets = beyond(a->octets + a->len + more_octets,
	    a->replaced.octets);
	uint64_t messages = beyond(a->count + more, a->replaced.messages);

	return octets == 0 && messages == 0 ? 0 :
	    mailbox_quota_room(a->to->mb, octets, messages);
}

int
folder_append_room(const struct append *a, uint64_t octets)
{
	return check_quota(a, octets, 1);
}

/* ---- commit ---- */

/* With again, what is to be linked can still be had in another way. */
static int
give_names_locked(struct append *a, uint32_t *first, bool again)
{
	int r, saved;

	if (a->unsynced && syncfs(a->to->dir_fd) == -1)
		return -1;
	if (folder_lock(a->to) == -1)
		return -1;
	r = give_names(a, first);
	saved = errno;
	if (r == -1) /* before anybody sees some of them */
		(again ? take_names_back : undo)(a);
	folder_unlock(a->to);
	errno = saved;
	return r;
}

static int
commit(struct append *a, uint32_t *first)
{
	bool again = a->from != NULL;
	int r = append_finish(a);

	if (r == 0 && !a->moves)
		r = check_quota(a, 0, 0);
	if (r == 0)
		r = give_names_locked(a, first, again);
	if (r == -1 && again && append_cannot_link(errno)) {
		r = append_stage_again(a);
		if (r == 0)
			r = give_names_locked(a, first, false);
	}
	return r;
}

int
folder_append_commit(struct append *a, uint32_t *first)
{
	int r = commit(a, first);

	if (r == 0 && !a->moves)
		mailbox_quota_took(a->to->mb, a->octets, a->count);
	if (r == 0)
		a->count = 0; /* nothing to undo */
	folder_append_abort(a);
	return r;
}
