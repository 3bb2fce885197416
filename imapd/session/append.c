/*
 * APPEND (RFC 3501 section 6.3.11, RFC 4315): the message goes straight into a
 * file of the folder, never through memory as a whole.  What can be refused
 * is refused before the client sends it.
 */
#include <errno.h>
#include <stdlib.h>

#include "imapd/session/session.h"
#include "imapd/settings.h"

struct append_run {
	struct folder	*folder;
	struct append	*append;	/* NULL: refused, being read past */
};

void
append_cancel(struct imap *s)
{
	struct append_run *run = s->append;

	if (run == NULL)
		return;
	if (run->append != NULL)
		folder_append_abort(run->append);
	folder_close(run->folder);
	free(run);
	s->append = NULL;
}

static void
say_why(struct imap *s, int error)
{
	if (error == ENOENT)
		imap_no(s, "[TRYCREATE] there is no such mailbox");
	else
		imap_no_errno(s, error);
}

static int
open_target(struct imap *s, const struct imap_command *c,
    struct append_run *run)
{
	struct folder_name name;
	uint32_t keywords;

	if (imap_folder_name(s, c->mailbox, &name) == -1)
		return -1;
	if (folder_open(s->mailbox, &name, 0, &run->folder) == -1) {
		run->folder = NULL;
		say_why(s, errno);
		return -1;
	}
	if (imap_flags_of(s, run->folder, &c->flags, true, &keywords) == -1)
		return -1;
	if (folder_append_begin(run->folder, &run->append) == -1) {
		run->append = NULL;
		say_why(s, errno);
		return -1;
	}
	if (folder_append_next(run->append, c->flags.flags, keywords,
	    c->has_date ? (time_t)c->date : 0) == 0)
		return 0;
	say_why(s, errno);
	folder_append_abort(run->append);
	run->append = NULL;
	return -1;
}

static int
check_size(struct imap *s, uint64_t len, bool waits)
{
	const struct imapd_settings *v = s->session.values;

	if (len == 0) {
		imap_no(s, "[CANNOT] a message has at least one octet");
		return -1;
	}
	if (len <= v->append_max)
		return 0;
	if (waits)
		imap_no(s, "[TOOBIG] the message is too large");
	else
		imap_bye(s, "a message too large is on its way");
	return -1;
}

void
append_announced(struct imap *s, const struct imap_command *c, uint64_t len,
    bool waits)
{
	struct append_run *run = calloc(1, sizeof(*run));
	bool good = run != NULL && check_size(s, len, waits) == 0 &&
	    open_target(s, c, run) == 0;

	if (run == NULL)
		imap_bye(s, "out of memory");
	s->append = run;
	if (!good && (waits || s->finishing)) {
		append_cancel(s);
		return;
	}
	s->literal_left = len;
	imap_expect(s, len > 0 ? INPUT_APPEND : INPUT_APPEND_END);
	if (waits)
		imap_print(s, "+ go on\r\n");
}

/* The answer is given at once; the rest of the message is read past. */
static void
give_up(struct imap *s)
{
	folder_append_abort(s->append->append);
	s->append->append = NULL;
}

void
append_octets(struct imap *s, struct slice octets)
{
	struct append_run *run = s->append;

	if (run->append == NULL)
		return;
	if (memchr(octets.at, '\0', octets.len) != NULL) {
		imap_no(s, "[CANNOT] a message without BINARY has no NUL");
		give_up(s);
	} else if (folder_append_write(run->append, octets.at, octets.len) ==
	    -1) {
		say_why(s, errno);
		give_up(s);
	}
}

void
append_done(struct imap *s)
{
	struct append_run *run = s->append;
	struct folder_status st;
	uint32_t uid;
	char text[80];
	int r;

	if (run->append == NULL) {	/* NO was said */
		append_cancel(s);
		return;
	}
	r = folder_append_commit(run->append, &uid);
	run->append = NULL;
	if (r == -1)
		say_why(s, errno);
	else if (imap_sync(s, 0) == 0) {
		folder_status(run->folder, &st);
		snprintf(text, sizeof(text), "[APPENDUID %u %u] appended",
		    st.uidvalidity, uid);
		imap_ok(s, text);
	}
	append_cancel(s);
}

/* Without a literal at its end it cannot be an APPEND. */
void
do_append(struct imap *s, const struct imap_command *c)
{
	(void)c;
	imap_bad(s, "APPEND ends in the literal of a message");
}
