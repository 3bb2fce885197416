/*
 * The text of a ~/.forward file: one or more targets, separated by commas or
 * line ends, as sendmail and Postfix have them.
 *
 *	# a comment, to the end of its line
 *	alice@example.com, "Bob" <bob@example.net>
 *	\alice				one's own mailbox
 *	"|/usr/bin/vacation alice"	a program; quoted when it has a comma
 *	|/usr/bin/filter -x		the same, to the end of the line
 *	/home/alice/mbox		a file, in mbox form
 *	:include:/home/alice/friends	more targets, from a file
 *
 * Inside double quotes a backslash takes the next character as it is.  A
 * control character anywhere but tab and line end makes the file bad.
 */
#ifndef LOCAL_DELIVERY_RUNNER_FORWARD_FILE_H
#define LOCAL_DELIVERY_RUNNER_FORWARD_FILE_H

#include "common/slice/slice.h"

enum {
	FORWARD_FILE_MAX = 64 * 1024,	/* octets of such a file */
	FORWARD_TEXT_MAX = 4096		/* octets of one target */
};

enum forward_kind {
	FORWARD_ADDRESS,
	FORWARD_OWN,		/* text: the user behind the backslash */
	FORWARD_PROGRAM,	/* text: the command, without the bar */
	FORWARD_MBOX,		/* text: the path */
	FORWARD_INCLUDE		/* text: the path */
};

struct forward_target {
	enum forward_kind kind;
	unsigned	 line;		/* where it begins, from 1 */
	struct slice	 text;		/* points into the reader */
};

enum forward_step {
	FORWARD_TARGET,		/* the next target is set */
	FORWARD_END,
	FORWARD_BAD		/* line and why say what is wrong */
};

struct forward_reader {
	struct slice	 in;		/* what is left */
	unsigned	 line;
	const char	*why;		/* FORWARD_BAD: a constant */
	char		 text[FORWARD_TEXT_MAX];
};

/* in is borrowed until the last step. */
void forward_reader_init(struct forward_reader *, struct slice in);
/* After FORWARD_END or FORWARD_BAD there is nothing more to ask. */
enum forward_step forward_next(struct forward_reader *,
    struct forward_target *);
/* What a target that stands alone, as in a table, is; 0 or -1. */
int forward_classify(struct slice text, struct forward_target *);

#endif
