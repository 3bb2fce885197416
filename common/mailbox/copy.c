/*
 * Copies: within one owner a message may share its file with its copy, which is
 * the same message.  COPY and MOVE are this.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mailbox/append.h"

/* More than this many are synced all at once. */
enum { SYNC_EACH_MAX = 16 };

static int
copy_content(
    struct append *a, int fd, const struct message *m, uint64_t keywords)
{
	char piece[APPEND_PIECE];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1 ||
	    folder_append_next(a, m->flags, keywords, st.st_mtim.tv_sec) == -1)
		return -1;
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		if (folder_append_write(a, piece, (size_t)n) == -1)
			return -1;
	return n == -1 ? -1 : append_finish(a);
}

/* What follows from its base stays.  n: of the entry's name. */
static void
stage_link(struct staged *s, const struct entry *e,
    const struct maildir_name *n, uint64_t keywords)
{
	s->flags = e->m.flags;
	s->keywords = keywords;
	s->has_size = n->has_size && n->has_crlf_size;
	s->size = n->size;
	s->crlf_size = n->crlf_size;
	slice_copy_str(n->base, s->base, sizeof(s->base));
}

static int
link_content(struct append *a, struct folder *from, const struct entry *e,
    const struct maildir_name *n, uint64_t keywords)
{
	struct staged *s = append_stage_in_tmp(a);

	if (s == NULL)
		return -1;
	if (linkat(entry_dir(from, e), entry_name(from, e), a->to->tmp_fd,
		s->tmp, 0) == -1) {
		a->count--;
		return -1;
	}
	stage_link(s, e, n, keywords);
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

/*
 * Of many, those whose name says both sizes are not even opened: who writes
 * such a name makes the content durable first, as we do.  They are linked when
 * they get their names, for what is under that name then is the message, or
 * there is no such name any more.
 */
static int
link_by_name(struct append *a, struct folder *from, uint32_t seq)
{
	const struct entry *e = folder_entry(from, seq);
	struct maildir_name n;
	struct staged *s;

	if (!a->many || e->m.gone || !parse_entry(from, e, &n) || !n.has_size ||
	    !n.has_crlf_size)
		return -1;
	s = append_stage(a);
	if (s == NULL)
		return -1;
	stage_link(s, e, &n, map_keywords(from, a->to, e->m.keywords));
	if (s->base[0] == '\0') /* too long to be kept */
		mailbox_unique_name(a->to->mb, s->tmp);
	s->seq = seq;
	a->from = from;
	a->octets += n.size;
	return 0;
}

bool
append_cannot_link(int error)
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
	if (!append_cannot_link(errno) ||
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
	r = a->many ? 0 : fsync(fd);
	a->unsynced |= a->many;
	if (r == 0)
		r = link_or_copy(a, from, folder_entry(from, seq), fd);
	close(fd);
	return r;
}

int
append_stage_again(struct append *a)
{
	struct staged *was = a->staged;
	size_t n = a->count;
	int r = 0;

	a->staged = reallocarray(NULL, n, sizeof(*was));
	if (a->staged == NULL) {
		a->staged = was;
		return -1;
	}
	a->size = n;
	a->count = 0;
	for (size_t i = 0; i < n; i++) {
		if (was[i].seq == 0) {
			*append_stage(a) = was[i];
		} else if (r == 0) {
			a->octets -= was[i].size;
			r = open_and_copy(a, a->from, was[i].seq);
		}
	}
	free(was);
	return r;
}

int
folder_append_copy(struct append *a, struct folder *from, uint32_t seq)
{
	return link_by_name(a, from, seq) == 0 ? 0
					       : open_and_copy(a, from, seq);
}

int
folder_copy_begin(struct folder *to, size_t n, bool move, struct append **a)
{
	if (folder_append_begin(to, a) == -1)
		return -1;
	(*a)->many = n > SYNC_EACH_MAX;
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
