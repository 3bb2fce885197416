/*
 * Whole dialogues after login: a session as it runs, on a mailbox in a temporary
 * place, whose client says what the fuzzer says and then hangs up.  What comes
 * back must have whole lines, and no number of a message that the client has
 * not been told of.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imapd/session/session.h"
#include "imapd/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 16384, READ_SIZE = 16384 };

struct client {
	struct event	*event;
	int		 fd;
	char		*at;
	size_t		 len, size;
};

static bool over;

/* ---- in place of common/session ---- */

void
session_finish(struct session *s)
{
	stream_finish(s->stream, 0);
}

void
session_end(struct session *s)
{
	over = true;
	event_base_loopexit(s->stage.base, NULL);
}

/* ---- the owner's home ---- */

static const char *const messages[] = {
	"From: a@example.net\nTo: b@example.org\nSubject: one\n"
	"Message-ID: <1@example.net>\nDate: Mon, 2 Nov 2026 10:00:00 +0000\n\n"
	"Hello\n",
	"From: =?utf-8?q?=C3=A9?= <c@example.net>\nSubject: Re: one\n"
	"References: <1@example.net>\nMIME-Version: 1.0\n"
	"Content-Type: multipart/mixed; boundary=x\n\n--x\n\ntext\n--x\n"
	"Content-Type: message/rfc822\n\nSubject: inner\n\nbody\n--x\n"
	"Content-Type: application/octet-stream\n"
	"Content-Transfer-Encoding: base64\n\nAAECAwQ=\n--x--\n",
	"Subject: three\n\n\xe4\xf6\xfc without an end",
};

static void
put_message(const char *home, size_t n)
{
	static const char *const flags[] = { "S", "FRS", "Ta" };
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/Maildir/cur/%zu.M%zuP1.host:2,%s",
	    home, 1700000000 + n, n, flags[n]);
	f = fopen(path, "w");
	assert(f != NULL);
	fputs(messages[n], f);
	fclose(f);
}

enum { HOME_SIZE = 64 };

static void
home_make(char home[HOME_SIZE])
{
	static const char *const dirs[] = { "Maildir", "Maildir/cur",
		"Maildir/new", "Maildir/tmp" };

	/* In memory where there is such a place: a mailbox syncs a lot. */
	snprintf(home, HOME_SIZE, "%s/bulkhead-fuzz.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(home) == NULL)
		abort();
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		char path[160];

		snprintf(path, sizeof(path), "%s/%s", home, dirs[i]);
		if (mkdir(path, 0700) == -1)
			abort();
	}
	for (size_t n = 0; n < sizeof(messages) / sizeof(messages[0]); n++)
		put_message(home, n);
}

static int
remove_each(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* ---- the client ---- */

static void
on_readable(int fd, short what, void *arg)
{
	struct client *c = arg;
	ssize_t n;

	(void)what;
	if (c->size - c->len < READ_SIZE) {
		c->size = 2 * c->size + READ_SIZE;
		c->at = realloc(c->at, c->size);
		assert(c->at != NULL);
	}
	n = recv(fd, c->at + c->len, READ_SIZE, MSG_DONTWAIT);
	if (n > 0)
		c->len += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		event_del(c->event);
}

/* "...{12}": 12; SIZE_MAX: it announces nothing. */
static size_t
literal_of(const char *line, size_t len)
{
	size_t at = len - 1;

	if (len < 3 || line[at] != '}')
		return SIZE_MAX;
	while (at > 0 && line[at - 1] >= '0' && line[at - 1] <= '9')
		at--;
	return at > 0 && line[at - 1] == '{' && at < len - 1 ?
	    strtoul(line + at, NULL, 10) : SIZE_MAX;
}

/* Numbers are those that the client was told of, and no others. */
static void
check_response(const char *line, unsigned long *count)
{
	char *word;
	unsigned long n;

	assert(strncmp(line, "* ", 2) == 0 || strncmp(line, "+ ", 2) == 0 ||
	    strchr(line, ' ') != NULL);
	n = strtoul(line + 2, &word, 10);
	if (line[0] != '*' || word == line + 2)
		return;
	if (strncmp(word, " EXISTS", 7) == 0)
		*count = n;
	else if (strncmp(word, " FETCH", 6) == 0)
		assert(n >= 1 && n <= *count);
	else if (strncmp(word, " EXPUNGE", 8) == 0)
		assert(n >= 1 && n <= (*count)--);
}

static void
check_output(const struct client *c)
{
	unsigned long count = 0;
	size_t at = 0, literal = SIZE_MAX;
	char *lf;

	while ((lf = memchr(c->at + at, '\n', c->len - at)) != NULL) {
		char *line = c->at + at;
		size_t len = (size_t)(lf - line);

		assert(len > 0 && lf[-1] == '\r');
		lf[-1] = '\0';
		if (memchr(line, '\0', len - 1) != NULL)
			abort();
		/* What was found out by other ways than EXPUNGE. */
		if (strncmp(line, "* VANISHED", 10) == 0)
			return;
		if (literal == SIZE_MAX)
			check_response(line, &count);
		literal = literal_of(line, len - 1);
		at += len + 1;
		if (literal != SIZE_MAX && literal > c->len - at)
			return;		/* he hung up meanwhile */
		if (literal != SIZE_MAX)
			at += literal;
	}
}

/* ---- a dialogue ---- */

static const void *
standard_settings(void)
{
	static struct settings *standard;
	struct settings_errors errors = { 0 };

	if (standard == NULL)
		standard = settings_parse(&imapd_schema, slice_of("", 0),
		    &errors);
	assert(standard != NULL);
	return settings_values(standard);
}

static void
converse(struct imap *s, struct client *c, const uint8_t *data, size_t size)
{
	struct session *session = &s->session;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
		abort();
	session->stage.base = event_base_new();
	session->loop = stream_loop_new(session->stage.base, READ_SIZE);
	session->stream = stream_new(session->loop, fds[0],
	    imap_session_program.kind, s);
	*c = (struct client){ .fd = fds[1] };
	c->event = event_new(session->stage.base, fds[1], EV_READ | EV_PERSIST,
	    on_readable, c);
	event_add(c->event, NULL);
	if (send(fds[1], data, size, 0) != (ssize_t)size)
		abort();
	shutdown(fds[1], SHUT_WR);
	imap_session_program.begin(s, session);
	while (!over)
		event_base_dispatch(session->stage.base);
	stream_free(session->stream);
	on_readable(fds[1], 0, c);
	event_free(c->event);
	close(fds[1]);
	stream_loop_free(session->loop);
	event_base_free(session->stage.base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap s = { .session = { .id = 1, .tag = "a0",
	    .user = "u@example.org", .values = standard_settings() } };
	struct client c;
	char home[HOME_SIZE];

	if (size == 0 || size > INPUT_MAX)
		return 0;
	home_make(home);
	s.session.home_fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	over = false;
	converse(&s, &c, data, size);
	if (memmem(c.at, c.len, "it is deflated", 14) == NULL)
		check_output(&c);
	free(c.at);
	free(s.buffer.at);	/* it goes with the process */
	close(s.session.home_fd);
	nftw(home, remove_each, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
