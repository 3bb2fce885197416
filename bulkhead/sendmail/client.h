/* The client's side of SMTP on the injection socket. */
#ifndef BULKHEAD_SENDMAIL_CLIENT_H
#define BULKHEAD_SENDMAIL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/slice/slice.h"

enum {
	CLIENT_REPLY_LINE_MAX = 2048,	/* octets; ours are far shorter */
	CLIENT_REPLY_LINES_MAX = 64,
	CLIENT_TIMEOUT_S = 600		/* RFC 5321 section 4.5.3.2.6 */
};

struct client {
	int	fd;
	/* Offered in the reply to EHLO. */
	bool	eightbitmime, smtputf8;
	int	code;			/* of the last reply; 0: none came */
	char	text[512];		/* its last line, printable, or why
					 * there is none */
	size_t	in_from, in_to, out_len;
	char	in[CLIENT_REPLY_LINE_MAX];
	char	out[32768];
};

/*
 * Connect and greet: connection, 220, EHLO, 250.  A suite that hangs looks
 * like one that is down: it has wait_s seconds (at least 1) to greet.
 * Returns 0, or -1 with code and reason in text; the client is closed then.
 */
int client_open(struct client *, const char *socket_path, unsigned wait_s);
void client_close(struct client *);

/*
 * Send one command (its CRLF is added) and read the reply.  Returns the reply
 * code, or 0 when the connection failed; code and text say more.
 */
int client_command(struct client *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Text after 354, as it is.  -1 when the connection failed. */
int client_put(struct client *, struct slice);
/* Send what client_put keeps, and read one reply; as client_command. */
int client_finish(struct client *);

/* How long to try again. */
struct patience {
	struct timespec	until;		/* monotonic */
	long		pause_ns;	/* doubles, up to less than a second */
};

void patience_init(struct patience *, unsigned wait_s);
/* Pause, and true; or at once false, when the time is over. */
bool patience_left(struct patience *);

/* A connected socket with CLIENT_TIMEOUT_S, or -1 with errno. */
int client_connect(const char *socket_path);

#endif
