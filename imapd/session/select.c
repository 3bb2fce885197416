/*
 * The selected mailbox: SELECT, EXAMINE, CLOSE, UNSELECT, CHECK, NOOP, and what
 * the client is told of changes (RFC 3501 section 7).
 */
#include <errno.h>
#include <stdlib.h>

#include "common/log/log.h"
#include "imapd/session/session.h"

static const struct {
	uint8_t		 flag;
	const char	*name;
} flag_names[] = {
	{ FLAG_ANSWERED, "\\Answered" }, { FLAG_FLAGGED, "\\Flagged" },
	{ FLAG_DELETED, "\\Deleted" }, { FLAG_SEEN, "\\Seen" },
	{ FLAG_DRAFT, "\\Draft" }, { FLAG_PASSED, "$Forwarded" },
};

static void
write_names(struct imap *s, uint8_t flags, uint32_t keywords)
{
	const char *sep = "", *name;

	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if (flags & flag_names[i].flag) {
			imap_print(s, "%s%s", sep, flag_names[i].name);
			sep = " ";
		}
	for (unsigned n = 0; n < FOLDER_KEYWORDS_MAX; n++)
		if ((keywords & 1U << n) != 0 &&
		    (name = folder_keyword(s->folder, n)) != NULL) {
			imap_print(s, "%s%s", sep, name);
			sep = " ";
		}
}

void
imap_write_flags(struct imap *s, const struct message *m)
{
	imap_print(s, "(");
	write_names(s, m->flags, m->keywords);
	if (m->recent)
		imap_print(s, "%s\\Recent",
		    m->flags != 0 || m->keywords != 0 ? " " : "");
	imap_print(s, ")");
}

void
imap_write_flags_response(struct imap *s, uint32_t seq, bool uid)
{
	const struct message *m = folder_message(s->folder, seq);

	imap_print(s, "* %u FETCH (FLAGS ", seq);
	imap_write_flags(s, m);
	if (uid)
		imap_print(s, " UID %u", m->uid);
	imap_print(s, ")\r\n");
}

static void
write_folder_flags(struct imap *s)
{
	uint32_t all = 0;

	for (unsigned n = 0; n < FOLDER_KEYWORDS_MAX; n++)
		if (folder_keyword(s->folder, n) != NULL)
			all |= 1U << n;
	imap_print(s, "* FLAGS (");
	write_names(s, FLAG_ALL, all);
	imap_print(s, ")\r\n* OK [PERMANENTFLAGS (");
	if (!s->read_only) {
		write_names(s, FLAG_ALL, all);
		if (all != (1U << FOLDER_KEYWORDS_MAX) - 1)
			imap_print(s, " \\*");
	}
	imap_print(s, ")] kept\r\n");
}

static void
write_changes(struct imap *s, const struct folder_changes *c)
{
	struct folder_status st;

	for (size_t i = 0; i < c->expunged; i++)
		imap_print(s, "* %u EXPUNGE\r\n", c->expunged_seq[i]);
	folder_status(s->folder, &st);
	if (c->arrived > 0)
		imap_print(s, "* %zu EXISTS\r\n", st.messages);
	if (c->arrived > 0 || st.recent != s->recent)
		imap_print(s, "* %zu RECENT\r\n", st.recent);
	s->recent = st.recent;
	if (c->keywords)
		write_folder_flags(s);
	for (size_t i = 0; i < c->changed; i++)
		imap_write_flags_response(s, c->changed_seq[i], true);
	if (c->withheld > 0)
		log_warning("messages-withheld", LOG_SID(s->session.id),
		    LOG_NUM("messages", c->withheld),
		    LOG_ERRNO(c->withheld_errno));
}

int
imap_sync(struct imap *s, unsigned how)
{
	struct folder_changes c;

	if (s->folder == NULL)
		return 0;
	if (folder_sync(s->folder, how, &c) == -1) {
		if (errno == ESTALE) {
			imap_bye(s, "the mailbox was removed or replaced");
			return -1;
		}
		log_warning("sync-failed", LOG_SID(s->session.id),
		    LOG_ERRNO(errno));
		return 0;
	}
	write_changes(s, &c);
	return 0;
}

int
imap_folder_name(struct imap *s, struct slice name, struct folder_name *out)
{
	/* RFC 3501 section 6.3.3: "a/" means a, with more to come below it. */
	if (s->command.verb == IMAP_CREATE && name.len > 1 &&
	    name.at[name.len - 1] == FOLDER_SEPARATOR)
		name.len--;
	if (folder_name_parse(name, out) == PARSE_OK)
		return 0;
	imap_no(s, "[CANNOT] that cannot be the name of a mailbox");
	return -1;
}

static void
write_selected(struct imap *s)
{
	struct folder_status st;

	folder_status(s->folder, &st);
	s->uidvalidity = st.uidvalidity;
	s->recent = st.recent;
	write_folder_flags(s);
	imap_print(s, "* %zu EXISTS\r\n* %zu RECENT\r\n", st.messages,
	    st.recent);
	if (st.first_unseen > 0)
		imap_print(s, "* OK [UNSEEN %zu] the first one\r\n",
		    st.first_unseen);
	imap_print(s, "* OK [UIDVALIDITY %u] of these UIDs\r\n"
	    "* OK [UIDNEXT %u] expected\r\n", st.uidvalidity, st.uidnext);
}

static void
open_folder(struct imap *s, const struct imap_command *c, bool read_only)
{
	struct folder_name name;
	struct folder *f;

	imap_deselect(s);	/* also when this fails: section 6.3.1 */
	if (imap_folder_name(s, c->mailbox, &name) == -1)
		return;
	if (folder_open(s->mailbox, &name,
	    read_only ? FOLDER_READ_ONLY : 0, &f) == -1) {
		imap_no_errno(s, errno);
		return;
	}
	if (folder_sync(f, 0, NULL) == -1) {
		imap_no_errno(s, errno);
		folder_close(f);
		return;
	}
	s->folder = f;
	s->name = name;
	s->read_only = read_only;
	write_selected(s);
	imap_ok(s, read_only ? "[READ-ONLY] examined" :
			       "[READ-WRITE] selected");
}

void
do_select(struct imap *s, const struct imap_command *c)
{
	open_folder(s, c, false);
}

void
do_examine(struct imap *s, const struct imap_command *c)
{
	open_folder(s, c, true);
}

void
do_close(struct imap *s, const struct imap_command *c)
{
	int error = 0;

	(void)c;
	if (!s->read_only &&
	    folder_expunge(s->folder, NULL, 0, false, NULL) == -1)
		error = errno;
	imap_deselect(s);
	if (error != 0)
		imap_no_errno(s, error);
	else
		imap_ok(s, "closed");
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
    bool create, uint32_t *keywords)
{
	*keywords = 0;
	for (size_t i = 0; i < list->len; i++) {
		int n = folder_keyword_number(f, list->keywords[i], create);

		if (n >= 0)
			*keywords |= 1U << n;
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

	if (uid) {
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
