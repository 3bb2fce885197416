/* STATUS (RFC 3501 section 6.3.10), by itself and for LIST (RFC 5819). */
#include <errno.h>

#include "imapd/session/session.h"

static void
write_item(struct imap *s, unsigned number, const struct folder_status *st)
{
	const char *name = status_item_name(number);

	switch (number) {
	case STATUS_NUMBER_MESSAGES:
		imap_print(s, "%s %zu", name, st->messages);
		break;
	case STATUS_NUMBER_RECENT:
		imap_print(s, "%s %zu", name, st->recent);
		break;
	case STATUS_NUMBER_UIDNEXT:
		imap_print(s, "%s %u", name, st->uidnext);
		break;
	case STATUS_NUMBER_UIDVALIDITY:
		imap_print(s, "%s %u", name, st->uidvalidity);
		break;
	case STATUS_NUMBER_APPENDLIMIT:
		imap_print(s, "%s %llu", name,
		    (unsigned long long)imap_append_limit(s));
		break;
	case STATUS_NUMBER_HIGHESTMODSEQ:
		imap_print(
		    s, "%s %llu", name, (unsigned long long)st->highestmodseq);
		break;
	default:
		imap_print(s, "%s %zu", name, st->unseen);
	}
}

int
imap_write_status(struct imap *s, const struct folder_name *name,
    unsigned items)
{
	const char *sep = "";
	struct folder_status st;

	if (mailbox_status(s->mailbox, name, &st) == -1)
		return -1;
	imap_print(s, "* STATUS ");
	imap_write_string(s, slice_str(folder_name_imap(name)));
	imap_print(s, " (");
	for (unsigned i = 0; i < STATUS_ITEMS; i++)
		if ((items & 1U << i) != 0) {
			imap_print(s, "%s", sep);
			write_item(s, i, &st);
			sep = " ";
		}
	imap_print(s, ")\r\n");
	return 0;
}

void
do_status(struct imap *s, const struct imap_command *c)
{
	struct folder_name name;

	if (imap_folder_name(s, c->mailbox, &name) == -1 ||
	    ((c->status & STATUS_HIGHESTMODSEQ) != 0 &&
		imap_enable_condstore(s) == -1))
		return;
	if (imap_write_status(s, &name, c->status) == -1)
		imap_no_errno(s, errno);
	else if (imap_sync(s, 0) == 0)
		imap_ok(s, "that is its status");
}
