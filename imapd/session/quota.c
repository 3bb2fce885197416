/* QUOTA (RFC 9208): one root for all that the owner has, set by the operator. */
#include <errno.h>

#include "imapd/session/session.h"

#define ROOT "account"

static bool
is_limited(const struct quota *limit)
{
	return limit->octets > 0 || limit->messages > 0;
}

/* RFC 9208 section 5.1: storage counts in units of 1,024 octets. */
static void
write_resource(struct imap *s, const char **sep, const char *name,
    uint64_t usage, uint64_t limit)
{
	if (limit == 0)
		return;
	imap_print(s, "%s%s %llu %llu", *sep, name, (unsigned long long)usage,
	    (unsigned long long)limit);
	*sep = " ";
}

/* -1: NO was said. */
static int
write_quota(struct imap *s)
{
	const struct quota *limit = mailbox_quota(s->mailbox);
	const char *sep = "";
	struct quota usage;

	if (mailbox_usage(s->mailbox, &usage) == -1) {
		imap_no_errno(s, errno);
		return -1;
	}
	imap_print(s, "* QUOTA \"" ROOT "\" (");
	write_resource(s, &sep, "STORAGE", (usage.octets + 1023) / 1024,
	    limit->octets / 1024 + (limit->octets % 1024 != 0));
	write_resource(s, &sep, "MESSAGE", usage.messages, limit->messages);
	imap_print(s, ")\r\n");
	return 0;
}

void
do_getquota(struct imap *s, const struct imap_command *c)
{
	if (!slice_equal(c->mailbox, SLICE_LITERAL(ROOT)) ||
	    !is_limited(mailbox_quota(s->mailbox)))
		imap_no(s, "[NONEXISTENT] there is no such quota root");
	else if (write_quota(s) == 0 && imap_sync(s, 0) == 0)
		imap_ok(s, "that is the quota");
}

/* Of a mailbox that need not exist (section 4.1.2). */
void
do_getquotaroot(struct imap *s, const struct imap_command *c)
{
	bool limited = is_limited(mailbox_quota(s->mailbox));
	struct folder_name name;

	if (imap_folder_name(s, c->mailbox, &name) == -1)
		return;
	imap_print(s, "* QUOTAROOT ");
	imap_write_name(s, &name);
	imap_print(s, "%s\r\n", limited ? " \"" ROOT "\"" : "");
	if ((!limited || write_quota(s) == 0) && imap_sync(s, 0) == 0)
		imap_ok(s, "that is where it counts");
}

void
do_setquota(struct imap *s, const struct imap_command *c)
{
	(void)c;
	imap_no(s, "[NOPERM] the operator sets quotas");
}
