/* SMTP, command by command, over a Unix socket.  See client.h. */
#include "bulkhead/sendmail/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int
timeout_set(int fd, unsigned seconds)
{
	struct timeval t = { .tv_sec = (time_t)seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == -1)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

int
client_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(to.sun_path, path, strlen(path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (timeout_set(fd, CLIENT_TIMEOUT_S) == -1 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* The connection is of no more use; why is for people. */
static int
broken(struct client *c, const char *why)
{
	c->code = 0;
	snprintf(c->text, sizeof(c->text), "%s", why);
	return -1;
}

static int
flush(struct client *c)
{
	size_t done = 0;
	ssize_t n;

	while (done < c->out_len) {
		n = send(c->fd, c->out + done, c->out_len - done, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return broken(c, "the suite closed the connection");
		done += (size_t)n;
	}
	c->out_len = 0;
	return 0;
}

int
client_put(struct client *c, struct slice s)
{
	while (s.len > 0) {
		size_t n = sizeof(c->out) - c->out_len;

		if (n > s.len)
			n = s.len;
		memcpy(c->out + c->out_len, s.at, n);
		c->out_len += n;
		s = slice_skip(s, n);
		if (c->out_len == sizeof(c->out) && flush(c) == -1)
			return -1;
	}
	return 0;
}

/* A line without its end, at most CLIENT_REPLY_LINE_MAX; valid until next. */
static int
reply_line(struct client *c, struct slice *line)
{
	for (;;) {
		size_t have = c->in_to - c->in_from;
		char *lf = memchr(c->in + c->in_from, '\n', have);
		ssize_t n;

		if (lf != NULL) {
			size_t len = (size_t)(lf - (c->in + c->in_from));

			*line = slice_of(c->in + c->in_from, len);
			if (len > 0 && line->at[len - 1] == '\r')
				line->len--;
			c->in_from += len + 1;
			return 0;
		}
		memmove(c->in, c->in + c->in_from, have);
		c->in_from = 0;
		c->in_to = have;
		if (have == sizeof(c->in))
			return broken(c, "a reply line is too long");
		n = recv(c->fd, c->in + have, sizeof(c->in) - have, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return broken(c, "the suite does not answer");
		if (n == 0)
			return broken(c, "the suite closed the connection");
		c->in_to += (size_t)n;
	}
}

static void
keep_text(struct client *c, struct slice text)
{
	size_t n = text.len < sizeof(c->text) ? text.len : sizeof(c->text) - 1;

	for (size_t i = 0; i < n; i++)
		c->text[i] = text.at[i] >= ' ' && text.at[i] < 0x7f ?
		    text.at[i] :
		    '?';
	c->text[n] = '\0';
}

/* A line of the reply to EHLO, or of another. */
static void
note_extension(struct client *c, struct slice keyword)
{
	if (slice_equal_nocase(keyword, SLICE_LITERAL("8BITMIME")))
		c->eightbitmime = true;
	if (slice_equal_nocase(keyword, SLICE_LITERAL("SMTPUTF8")))
		c->smtputf8 = true;
}

/* A whole reply, of one line or several (RFC 5321 section 4.2.1). */
static int
reply(struct client *c)
{
	unsigned long long code;
	struct slice line;

	for (unsigned i = 0; i < CLIENT_REPLY_LINES_MAX; i++) {
		if (reply_line(c, &line) == -1)
			return 0;
		if (line.len < 3 ||
		    slice_number(slice_of(line.at, 3), 599, &code) == -1 ||
		    code < 200) {
			broken(c, "the suite does not speak SMTP");
			return 0;
		}
		keep_text(c, line);
		note_extension(c, slice_skip(line, line.len < 4 ? 3 : 4));
		if (line.len == 3 || line.at[3] == ' ')
			return c->code = (int)code;
	}
	broken(c, "a reply has too many lines");
	return 0;
}

int
client_finish(struct client *c)
{
	return flush(c) == -1 ? 0 : reply(c);
}

int
client_command(struct client *c, const char *format, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line) - 2, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) - 2) {
		broken(c, "a command line would be too long");
		return 0;
	}
	memcpy(line + n, "\r\n", 2);
	if (client_put(c, slice_of(line, (size_t)n + 2)) == -1)
		return 0;
	return client_finish(c);
}

int
client_open(struct client *c, const char *path, unsigned wait_s)
{
	char why[300];

	*c = (struct client){ .fd = client_connect(path) };
	if (c->fd == -1) {
		snprintf(why, sizeof(why), "%s: %s", path, strerror(errno));
		return broken(c, why);
	}
	if (timeout_set(c->fd, wait_s > 0 ? wait_s : 1) == 0 &&
	    reply(c) == 220 && client_command(c, "EHLO localhost") == 250 &&
	    timeout_set(c->fd, CLIENT_TIMEOUT_S) == 0)
		return 0;
	client_close(c);
	return -1;
}

void
patience_init(struct patience *p, unsigned wait_s)
{
	clock_gettime(CLOCK_MONOTONIC, &p->until);
	p->until.tv_sec += (time_t)wait_s;
	p->pause_ns = 20 * 1000 * 1000;
}

bool
patience_left(struct patience *p)
{
	struct timespec now, pause = { .tv_nsec = p->pause_ns };

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec > p->until.tv_sec ||
	    (now.tv_sec == p->until.tv_sec && now.tv_nsec >= p->until.tv_nsec))
		return false;
	nanosleep(&pause, NULL);
	if (p->pause_ns < 400 * 1000 * 1000)
		p->pause_ns *= 2;
	return true;
}

void
client_close(struct client *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}
