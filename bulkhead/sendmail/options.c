/*
 * The command line.  The options of thirty years of sendmails: a table says
 * which of them mean something here, and which only take an argument with
 * them when they are ignored.
 */
#include "bulkhead/sendmail/sendmail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

struct reading {
	struct sendmail_options	*o;
	int			 argc, at;
	char			**argv;
	const char		*rest;	/* of this word, behind the letter */
};

typedef int option_handler(struct reading *, const char *argument);

enum argument { NONE, ATTACHED, NEEDED };

struct option_row {
	char		 letter;
	enum argument	 argument;	/* ATTACHED: only in the same word */
	option_handler	*handle;	/* NULL: ignored */
};

static int
usage(const char *what, const char *word)
{
	return sendmail_fail(EX_USAGE, "%s: %s; see sendmail(1)", word, what);
}

static int
do_mode(struct reading *r, const char *argument)
{
	static const struct {
		char			letter;
		enum sendmail_mode	mode;
	} modes[] = {
		{ 'm', MODE_SUBMIT }, { 's', MODE_SMTP },
		{ 'p', MODE_QUEUE_LIST }, { 'i', MODE_NEWALIASES },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (argument[0] == modes[i].letter && argument[1] == '\0') {
			r->o->mode = modes[i].mode;
			return 0;
		}
	if (strcmp(argument, "d") == 0 || strcmp(argument, "D") == 0)
		return usage("the daemons are started by `bulkhead start`",
		    r->argv[r->at]);
	return usage("there is no such mode", r->argv[r->at]);
}

static int
do_body(struct reading *r, const char *argument)
{
	if (strcasecmp(argument, "7BIT") == 0)
		r->o->seven_bit = true;
	else if (strcasecmp(argument, "8BITMIME") != 0)
		return usage("a body is 7BIT or 8BITMIME", r->argv[r->at]);
	return 0;
}

static int
do_config(struct reading *r, const char *argument)
{
	r->o->config_dir = argument;
	return 0;
}

static int
do_reverse_path(struct reading *r, const char *argument)
{
	r->o->reverse_path = argument;
	return 0;
}

static int
do_full_name(struct reading *r, const char *argument)
{
	r->o->full_name = argument;
	return 0;
}

static int
do_dot(struct reading *r, const char *argument)
{
	(void)argument;
	r->o->dot_is_text = true;
	return 0;
}

static int
do_header(struct reading *r, const char *argument)
{
	(void)argument;
	r->o->recipients_in_header = true;
	return 0;
}

/* -oi and -ot are -i and -t; the others belong to other programs' queues. */
static int
do_short_setting(struct reading *r, const char *argument)
{
	if (strcmp(argument, "i") == 0)
		r->o->dot_is_text = true;
	else if (strcmp(argument, "t") == 0)
		r->o->recipients_in_header = true;
	return 0;
}

/* -q and -q30m: run the queue now; an interval has no meaning here. */
static int
do_queue(struct reading *r, const char *argument)
{
	(void)argument;
	r->o->mode = MODE_QUEUE_FLUSH;
	return 0;
}

static const struct option_row rows[] = {
	{ 'b', NEEDED,   do_mode },
	{ 'B', NEEDED,   do_body },
	{ 'C', NEEDED,   do_config },
	{ 'f', NEEDED,   do_reverse_path },
	{ 'r', NEEDED,   do_reverse_path },
	{ 'F', NEEDED,   do_full_name },
	{ 'i', NONE,     do_dot },
	{ 't', NONE,     do_header },
	{ 'o', ATTACHED, do_short_setting },
	{ 'q', ATTACHED, do_queue },
	{ 'A', NEEDED,   NULL },	/* -Am, -Ac: another's configuration */
	{ 'G', NONE,     NULL },	/* gateway submission */
	{ 'h', NEEDED,   NULL },	/* hop count */
	{ 'L', NEEDED,   NULL },	/* tag of log lines */
	{ 'm', NONE,     NULL },	/* send to me too */
	{ 'N', NEEDED,   NULL },	/* delivery status notifications */
	{ 'n', NONE,     NULL },	/* no aliasing */
	{ 'O', NEEDED,   NULL },	/* name=value of another's settings */
	{ 'p', NEEDED,   NULL },	/* protocol and host of the source */
	{ 'R', NEEDED,   NULL },	/* what a report returns */
	{ 'U', NONE,     NULL },	/* first submission */
	{ 'V', NEEDED,   NULL },	/* envelope id */
	{ 'v', NONE,     NULL },	/* verbose */
	{ 'X', NEEDED,   NULL },	/* traffic log */
};

static const struct option_row *
row_of(char letter)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

/* One word of options: letters without argument may stand together. */
static int
one_word(struct reading *r)
{
	const char *word = r->argv[r->at], *argument;
	int status = 0;

	r->rest = word + 1;
	while (status == 0 && *r->rest != '\0') {
		const struct option_row *row = row_of(*r->rest++);

		if (row == NULL)
			return usage("there is no such option", word);
		argument = "";
		if (row->argument != NONE) {
			argument = r->rest;
			r->rest = "";
		}
		if (row->argument == NEEDED && *argument == '\0') {
			if (r->at + 1 == r->argc)
				return usage("its argument is missing", word);
			argument = r->argv[++r->at];
		}
		if (row->handle != NULL)
			status = row->handle(r, argument);
	}
	return status;
}

static int
name_decides(struct sendmail_options *o, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;

	o->mode = MODE_SUBMIT;
	if (strcmp(name, "mailq") == 0)
		o->mode = MODE_QUEUE_LIST;
	else if (strcmp(name, "newaliases") == 0)
		o->mode = MODE_NEWALIASES;
	return 0;
}

int
sendmail_options_parse(struct sendmail_options *o, int argc, char *argv[])
{
	struct reading r = { .o = o, .argc = argc, .at = 1, .argv = argv };
	int status;

	*o = (struct sendmail_options){
		.config_dir = BULKHEAD_SYSCONFDIR,
	};
	name_decides(o, argc > 0 ? argv[0] : "sendmail");
	for (; r.at < argc; r.at++) {
		if (strcmp(argv[r.at], "--") == 0) {
			r.at++;
			break;
		}
		if (argv[r.at][0] != '-' || argv[r.at][1] == '\0')
			break;
		if ((status = one_word(&r)) != 0)
			return status;
	}
	for (; r.at < argc; r.at++)
		if (address_list_add(&o->recipients, slice_str(argv[r.at])) ==
		    -1)
			return sendmail_fail(EX_USAGE,
			    "more recipients than the %d of one message",
			    SENDMAIL_RECIPIENTS_MAX);
	return 0;
}
