#include "common/log/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TAIL " cut=yes\n"
#define TAIL_LEN (sizeof(TAIL) - 1)
#define FACILITY_MAIL (2 << 3) /* RFC 5424 table 1 */

static const struct {
	const char *name;
	int severity; /* RFC 5424 table 2 */
} levels[] = {
	[LEVEL_ERROR] = { "error", 3 },
	[LEVEL_WARNING] = { "warning", 4 },
	[LEVEL_NOTICE] = { "notice", 5 },
	[LEVEL_INFO] = { "info", 6 },
	[LEVEL_DEBUG] = { "debug", 7 },
};

/* The process's one log; see log.h. */
static struct {
	const char *stage;
	int fd;
	enum log_form form;
	enum log_level most;
	pid_t pid;
	uint64_t lost;
	bool dead;
	bool torn; /* half a line went out: begin with LF */
} the_log = { .stage = "", .fd = -1, .most = LEVEL_INFO };

/* A line being made.  Room for the tail is always kept. */
struct line {
	char *at;
	size_t len;
	size_t room; /* greatest len before the tail */
	bool cut;
};

static bool
line_add(struct line *l, const char *at, size_t len)
{
	if (l->cut || len > l->room - l->len) {
		l->cut = true;
		return false;
	}
	memcpy(l->at + l->len, at, len);
	l->len += len;
	return true;
}

static bool
plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
			return false;
	}
	return s.len > 0;
}

/* One octet as it stands between quotes; returns its length, at most 4. */
static size_t
escape(unsigned char c, char out[4])
{
	static const char hex[] = "0123456789abcdef";

	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	if (c >= ' ' && c < 0x7f) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = 'x';
	out[2] = hex[c >> 4];
	out[3] = hex[c & 15];
	return 4;
}

/* A value over LOG_VALUE_MAX ends in "..." inside its quotes. */
static void
add_text(struct line *l, struct slice s)
{
	char value[LOG_VALUE_MAX];
	size_t n = 0;

	if (plain(s) && s.len <= LOG_VALUE_MAX) {
		line_add(l, s.at, s.len);
		return;
	}
	value[n++] = '"';
	for (size_t i = 0; i < s.len; i++) {
		char out[4];
		size_t len = escape((unsigned char)s.at[i], out);

		if (n + len > sizeof(value) - 4) {
			memset(value + n, '.', 3);
			n += 3;
			break;
		}
		memcpy(value + n, out, len);
		n += len;
	}
	value[n++] = '"';
	line_add(l, value, n);
}

static void
add_value(struct line *l, const struct log_field *f)
{
	char digits[32];
	int n = 0;

	switch (f->type) {
	case LOG_TYPE_TEXT:
		add_text(l, f->text);
		return;
	case LOG_TYPE_ERRNO: {
		/* Never translated, and no file is opened for it. */
		const char *text = strerrordesc_np((int)f->integer);

		if (text != NULL) {
			add_text(l, slice_str(text));
			return;
		}
		n = snprintf(
		    digits, sizeof(digits), "errno-%" PRId64, f->integer);
		break;
	}
	case LOG_TYPE_UNSIGNED:
		n = snprintf(digits, sizeof(digits), "%" PRIu64, f->number);
		break;
	case LOG_TYPE_SIGNED:
		n = snprintf(digits, sizeof(digits), "%" PRId64, f->integer);
		break;
	case LOG_TYPE_ID:
		n = snprintf(digits, sizeof(digits), "%012" PRIx64, f->number);
		break;
	case LOG_TYPE_END:
		break;
	}
	line_add(l, digits, (size_t)n);
}

/* A field is in the line whole or not at all. */
static void
add_field(struct line *l, const struct log_field *f)
{
	size_t before = l->len;

	assert(
	    f->key[strspn(f->key, "abcdefghijklmnopqrstuvwxyz0123456789-_")] ==
	    '\0');
	if (l->len > 0)
		line_add(l, " ", 1);
	line_add(l, f->key, strlen(f->key));
	line_add(l, "=", 1);
	add_value(l, f);
	if (l->cut)
		l->len = before;
}

static size_t
line_end(struct line *l)
{
	const char *tail = l->cut ? TAIL : "\n";

	memcpy(l->at + l->len, tail, strlen(tail));
	return l->len + strlen(tail);
}

static void
add_fields(struct line *l, enum log_level level, const struct log_field *f)
{
	add_field(l, &LOG_CSTR("level", levels[level].name));
	for (; f->type != LOG_TYPE_END && !l->cut; f++)
		add_field(l, f);
}

size_t
log_format(
    char *at, size_t size, enum log_level level, const struct log_field *fields)
{
	struct line l = { .at = at, .room = size - TAIL_LEN };

	assert(size >= 128);
	add_fields(&l, level, fields);
	return line_end(&l);
}

/*
 * RFC 3339 in UTC, by arithmetic: glibc's gmtime_r() opens /etc/localtime at
 * its first call, which a jailed process must not.
 */
static int
format_time(char *to, size_t size, const struct timespec *now)
{
	int64_t days = now->tv_sec / 86400, rest = now->tv_sec % 86400;
	/* Days since 0000-03-01, so that a leap day ends its year. */
	int64_t z = days + 719468, era = z / 146097, doe = z % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int day = (int)(doy - (153 * mp + 2) / 5 + 1);
	int month = (int)(mp < 10 ? mp + 3 : mp - 9);
	int year = (int)(yoe + era * 400 + (month <= 2));

	return snprintf(to, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year,
	    month, day, (int)(rest / 3600), (int)(rest / 60 % 60),
	    (int)(rest % 60), (int)(now->tv_nsec / 1000000));
}

/*
 * What comes before the fields.  The datagram carries no time: journald,
 * rsyslog and syslog-ng stamp it when they receive it, and the old form has
 * neither year nor zone.
 */
static void
add_head(struct line *l, enum log_level level)
{
	char head[128], when[40];
	struct timespec now;
	int severity = levels[level].severity, n;

	if (the_log.form == LOG_FORM_SYSLOG) {
		n = snprintf(head, sizeof(head),
		    "<%d>bulkhead-%s[%d]:", FACILITY_MAIL | severity,
		    the_log.stage, (int)the_log.pid);
		line_add(l, head, (size_t)n);
		return;
	}
	if (the_log.torn)
		line_add(l, "\n", 1);
	if (the_log.form == LOG_FORM_JOURNAL) {
		n = snprintf(head, sizeof(head), "<%d>", severity);
		line_add(l, head, (size_t)n);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	format_time(when, sizeof(when), &now);
	n = snprintf(head, sizeof(head), "time=%s stage=%s pid=%d", when,
	    the_log.stage, (int)the_log.pid);
	line_add(l, head, (size_t)n);
}

static int
put_datagram(const char *at, size_t len)
{
	/* Without the LF: a datagram has an end of its own. */
	struct iovec iov = { .iov_base = (void *)(uintptr_t)at,
		.iov_len = len - 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	return sendmsg(the_log.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == -1 ? -1
									  : 0;
}

static int
put_line(const char *at, size_t len)
{
	ssize_t n = write(the_log.fd, at, len);

	if (n == (ssize_t)len) {
		the_log.torn = false;
		return 0;
	}
	if (n > 0) {
		the_log.torn = true;
		errno = EAGAIN;
	}
	return -1;
}

static int
put(enum log_level level, const struct log_field *fields)
{
	char at[LOG_LINE_MAX];
	struct line l = { .at = at, .room = sizeof(at) - TAIL_LEN };
	int r;

	add_head(&l, level);
	add_fields(&l, level, fields);
	do {
		size_t len = line_end(&l);

		r = the_log.form == LOG_FORM_SYSLOG ? put_datagram(at, len)
						    : put_line(at, len);
	} while (r == -1 && errno == EINTR);
	the_log.dead = r == -1 && errno != EAGAIN && errno != ENOBUFS;
	return r;
}

void
log_write(enum log_level level, const struct log_field *fields)
{
	int saved = errno;

	if (level > the_log.most || the_log.fd == -1)
		return;
	if (the_log.lost > 0) {
		const struct log_field lost[] = { LOG_EVENT_("log-lines-lost"),
			LOG_NUM("lost", the_log.lost), LOG_END_ };

		if (put(LEVEL_WARNING, lost) == 0)
			the_log.lost = 0;
	}
	/* No line overtakes the report of those before it. */
	if (the_log.lost > 0 || put(level, fields) == -1)
		the_log.lost++;
	errno = saved;
}

void
log_open(const char *stage, int fd, enum log_form form)
{
	assert(strlen(stage) <= 40);
	the_log.stage = stage;
	the_log.pid = getpid();
	the_log.lost = 0;
	log_renew(fd, form);
}

int
log_renew(int fd, enum log_form form)
{
	int former = the_log.fd;

	the_log.fd = fd;
	the_log.form = form;
	the_log.dead = false;
	the_log.torn = false;
	return former;
}

void
log_level_set(enum log_level most)
{
	the_log.most = most;
}

uint64_t
log_lost(void)
{
	return the_log.lost;
}

bool
log_is_dead(void)
{
	return the_log.dead;
}
