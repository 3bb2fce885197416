/*
 * APPEND (RFC 3501 section 6.3.11) of one message or several (RFC 3502), and
 * REPLACE (RFC 8508).  A message goes straight into a file of the folder, never
 * through memory as a whole.  What can be refused is refused before the client
 * sends it; after that the rest of the command is read past.  Either all of the
 * messages are there at the end or none.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imapd/session/append_binary.h"
#include "imapd/session/session.h"
#include "imapd/settings.h"

struct append_run {
	struct folder	*folder;
	struct append	*append;	/* NULL: refused, being read past */
	struct binary_content *binary;	/* of a literal8; else NULL */
	size_t		 messages;
	uint32_t	 replaces;	/* sequence number; 0: APPEND */
	bool utf8;                      /* ")" closes this message's literal */
	bool in_header, line_empty;     /* of this message so far */
};

/* The answer has been given. */
static void
give_up(struct append_run *run)
{
	if (run->append != NULL)
		folder_append_abort(run->append);
	run->append = NULL;
	binary_content_free(run->binary);
	run->binary = NULL;
}

void
append_cancel(struct imap *s)
{
	struct append_run *run = s->append;

	if (run == NULL)
		return;
	give_up(run);
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

/* ---- a literal is announced ---- */

uint64_t
imap_append_limit(const struct imap *s)
{
	const struct imapd_settings *v = s->session.values;

	return v->append_max;
}

static int
check_size(struct imap *s, const struct literal *l)
{
	if (l->len == 0) {
		imap_no(s, "[CANNOT] a message has at least one octet");
		return -1;
	}
	if (l->len <= imap_append_limit(s))
		return 0;
	if (l->waits)
		imap_no(s, "[TOOBIG] the message is too large");
	else
		imap_bye(s, "a message too large is on its way");
	return -1;
}

/* Before the client sends it, each message with those before it, for they fill
 * the disk already; when all is there it is counted again. */
static int
check_room(struct imap *s, const struct literal *l)
{
	if (folder_append_room(s->append->append, l->len) == 0)
		return 0;
	imap_no_errno(s, errno);
	return -1;
}

/* Which message goes when the new one is there: RFC 8508 section 3.2. */
static int
find_replaced(struct imap *s, struct append_run *run)
{
	struct imap_command *c = &s->command;

	if (c->verb != IMAP_REPLACE)
		return 0;
	if (s->folder == NULL) {
		imap_bad(s, "no mailbox is selected");
		return -1;
	}
	if (imap_set_of(s, &c->set, c->uid) == -1)
		return -1;
	if (s->read_only) {
		imap_no(s, "[READ-ONLY] the mailbox is open for reading only");
		return -1;
	}
	if (c->set.len != 1) {
		imap_no(s, "[NONEXISTENT] there is no such message");
		return -1;
	}
	run->replaces = c->set.range[0].first;
	return 0;
}

/* How much goes when the new one has come; of one that is gone, nothing. */
static void
count_replaced(struct imap *s, struct append_run *run)
{
	int fd = run->replaces == 0 ? -1 :
	    folder_message_open(s->folder, run->replaces);
	struct stat st;

	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0)
		folder_append_replaces(run->append, (uint64_t)st.st_size);
	close(fd);
}

static int
open_target(struct imap *s, struct append_run *run)
{
	struct folder_name name;

	if (imap_folder_name(s, s->command.mailbox, &name) == -1)
		return -1;
	if (folder_open(s->mailbox, &name, 0, &run->folder) == -1) {
		run->folder = NULL;
		say_why(s, errno);
		return -1;
	}
	if (folder_append_begin(run->folder, &run->append) == -1) {
		run->append = NULL;
		say_why(s, errno);
		return -1;
	}
	count_replaced(s, run);
	return 0;
}

static int
begin_message(struct imap *s, struct append_run *run,
    const struct append_options *o, bool binary)
{
	uint64_t keywords;

	if (imap_flags_of(s, run->folder, &o->flags, true, &keywords) == -1)
		return -1;
	if (folder_append_next(run->append, o->flags.flags, keywords,
	    o->has_date ? (time_t)o->date : 0) == -1 ||
	    (binary && binary_content_begin(s->mailbox, &run->binary) == -1)) {
		say_why(s, errno);
		return -1;
	}
	run->messages++;
	run->utf8 = o->utf8;
	run->in_header = run->line_empty = true;
	return 0;
}

/* False: the command is over. */
static bool
expect_message(struct imap *s, bool good, const struct literal *l)
{
	if (!good)
		give_up(s->append);
	if (s->finishing || (!good && l->waits)) {
		append_cancel(s);
		return false;
	}
	s->literal_left = l->len;
	imap_expect(s, l->len > 0 ? INPUT_APPEND : INPUT_APPEND_END);
	if (l->waits)
		imap_print(s, "+ go on\r\n");
	return true;
}

void
append_announced(struct imap *s, const struct imap_command *c,
    const struct literal *l)
{
	struct append_run *run;
	bool good;

	s->append = run = calloc(1, sizeof(*run));
	if (run == NULL) {
		imap_bye(s, "out of memory");
		return;
	}
	good = check_size(s, l) == 0 && find_replaced(s, run) == 0 &&
	       open_target(s, run) == 0 && check_room(s, l) == 0 &&
	       begin_message(s, run, &c->append, l->binary) == 0;
	(void)expect_message(s, good, l);
}

/* " (\Seen) {310}" behind a message: the next one. */
static void
another(struct imap *s, struct slice line, const struct literal *l)
{
	struct append_run *run = s->append;
	struct append_options o;
	bool good = run->append != NULL;

	if (good &&
	    (run->replaces != 0 || !take_append_options(&line, &s->arena, &o) ||
		line.len > 0 || (o.utf8 && !l->binary))) {
		imap_bad(s, "that is no further message");
		good = false;
	}
	(void)expect_message(s, good && check_size(s, l) == 0 &&
	    check_room(s, l) == 0 && begin_message(s, run, &o, l->binary) == 0, l);
	arena_clear(&s->arena);	/* however many there are */
}

/* ---- its octets ---- */

static bool
header_is_ascii(struct append_run *run, struct slice octets)
{
	for (size_t i = 0; i < octets.len && run->in_header; i++) {
		unsigned char c = (unsigned char)octets.at[i];

		if (c >= 0x80)
			return false;
		if (c == '\n') {
			run->in_header = !run->line_empty;
			run->line_empty = true;
		} else if (c != '\r')
			run->line_empty = false;
	}
	return true;
}

/* RFC 6855 section 4; the operator may know better. */
static bool
may_have_header(struct imap *s, struct append_run *run, struct slice octets)
{
	const struct imapd_settings *v = s->session.values;

	return imap_is_utf8(s) || v->raw_headers == IMAPD_HEADERS_KEEP ||
	       header_is_ascii(run, octets);
}

void
append_octets(struct imap *s, struct slice octets)
{
	struct append_run *run = s->append;
	int r;

	if (run->append == NULL)
		return;
	if (run->binary == NULL &&
	    memchr(octets.at, '\0', octets.len) != NULL) {
		imap_no(s, "[CANNOT] a NUL wants a literal8 (RFC 3516)");
		give_up(run);
		return;
	}
	if (!may_have_header(s, run, octets)) {
		imap_no(s, "[CANNOT] a header beyond ASCII wants ENABLE "
			   "UTF8=ACCEPT (RFC 6855)");
		give_up(run);
		return;
	}
	r = run->binary != NULL ? binary_content_add(run->binary, octets) :
	    folder_append_write(run->append, octets.at, octets.len);
	if (r == -1) {
		say_why(s, errno);
		give_up(run);
	}
}

void
append_octets_end(struct imap *s)
{
	struct append_run *run = s->append;
	const char *why;

	if (run->binary == NULL)
		return;
	if (binary_content_end(run->binary, run->append, &why) == 0) {
		binary_content_free(run->binary);
		run->binary = NULL;
		return;
	}
	if (why != NULL)
		imap_no(s, why);
	else
		say_why(s, errno);
	give_up(run);
}

/* ---- the end ---- */

static void
append_uid(struct append_run *run, uint32_t uid, const char *words, char *text,
    size_t size)
{
	struct folder_status st;

	folder_status(run->folder, &st);
	if (run->messages == 1)
		snprintf(text, size, "[APPENDUID %u %u] %s", st.uidvalidity,
		    uid, words);
	else
		snprintf(text, size, "[APPENDUID %u %u:%u] %s", st.uidvalidity,
		    uid, (uint32_t)(uid + run->messages - 1), words);
}

/* The new one is told of before the old one goes: RFC 8508 section 4.3. */
static void
replaced(struct imap *s, struct append_run *run, const char *appenduid)
{
	int r = folder_expunge(s->folder, &run->replaces, 1, true, NULL);
	int error = errno;

	imap_print(s, "* OK %s\r\n", appenduid);
	if (imap_sync(s, 0) == -1)
		return;
	if (r == -1 && error != ENOENT)
		imap_no_errno(s, error);
	else
		imap_ok_modseq(s, "replaced");
}

static void
commit(struct imap *s, struct append_run *run)
{
	char text[100];
	uint32_t uid;
	int r = folder_append_commit(run->append, &uid);

	run->append = NULL;
	if (r == -1) {
		say_why(s, errno);
		return;
	}
	append_uid(run, uid, run->replaces != 0 ? "the new one is there" :
	    "appended", text, sizeof(text));
	if (run->replaces != 0)
		replaced(s, run, text);
	else if (imap_sync(s, 0) == 0)
		imap_ok(s, text);
}

/* What closes "UTF8 (~{n}"; without it the command is wrong. */
static void
take_close(struct imap *s, struct slice *line)
{
	struct append_run *run = s->append;

	if (!run->utf8 || take_char(line, ')') || run->append == NULL)
		return;
	imap_bad(s, "the parenthesis of UTF8 is not closed");
	give_up(run);
}

void
append_line(struct imap *s, struct slice line)
{
	struct append_run *run = s->append;
	struct literal l;

	take_close(s, &line);
	switch (literal_at_end(line, &l)) {
	case PARSE_OK:
		line.len = l.at;
		another(s, line, &l);
		return;
	case PARSE_BAD:
		if (!l.waits)
			imap_bye(s, "a message too large is on its way");
		else if (run->append != NULL)
			imap_no(s, "[TOOBIG] the message is too large");
		break;
	case PARSE_MORE:
		if (run->append == NULL)
			break;	/* it was answered */
		if (line.len > 0)
			imap_bad(s, "that is no further message");
		else
			commit(s, run);
	}
	append_cancel(s);
}

/* Without a literal at its end it cannot be one. */
void
do_append(struct imap *s, const struct imap_command *c)
{
	(void)c;
	imap_bad(s, "the command ends in the literal of a message");
}
