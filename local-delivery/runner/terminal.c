/*
 * SEND, SOML and SAML (RFC 821 section 3.4): the message goes to the terminals
 * on which this user is logged in.  Only to those that are the user's own
 * and take messages (mesg(1)), without waiting for any of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/mailbox/deliver_content.h"
#include "common/terminals/logins.h"
#include "local-delivery/runner/runner.h"
#include "local-delivery/runner/terminal_text.h"

enum { SEEN_MAX = 32 * 1024, TERMINALS_MAX = 32 };

struct seen {
	size_t	len;
	char	at[SEEN_MAX];
};

/* The beginning of it: what is behind that is not shown. */
static int
keep(void *ctx, const char *octets, size_t len)
{
	struct seen *s = ctx;

	if (len > SEEN_MAX - s->len)
		len = SEEN_MAX - s->len;
	if (len > 0)
		memcpy(s->at + s->len, octets, len);
	s->len += len;
	return 0;
}

/* -1: not one that may be written to. */
static int
open_terminal(const char *line)
{
	char path[LOGIN_TEXT + 8];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", line);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISCHR(st.st_mode) ||
	    st.st_uid != getuid() || (st.st_mode & S_IWGRP) == 0 ||
	    !isatty(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
show(const char *line, const char *text, size_t len)
{
	int fd = open_terminal(line);
	ssize_t n;

	if (fd == -1)
		return false;
	/* One that does not take all of it at once is not waited for, and
	 * has not had the message. */
	n = write(fd, text, len);
	close(fd);
	return n == (ssize_t)len;
}

unsigned
terminal_show(const struct task *t)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	char *text = malloc(TERMINAL_TEXT_MAX);
	unsigned shown = 0, tried = 0, at = 0;
	struct login l;
	size_t len;
	int fd = open(t->rn->utmp, O_RDONLY | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);

	if (seen != NULL && text != NULL && fd != -1 &&
	    content_render(&t->ask.delivery, t->fd, keep, seen) == 0) {
		len = terminal_text(slice_of(seen->at, seen->len),
		    t->ask.delivery.reverse_path, text);
		while (tried < TERMINALS_MAX && login_next(fd, &at, &l)) {
			if (strcmp(l.name, t->rn->user.name) != 0)
				continue;
			tried++;
			shown += show(l.line, text, len);
		}
	}
	if (fd != -1)
		close(fd);
	free(seen);
	free(text);
	log_info("terminals", LOG_QID(t->ask.delivery.queue_id),
	    LOG_CSTR("user", t->rn->user.name), LOG_NUM("logged-in", tried),
	    LOG_NUM("shown", shown));
	return shown;
}
