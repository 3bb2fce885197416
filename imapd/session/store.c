/* STORE (RFC 3501 section 6.4.6), EXPUNGE (6.4.3, RFC 4315), COPY (6.4.7), MOVE
 * (RFC 6851). */
#include <errno.h>
#include <stdlib.h>

#include "imapd/session/session.h"

static bool
writable(struct imap *s)
{
	if (s->read_only)
		imap_no(s, "[READ-ONLY] the mailbox is open for reading only");
	return !s->read_only;
}

/* "NO" where some of them have gone: RFC 2180 section 4.2.1, RFC 5530. */
static bool
any_gone(struct imap *s, const struct set *set)
{
	for (size_t i = 0; i < set->len; i++)
		for (uint32_t q = set->range[i].first;
		    q <= set->range[i].last; q++)
			if (folder_message(s->folder, q)->gone)
				return true;
	return false;
}

/* Responses for all of the set, a few at a time. */
static bool
produce_store(struct imap *s)
{
	struct imap_command *c = &s->command;
	uint32_t q = s->cursor;

	while (!stream_full(s->session.stream)) {
		size_t i = 0;

		while (i < c->set.len && c->set.range[i].last < q)
			i++;
		if (i == c->set.len || c->silent) {
			if (imap_sync(s, c->uid ? 0 : SYNC_KEEP_EXPUNGED) == -1)
				return false;
			if (!c->uid && any_gone(s, &c->set))
				imap_no(s, "[EXPUNGEISSUED] some of them are "
				    "gone");
			else
				imap_ok(s, "stored");
			return false;
		}
		if (q < c->set.range[i].first)
			q = c->set.range[i].first;
		if (!folder_message(s->folder, q)->gone)
			imap_write_flags_response(s, q, c->uid);
		s->cursor = ++q;
	}
	return true;
}

void
do_store(struct imap *s, const struct imap_command *c)
{
	struct set *set = &s->command.set;
	enum store_how how = c->store == '+' ? STORE_ADD :
	    c->store == '-' ? STORE_REMOVE : STORE_REPLACE;
	uint32_t *seqs, keywords;
	size_t n;
	int r;

	if (imap_set_of(s, set, c->uid) == -1 || !writable(s) ||
	    imap_flags_of(s, s->folder, &c->flags, how != STORE_REMOVE,
		&keywords) == -1)
		return;
	if ((seqs = imap_seqs(set, &n)) == NULL) {
		imap_no_errno(s, errno);
		return;
	}
	r = n == 0 ? 0 : folder_store(s->folder, seqs, n, how, c->flags.flags,
	    keywords);
	free(seqs);
	if (r == -1) {
		imap_no_errno(s, errno);
		return;
	}
	imap_settle_soon(s);
	s->cursor = 0;
	imap_begin(s, produce_store);
}

void
do_expunge(struct imap *s, const struct imap_command *c)
{
	uint32_t *seqs = NULL;
	size_t n = 0;
	int r, error;

	if (!writable(s))
		return;
	if (c->uid) {
		(void)imap_set_of(s, &s->command.set, true);
		if ((seqs = imap_seqs(&s->command.set, &n)) == NULL) {
			imap_no_errno(s, errno);
			return;
		}
	}
	r = c->uid && n == 0 ? 0 :
	    folder_expunge(s->folder, seqs, n, false, NULL);
	error = errno;
	free(seqs);
	if (imap_sync(s, 0) == -1)
		return;
	if (r == -1)
		imap_no_errno(s, error);
	else
		imap_ok(s, "expunged");
}

static void
write_range(struct imap *s, struct range r, bool first)
{
	imap_print(s, "%s%u", first ? "" : ",", r.first);
	if (r.last != r.first)
		imap_print(s, ":%u", r.last);
}

/* The UIDs of a set of sequence numbers, as "3:5,7". */
static void
write_uids(struct imap *s, const struct set *set)
{
	struct range run = { 0, 0 };
	bool first = true;

	for (size_t i = 0; i < set->len; i++)
		for (uint32_t q = set->range[i].first;
		    q <= set->range[i].last; q++) {
			uint32_t uid = folder_message(s->folder, q)->uid;

			if (run.first != 0 && uid != run.last + 1) {
				write_range(s, run, first);
				first = false;
				run.first = 0;
			}
			run.last = uid;
			if (run.first == 0)
				run.first = uid;
		}
	write_range(s, run, first);
}

/* RFC 4315 section 3; for MOVE before the EXPUNGE responses (RFC 6851). */
static void
write_copyuid(struct imap *s, const struct set *set, struct folder *to,
    uint32_t first, size_t n)
{
	struct folder_status st;

	folder_status(to, &st);
	imap_print(s, "[COPYUID %u ", st.uidvalidity);
	write_uids(s, set);
	imap_print(s, n == 1 ? " %u" : " %u:", first);
	if (n > 1)
		imap_print(s, "%u", (uint32_t)(first + n - 1));
	imap_print(s, "] ");
}

static void
copied(struct imap *s, struct folder *to, bool move, uint32_t first, size_t n)
{
	const struct imap_command *c = &s->command;

	if (move) {
		imap_print(s, "* OK ");
		write_copyuid(s, &c->set, to, first, n);
		imap_print(s, "moved\r\n");
		if (imap_sync(s, 0) == 0)
			imap_ok(s, "moved");
		return;
	}
	/* COPYUID names UIDs of the view, so before it changes */
	imap_write(s, c->tag);
	imap_print(s, " OK ");
	write_copyuid(s, &c->set, to, first, n);
	imap_print(s, "copied\r\n");
	s->bad_commands = 0;
}

static void
copy_to(struct imap *s, struct folder *to, bool move)
{
	uint32_t *seqs, first = 0;
	size_t n;
	int r, error;

	if ((seqs = imap_seqs(&s->command.set, &n)) == NULL) {
		imap_no_errno(s, errno);
		return;
	}
	if (n == 0) {
		free(seqs);
		imap_ok(s, "there was nothing of that number");
		return;
	}
	r = folder_copy(s->folder, seqs, n, to, move, &first);
	error = errno;
	free(seqs);
	if (r == 0)
		copied(s, to, move, first, n);
	else if (error == ENOENT)
		imap_no(s, "[EXPUNGEISSUED] some of them are gone; nothing "
		    "was copied");
	else
		imap_no_errno(s, error);
}

static void
copy(struct imap *s, const struct imap_command *c, bool move)
{
	struct folder_name name;
	struct folder *to;

	if (imap_set_of(s, &s->command.set, c->uid) == -1 ||
	    (move && !writable(s)) ||
	    imap_folder_name(s, c->mailbox, &name) == -1)
		return;
	if (folder_open(s->mailbox, &name, 0, &to) == -1) {
		if (errno == ENOENT)
			imap_no(s, "[TRYCREATE] there is no such mailbox");
		else
			imap_no_errno(s, errno);
		return;
	}
	copy_to(s, to, move);
	folder_close(to);
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
