/*
 * The log: one logfmt line per event, written by one writer.
 *
 *	log_info("mail-accepted", LOG_QID(id), LOG_STR("from", reverse_path),
 *	    LOG_NUM("size", size));
 *
 * gives
 *
 *	time=2026-11-21T05:14:00.123Z stage=smtpd pid=71 level=info
 *	event=mail-accepted queue=00000000a1b2 from=a@example.org size=812
 *
 * on one line.  Values are data from strangers: what is not plain printable
 * ASCII is quoted and escaped (\" \\ \xHH), so no CR, LF, ESC or other control
 * ever gets through.  A line has at most LOG_LINE_MAX octets; what does not
 * fit is left out and the line ends in cut=yes.
 *
 * Writing never blocks.  A line that cannot be written is counted, and the
 * count is reported (event=log-lines-lost) before the first line that gets
 * through again.
 *
 * A process has one log: this is the one module with state of its own.  It is
 * not for several threads; a helper thread reports to its event loop.  The
 * process ignores SIGPIPE.
 */
#ifndef COMMON_LOG_LOG_H
#define COMMON_LOG_LOG_H

#include <stdint.h>

#include "common/slice/slice.h"

#define LOG_LINE_MAX	2048	/* octets of a line, its LF included */
#define LOG_VALUE_MAX	512	/* octets of one value, escapes included */

enum log_level {
	LEVEL_ERROR,	/* somebody must act */
	LEVEL_WARNING,	/* something is wrong that may pass by itself */
	LEVEL_NOTICE,	/* rare and worth knowing: start, stop, reload */
	LEVEL_INFO,	/* one event of the daily work */
	LEVEL_DEBUG
};

enum log_form {
	/* Plain lines to a pipe, a terminal or a file. */
	LOG_FORM_LINES,
	/* The same behind "<n>", which journald takes as the priority. */
	LOG_FORM_JOURNAL,
	/* One datagram per line as /dev/log takes it: "<pri>tag[pid]: ". */
	LOG_FORM_SYSLOG
};

enum log_type {
	LOG_TYPE_END,
	LOG_TYPE_TEXT,
	LOG_TYPE_UNSIGNED,
	LOG_TYPE_SIGNED,
	LOG_TYPE_ID,		/* hexadecimal, at least 12 digits */
	LOG_TYPE_ERRNO
};

/* One key and its value.  Made by the macros below, borrowed by the call. */
struct log_field {
	const char	*key;	/* a-z 0-9 - _ only; ours, never a peer's */
	enum log_type	 type;
	union {
		struct slice	text;
		uint64_t	number;
		int64_t		integer;
	};
};

/* A slice of anybody's octets. */
#define LOG_STR(k, s) \
	((struct log_field){ .key = (k), .type = LOG_TYPE_TEXT, .text = (s) })
/* A C string, from anybody as well; not NULL. */
#define LOG_CSTR(k, s) LOG_STR((k), slice_str(s))
#define LOG_NUM(k, n) ((struct log_field){ .key = (k), \
	.type = LOG_TYPE_UNSIGNED, .number = (n) })
#define LOG_INT(k, n) ((struct log_field){ .key = (k), \
	.type = LOG_TYPE_SIGNED, .integer = (n) })
#define LOG_BOOL(k, b) LOG_CSTR((k), (b) ? "yes" : "no")
/* Any 64-bit identifier, printed as the queue id is. */
#define LOG_ID(k, n) ((struct log_field){ .key = (k), \
	.type = LOG_TYPE_ID, .number = (n) })
#define LOG_QID(n) LOG_ID("queue", (n))
#define LOG_SID(n) LOG_ID("session", (n))
/* error="No space left on device", from an errno value. */
#define LOG_ERRNO(e) ((struct log_field){ .key = "error", \
	.type = LOG_TYPE_ERRNO, .integer = (e) })

#define LOG_END_ ((struct log_field){ .type = LOG_TYPE_END })
#define LOG_EVENT_(e) LOG_CSTR("event", (e))

/* event: a few words joined by hyphens, a constant of ours. */
#define log_at(level, event, ...) log_write((level), \
	(const struct log_field[]){ LOG_EVENT_(event), ##__VA_ARGS__, LOG_END_ })
#define log_error(event, ...) log_at(LEVEL_ERROR, event, ##__VA_ARGS__)
#define log_warning(event, ...) log_at(LEVEL_WARNING, event, ##__VA_ARGS__)
#define log_notice(event, ...) log_at(LEVEL_NOTICE, event, ##__VA_ARGS__)
#define log_info(event, ...) log_at(LEVEL_INFO, event, ##__VA_ARGS__)
#define log_debug(event, ...) log_at(LEVEL_DEBUG, event, ##__VA_ARGS__)

/*
 * Start the log of this process.  stage (a constant) names it in every line.
 * fd stays the caller's and must be non-blocking for LOG_FORM_LINES and
 * LOG_FORM_JOURNAL (a datagram is sent with MSG_DONTWAIT anyway).  Before
 * this call and with fd -1, lines are dropped.
 */
void log_open(const char *stage, int fd, enum log_form form);

/*
 * Go on with another descriptor, after the logger was restarted.  Returns the
 * former one, which is the caller's to close, or -1.
 */
int log_renew(int fd, enum log_form form);

/* Lines above this level are not written.  At first LEVEL_INFO. */
void log_level_set(enum log_level most);

/* Lines lost since the last one that got through. */
uint64_t log_lost(void);

/*
 * True when the last write met a dead logger (and not merely a full one), so
 * that a fresh descriptor is worth asking for.
 */
bool log_is_dead(void);

/* What log_at() calls: fields up to LOG_TYPE_END, the event first. */
void log_write(enum log_level level, const struct log_field *fields);

/*
 * The line itself, for tests and for who prints lines elsewhere: level, then
 * the fields, ending in LF.  Returns its length, at most size, which is at
 * least 128.  No NUL is added.
 */
size_t log_format(char *line, size_t size, enum log_level level,
    const struct log_field *fields);

#endif
