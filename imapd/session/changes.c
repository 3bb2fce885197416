/*
 * What the client is told of the selected mailbox as it changes: flags,
 * arrivals, expunges (RFC 3501 section 7, RFC 7162 section 3.2).
 */
#include <errno.h>
#include <stdlib.h>

#include "common/log/log.h"
#include "imapd/session/session.h"

static const struct {
	uint8_t flag;
	const char *name;
} flag_names[] = {
	{ FLAG_ANSWERED, "\\Answered" },
	{ FLAG_FLAGGED, "\\Flagged" },
	{ FLAG_DELETED, "\\Deleted" },
	{ FLAG_SEEN, "\\Seen" },
	{ FLAG_DRAFT, "\\Draft" },
	{ FLAG_PASSED, "$Forwarded" },
};

static void
write_names(struct imap *s, uint8_t flags, uint64_t keywords)
{
	const char *sep = "", *name;

	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if (flags & flag_names[i].flag) {
			imap_write(s, slice_str(sep));
			imap_write(s, slice_str(flag_names[i].name));
			sep = " ";
		}
	for (; keywords != 0; keywords &= keywords - 1) {
		unsigned n = (unsigned)__builtin_ctzll(keywords);

		if ((name = folder_keyword(s->folder, n)) != NULL) {
			imap_write(s, slice_str(sep));
			imap_write(s, slice_str(name));
			sep = " ";
		}
	}
}

void
imap_write_flags(struct imap *s, const struct message *m)
{
	imap_write(s, SLICE_LITERAL("("));
	write_names(s, m->flags, m->keywords);
	if (m->recent && !imap_is_rev2(s))
		imap_print(s, "%s\\Recent",
		    m->flags != 0 || m->keywords != 0 ? " " : "");
	imap_write(s, SLICE_LITERAL(")"));
}

void
imap_write_modseq(struct imap *s, const struct message *m)
{
	/* 0: on a full disk it has none yet; 1 is the least there is. */
	imap_print(s, "MODSEQ (%llu)",
	    (unsigned long long)(m->modseq > 0 ? m->modseq : 1));
}

void
imap_write_flags_response(struct imap *s, uint32_t seq, unsigned items)
{
	const struct message *m = folder_message(s->folder, seq);
	const char *sep = "";

	/* RFC 9051 section 7.5.2; RFC 7162 section 3.2.4 */
	if (imap_is_rev2(s))
		items |= RESPONSE_UID;
	if (s->enabled & ENABLE_BIT(CONDSTORE))
		items |= RESPONSE_UID | RESPONSE_MODSEQ;
	imap_write(s, SLICE_LITERAL("* "));
	imap_write_unsigned(s, seq);
	imap_write(s, SLICE_LITERAL(" FETCH ("));
	if (items & RESPONSE_UID) {
		imap_write(s, SLICE_LITERAL("UID "));
		imap_write_unsigned(s, m->uid);
		sep = " ";
	}
	if (items & RESPONSE_FLAGS) {
		imap_print(s, "%sFLAGS ", sep);
		imap_write_flags(s, m);
		sep = " ";
	}
	if (items & RESPONSE_MODSEQ) {
		imap_write(s, slice_str(sep));
		imap_write_modseq(s, m);
	}
	imap_print(s, ")\r\n");
}

void
imap_write_folder_flags(struct imap *s)
{
	uint64_t all = 0;

	for (unsigned n = 0; n < FOLDER_KEYWORDS_MAX; n++)
		if (folder_keyword(s->folder, n) != NULL)
			all |= UINT64_C(1) << n;
	imap_print(s, "* FLAGS (");
	write_names(s, FLAG_ALL, all);
	imap_print(s, ")\r\n* OK [PERMANENTFLAGS (");
	if (!s->read_only) {
		write_names(s, FLAG_ALL, all);
		if (all != UINT64_MAX >> (64 - FOLDER_KEYWORDS_MAX))
			imap_print(s, " \\*");
	}
	imap_print(s, ")] kept\r\n");
}

/* ---- sets of numbers in a response ---- */

void
imap_write_number(struct imap *s, struct run *run, uint32_t n)
{
	if (run->first != 0 && n == run->last + 1) {
		run->last = n;
		return;
	}
	imap_write_run(s, run);
	run->first = run->last = n;
}

void
imap_write_run(struct imap *s, struct run *run)
{
	if (run->first == 0)
		return;
	imap_print(s, "%s%u", run->any ? "," : "", run->first);
	if (run->last != run->first)
		imap_print(s, ":%u", run->last);
	run->any = true;
	run->first = 0;
}

void
imap_write_vanished(struct imap *s, const struct uid_range *range, size_t n)
{
	if (n == 0)
		return;
	imap_print(s, "* VANISHED (EARLIER) ");
	for (size_t i = 0; i < n; i++) {
		imap_print(s, "%s%u", i > 0 ? "," : "", range[i].first);
		if (range[i].first != range[i].last)
			imap_print(s, ":%u", range[i].last);
	}
	imap_print(s, "\r\n");
}

/* ---- changes ---- */

static void
write_expunged(struct imap *s, const struct folder_changes *c)
{
	struct run run = { 0 };

	s->expunged += c->expunged;
	if ((s->enabled & ENABLE_BIT(QRESYNC)) == 0) {
		for (size_t i = 0; i < c->expunged; i++)
			imap_print(s, "* %u EXPUNGE\r\n", c->expunged_seq[i]);
		return;
	}
	if (c->expunged == 0)
		return;
	imap_print(s, "* VANISHED ");
	for (size_t i = 0; i < c->expunged; i++)
		imap_write_number(s, &run, c->expunged_uid[i]);
	imap_write_run(s, &run);
	imap_print(s, "\r\n");
}

static void
write_changes(struct imap *s, const struct folder_changes *c)
{
	struct folder_status st;

	write_expunged(s, c);
	folder_status(s->folder, &st);
	if (c->arrived > 0)
		imap_print(s, "* %zu EXISTS\r\n", st.messages);
	if (!imap_is_rev2(s) && (c->arrived > 0 || st.recent != s->recent))
		imap_print(s, "* %zu RECENT\r\n", st.recent);
	s->recent = st.recent;
	if (c->keywords)
		imap_write_folder_flags(s);
	for (size_t i = 0; i < c->changed; i++)
		imap_write_flags_response(
		    s, c->changed_seq[i], RESPONSE_UID | RESPONSE_FLAGS);
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
	/* whoever looks at messages has asked for them before */
	if (folder_sync(s->folder, how | FOLDER_OUTLINE, &c) == -1) {
		if (errno == ESTALE) {
			imap_bye(s, "the mailbox was removed or replaced");
			return -1;
		}
		log_warning(
		    "sync-failed", LOG_SID(s->session.id), LOG_ERRNO(errno));
		return 0;
	}
	/* most commands find nothing new, and then the messages are not counted */
	if (c.expunged + c.arrived + c.changed + c.withheld > 0 || c.keywords)
		write_changes(s, &c);
	return 0;
}

/* ---- modification sequences ---- */

void
imap_write_highestmodseq(struct imap *s)
{
	struct folder_status st;

	folder_status(s->folder, &st);
	imap_print(
	    s, "[HIGHESTMODSEQ %llu] ", (unsigned long long)st.highestmodseq);
}

int
imap_enable_condstore(struct imap *s)
{
	if (s->enabled & ENABLE_BIT(CONDSTORE))
		return 0;
	s->enabled |= ENABLE_BIT(CONDSTORE);
	if (s->folder == NULL)
		return 0;
	folder_track_modseqs(s->folder);
	if (imap_sync(s, SYNC_KEEP_EXPUNGED) == -1)
		return -1;
	imap_print(s, "* OK ");
	imap_write_highestmodseq(s);
	imap_print(s, "is where you begin\r\n");
	return 0;
}

void
imap_ok_modseq(struct imap *s, const char *text)
{
	if (s->folder == NULL || (s->enabled & ENABLE_BIT(QRESYNC)) == 0 ||
	    (s->expunged == 0 && !folder_is_held(s->folder))) {
		imap_ok(s, text);
		return;
	}
	imap_write(s, s->command.tag);
	imap_print(s, " OK ");
	imap_write_highestmodseq(s);
	imap_print(s, "%s\r\n", text);
	s->bad_commands = 0;
}
