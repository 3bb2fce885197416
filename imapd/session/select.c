/*
 * The selected mailbox: SELECT, EXAMINE, CLOSE, UNSELECT, CHECK, NOOP, and what
 * sets and flags of a command mean there.
 */
#include <errno.h>
#include <stdlib.h>

#include "imapd/session/session.h"

/* RECENT and UNSEEN are no more in IMAP4rev2, and LIST is new. */
static void
write_by_revision(struct imap *s, const struct folder_status *st)
{
	struct slice given = s->command.mailbox;

	if (imap_is_rev2(s)) {
		imap_write_list(s, &s->name, true,
		    imap_name_differs(s, given, &s->name) ? given
							  : slice_of(NULL, 0));
		return;
	}
	imap_print(s, "* %zu RECENT\r\n", st->recent);
	if (st->first_unseen > 0)
		imap_print(
		    s, "* OK [UNSEEN %zu] the first one\r\n", st->first_unseen);
}

static void
write_selected(struct imap *s)
{
	struct folder_status st;

	folder_status(s->folder, &st);
	s->uidvalidity = st.uidvalidity;
	s->recent = st.recent;
	imap_write_folder_flags(s);
	imap_print(s, "* %zu EXISTS\r\n", st.messages);
	write_by_revision(s, &st);
	imap_print(s, "* OK [UIDVALIDITY %u] of these UIDs\r\n"
	    "* OK [UIDNEXT %u] expected\r\n", st.uidvalidity, st.uidnext);
	imap_print(s, "* OK [MAILBOXID (" MAILBOXID_PREFIX "%s)] for ever\r\n",
	    st.mailbox_id);
	imap_print(s, "* OK ");
	imap_write_highestmodseq(s);
	imap_print(s, "of its messages\r\n");
}

/* The former folder is closed, whatever comes (section 6.3.1). */
static void
leave_former(struct imap *s)
{
	if (s->folder == NULL)
		return;
	imap_deselect(s);
	imap_print(s, "* OK [CLOSED] the former one\r\n");
}

static int
open_folder(struct imap *s, const struct imap_command *c, bool read_only)
{
	struct folder_name name;
	struct folder *f;

	if (imap_folder_name(s, c->mailbox, &name) == -1)
		return -1;
	if (folder_open(s->mailbox, &name,
	    read_only ? FOLDER_READ_ONLY : 0, &f) == -1) {
		imap_no_errno(s, errno);
		return -1;
	}
	if (s->enabled & ENABLE_BIT(CONDSTORE))
		folder_track_modseqs(f);
	if (folder_sync(f, FOLDER_OUTLINE, NULL) == -1) {
		imap_no_errno(s, errno);
		folder_close(f);
		return -1;
	}
	s->folder = f;
	s->name = name;
	s->read_only = read_only;
	return 0;
}

static void
say_selected(struct imap *s)
{
	imap_ok(
	    s, s->read_only ? "[READ-ONLY] examined" : "[READ-WRITE] selected");
}

/* What the returning client has not heard of: flags, a few at a time. */
static bool
produce_resync(struct imap *s)
{
	const struct select_parameters *p = &s->command.select;
	const struct message *m;

	if (s->cursor == folder_count(s->folder)) {
		say_selected(s);
		return false;
	}
	m = folder_message(s->folder, ++s->cursor);
	if (m->modseq > p->modseq &&
	    (p->known.len == 0 || set_has(&p->known, m->uid)))
		imap_write_flags_response(
		    s, s->cursor, RESPONSE_UID | RESPONSE_FLAGS);
	return true;
}

static void
resync(struct imap *s)
{
	struct select_parameters *p = &s->command.select;

	if (folder_look(s->folder) == -1 || resync_vanished(s, p) == -1) {
		int error = errno;

		imap_deselect(s);
		imap_no_errno(s, error);
		return;
	}
	s->cursor = 0;
	imap_begin(s, produce_resync);
}

static void
select_folder(struct imap *s, const struct imap_command *c, bool read_only)
{
	const struct select_parameters *p = &c->select;

	if (p->qresync && (s->enabled & ENABLE_BIT(QRESYNC)) == 0) {
		imap_bad(s, "QRESYNC has not been enabled");
		return;
	}
	leave_former(s);
	if (p->condstore || p->qresync)
		(void)imap_enable_condstore(s);
	if (open_folder(s, c, read_only) == -1)
		return;
	write_selected(s);
	if (p->qresync && p->uidvalidity == s->uidvalidity)
		resync(s);
	else
		say_selected(s);
}

void
do_select(struct imap *s, const struct imap_command *c)
{
	select_folder(s, c, false);
}

void
do_examine(struct imap *s, const struct imap_command *c)
{
	select_folder(s, c, true);
}

void
do_unselect(struct imap *s, const struct imap_command *c)
{
	(void)c;
	imap_deselect(s);
	imap_ok(s, "unselected");
}

void
do_check(struct imap *s, const struct imap_command *c)
{
	(void)c;
	if (folder_settle(s->folder) == -1)
		imap_no_errno(s, errno);
	else if (imap_sync(s, 0) == 0)
		imap_ok(s, "all is on disk");
}

void
do_noop(struct imap *s, const struct imap_command *c)
{
	(void)c;
	if (imap_sync(s, 0) == 0)
		imap_ok(s, "nothing done");
}

int
imap_flags_of(struct imap *s, struct folder *f, const struct flag_list *list,
    bool create, uint64_t *keywords)
{
	*keywords = 0;
	for (size_t i = 0; i < list->len; i++) {
		int n = folder_keyword_number(f, list->keywords[i], create);

		if (n >= 0)
			*keywords |= UINT64_C(1) << n;
		else if (create && errno == ENOSPC) {
			imap_no(s, "[LIMIT] this mailbox has as many keywords "
			    "as it can have");
			return -1;
		} else if (errno != ENOENT || create) {
			imap_no_errno(s, errno);
			return -1;
		}
	}
	return 0;
}

/* UIDs to the places that hold them; what is not there is passed over. */
static void
uids_to_seqs(struct imap *s, struct set *set)
{
	size_t count = folder_count(s->folder), to = 0;

	set_normalise(set, count == 0 ? 1 :
	    folder_message(s->folder, count)->uid);
	for (size_t i = 0; i < set->len; i++) {
		struct range r = set->range[i];
		size_t first = folder_seq_from(s->folder, r.first);
		size_t last = r.last == UINT32_MAX ? count :
		    folder_seq_from(s->folder, r.last + 1) - 1;

		if (first <= last && first <= count)
			set->range[to++] = (struct range){ (uint32_t)first,
				(uint32_t)last };
	}
	set->len = to;
	set_normalise(set, 1);
}

int
imap_set_of(struct imap *s, struct set *set, bool uid)
{
	uint32_t count = (uint32_t)folder_count(s->folder);
	bool saved = set->saved;

	if (saved && imap_saved_to_set(s, set) == -1) {
		imap_no_errno(s, errno);
		return -1;
	}
	if (uid || saved) {
		uids_to_seqs(s, set);
		return 0;
	}
	if (set_exceeds(set, count)) {
		imap_bad(s, "there is no message of such a number");
		return -1;
	}
	if (count == 0) {
		set->len = 0;	/* "1:*" of nothing */
		return 0;
	}
	set_normalise(set, count);
	/* "7:*" of five means 5:7 (section 9): the last one, and no more */
	while (set->len > 0 && set->range[set->len - 1].first > count)
		set->len--;
	if (set->len > 0 && set->range[set->len - 1].last > count)
		set->range[set->len - 1].last = count;
	return 0;
}

uint32_t *
imap_seqs(const struct set *set, size_t *n)
{
	size_t count = 0, k = 0;
	uint32_t *seqs;

	for (size_t i = 0; i < set->len; i++)
		count += set->range[i].last - set->range[i].first + 1;
	if ((seqs = reallocarray(NULL, count + 1, sizeof(*seqs))) == NULL)
		return NULL;
	for (size_t i = 0; i < set->len; i++)
		for (uint32_t q = set->range[i].first;
		    q <= set->range[i].last; q++)
			seqs[k++] = q;
	*n = count;
	return seqs;
}
