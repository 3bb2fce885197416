/* COPY (RFC 3501 section 6.4.7) and MOVE (RFC 6851): all or nothing for the one
 * that receives, and a few messages at a time. */
#include <errno.h>
#include <stdlib.h>

#include "imapd/session/session.h"

enum {
	COPY_BATCH = 64,
	REMOVE_BATCH = 4096 /* each is made durable */
};

struct copy_run {
	struct folder *to;
	struct append *append; /* NULL: committed */
	uint32_t *seqs;
	size_t n;
	size_t copied, removed; /* of seqs */
	int failed;             /* errno of removing */
};

void
copy_end(struct imap *s)
{
	struct copy_run *r = s->copy;

	if (r == NULL)
		return;
	folder_append_abort(r->append);
	folder_close(r->to);
	free(r->seqs);
	free(r);
	s->copy = NULL;
}

/* RFC 4315 section 3.  It names UIDs of the view, so before it changes. */
static void
write_copyuid(struct imap *s, const struct copy_run *r, uint32_t first)
{
	struct run run = { 0 };
	struct folder_status st;

	folder_status(r->to, &st);
	imap_print(s, "[COPYUID %u ", st.uidvalidity);
	for (size_t i = 0; i < r->n; i++)
		imap_write_number(
		    s, &run, folder_message(s->folder, r->seqs[i])->uid);
	imap_write_run(s, &run);
	imap_print(s, r->n == 1 ? " %u" : " %u:", first);
	if (r->n > 1)
		imap_print(s, "%u", (uint32_t)(first + r->n - 1));
	imap_print(s, "] ");
}

/* Of MOVE: those that are copied, durably, go from here. */
static bool
produce_removal(struct imap *s)
{
	struct copy_run *r = s->copy;
	size_t n =
	    r->n - r->removed < REMOVE_BATCH ? r->n - r->removed : REMOVE_BATCH;

	if (n > 0 && r->failed == 0) {
		if (folder_expunge(
			s->folder, r->seqs + r->removed, n, true, NULL) == -1)
			r->failed = errno;
		r->removed += n;
		imap_progress(s, r->n + r->removed, 2 * r->n);
		return true;
	}
	if (imap_sync(s, 0) == -1)
		return false;
	if (r->failed != 0)
		imap_no_errno(s, r->failed);
	else
		imap_ok_modseq(s, "moved");
	return false;
}

static void
say_failed(struct imap *s, int error)
{
	if (error == ENOENT)
		imap_no(s, "[EXPUNGEISSUED] some of them are gone; nothing "
			   "was copied");
	else
		imap_no_errno(s, error);
}

static bool
commit(struct imap *s)
{
	struct copy_run *r = s->copy;
	struct append *append = r->append;
	uint32_t first;

	r->append = NULL;
	if (folder_append_commit(append, &first) == -1) {
		say_failed(s, errno);
		return false;
	}
	if (s->command.verb == IMAP_MOVE) {
		imap_print(s, "* OK ");
		write_copyuid(s, r, first);
		imap_print(s, "moving\r\n");
		imap_begin(s, produce_removal);
		return true;
	}
	imap_write(s, s->command.tag);
	imap_print(s, " OK ");
	write_copyuid(s, r, first);
	imap_print(s, "copied\r\n");
	s->bad_commands = 0;
	return false;
}

static bool
produce_copy(struct imap *s)
{
	struct copy_run *r = s->copy;

	for (int i = 0; i < COPY_BATCH && r->copied < r->n; i++)
		if (folder_append_copy(
			r->append, s->folder, r->seqs[r->copied++]) == -1) {
			say_failed(s, errno);
			return false;
		}
	if (r->copied == r->n)
		return commit(s);
	imap_progress(
	    s, r->copied, s->command.verb == IMAP_MOVE ? 2 * r->n : r->n);
	return true;
}

static void
begin_copy(struct imap *s, struct folder *to)
{
	struct copy_run *r = s->copy = calloc(1, sizeof(*r));

	if (r == NULL) {
		imap_no_errno(s, errno);
		folder_close(to);
		return;
	}
	r->to = to;
	if ((r->seqs = imap_seqs(&s->command.set, &r->n)) == NULL)
		imap_no_errno(s, errno);
	else if (r->n == 0)
		imap_ok(s, "there was nothing of that number");
	else if (folder_copy_begin(to, r->n, s->command.verb == IMAP_MOVE,
		     &r->append) == -1) {
		r->append = NULL;
		imap_no_errno(s, errno);
	} else
		imap_begin(s, produce_copy);
}

static void
copy(struct imap *s, const struct imap_command *c, bool move)
{
	struct folder_name name;
	struct folder *to;

	if (imap_set_of(s, &s->command.set, c->uid) == -1 ||
	    (move && !imap_writable(s)) ||
	    imap_folder_name(s, c->mailbox, &name) == -1)
		return;
	if (folder_open(s->mailbox, &name, 0, &to) == -1) {
		if (errno == ENOENT)
			imap_no(s, "[TRYCREATE] there is no such mailbox");
		else
			imap_no_errno(s, errno);
		return;
	}
	begin_copy(s, to);
}

void
do_copy(struct imap *s, const struct imap_command *c)
{
	copy(s, c, false);
}

void
do_move(struct imap *s, const struct imap_command *c)
{
	copy(s, c, true);
}
