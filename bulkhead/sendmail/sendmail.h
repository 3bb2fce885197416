/*
 * sendmail(1): what the files of this program share.
 *
 * One program under three names: sendmail hands a message from its standard
 * input to the suite's injection socket, mailq shows the queue, newaliases
 * has nothing to do.  It runs as the caller, is never set-id, and keeps
 * nothing: its exit status says whether the suite took the message.
 */
#ifndef BULKHEAD_SENDMAIL_SENDMAIL_H
#define BULKHEAD_SENDMAIL_SENDMAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slice/slice.h"

enum {
	SENDMAIL_RECIPIENTS_MAX = 10000,
	SENDMAIL_HEADER_MAX = 1024 * 1024,	/* octets of header section */
	SENDMAIL_ADDRESS_MAX = 320		/* local-part @ domain */
};

enum sendmail_mode {
	MODE_SUBMIT,		/* -bm: a message on standard input */
	MODE_SMTP,		/* -bs: the client speaks SMTP itself */
	MODE_QUEUE_LIST,	/* -bp, mailq */
	MODE_QUEUE_FLUSH,	/* -q */
	MODE_NEWALIASES		/* -bi, newaliases */
};

/* Addresses, each a string of its own on the heap. */
struct address_list {
	char	**at;
	size_t	  count;
};

/* Append a copy.  -1 when memory is short or the list is full (ENOBUFS). */
int address_list_add(struct address_list *, struct slice);
void address_list_clear(struct address_list *);

/* What the command line asks for; strings point into argv. */
struct sendmail_options {
	enum sendmail_mode	 mode;
	const char		*config_dir;	/* -C, or the built-in one */
	const char		*reverse_path;	/* -f, -r; NULL: the caller */
	const char		*full_name;	/* -F, or NULL */
	bool			 recipients_in_header;	/* -t */
	bool			 dot_is_text;	/* -i, -oi */
	bool			 seven_bit;	/* -B7BIT */
	struct address_list	 recipients;
};

/*
 * Read the command line.  Returns 0, or EX_USAGE with a sentence on standard
 * error.  Options of other sendmails that change nothing here are taken and
 * ignored: see sendmail(1).
 */
int sendmail_options_parse(struct sendmail_options *, int argc, char *argv[]);

/* What the configuration says; strings on the heap. */
struct sendmail_site {
	char		*socket_path;	/* the injection socket */
	char		*domain;	/* for addresses without one */
	unsigned	 wait_s;	/* for a suite that is down */
};

/*
 * Run the mode MODE_SUBMIT or MODE_SMTP; an exit status of <sysexits.h>.
 * The reason for any but 0 has been printed.
 */
int sendmail_submit(const struct sendmail_options *,
    const struct sendmail_site *);
int sendmail_smtp(const struct sendmail_site *);

/* "sendmail: " and one line on standard error; returns status. */
int sendmail_fail(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
