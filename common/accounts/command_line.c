#include "common/accounts/command_line.h"

#include <stdbool.h>

struct splitter {
	struct slice		 in;
	struct command_line	*line;
	char			*room;
	size_t			 size, len;
	bool			 in_word, full;
};

static void
begin_word(struct splitter *s)
{
	if (s->in_word)
		return;
	s->in_word = true;
	if (s->line->argc == COMMAND_WORDS_MAX)
		s->full = true;
	else
		s->line->argv[s->line->argc++] = s->room + s->len;
}

static void
put(struct splitter *s, char c)
{
	if (s->len == s->size)
		s->full = true;
	else
		s->room[s->len++] = c;
}

static void
end_word(struct splitter *s)
{
	if (!s->in_word)
		return;
	put(s, '\0');
	s->in_word = false;
}

static char
take(struct splitter *s)
{
	char c = s->in.at[0];

	s->in = slice_skip(s->in, 1);
	return c;
}

static enum command_fault
take_single_quoted(struct splitter *s)
{
	while (s->in.len > 0) {
		char c = take(s);

		if (c == '\'')
			return COMMAND_OK;
		put(s, c);
	}
	return COMMAND_QUOTE_OPEN;
}

static enum command_fault
take_double_quoted(struct splitter *s)
{
	while (s->in.len > 0) {
		char c = take(s);

		if (c == '"')
			return COMMAND_OK;
		if (c == '$' || c == '`')
			return COMMAND_NEEDS_SHELL;
		if (c == '\\' && s->in.len > 0 &&
		    strchr("\\\"$`", s->in.at[0]) != NULL)
			c = take(s);
		put(s, c);
	}
	return COMMAND_QUOTE_OPEN;
}

static enum command_fault
take_plain(struct splitter *s, char c)
{
	if (strchr("|&;<>()$`*?[]", c) != NULL)
		return COMMAND_NEEDS_SHELL;
	/* As a shell: only at the beginning of a word. */
	if ((c == '#' || c == '~') && !s->in_word)
		return COMMAND_NEEDS_SHELL;
	begin_word(s);
	if (c == '\\') {
		if (s->in.len == 0)
			return COMMAND_QUOTE_OPEN;
		c = take(s);
	}
	put(s, c);
	return COMMAND_OK;
}

static enum command_fault
take_one(struct splitter *s)
{
	char c = take(s);

	switch (c) {
	case ' ':
	case '\t':
		end_word(s);
		return COMMAND_OK;
	case '\'':
		begin_word(s);
		return take_single_quoted(s);
	case '"':
		begin_word(s);
		return take_double_quoted(s);
	default:
		return take_plain(s, c);
	}
}

enum command_fault
command_line_split(struct slice text, struct command_line *line, char *room,
    size_t size)
{
	struct splitter s = { .in = text, .line = line, .room = room,
		.size = size };
	enum command_fault fault = COMMAND_OK;

	line->argc = 0;
	if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)
		fault = COMMAND_NEEDS_SHELL;
	while (fault == COMMAND_OK && s.in.len > 0 && !s.full)
		fault = take_one(&s);
	end_word(&s);
	line->argv[line->argc] = NULL;
	if (fault != COMMAND_OK)
		return fault;
	if (s.full)
		return COMMAND_TOO_LONG;
	return line->argc == 0 || line->argv[0][0] == '\0' ? COMMAND_EMPTY :
	    COMMAND_OK;
}

const char *
command_fault_text(enum command_fault f)
{
	switch (f) {
	case COMMAND_OK:
		break;
	case COMMAND_EMPTY:
		return "a program without a name";
	case COMMAND_QUOTE_OPEN:
		return "a quote that is not closed";
	case COMMAND_NEEDS_SHELL:
		return "a character that only a shell understands: quote it, "
		    "or use /bin/sh -c '...'";
	case COMMAND_TOO_LONG:
		return "a command that is too long";
	}
	return "nothing wrong";
}
