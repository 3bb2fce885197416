/*
 * Messages on their way into a folder: written or linked into tmp/, made
 * durable there, then given UIDs and their final names all at once, and the
 * directories synced.  Append, copy and move are this.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/crlf.h"
#include "common/mailbox/internal.h"

/* A longer base is not kept by a copy: the name must hold more than that. */
enum { BASE_MAX = 128 };

struct staged {
	char tmp[UNIQUE_MAX]; /* name in tmp/ */
	char base[BASE_MAX];  /* of a copy; "": tmp is it */
	char		name[MAILDIR_NAME_MAX + 1];	/* "": still in tmp/ */
	uint64_t	size, crlf_size;	/* valid when has_size */
	uint64_t keywords;
	uint8_t		flags;
	bool		has_size;
	bool		in_new;
};

enum { BUFFER = 64 * 1024, PIECE = 16 * 1024 };

struct append {
	struct folder	*to;
	struct quota	 replaced;	/* goes when this has come */
	struct staged	*staged;
	size_t		 count, size;
	uint64_t now;                   /* when a copy was made */
	uint64_t	 octets;	/* of all, as stored */
	bool		 moves;		/* adds nothing to what the owner has */
	bool		 linked;	/* content is synced all at once */
	/* the one being written */
	int		 fd;		/* -1: none */
	time_t		 date;
	struct crlf	 reduce, expand;
	char		*buffer;
	size_t		 len;
};

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

static struct staged *
stage_add(struct append *a)
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
	mailbox_unique_name(a->to->mb, a->staged[a->count].tmp);
	return &a->staged[a->count++];
}

static int
staged_dir(const struct append *a, const struct staged *s)
{
	if (s->name[0] == '\0')
		return a->to->tmp_fd;
	return s->in_new ? a->to->new_fd : a->to->cur_fd;
}

static void
undo(struct append *a)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct staged *s = &a->staged[i];

		unlinkat(staged_dir(a, s), s->name[0] != '\0' ? s->name :
		    s->tmp, 0);
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
static int
finish_current(struct append *a)
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

	if (finish_current(a) == -1)
		return -1;
	s = stage_add(a);
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
		size_t n = len < PIECE ? len : PIECE;

		/* Two more: a CR held back before, and one at the end. */
		if (n + 2 > BUFFER - a->len && flush(a) == -1)
			return -1;
		a->len += crlf_reduce(&a->reduce, at, n, a->buffer + a->len);
		at += n;
		len -= n;
	}
	return 0;
}

/* ---- commit ---- */

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
	if (rename_new(a->to->tmp_fd, s->tmp, s->in_new ? a->to->new_fd :
	    a->to->cur_fd, name) == -1)
		return -1;
	memcpy(s->name, name, sizeof(name));
	return 0;
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

static int
give_names(struct append *a, uint32_t *first)
{
	bool in_new = false, in_cur = false;

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

int
folder_append_commit(struct append *a, uint32_t *first)
{
	int r = finish_current(a);

	if (r == 0 && !a->moves)
		r = check_quota(a, 0, 0);
	if (r == 0 && a->linked)
		r = syncfs(a->to->dir_fd);
	if (r == 0)
		r = folder_lock(a->to);
	if (r == 0) {
		int saved;

		r = give_names(a, first);
		saved = errno;
		if (r == -1)	/* before anybody sees some of them */
			undo(a);
		folder_unlock(a->to);
		errno = saved;
	}
	if (r == 0 && !a->moves)
		mailbox_quota_took(a->to->mb, a->octets, a->count);
	if (r == 0)
		a->count = 0;	/* nothing to undo */
	folder_append_abort(a);
	return r;
}

/* ---- copies ---- */

/* More than this many are synced all at once. */
enum { SYNC_EACH_MAX = 16 };

static int
copy_content(
    struct append *a, int fd, const struct message *m, uint64_t keywords)
{
	char piece[PIECE];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1 || folder_append_next(a, m->flags, keywords,
	    st.st_mtim.tv_sec) == -1)
		return -1;
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		if (folder_append_write(a, piece, (size_t)n) == -1)
			return -1;
	return n == -1 ? -1 : finish_current(a);
}

/* Within one owner a message may share its file with its copy, which is the
 * same message: what follows from its base stays.  n: of the entry's name. */
static int
link_content(struct append *a, struct folder *from, const struct entry *e,
    const struct maildir_name *n, uint64_t keywords)
{
	struct staged *s = stage_add(a);

	if (s == NULL)
		return -1;
	s->flags = e->m.flags;
	s->keywords = keywords;
	s->has_size = n->has_size && n->has_crlf_size;
	s->size = n->size;
	s->crlf_size = n->crlf_size;
	if (linkat(entry_dir(from, e), entry_name(from, e), a->to->tmp_fd,
		s->tmp, 0) == -1) {
		a->count--;
		return -1;
	}
	slice_copy_str(n->base, s->base, sizeof(s->base));
	return 0;
}

/* The same names there; a keyword for which there is no room is left out. */
static uint64_t
map_keywords(struct folder *from, struct folder *to, uint64_t keywords)
{
	uint64_t mapped = 0;

	for (unsigned i = 0; i < FOLDER_KEYWORDS_MAX; i++) {
		const char *name = folder_keyword(from, i);
		int n;

		if (!(keywords & (UINT64_C(1) << i)) || name == NULL)
			continue;
		n = folder_keyword_number(to, slice_str(name), true);
		if (n != -1)
			mapped |= UINT64_C(1) << n;
	}
	return mapped;
}

static bool
parse_entry(struct folder *from, const struct entry *e, struct maildir_name *n)
{
	return e->name != UINT32_MAX &&
	       maildir_name_parse(slice_str(entry_name(from, e)), n) ==
		   PARSE_OK;
}

/* Of many, those whose name says enough are not even opened: what is under
 * that name is the message, or there is no such name any more. */
static int
link_by_name(struct append *a, struct folder *from, const struct entry *e)
{
	struct maildir_name n;

	if (!a->linked || e->m.gone || !parse_entry(from, e, &n) ||
	    !n.has_size ||
	    link_content(
		a, from, e, &n, map_keywords(from, a->to, e->m.keywords)) == -1)
		return -1;
	a->octets += n.size;
	return 0;
}

static bool
cannot_be_linked(int error)
{
	return error == EXDEV || error == EPERM || error == EMLINK ||
	       error == ENOENT || error == EOPNOTSUPP;
}

static int
link_or_copy(
    struct append *a, struct folder *from, const struct entry *e, int fd)
{
	uint64_t keywords = map_keywords(from, a->to, e->m.keywords);
	struct maildir_name n;
	struct stat st;

	if (!parse_entry(from, e, &n)) {
		errno = EINVAL;
		return -1;
	}
	if (link_content(a, from, e, &n, keywords) == 0) {
		if (fstat(fd, &st) == 0)
			a->octets += (uint64_t)st.st_size;
		return 0;
	}
	if (!cannot_be_linked(errno) ||
	    copy_content(a, fd, &e->m, keywords) == -1)
		return -1;
	slice_copy_str(
	    n.base, a->staged[a->count - 1].base, sizeof(a->staged[0].base));
	return 0;
}

static int
open_and_copy(struct append *a, struct folder *from, uint32_t seq)
{
	/* Opened first: so the name is the present one, the content there. */
	int fd = folder_message_open(from, seq), r;

	if (fd == -1)
		return -1;
	r = a->linked ? 0 : fsync(fd);
	if (r == 0)
		r = link_or_copy(a, from, folder_entry(from, seq), fd);
	close(fd);
	return r;
}

int
folder_append_copy(struct append *a, struct folder *from, uint32_t seq)
{
	return link_by_name(a, from, folder_entry(from, seq)) == 0
		   ? 0
		   : open_and_copy(a, from, seq);
}

int
folder_copy_begin(struct folder *to, size_t n, bool move, struct append **a)
{
	if (folder_append_begin(to, a) == -1)
		return -1;
	(*a)->linked = n > SYNC_EACH_MAX;
	(*a)->moves = move;
	return 0;
}

int
folder_copy(struct folder *from, const uint32_t *seqs, size_t n,
    struct folder *to, bool move, uint32_t *first)
{
	struct append *a;

	if ((move && folder_must_be_writable(from) == -1) ||
	    folder_copy_begin(to, n, move, &a) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (folder_append_copy(a, from, seqs[i]) == -1) {
			folder_append_abort(a);
			return -1;
		}
	if (folder_append_commit(a, first) == -1)
		return -1;
	return move ? folder_expunge(from, seqs, n, true, NULL) : 0;
}
