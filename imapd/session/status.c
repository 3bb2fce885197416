/* STATUS (RFC 3501 section 6.3.10), by itself and for LIST (RFC 5819). */
#include <errno.h>

#include "imapd/session/session.h"

struct values {
	struct folder_status st;
	uint64_t	 size;		/* of all messages, with CRLF */
	size_t		 deleted;	/* marked so */
	uint64_t	 deleted_size;	/* of these */
};

/* What costs a look at each message. */
static int
add_up(struct folder *f, struct values *v, unsigned items)
{
	bool all = (items & STATUS_SIZE) != 0;
	bool some = (items & STATUS_DELETED_STORAGE) != 0;
	uint64_t size;

	for (size_t q = 1; q <= folder_count(f); q++) {
		bool deleted =
		    (folder_message(f, q)->flags & FLAG_DELETED) != 0;

		v->deleted += deleted;
		if (!all && !(some && deleted))
			continue;
		if (folder_message_size(f, q, &size) == 0) {
			v->size += size;
			v->deleted_size += deleted ? size : 0;
		} else if (errno != ENOENT)
			return -1;
	}
	return 0;
}

static int
look(struct imap *s, const struct folder_name *name, unsigned items,
    struct values *v)
{
	struct folder *f;
	int r, saved;

	*v = (struct values){ .size = 0 };
	if ((items & (STATUS_SIZE | STATUS_DELETED |
	    STATUS_DELETED_STORAGE)) == 0)
		return mailbox_status(s->mailbox, name, &v->st);
	if (folder_open(s->mailbox, name, FOLDER_READ_ONLY, &f) == -1)
		return -1;
	r = folder_sync(f, 0, NULL);
	if (r == 0) {
		folder_status(f, &v->st);
		r = add_up(f, v, items);
	}
	saved = errno;
	folder_close(f);
	errno = saved;
	return r;
}

static void
write_item(struct imap *s, unsigned number, const struct values *v)
{
	const char *name = status_item_name(number);
	const struct folder_status *st = &v->st;

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
	case STATUS_NUMBER_MAILBOXID:
		imap_print(s, "%s (" MAILBOXID_PREFIX "%s)", name,
		    st->mailbox_id);
		break;
	case STATUS_NUMBER_DELETED_STORAGE:
		imap_print(s, "%s %llu", name,
		    (unsigned long long)v->deleted_size);
		break;
	case STATUS_NUMBER_SIZE:	/* RFC 8438 */
		imap_print(s, "%s %llu", name, (unsigned long long)v->size);
		break;
	case STATUS_NUMBER_DELETED:	/* RFC 9051 section 6.3.11 */
		imap_print(s, "%s %zu", name, v->deleted);
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
	struct values v;

	if (look(s, name, items, &v) == -1)
		return -1;
	imap_print(s, "* STATUS ");
	imap_write_name(s, name);
	imap_print(s, " (");
	for (unsigned i = 0; i < STATUS_ITEMS; i++)
		if ((items & 1U << i) != 0) {
			imap_print(s, "%s", sep);
			write_item(s, i, &v);
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
