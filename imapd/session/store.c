/*
 * STORE (RFC 3501 section 6.4.6, RFC 7162 section 3.1.3) and EXPUNGE (6.4.3,
 * RFC 4315), a batch of messages at a time, so that nobody waits long for the
 * folder.
 */
#include <errno.h>
#include <stdlib.h>

#include "imapd/session/session.h"

enum {
	STORE_BATCH = 256,
	/* Each batch may have to look at the directories again, or to write
	 * the file of keywords beyond the letters as a whole, durably. */
	COSTLY_BATCH = 4096,
	/* Each batch is made durable. */
	EXPUNGE_BATCH = 4096
};

struct store_run {
	uint32_t *seqs;
	size_t n;
	size_t done; /* of seqs */
	size_t told; /* of seqs */
	uint64_t keywords;
	uint32_t *refused; /* sequence numbers, ascending */
	size_t nrefused;
	size_t refused_told;
	int failed; /* errno */
};

void
store_end(struct imap *s)
{
	if (s->store == NULL)
		return;
	free(s->store->seqs);
	free(s->store->refused);
	free(s->store);
	s->store = NULL;
}

static struct store_run *
run_new(struct imap *s)
{
	struct store_run *r = calloc(1, sizeof(*r));

	s->store = r;
	if (r == NULL || (r->seqs = imap_seqs(&s->command.set, &r->n)) == NULL)
		return NULL;
	return r;
}

bool
imap_writable(struct imap *s)
{
	if (s->read_only)
		imap_no(s, "[READ-ONLY] the mailbox is open for reading only");
	return !s->read_only;
}

/* "NO" where some of them have gone: RFC 2180 section 4.2.1, RFC 5530. */
static bool
any_gone(struct imap *s, const struct store_run *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (folder_message(s->folder, r->seqs[i])->gone)
			return true;
	return false;
}

/* "MODIFIED 7,9": what failed the test of UNCHANGEDSINCE. */
static void
write_modified(struct imap *s, const struct store_run *r)
{
	struct run run = { 0 };

	imap_print(s, "[MODIFIED ");
	for (size_t i = 0; i < r->nrefused; i++)
		imap_write_number(s, &run,
		    s->command.uid
			? folder_message(s->folder, r->refused[i])->uid
			: r->refused[i]);
	imap_write_run(s, &run);
	imap_print(s, "] ");
}

static void
finish_modified(struct imap *s, const struct store_run *r, bool gone)
{
	if (folder_is_held(s->folder) && (s->enabled & ENABLE_BIT(QRESYNC)) != 0) {
		imap_print(s, "* OK ");
		imap_write_highestmodseq(s);
		imap_print(s, "is where you are\r\n");
	}
	imap_write(s, s->command.tag);
	imap_print(s, gone ? " NO " : " OK ");
	write_modified(s, r);
	imap_print(s, "some were changed by others\r\n");
	s->bad_commands = 0;
}

/* Others' changes, expunges among them where the numbers allow it, and the end.
 * The UIDs of MODIFIED are of the view as it was. */
static void
finish_store(struct imap *s, struct store_run *r)
{
	bool gone = !s->command.uid && any_gone(s, r);

	if (r->failed != 0) {
		imap_no_errno(s, r->failed);
		return;
	}
	if (r->nrefused > 0) {
		/* they are told, with what they are now */
		if (imap_sync(s, SYNC_KEEP_EXPUNGED) == 0)
			finish_modified(s, r, gone);
		return;
	}
	if (imap_sync(s, s->command.uid ? 0 : SYNC_KEEP_EXPUNGED) == -1)
		return;
	if (!s->command.uid && any_gone(s, r))
		imap_no(s, "[EXPUNGEISSUED] some of them are gone");
	else
		imap_ok_modseq(s, "stored");
}

static bool
was_refused(struct store_run *r, uint32_t seq)
{
	while (
	    r->refused_told < r->nrefused && r->refused[r->refused_told] < seq)
		r->refused_told++;
	return r->refused_told < r->nrefused &&
	       r->refused[r->refused_told] == seq;
}

/* FETCH responses; even of a silent one the client must know the modification
 * sequence (RFC 7162 section 3.1.3). */
static bool
produce_responses(struct imap *s)
{
	struct store_run *r = s->store;
	unsigned items = (s->command.silent ? 0 : RESPONSE_FLAGS) |
			 (s->command.uid ? RESPONSE_UID : 0);
	uint32_t q;

	if (r->told == r->n ||
	    (s->command.silent && !(s->enabled & ENABLE_BIT(CONDSTORE)))) {
		finish_store(s, r);
		return false;
	}
	q = r->seqs[r->told++];
	if (!was_refused(r, q) && !folder_message(s->folder, q)->gone)
		imap_write_flags_response(s, q, items);
	return true;
}

static bool
produce_store(struct imap *s)
{
	const struct imap_command *c = &s->command;
	const struct store_modifiers *m = &c->store_modifiers;
	struct store_run *r = s->store;
	enum store_how how = c->store == '+' ? STORE_ADD :
	    c->store == '-' ? STORE_REMOVE : STORE_REPLACE;
	bool costly = m->conditional || how == STORE_REPLACE ||
	    r->keywords >> FOLDER_LETTERS != 0;
	size_t n = costly ? COSTLY_BATCH : STORE_BATCH, refused;

	if (n > r->n - r->done)
		n = r->n - r->done;
	if (n > 0 && folder_store_if(s->folder, r->seqs + r->done, n, how,
			 c->flags.flags, r->keywords,
			 m->conditional ? &m->unchanged_since : NULL,
			 r->refused + r->nrefused, &refused) == -1) {
		r->failed = errno;
		r->n = r->done + n; /* of what may have been done is told */
		imap_begin(s, produce_responses);
		return true;
	}
	r->nrefused += n > 0 ? refused : 0;
	r->done += n;
	if (r->done < r->n) {
		imap_progress(s, r->done, r->n);
		return true;
	}
	/* Answered OK, most changes are durable; the others soon. */
	if ((how == STORE_REPLACE || r->keywords != 0 ||
		(c->flags.flags & FLAG_DELETED) != 0) &&
	    folder_settle(s->folder) == -1)
		r->failed = errno;
	imap_begin(s, produce_responses);
	return true;
}

void
do_store(struct imap *s, const struct imap_command *c)
{
	struct store_run *r;
	uint64_t keywords;

	if ((c->store_modifiers.conditional &&
		imap_enable_condstore(s) == -1) ||
	    imap_set_of(s, &s->command.set, c->uid) == -1 ||
	    !imap_writable(s) ||
	    imap_flags_of(
		s, s->folder, &c->flags, c->store != '-', &keywords) == -1)
		return;
	if ((r = run_new(s)) == NULL ||
	    (r->refused = reallocarray(NULL, r->n + 1, sizeof(*r->refused))) ==
		NULL) {
		imap_no_errno(s, errno);
		return;
	}
	r->keywords = keywords;
	imap_settle_soon(s);
	imap_begin(s, produce_store);
}

/* ---- EXPUNGE ---- */

/* One batch; false: there are no more. */
static bool
expunge_batch(struct imap *s)
{
	struct store_run *r = s->store;
	size_t n =
	    r->n - r->done < EXPUNGE_BATCH ? r->n - r->done : EXPUNGE_BATCH;

	if (n == 0 || r->failed != 0)
		return false;
	if (folder_expunge(s->folder, r->seqs + r->done, n, false, NULL) == -1)
		r->failed = errno;
	r->done += n;
	imap_progress(s, r->done, r->n);
	return true;
}

static bool
produce_expunge(struct imap *s)
{
	if (expunge_batch(s))
		return true;
	if (imap_sync(s, 0) == -1)
		return false;
	if (s->store->failed != 0)
		imap_no_errno(s, s->store->failed);
	else
		imap_ok_modseq(s, "expunged");
	return false;
}

/* Nothing is said of what goes (section 6.4.2, RFC 7162 section 3.2.8). */
static bool
produce_close(struct imap *s)
{
	int error;

	if (expunge_batch(s))
		return true;
	error = s->store->failed;
	imap_deselect(s);
	if (error != 0)
		imap_no_errno(s, error);
	else
		imap_ok(s, "closed");
	return false;
}

/* Only those that are marked; without UID those of the whole mailbox. */
static void
keep_deleted(struct imap *s, struct store_run *r)
{
	size_t to = 0;

	for (size_t i = 0; i < r->n; i++)
		if (folder_message(s->folder, r->seqs[i])->flags & FLAG_DELETED)
			r->seqs[to++] = r->seqs[i];
	r->n = to;
}

static void
begin_expunge(struct imap *s, imap_produce *produce)
{
	struct store_run *r = run_new(s);

	if (r == NULL) {
		imap_no_errno(s, errno);
		return;
	}
	keep_deleted(s, r);
	imap_begin(s, produce);
}

static void
begin_expunge_all(struct imap *s, imap_produce *produce)
{
	struct range all = { 1, (uint32_t)folder_count(s->folder) };

	s->command.set = (struct set){ .range = &all, .len = all.last > 0 };
	begin_expunge(s, produce);
	s->command.set.len = 0;
}

void
do_expunge(struct imap *s, const struct imap_command *c)
{
	if (!imap_writable(s))
		return;
	if (c->uid) {
		if (imap_set_of(s, &s->command.set, true) == 0)
			begin_expunge(s, produce_expunge);
	} else if (imap_sync(s, 0) == 0) /* what others marked, too */
		begin_expunge_all(s, produce_expunge);
}

void
do_close(struct imap *s, const struct imap_command *c)
{
	(void)c;
	if (!s->read_only) {
		begin_expunge_all(s, produce_close);
		return;
	}
	imap_deselect(s);
	imap_ok(s, "closed");
}
