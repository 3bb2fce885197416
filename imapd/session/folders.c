/* CREATE to UNSUBSCRIBE, and what has no arguments at all. */
#include <errno.h>
#include <stdio.h>

#include "imapd/session/session.h"

/* The end of a command that may have changed the selected folder, too. */
static void
answer(struct imap *s, int r, const char *text)
{
	int error = errno;

	if (imap_sync(s, 0) == -1)
		return;
	if (r == -1)
		imap_no_errno(s, error);
	else
		imap_ok(s, text);
}

void
do_capability(struct imap *s, const struct imap_command *c)
{
	(void)c;
	imap_print(s, "* ");
	imap_write_capabilities(s);
	imap_print(s, "\r\n");
	imap_ok(s, "that is all");
}

void
do_logout(struct imap *s, const struct imap_command *c)
{
	(void)c;
	imap_deselect(s);
	imap_print(s, "* BYE logging out\r\n");
	imap_ok(s, "logged out");
	s->finishing = true;
	session_finish(&s->session);
}

/* RFC 2971: what the client says of itself is not kept. */
void
do_id(struct imap *s, const struct imap_command *c)
{
	(void)c;
	imap_print(s, "* ID (\"name\" \"Bulkhead\")\r\n");
	imap_ok(s, "pleased to meet you");
}

/* RFC 2342: all is the owner's. */
void
do_namespace(struct imap *s, const struct imap_command *c)
{
	(void)c;
	imap_print(s, "* NAMESPACE ((\"\" \"%c\")) NIL NIL\r\n",
	    FOLDER_SEPARATOR);
	imap_ok(s, "there is one");
}

/* RFC 8474 section 4.1: the answer has its ID. */
static void
created(struct imap *s, const struct folder_name *name, int r)
{
	struct folder_status st;
	char text[80];

	if (r == 0)
		r = mailbox_status(s->mailbox, name, &st);
	if (r == 0) {
		snprintf(text, sizeof(text),
		    "[MAILBOXID (" MAILBOXID_PREFIX "%s)] created",
		    st.mailbox_id);
		if (imap_name_differs(s, s->command.mailbox, name))
			imap_write_list(s, name, true, s->command.mailbox);
	}
	answer(s, r, text);
}

/*
 * RFC 6154 section 3: with a use that cannot be given, nothing is created.  \All
 * and \Flagged are of mailboxes that show what is in others.
 */
void
do_create(struct imap *s, const struct imap_command *c)
{
	struct folder_name name;

	if (imap_folder_name(s, c->mailbox, &name) == -1)
		return;
	if (c->unknown_use ||
	    (c->uses & (SPECIAL_USE_ALL | SPECIAL_USE_FLAGGED)) != 0)
		imap_no(s, "[USEATTR] no mailbox can have that use here");
	else
		created(s, &name, folder_name_is_inbox(&name) ?
		    (errno = EEXIST, -1) :
		    mailbox_create_special_use(s->mailbox, &name, c->uses));
}

void
do_delete(struct imap *s, const struct imap_command *c)
{
	struct folder_name name;
	int r, error;

	if (imap_folder_name(s, c->mailbox, &name) == -1)
		return;
	r = mailbox_delete(s->mailbox, &name);
	error = errno;
	if (r == 0 && s->folder != NULL && folder_name_equal(&name, &s->name))
		imap_deselect(s);	/* our own doing: no reason for BYE */
	if (r == 0 && imap_name_differs(s, c->mailbox, &name))
		imap_write_list(s, &name, false, c->mailbox);
	/* a superior that is no folder itself (RFC 9051 section 6.3.5) */
	if (r == -1 && error == ENOENT &&
	    mailbox_has_inferiors(s->mailbox, &name) == 1) {
		imap_no(s, "[HASCHILDREN] there is nothing of that name but "
			   "what lies below it");
		return;
	}
	errno = error;
	answer(s, r, "deleted");
}

void
do_rename(struct imap *s, const struct imap_command *c)
{
	struct folder_name from, to;
	int r;

	if (imap_folder_name(s, c->mailbox, &from) == -1 ||
	    imap_folder_name(s, c->other, &to) == -1)
		return;
	r = mailbox_rename(s->mailbox, &from, &to);
	if (r == 0 && s->folder != NULL && !folder_name_is_inbox(&from) &&
	    (folder_name_equal(&from, &s->name) ||
		folder_name_is_below(&s->name, &from)))
		imap_deselect(s);
	if (r == 0 && !folder_name_is_inbox(&from) &&
	    (imap_name_differs(s, c->mailbox, &from) ||
		imap_name_differs(s, c->other, &to)))
		imap_write_list(s, &to, true, c->mailbox);
	answer(s, r, "renamed");
}

static void
subscribe(struct imap *s, const struct imap_command *c, bool on)
{
	struct folder_name name;

	if (imap_folder_name(s, c->mailbox, &name) == 0)
		answer(s, mailbox_subscribe(s->mailbox, &name, on),
		    on ? "subscribed" : "unsubscribed");
}

void
do_subscribe(struct imap *s, const struct imap_command *c)
{
	subscribe(s, c, true);
}

void
do_unsubscribe(struct imap *s, const struct imap_command *c)
{
	subscribe(s, c, false);
}
