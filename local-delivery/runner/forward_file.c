#include "local-delivery/runner/forward_file.h"

#include <stdbool.h>

void
forward_reader_init(struct forward_reader *r, struct slice in)
{
	r->in = in;
	r->line = 1;
	r->why = NULL;
}

static enum forward_step
bad(struct forward_reader *r, const char *why)
{
	r->why = why;
	return FORWARD_BAD;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

static void
skip(struct forward_reader *r, size_t n)
{
	r->in = slice_skip(r->in, n);
}

static bool
at(const struct forward_reader *r, char c)
{
	return r->in.len > 0 && r->in.at[0] == c;
}

static bool
at_separator(const struct forward_reader *r)
{
	return at(r, ',') || at(r, '\n') ||
	    (at(r, '\r') && r->in.len > 1 && r->in.at[1] == '\n');
}

/* Blanks, commas, line ends, and comments at the beginning of a target. */
static void
skip_separators(struct forward_reader *r)
{
	while (r->in.len > 0) {
		if (at(r, '#')) {
			while (r->in.len > 0 && !at(r, '\n'))
				skip(r, 1);
		} else if (is_blank(r->in.at[0]) || at_separator(r)) {
			if (at(r, '\n'))
				r->line++;
			skip(r, 1);
		} else {
			return;
		}
	}
}

/* What is being put together in r->text. */
struct text {
	struct forward_reader *r;
	size_t	 len;
	bool	 full;
};

static void
put(struct text *t, char c)
{
	if (t->len == sizeof(t->r->text))
		t->full = true;
	else
		t->r->text[t->len++] = c;
}

/* From behind the opening quote to behind the closing one. */
static const char *
take_quoted(struct text *t)
{
	struct forward_reader *r = t->r;

	while (r->in.len > 0 && !at(r, '"')) {
		if (at(r, '\\') && r->in.len > 1)
			skip(r, 1);
		if (is_control(r->in.at[0]))
			return at(r, '\n') ? "a quote that is not closed" :
			    "a control character";
		put(t, r->in.at[0]);
		skip(r, 1);
	}
	if (r->in.len == 0)
		return "a quote that is not closed";
	skip(r, 1);
	return NULL;
}

/*
 * To the separator; quotes stay as they are, and a comma inside of them
 * separates nothing (an address with a quoted local-part or display name).
 */
static const char *
take_plain(struct text *t)
{
	struct forward_reader *r = t->r;
	bool quoted = false, program = t->len > 0 && t->r->text[0] == '|';

	while (r->in.len > 0 && !(at_separator(r) && !quoted)) {
		if (is_control(r->in.at[0]))
			return at(r, '\n') ? "a quote that is not closed" :
			    "a control character";
		if (at(r, '\\') && r->in.len > 1 && (quoted || program) &&
		    !is_control(r->in.at[1])) {
			put(t, '\\');
			skip(r, 1);
		} else if (at(r, '"')) {
			quoted = !quoted;
		}
		put(t, r->in.at[0]);
		skip(r, 1);
		program = program || (t->len == 1 && t->r->text[0] == '|');
	}
	return quoted ? "a quote that is not closed" : NULL;
}

static const char *
expect_end(struct forward_reader *r)
{
	while (r->in.len > 0 && is_blank(r->in.at[0]))
		skip(r, 1);
	return r->in.len == 0 || at_separator(r) || at(r, '#') ? NULL :
	    "text behind a quoted target";
}

/* Is it "local part"@domain or "A Name" <address>, rather than "|program"? */
static bool
quotes_an_address(const struct forward_reader *r)
{
	size_t i = 1;

	while (i < r->in.len && r->in.at[i] != '"' && r->in.at[i] != '\n')
		i += r->in.at[i] == '\\' && i + 1 < r->in.len ? 2 : 1;
	for (i++; i < r->in.len && is_blank(r->in.at[i]); i++)
		;
	return i < r->in.len && (r->in.at[i] == '@' || r->in.at[i] == '<');
}

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.at[0]))
		s = slice_skip(s, 1);
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/* |"a b": the quotes around all of a command are the file's. */
static struct slice
unwrap(struct slice s)
{
	if (s.len < 2 || s.at[0] != '"' || s.at[s.len - 1] != '"' ||
	    memchr(s.at + 1, '"', s.len - 2) != NULL)
		return s;
	return slice_of(s.at + 1, s.len - 2);
}

int
forward_classify(struct slice s, struct forward_target *t)
{
	static const struct slice include = SLICE_LITERAL(":include:");

	s = trim(s);
	if (s.len == 0)
		return -1;
	if (s.at[0] == '|') {
		t->kind = FORWARD_PROGRAM;
		s = unwrap(trim(slice_skip(s, 1)));
	} else if (s.at[0] == '/' ||
	    (s.len > 1 && s.at[0] == '~' && s.at[1] == '/')) {
		t->kind = FORWARD_MBOX;
	} else if (s.at[0] == '\\') {
		t->kind = FORWARD_OWN;
		s = slice_skip(s, 1);
	} else if (slice_starts_nocase(s, include)) {
		t->kind = FORWARD_INCLUDE;
		s = trim(slice_skip(s, include.len));
	} else {
		t->kind = FORWARD_ADDRESS;
	}
	t->text = s;
	return s.len > 0 ? 0 : -1;
}

enum forward_step
forward_next(struct forward_reader *r, struct forward_target *target)
{
	struct text t = { .r = r };
	const char *why;

	skip_separators(r);
	target->line = r->line;
	if (r->in.len == 0)
		return FORWARD_END;
	if (at(r, '"') && !quotes_an_address(r)) {
		skip(r, 1);
		if ((why = take_quoted(&t)) == NULL)
			why = expect_end(r);
	} else {
		why = take_plain(&t);
	}
	if (why != NULL)
		return bad(r, why);
	if (t.full)
		return bad(r, "a target that is too long");
	if (forward_classify(slice_of(r->text, t.len), target) == -1)
		return bad(r, "an empty target");
	return FORWARD_TARGET;
}
