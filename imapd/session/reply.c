#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/utf8/utf8.h"
#include "imapd/session/session.h"

enum {
	PRINT_MAX = 1024,
	ROOM = 96 * 1024,	/* above what a produce() piece ever leaves */
	PIECE = 16 * 1024,
	PATIENCE_MS = 120000
};

static void
give_up(struct imap *s)
{
	log_info("client-does-not-read", LOG_SID(s->session.id));
	s->finishing = true;
	session_finish(&s->session);
}

/*
 * Long responses are produced in pieces (session.c).  What must be said in one
 * go, a hundred thousand EXPUNGE responses for instance, waits here until the
 * client has read some of it: this process has nobody else to serve.
 */
static void
wait_for_room(struct imap *s, size_t room)
{
	struct epoll_event ev = { .events = EPOLLOUT };
	int ep;

	if (stream_pending(s->session.stream) < room || s->finishing)
		return;
	if ((ep = epoll_create1(EPOLL_CLOEXEC)) == -1 || epoll_ctl(ep,
	    EPOLL_CTL_ADD, stream_fd(s->session.stream), &ev) == -1)
		give_up(s);
	while (!s->finishing && stream_pending(s->session.stream) >= room) {
		if (epoll_wait(ep, &ev, 1, PATIENCE_MS) <= 0 ||
		    (ev.events & (EPOLLERR | EPOLLHUP)) != 0)
			give_up(s);
		else
			stream_flush(s->session.stream);
	}
	if (ep != -1)
		close(ep);
}

void
imap_drain(struct imap *s)
{
	stream_flush(s->session.stream);
	wait_for_room(s, 1);
}

void
imap_print(struct imap *s, const char *fmt, ...)
{
	char text[PRINT_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		imap_write(s, slice_of(text,
		    (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1));
}

void
imap_write(struct imap *s, struct slice text)
{
	while (text.len > 0 && !s->finishing) {
		size_t n = text.len < PIECE ? text.len : PIECE;

		stream_write(s->session.stream, text.at, n);
		wait_for_room(s, ROOM);
		text = slice_skip(text, n);
	}
}

void
imap_write_unsigned(struct imap *s, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	imap_write(s, slice_of(digits + at, sizeof(digits) - at));
}

/* Beyond ASCII only for a client that has said so (RFC 6855 section 3). */
static bool
fits_quoted(const struct imap *s, struct slice text)
{
	bool wide = false;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		wide |= c > 127;
		if (c < ' ' || c == 127 || c == '"' || c == '\\')
			return false;
	}
	return text.len < 1000 &&
	       (!wide || (imap_is_utf8(s) && utf8_is_valid(text)));
}

void
imap_write_string(struct imap *s, struct slice text)
{
	bool quoted = fits_quoted(s, text);

	if (quoted)
		imap_write(s, SLICE_LITERAL("\""));
	else
		imap_print(s, "{%zu}\r\n", text.len);
	imap_write(s, text);
	if (quoted)
		imap_write(s, SLICE_LITERAL("\""));
}

static void
tagged(struct imap *s, const char *answer, const char *text)
{
	imap_write(s, s->command.tag);
	imap_print(s, " %s %s\r\n", answer, text);
}

void
imap_ok(struct imap *s, const char *text)
{
	s->bad_commands = 0;
	tagged(s, "OK", text);
}

void
imap_no(struct imap *s, const char *text)
{
	tagged(s, "NO", text);
}

void
imap_bad(struct imap *s, const char *text)
{
	tagged(s, "BAD", text);
	if (++s->bad_commands >= BAD_COMMANDS_MAX)
		imap_bye(s, "too many commands in error");
}

void
imap_write_capabilities(struct imap *s)
{
	imap_print(s, "CAPABILITY");
	for (unsigned c = 0; c < IMAP_CAPABILITIES_LEN; c++) {
		if ((s->hidden & UINT64_C(1) << c) != 0)
			continue;
		imap_print(s, " %s",
		    imap_capability_name((enum imap_capability)c));
		if (c == CAPABILITY_APPENDLIMIT)
			imap_print(s, "=%llu", (unsigned long long)
			    imap_append_limit(s));
	}
}

void
imap_bye(struct imap *s, const char *text)
{
	if (s->finishing)
		return;
	imap_print(s, "* BYE %s\r\n", text);
	s->finishing = true;
	session_finish(&s->session);
}

static const struct {
	int		 error;
	const char	*text;
} refusals[] = {	/* codes: RFC 5530 */
	{ ENOENT, "[NONEXISTENT] there is no such mailbox" },
	{ EEXIST, "[ALREADYEXISTS] the mailbox exists already" },
	{ EINVAL, "[CANNOT] that is not possible here" },
	{ EROFS, "[READ-ONLY] the mailbox is open for reading only" },
	{ ENOSPC, "[OVERQUOTA] the disk is full" },
	{ EDQUOT, "[OVERQUOTA] the quota is used up" },
	{ EILSEQ, "[UNKNOWN-CTE] a part has an encoding that nobody knows" },
	{ EFBIG, "[LIMIT] that is too large" },
	{ ENOTSUP, "[CANNOT] a file of the mailbox has an unknown version" },
};

void
imap_no_errno(struct imap *s, int error)
{
	if (error == ESTALE) {
		imap_bye(s, "the mailbox was removed or replaced");
		return;
	}
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].error == error) {
			imap_no(s, refusals[i].text);
			return;
		}
	log_warning("command-failed", LOG_SID(s->session.id),
	    LOG_ERRNO(error));
	imap_no(s, "[UNAVAILABLE] that failed for now; the log says why");
}
