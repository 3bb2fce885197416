#include "imapd/session/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/log/log.h"
#include "common/session/memory.h"
#include "imapd/session/hide.h"
#include "imapd/session/token.h"
#include "imapd/settings.h"

enum {
	PRODUCE_MS = 50,	/* then other events have their turn */
	BUFFER_KEPT = 1024,	/* a larger one is given back */
	LITERAL_MINUS_MAX = 4096
};

static imap_handler *const handlers[IMAP_VERBS] = {
	[IMAP_CAPABILITY] = do_capability, [IMAP_NOOP] = do_noop,
	[IMAP_LOGOUT] = do_logout, [IMAP_ID] = do_id,
	[IMAP_ENABLE] = do_enable,
	[IMAP_NAMESPACE] = do_namespace, [IMAP_SELECT] = do_select,
	[IMAP_EXAMINE] = do_examine, [IMAP_CREATE] = do_create,
	[IMAP_DELETE] = do_delete, [IMAP_RENAME] = do_rename,
	[IMAP_SUBSCRIBE] = do_subscribe, [IMAP_UNSUBSCRIBE] = do_unsubscribe,
	[IMAP_LIST] = do_list, [IMAP_LSUB] = do_lsub,
	[IMAP_XLIST] = do_xlist,
	[IMAP_STATUS] = do_status, [IMAP_APPEND] = do_append,
	[IMAP_IDLE] = do_idle, [IMAP_CHECK] = do_check,
	[IMAP_CLOSE] = do_close, [IMAP_UNSELECT] = do_unselect,
	[IMAP_EXPUNGE] = do_expunge, [IMAP_SEARCH] = do_search,
	[IMAP_FETCH] = do_fetch, [IMAP_STORE] = do_store,
	[IMAP_COPY] = do_copy, [IMAP_MOVE] = do_move,
	[IMAP_REPLACE] = do_append, [IMAP_SORT] = do_sort,
	[IMAP_THREAD] = do_thread, [IMAP_COMPRESS] = do_compress,
	[IMAP_GETQUOTA] = do_getquota, [IMAP_GETQUOTAROOT] = do_getquotaroot,
	[IMAP_SETQUOTA] = do_setquota,
};

static void
arm_deadline(struct imap *s)
{
	const struct imapd_settings *v = s->session.values;

	stream_deadline(s->session.stream, (unsigned)v->idle_timeout * 1000);
}

/* ---- a little later: flags are made durable, memory is given back ---- */

static void
settle(struct imap *s)
{
	if (s->folder != NULL && folder_settle(s->folder) == -1)
		log_warning("settle-failed", LOG_SID(s->session.id),
		    LOG_ERRNO(errno));
}

/* Most of a session's life is idle. */
static void
on_settle(int fd, short what, void *arg)
{
	struct imap *s = arg;

	(void)fd, (void)what;
	settle(s);
	if (s->busy || s->append != NULL) {
		/* One that is at work would only fetch it all again. */
		s->busy = false;
		imap_settle_soon(s);
		return;
	}
	if (s->produce == NULL) {
		mailbox_rest(s->mailbox);
		if (s->folder != NULL)
			folder_rest(s->folder);
	}
	session_memory_release();
}

void
imap_settle_soon(struct imap *s)
{
	static const struct timeval soon = { .tv_usec = 800000 };

	if (s->settle != NULL && event_pending(s->settle, EV_TIMEOUT, NULL))
		s->busy = true;
	else if (s->settle != NULL)
		event_add(s->settle, &soon);
}

int
imap_wake(struct imap *s)
{
	if (s->folder == NULL || folder_wake(s->folder) == 0)
		return 0;
	imap_bye(s, "out of memory");
	return -1;
}

int
imap_look(struct imap *s)
{
	if (s->folder == NULL || folder_look(s->folder) == 0)
		return 0;
	imap_bye(s, errno == ESTALE ? "the mailbox was removed or replaced"
				    : "the mailbox cannot be read now");
	return -1;
}

/* ---- a long response ---- */

static void
command_over(struct imap *s)
{
	fetch_end(s);
	store_end(s);
	copy_end(s);
	search_end(s);
	free(s->saved_copy);
	s->saved_copy = NULL;
	sort_end(s);
	list_end(s);
	arena_clear(&s->arena);
	if (s->buffer.size > BUFFER_KEPT) {
		free(s->buffer.at);
		s->buffer.at = NULL;
		s->buffer.size = 0;
	}
	imap_settle_soon(s);
	s->buffer.len = s->buffer.line = 0;
}

static void
pump(struct imap *s)
{
	static const struct timeval now = { 0 };
	struct timespec t0, t;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	while (s->produce != NULL && !stream_full(s->session.stream)) {
		if (!s->produce(s) || s->finishing) {
			s->produce = NULL;
			break;
		}
		clock_gettime(CLOCK_MONOTONIC, &t);
		if ((t.tv_sec - t0.tv_sec) * 1000 +
		    (t.tv_nsec - t0.tv_nsec) / 1000000 > PRODUCE_MS) {
			event_add(s->again, &now);
			return;
		}
	}
	if (s->produce != NULL)
		return;
	command_over(s);
	if (!s->finishing) {
		arm_deadline(s);
		stream_resume(s->session.stream);
	}
}

static void
on_again(int fd, short what, void *arg)
{
	(void)fd, (void)what;
	pump(arg);
}

static void
on_drained(void *owner)
{
	pump(owner);
}

void
imap_begin(struct imap *s, imap_produce *produce)
{
	s->produce = produce;
}

static time_t
monotonic_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

void
imap_progress(struct imap *s, size_t done, size_t all)
{
	const struct imapd_settings *v = s->session.values;
	time_t now = monotonic_seconds();

	if (now - s->told_at < (time_t)v->progress_interval)
		return;
	s->told_at = now;
	imap_print(s, "* OK [INPROGRESS (\"%.*s\" %zu %zu)] still at it\r\n",
	    (int)s->command.tag.len, s->command.tag.at, done, all);
}

void
imap_expect(struct imap *s, enum imap_input input)
{
	s->input = input;
}

/* ---- a command ---- */

void
imap_deselect(struct imap *s)
{
	if (s->folder == NULL)
		return;
	settle(s);
	folder_close(s->folder);
	s->folder = NULL;
	s->body_place.uid = 0;
	imap_saved_clear(s);
}

/* RFC 3501 section 7.1: which there are. */
static void
refuse_charset(struct imap *s)
{
	char text[1024] = "[BADCHARSET (";
	size_t len = strlen(text);

	for (size_t i = 0; charset_name(i) != NULL; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
		    i > 0 ? " " : "", charset_name(i));
	assert(len < sizeof(text) - 32);
	snprintf(text + len, sizeof(text) - len, ")] no such charset");
	imap_no(s, text);
}

static void
refuse(struct imap *s, enum imap_fault fault)
{
	if (fault == IMAP_NO_TAG) {
		s->command.tag = SLICE_LITERAL("*");
		imap_bad(s, "a command begins with a tag");
	} else if (fault == IMAP_UNKNOWN)
		imap_bad(s, "no such command");
	else if (fault == IMAP_CHARSET || fault == IMAP_LIMIT) {
		/* RFC 5182 section 2.1: NO leaves nothing in "$" */
		if ((s->command.returns.options & RETURN_SAVE) != 0)
			imap_saved_clear(s);
		if (fault == IMAP_CHARSET)
			refuse_charset(s);
		else
			imap_no(s, "[LIMIT] too many criteria");
	} else
		imap_bad(s, "the arguments are not as RFC 3501 has them");
}

/* RFC 6855 section 3: what is not in a literal. */
static bool
is_well_formed(const struct imap *s, struct slice in)
{
	return !imap_is_utf8(s) || command_is_utf8(in);
}

/*
 * The arguments stay valid (arena and buffer) until command_over, which the
 * end of a long response calls.
 */
static void
run_command(struct imap *s, struct slice in)
{
	struct imap_command *c = &s->command;
	enum imap_fault fault;
	unsigned state = s->folder != NULL ? IMAP_SELECTED : IMAP_AUTHENTICATED;

	s->expunged = 0;
	s->told_at = monotonic_seconds();

	if (imap_command_parse(in, &s->arena, c, &fault) != PARSE_OK)
		refuse(s, fault);
	else if (!is_well_formed(s, in))
		imap_bad(s, "that is not UTF-8");
	else if ((c->when & state) == 0)
		imap_bad(s, "no mailbox is selected");
	else if (c->when != IMAP_SELECTED || imap_look(s) == 0)
		handlers[c->verb](s, c);
	if (s->produce != NULL) {
		stream_pause(s->session.stream);
		pump(s);
	} else if (s->input != INPUT_IDLE)
		command_over(s);
}

/* ---- input ---- */

static int
buffer_add(struct imap *s, const char *at, size_t len)
{
	size_t size = s->buffer.size == 0 ? 512 : s->buffer.size;
	char *now;

	while (size - s->buffer.len < len)
		size *= 2;
	if (size != s->buffer.size) {
		if ((now = realloc(s->buffer.at, size)) == NULL)
			return -1;
		s->buffer.at = now;
		s->buffer.size = size;
	}
	memcpy(s->buffer.at + s->buffer.len, at, len);
	s->buffer.len += len;
	return 0;
}

static void
drop_command(struct imap *s)
{
	command_over(s);
	imap_expect(s, INPUT_LINE);
}

/* The tag of what has arrived, for an answer before it is whole. */
static void
find_tag(struct imap *s)
{
	struct slice in = slice_of(s->buffer.at, s->buffer.len);

	if (!take_tag(&in, &s->command.tag))
		s->command.tag = SLICE_LITERAL("*");
}

/* A literal that is too large: refused before it is read, or never read. */
static void
refuse_literal(struct imap *s, bool waits)
{
	find_tag(s);
	if (waits)
		imap_bad(s, "[TOOBIG] that literal is too large");
	else
		imap_bye(s, "a literal too large is on its way");
	drop_command(s);
}

/* "a APPEND x {310}": is this literal the message?  It has been announced. */
static bool
is_append(struct imap *s, const struct literal *l)
{
	struct slice in = slice_of(s->buffer.at, s->buffer.line + l->at);
	enum imap_fault fault;

	return imap_command_parse(in, &s->arena, &s->command, &fault) ==
		   PARSE_OK &&
	       (s->command.verb == IMAP_APPEND ||
		   s->command.verb == IMAP_REPLACE) &&
	       is_well_formed(s, in) && (!s->command.append.utf8 || l->binary);
}

static void
literal_announced(struct imap *s, const struct literal *l)
{
	if (is_append(s, l)) {
		if (s->command.verb != IMAP_REPLACE || imap_look(s) == 0)
			append_announced(s, &s->command, l);
		if (s->append == NULL)
			drop_command(s);
		return;
	}
	arena_clear(&s->arena);
	if (l->len > COMMAND_MAX - s->buffer.len) {
		refuse_literal(s, l->waits);
		return;
	}
	s->literal_left = l->len;
	imap_expect(s, l->len > 0 ? INPUT_LITERAL : INPUT_LINE);
	s->buffer.line = s->buffer.len;
	if (l->waits)
		imap_print(s, "+ go on\r\n");
}

static struct slice
without_line_end(struct slice line)
{
	if (line.len > 0 && line.at[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

static void
line_complete(struct imap *s)
{
	struct slice line = without_line_end(slice_of(
	    s->buffer.at + s->buffer.line, s->buffer.len - s->buffer.line));
	struct literal l;

	switch (literal_at_end(line, &l)) {
	case PARSE_OK:
		/* RFC 7888 section 5 */
		if (!l.waits && l.len > LITERAL_MINUS_MAX &&
		    (s->hidden & CAPABILITY_BIT(LITERAL_PLUS)) != 0)
			refuse_literal(s, false);
		else
			literal_announced(s, &l);
		return;
	case PARSE_BAD:
		refuse_literal(s, l.waits);
		return;
	case PARSE_MORE:
		break;
	}
	run_command(s, slice_of(s->buffer.at, s->buffer.line + line.len));
}

static size_t
take_line(struct imap *s, const char *at, size_t len)
{
	const char *lf = memchr(at, '\n', len);
	size_t used = lf != NULL ? (size_t)(lf - at) + 1 : len;

	if (used > COMMAND_MAX - s->buffer.len || buffer_add(s, at, used) == -1)
		imap_bye(s, "a command is too long");
	else if (lf != NULL)
		line_complete(s);
	return used;
}

static size_t
take_literal_octets(struct imap *s, const char *at, size_t len)
{
	if (len > s->literal_left)
		len = (size_t)s->literal_left;
	if (buffer_add(s, at, len) == -1) {
		imap_bye(s, "out of memory");
		return len;
	}
	s->literal_left -= len;
	if (s->literal_left == 0) {
		s->buffer.line = s->buffer.len;
		imap_expect(s, INPUT_LINE);
	}
	return len;
}

static size_t
take_append_octets(struct imap *s, const char *at, size_t len)
{
	if (len > s->literal_left)
		len = (size_t)s->literal_left;
	append_octets(s, slice_of(at, len));
	s->literal_left -= len;
	if (s->literal_left == 0) {
		append_octets_end(s);
		imap_expect(s, INPUT_APPEND_END);
	}
	return len;
}

/* A whole line, for the two states that want no literals; 0: not yet. */
static size_t
take_simple_line(struct imap *s, const char *at, size_t len)
{
	const char *lf = memchr(at, '\n', len);
	struct slice line;

	if (lf == NULL)
		return 0;
	line = without_line_end(slice_of(at, (size_t)(lf - at) + 1));
	if (s->input == INPUT_IDLE)
		idle_line(s, line);
	else
		append_line(s, line);
	if (s->append == NULL && s->produce == NULL)
		drop_command(s);
	return (size_t)(lf - at) + 1;
}

static size_t
on_input(void *owner, char *at, size_t len)
{
	struct imap *s = owner;

	if (s->finishing || imap_wake(s) == -1)
		return len;
	arm_deadline(s);
	switch (s->input) {
	case INPUT_LINE:
		return take_line(s, at, len);
	case INPUT_LITERAL:
		return take_literal_octets(s, at, len);
	case INPUT_APPEND:
		return take_append_octets(s, at, len);
	default:
		return take_simple_line(s, at, len);
	}
}

/* ---- begin and end ---- */

static void
clear(struct imap *s)
{
	idle_cancel(s);
	append_cancel(s);
	s->produce = NULL;
	command_over(s);
	imap_deselect(s);
	imap_saved_clear(s);
	mailbox_close(s->mailbox);
	s->mailbox = NULL;
	if (s->again != NULL)
		event_free(s->again);
	if (s->settle != NULL)
		event_free(s->settle);
	s->again = s->settle = NULL;
}

static void
on_ended(void *owner, enum stream_end end)
{
	struct imap *s = owner;

	if (!s->finishing && (end == STREAM_TIMEOUT || end == STREAM_OVERFLOW)) {
		imap_bye(s, end == STREAM_TIMEOUT ? "idle for too long" :
						    "a line is too long");
		return;
	}
	clear(s); /* who reads the line finds the mailbox closed */
	log_info("session-ended", LOG_SID(s->session.id),
	    LOG_CSTR("how", s->finishing ? "finished" : stream_end_name(end)));
	session_end(&s->session);
}

static void
on_begin(void *ctx, struct session *session)
{
	struct imap *s = ctx;

	s->again = event_new(session->stage.base, -1, 0, on_again, s);
	s->settle = event_new(session->stage.base, -1, 0, on_settle, s);
	s->command.tag = slice_str(session->tag);
	if (s->again == NULL || s->settle == NULL ||
	    mailbox_open(session->home_fd, &s->mailbox) == -1) {
		log_warning("mailbox-refused", LOG_SID(session->id),
		    LOG_ERRNO(errno));
		imap_no(s, "[UNAVAILABLE] the mailbox cannot be opened");
		imap_bye(s, "try again later");
		return;
	}
	mailbox_quota_set(s->mailbox,
	    &(struct quota){ session->quota.octets, session->quota.messages });
	s->hidden = hide_from(&((const struct imapd_settings *)session->values)
				   ->hide_capabilities,
	    slice_str(session->user));
	mailbox_follow(s->mailbox);
	log_info("session-begun", LOG_SID(session->id));
	imap_write(s, s->command.tag);
	imap_print(s, " OK [");
	imap_write_capabilities(s);
	imap_print(s, "] logged in\r\n");
	arm_deadline(s);
	imap_settle_soon(s);
}

static void
on_stop(void *ctx)
{
	struct imap *s = ctx;

	s->produce = NULL;
	imap_bye(s, "shutting down");
}

/* COMPRESS has nothing to wait for. */
static void
on_secured(void *owner)
{
	(void)owner;
}

static const struct stream_kind kind = {
	.on = { .input = on_input, .drained = on_drained, .ended = on_ended,
	    .secured = on_secured },
	.input_max = 16384, .output_max = 65536, .output_ms = 120000,
};

const struct session_program imap_session_program = {
	.role = IPC_IMAPD_SESSION, .schema = &imapd_schema, .kind = &kind,
	.begin = on_begin, .stop = on_stop,
};
