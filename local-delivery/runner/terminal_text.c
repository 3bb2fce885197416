#include "local-delivery/runner/terminal_text.h"

#include <stdbool.h>
#include <string.h>

_Static_assert((TERMINAL_LINES_MAX + 8) * (TERMINAL_LINE_MAX + 2) + 1 <
    TERMINAL_TEXT_MAX, "what is cut has room");

struct screen {
	char	*out;
	size_t	 len;
	unsigned lines;
};

static void
put(struct screen *s, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		s->out[s->len++] = c == '\t' || (c >= ' ' && c <= '~') ? c :
		    '?';
	}
}

static void
put_line(struct screen *s, struct slice text)
{
	if (text.len > 0 && text.at[text.len - 1] == '\r')
		text.len--;
	if (text.len > TERMINAL_LINE_MAX)
		text.len = TERMINAL_LINE_MAX;
	put(s, text);
	/* The terminal may be in a mode that adds no CR. */
	s->out[s->len++] = '\r';
	s->out[s->len++] = '\n';
	s->lines++;
}

/* The next line, without its LF; false at the end. */
static bool
take(struct slice *in, struct slice *line)
{
	const char *end;

	if (in->len == 0)
		return false;
	end = memchr(in->at, '\n', in->len);
	*line = slice_of(in->at, end == NULL ? in->len :
	    (size_t)(end - in->at));
	*in = slice_skip(*in, end == NULL ? in->len : line->len + 1);
	return true;
}

static bool
is_shown(struct slice line)
{
	static const struct slice fields[] = { SLICE_LITERAL("From:"),
		SLICE_LITERAL("Subject:"), SLICE_LITERAL("Date:") };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (slice_starts_nocase(line, fields[i]))
			return true;
	return false;
}

static void
put_header(struct screen *s, struct slice *in)
{
	struct slice line;
	bool shown = false;

	while (take(in, &line) && line.len > 0 && line.at[0] != '\r') {
		if (line.at[0] != ' ' && line.at[0] != '\t')
			shown = is_shown(line);
		if (shown && s->lines < TERMINAL_LINES_MAX)
			put_line(s, line);
	}
}

size_t
terminal_text(struct slice message, struct slice reverse_path, char *out)
{
	struct screen s = { .out = out };
	struct slice line;

	out[s.len++] = '\a';
	put_line(&s, slice_of("", 0));
	put(&s, SLICE_LITERAL("Message from "));
	if (reverse_path.len > TERMINAL_LINE_MAX - 20)
		reverse_path.len = TERMINAL_LINE_MAX - 20;
	if (reverse_path.len == 0)
		reverse_path = SLICE_LITERAL("<>");
	put_line(&s, reverse_path);
	put_header(&s, &message);
	put_line(&s, slice_of("", 0));
	while (s.lines < TERMINAL_LINES_MAX && take(&message, &line))
		put_line(&s, line);
	put_line(&s, message.len > 0 ? SLICE_LITERAL("[cut]") :
	    SLICE_LITERAL("EOF"));
	return s.len;
}
