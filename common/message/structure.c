/*
 * Lines and boundaries.  The parser stands in one part, the current one; the
 * parts around it are its parents.  In a multipart that is current itself, we
 * are in its preamble or, once it is closed, in its epilogue.
 */
#include <stdlib.h>

#include "common/message/structure_build.h"

const struct mime_limits mime_default_limits = {
	.depth = 100, .parts = 10000, .header = 128 * 1024,
	.strings = 1024 * 1024,
};

/*
 * RFC 2046 section 5.1.1 gives a boundary 70 octets; whatever a line has past
 * this cannot be one.
 */
#define LINE_KEPT 256

struct mime_parser {
	struct mime_builder	 b;
	struct mime_limits	 limits;
	uint32_t		 current;
	bool			 in_header;
	bool			 opaque;	/* to the end: no more parts */

	struct mime_place	 place;	/* of the line's first octet */
	uint64_t		 line_len;	/* octets so far */
	char			 line[LINE_KEPT]; /* the first of them */
	char			 last;		/* the last of them */
	unsigned		 break_len;	/* of the line before: 0 to 2 */
	bool			 before_empty;	/* it held nothing else */

	char			*header;	/* the section so far */
	size_t			 header_len, header_size;

	struct mime_str		*boundary;	/* of each open multipart, by
						 * depth; absent if closed */
};

struct mime_parser *
mime_parser_new(const struct mime_limits *limits)
{
	struct mime_parser *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->limits = *limits;
	p->b.limits = &p->limits;
	p->b.mime = calloc(1, sizeof(*p->b.mime));
	p->boundary = calloc(limits->depth + 1, sizeof(*p->boundary));
	p->in_header = true;
	if (p->b.mime == NULL || p->boundary == NULL ||
	    mime_build_part(&p->b, MIME_NONE, p->place) == MIME_NONE) {
		mime_parser_free(p);
		return NULL;
	}
	return p;
}

void
mime_parser_free(struct mime_parser *p)
{
	if (p == NULL)
		return;
	mime_free(p->b.mime);
	free(p->boundary);
	free(p->header);
	free(p);
}

void
mime_free(struct mime *m)
{
	if (m == NULL)
		return;
	free(m->parts);
	free(m->params);
	free(m->envelopes);
	free(m->strings);
	free(m);
}

size_t
mime_steps(const struct mime_parser *p)
{
	return p->b.steps;
}

static struct mime_part *
part_at(struct mime_parser *p, uint32_t i)
{
	return &p->b.mime->parts[i];
}

static bool
open_part(struct mime_parser *p, uint32_t parent, struct mime_place at)
{
	uint32_t i = mime_build_part(&p->b, parent, at);

	if (i == MIME_NONE)
		return false;
	p->current = i;
	p->in_header = true;
	p->header_len = 0;
	if (p->b.mime->parts_len >= p->limits.parts) {
		p->opaque = true;
		p->b.mime->limited = true;
	}
	return true;
}

/* A part that would have parts of its own, but may not any more. */
static void
make_opaque(struct mime_parser *p, struct mime_part *part)
{
	if (part->kind != MIME_MULTIPART && part->kind != MIME_MESSAGE)
		return;
	part->kind = MIME_BASIC;
	p->b.mime->limited = true;
}

/* The empty line: what kind of part is this? */
static void
header_done(struct mime_parser *p, struct mime_place body)
{
	struct mime_part *part = part_at(p, p->current);
	struct mime_str boundary;

	part->body = body;
	p->in_header = false;
	mime_build_header(&p->b, p->current,
	    slice_of(p->header, p->header_len), &boundary);
	part = part_at(p, p->current);
	if (part->depth >= p->limits.depth || p->opaque ||
	    (part->kind == MIME_MULTIPART && boundary.at == MIME_NONE))
		make_opaque(p, part);
	p->boundary[part->depth] = boundary;
	if (part->kind == MIME_MESSAGE)
		open_part(p, p->current, body);
}

static void
keep_header(struct mime_parser *p, struct slice s)
{
	size_t room = p->limits.header - p->header_len;
	size_t size = p->header_size == 0 ? 1024 : p->header_size;
	char *now;

	if (s.len > room) {
		s.len = room;
		p->b.mime->limited = true;
	}
	while (size - p->header_len < s.len)
		size *= 2;
	if (size != p->header_size) {
		if ((now = realloc(p->header, size)) == NULL) {
			p->b.no_memory = true;
			return;
		}
		p->header = now;
		p->header_size = size;
	}
	if (s.len > 0)
		memcpy(p->header + p->header_len, s.at, s.len);
	p->header_len += s.len;
}

/* Where what ends here ends: a boundary owns the line break before it. */
static struct mime_place
end_place(const struct mime_parser *p, bool at_boundary)
{
	struct mime_place end = p->place;

	if (at_boundary && p->break_len > 0) {
		end.raw -= p->break_len;
		end.crlf -= 2;
	}
	return end;
}

/* A header section without its empty line: it may be one of no octets. */
static void
close_header(struct mime_parser *p, struct mime_place end)
{
	struct mime_part *part = part_at(p, p->current);

	if (part->header.raw > end.raw && part->parent != MIME_NONE &&
	    end.raw >= part_at(p, part->parent)->body.raw)
		part->header = end;
	header_done(p, part->header.raw < end.raw ? end : part->header);
}

/*
 * The empty line that ended the header section may be the boundary's line
 * break at the same time.  The part keeps it, but not beyond the end of a
 * parent that ends with it.
 */
static void
close_part(struct mime_parser *p, bool at_boundary, bool parent_too)
{
	struct mime_place end = end_place(p, at_boundary);
	struct mime_part *part;

	if (p->in_header)
		close_header(p, end);
	part = part_at(p, p->current);
	if (parent_too && part->body.raw > end.raw &&
	    end.raw >= part->header.raw &&
	    end.raw >= part_at(p, part->parent)->body.raw)
		part->body = end;
	if (part->kind == MIME_MULTIPART && part->first_child == MIME_NONE)
		part->kind = MIME_TEXT;
	part->raw_end = part->body.raw;
	if (end.raw <= part->body.raw)
		return;
	part->raw_end = end.raw;
	part->octets = end.crlf - part->body.crlf;
	part->lines = end.lines - part->body.lines;
	if (at_boundary && p->before_empty)
		part->lines--;
}

/* Close what is open below the part at this depth. */
static void
close_below(struct mime_parser *p, uint32_t depth, bool at_boundary)
{
	for (;;) {
		uint32_t was = p->current, deep = part_at(p, was)->depth;
		if (deep <= depth)
			return;
		close_part(p, at_boundary, deep > depth + 1);
		if (p->current != was)	/* its empty header opened a child */
			continue;
		p->current = part_at(p, was)->parent;
		p->in_header = false;
	}
}

/* The line as far as it can be a boundary: no break, no space at its end. */
static struct slice
line_trimmed(const struct mime_parser *p)
{
	size_t len = p->line_len < LINE_KEPT ? (size_t)p->line_len : 0;

	while (len > 0 && strchr(" \t\r", p->line[len - 1]) != NULL &&
	    p->line[len - 1] != '\0')
		len--;
	return slice_of(p->line, len);
}

enum boundary { NO_BOUNDARY, DELIMITER, CLOSE_DELIMITER };

static enum boundary
match(struct slice line, struct slice boundary)
{
	struct slice rest;

	if (line.len < 2 + boundary.len ||
	    memcmp(line.at + 2, boundary.at, boundary.len) != 0)
		return NO_BOUNDARY;
	rest = slice_skip(line, 2 + boundary.len);
	if (rest.len == 0)
		return DELIMITER;
	return slice_equal(rest, SLICE_LITERAL("--")) ? CLOSE_DELIMITER :
							NO_BOUNDARY;
}

/* The innermost open multipart that this line is a boundary of. */
static enum boundary
find_boundary(struct mime_parser *p, uint32_t *multipart)
{
	const struct mime *m = p->b.mime;
	struct slice line = line_trimmed(p);
	enum boundary b;

	if (p->opaque || line.len < 3 || line.at[0] != '-' || line.at[1] != '-')
		return NO_BOUNDARY;
	for (uint32_t i = p->current; i != MIME_NONE; i = m->parts[i].parent) {
		struct mime_str s = p->boundary[m->parts[i].depth];
		p->b.steps++;
		if (m->parts[i].kind != MIME_MULTIPART || s.at == MIME_NONE ||
		    (i == p->current && p->in_header))
			continue;
		b = match(line, mime_string(m, s));
		if (b != NO_BOUNDARY) {
			*multipart = i;
			return b;
		}
	}
	return NO_BOUNDARY;
}

/* The line is complete and next is where the one after it begins. */
static void
line_end(struct mime_parser *p, struct mime_place next)
{
	uint32_t multipart = MIME_NONE;
	bool empty = p->line_len == 0 || (p->line_len == 1 && p->last == '\r');
	enum boundary b = find_boundary(p, &multipart);

	if (b != NO_BOUNDARY) {
		close_below(p, part_at(p, multipart)->depth, true);
		if (b == CLOSE_DELIMITER)
			p->boundary[part_at(p, multipart)->depth] =
			    (struct mime_str){ MIME_NONE, 0 };
		else
			open_part(p, multipart, next);
	} else if (p->in_header && empty)
		header_done(p, next);
	p->break_len = p->line_len > 0 && p->last == '\r' ? 2 : 1;
	p->before_empty = empty;
	p->place = next;
	p->line_len = 0;
}

static void
take_piece(struct mime_parser *p, struct slice s)
{
	if (s.len == 0)
		return;
	if (p->line_len < LINE_KEPT) {
		size_t room = LINE_KEPT - (size_t)p->line_len;
		memcpy(p->line + p->line_len, s.at,
		    s.len < room ? s.len : room);
	}
	p->line_len += s.len;
	p->last = s.at[s.len - 1];
	p->b.steps += s.len;
	if (p->in_header)
		keep_header(p, s);
}

static struct mime_place
after_line(const struct mime_parser *p, bool complete)
{
	struct mime_place next = p->place;

	next.raw += p->line_len;
	next.crlf += p->line_len;
	if (complete) {
		next.raw++;
		next.crlf += p->line_len > 0 && p->last == '\r' ? 1 : 2;
	}
	if (complete || p->line_len > 0)
		next.lines++;
	return next;
}

void
mime_feed(struct mime_parser *p, struct slice in)
{
	while (in.len > 0 && !p->b.no_memory) {
		const char *lf = memchr(in.at, '\n', in.len);
		size_t len = lf == NULL ? in.len : (size_t)(lf - in.at);

		take_piece(p, slice_of(in.at, len));
		if (lf == NULL)
			return;
		if (p->in_header)
			keep_header(p, SLICE_LITERAL("\n"));
		line_end(p, after_line(p, true));
		in = slice_skip(in, len + 1);
	}
}

struct mime *
mime_finish(struct mime_parser *p)
{
	struct mime *m = p->b.mime;
	uint32_t multipart;
	bool boundary = false;

	/* A last line without a line break may be a boundary. */
	if (p->line_len > 0 && !p->b.no_memory) {
		boundary = find_boundary(p, &multipart) != NO_BOUNDARY;
		if (boundary)
			close_below(p, part_at(p, multipart)->depth, true);
		p->place = after_line(p, false);
	}
	while (!p->b.no_memory) {
		uint32_t was = p->current;
		close_part(p, false, false);
		if (p->current != was)
			continue;
		if (part_at(p, was)->parent == MIME_NONE)
			break;
		p->current = part_at(p, was)->parent;
		p->in_header = false;
	}
	if (p->b.no_memory)
		return NULL;
	m->end = p->place;
	p->b.mime = NULL;
	return m;
}
