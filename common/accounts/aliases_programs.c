/*
 * Programs and files as targets of aliases: "|/usr/bin/filter -x" and
 * /var/mail/archive.  They are run and written by a user of their own (see
 * programs_user in bulkhead.conf(5)), never here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/aliases_private.h"
#include "common/accounts/command_line.h"
#include "common/accounts/username.h"

_Static_assert(ALIASES_PROGRAM_MAX < USERNAME_UNQUOTED_SIZE,
    "the final address of a program can be taken apart");

bool
aliases_is_program(struct slice text)
{
	if (text.len > 1 && text.at[0] == '"')
		text = slice_skip(text, 1);
	return text.len > 0 && (text.at[0] == '|' || text.at[0] == '/');
}

size_t
aliases_quoted_len(struct slice list)
{
	const char *end = memchr(list.at + 1, '"', list.len - 1);

	return end == NULL ? list.len : (size_t)(end - list.at) + 1;
}

/* What is in the quotes, if there are any; -1: they do not end at the end.
 * The text stays as it is: a list may be read more than once. */
static int
unquote(struct slice *text)
{
	if (text->at[0] != '"')
		return 0;
	if (aliases_quoted_len(*text) != text->len ||
	    text->at[text->len - 1] != '"' || text->len < 2)
		return -1;
	*text = slice_of(text->at + 1, text->len - 2);
	return 0;
}

static int
check_command(struct slice text, unsigned line, struct table_error *err)
{
	struct slice command = table_trim(slice_skip(text, 1));
	char room[2 * ALIASES_PROGRAM_MAX + 2], what[160];
	struct command_line split;
	enum command_fault fault;

	fault = command_line_split(command, &split, room, sizeof(room));
	if (fault != COMMAND_OK) {
		snprintf(what, sizeof(what), "%s", command_fault_text(fault));
		return table_error_quote(err, line, text, what);
	}
	if (split.argv[0][0] != '/')
		return table_error_quote(err, line, text, "write the program "
		    "with its whole path, \"|/usr/bin/...\"");
	return 0;
}

static int
check_text(struct slice text, bool quoted, unsigned line,
    struct table_error *err)
{
	if (text.len > ALIASES_PROGRAM_MAX)
		return table_error_quote(err, line, text, "longer than 128 "
		    "octets; put it into a script, and name that");
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < ' ' || text.at[i] > '~')
			return table_error_quote(err, line, text, "not "
			    "printable ASCII; put it into a script, and name "
			    "that");
		if (quoted && text.at[i] == '\\')
			return table_error_quote(err, line, text, "has a "
			    "backslash; use single quotes inside the double "
			    "ones, or put it into a script");
		if (!quoted && text.at[i] == ' ')
			return table_error_quote(err, line, text, "has a "
			    "blank; put the whole into double quotes, "
			    "\"|/usr/bin/program argument\"");
	}
	if (text.at[0] == '|')
		return check_command(text, line, err);
	return text.at[text.len - 1] != '/' ? 0 :
	    table_error_quote(err, line, text, "a directory; name a file in "
		"mbox form, or a user whose mailbox it is");
}

int
aliases_parse_program(const struct aliases_table *t, struct slice text,
    bool list, struct alias_target *target, struct table_error *err)
{
	bool quoted = text.at[0] == '"';
	unsigned line = target->line;

	if (t->allowed == ALIASES_PROGRAMS_NONE)
		return table_error_quote(err, line, text, "programs and files "
		    "are not allowed here; see alias_programs in "
		    "directory.conf, or let a user's .forward do it");
	if (list && t->allowed != ALIASES_PROGRAMS_LISTS)
		return table_error_quote(err, line, text, "a list may name no "
		    "programs and files; put it into the aliases table, or "
		    "see alias_programs in directory.conf");
	if (unquote(&text) == -1)
		return table_error_quote(err, line, text, "the double quotes "
		    "do not end where the target does");
	if (text.len < 2)
		return table_error_quote(err, line, text, "nothing behind it; "
		    "write \"|/usr/bin/program\" or /var/mail/file");
	if (check_text(text, quoted, line, err) == -1)
		return -1;
	target->local = text;
	target->domain = slice_of(text.at, 0);
	target->program = true;
	return 0;
}

static int
order(const void *a, const void *b)
{
	return table_compare(*(const struct slice *)a,
	    *(const struct slice *)b);
}

int
aliases_collect_programs(struct aliases_table *t, struct table_error *err)
{
	for (size_t i = 0; i < t->target_count; i++) {
		if (!t->targets[i].program)
			continue;
		if (table_grow((void **)&t->programs, &t->program_room,
		    t->n_programs, sizeof(*t->programs), err) == -1)
			return -1;
		t->programs[t->n_programs++] = t->targets[i].local;
	}
	if (t->n_programs > 0)
		qsort(t->programs, t->n_programs, sizeof(*t->programs), order);
	return 0;
}

bool
aliases_has_program(const struct aliases_table *t, struct slice text)
{
	return t->n_programs > 0 && bsearch(&text, t->programs, t->n_programs,
	    sizeof(*t->programs), order) != NULL;
}

size_t
aliases_count_programs(const struct aliases_table *t)
{
	return t->n_programs;
}
