/* A settings file: lines, names, blocks.  The values are in values.c. */
#include "common/settings/internal.h"
#include "common/settings/nearest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

/* One file being read. */
struct reader {
	struct settings *s;
	struct settings_errors *errors;
	struct settings_scope *scope; /* NULL: inside an unusable block */
	const char *file;
	unsigned line;
	bool in_block;
	unsigned block_line;
};

void *
settings_alloc(struct settings *s, size_t n, size_t size)
{
	struct settings_piece *p;
	size_t len;

	if (__builtin_mul_overflow(n, size, &len) ||
	    __builtin_add_overflow(len, sizeof(*p), &len))
		return NULL;
	if ((p = calloc(1, len)) == NULL)
		return NULL;
	p->next = s->pieces;
	s->pieces = p;
	return p->at;
}

char *
settings_copy(struct settings *s, struct slice text)
{
	char *to = settings_alloc(s, text.len + 1, 1);

	if (to != NULL && text.len > 0)
		memcpy(to, text.at, text.len);
	return to;
}

/* The text may quote a file's octets: only printable ones go on. */
__attribute__((format(printf, 4, 0))) static void
errors_add(struct settings_errors *e, const char *file, unsigned line,
    const char *format, va_list ap)
{
	size_t size = sizeof(e->at[0]);
	char *to = e->at[e->n];
	int n;

	if (e->n == SETTINGS_ERRORS_MAX)
		return;
	n = line > 0 ? snprintf(to, size, "%s:%u: ", file, line)
		     : snprintf(to, size, "%s: ", file);
	if (n >= 0 && (size_t)n < size)
		vsnprintf(to + n, size - (size_t)n, format, ap);
	for (; *to != '\0'; to++)
		if ((unsigned char)*to < ' ' || (unsigned char)*to >= 0x7f)
			*to = '?';
	e->n++;
}

__attribute__((format(printf, 4, 5))) static void
error_add(struct settings_errors *e, const char *file, unsigned line,
    const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	errors_add(e, file, line, format, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void
complain(struct reader *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	errors_add(r->errors, r->file, r->line, format, ap);
	va_end(ap);
}

static const struct settings_scope *
scope_of(const struct settings *s, const struct settings_group *group)
{
	for (size_t i = 0; group != NULL && i < s->n_scopes; i++)
		if (&s->scopes[i].group == group)
			return &s->scopes[i];
	return &s->top;
}

void
settings_complain(struct settings_errors *e, const struct settings *s,
    const struct settings_group *group, const char *name, const char *format,
    ...)
{
	const struct settings_scope *scope = scope_of(s, group);
	unsigned line = scope->group.line;
	char what[256];
	va_list ap;

	for (size_t i = 0; i < scope->n_rows; i++)
		if (strcmp(scope->rows[i].name, name) == 0 &&
		    scope->origins[i].line > 0)
			line = scope->origins[i].line;
	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	error_add(e, s->schema->file, line, "%s: %s", name, what);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
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

/* Cut a comment: a # at the start or behind a blank, outside of quotes. */
static struct slice
without_comment(struct slice s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		if (quoted && s.at[i] == '\\')
			i++;
		else if (s.at[i] == '"')
			quoted = !quoted;
		else if (!quoted && s.at[i] == '#' &&
			 (i == 0 || is_blank(s.at[i - 1])))
			return slice_of(s.at, i);
	}
	return s;
}

/* The letters, digits, _ - . at the front. */
static struct slice
take_name(struct slice *in)
{
	size_t n = 0;

	while (n < in->len && n <= SETTINGS_NAME_MAX) {
		char c = in->at[n];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '.')
			break;
		n++;
	}
	struct slice name = slice_of(in->at, n);
	*in = trim(slice_skip(*in, n));
	return name;
}

static const struct setting *
row_find(const struct setting *rows, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal(name, slice_str(rows[i].name)))
			return &rows[i];
	return NULL;
}

static void
nearest_row(const struct settings_scope *scope, struct slice name,
    const char **best, size_t *distance)
{
	for (size_t i = 0; i < scope->n_rows; i++) {
		size_t d =
		    nearest_distance(name, slice_str(scope->rows[i].name));

		if (d < *distance) {
			*distance = d;
			*best = scope->rows[i].name;
		}
	}
}

/* Nobody knows the name: say where it belongs, or what it resembles. */
static void
unknown_name(struct reader *r, struct slice name)
{
	const struct settings_schema *schema = r->s->schema;
	size_t distance = nearest_limit(name.len) + 1;
	const char *best = NULL;
	int len = (int)name.len;

	if (r->in_block &&
	    row_find(schema->rows, schema->n_rows, name) != NULL) {
		complain(r,
		    "%.*s does not belong inside a block: set it "
		    "outside of { }",
		    len, name.at);
		return;
	}
	for (size_t i = 0; i < schema->n_blocks && !r->in_block; i++)
		if (row_find(schema->blocks[i].rows, schema->blocks[i].n_rows,
			name) != NULL) {
			complain(r,
			    "%.*s belongs to a %s: set it inside "
			    "%s NAME { }",
			    len, name.at, schema->blocks[i].kind,
			    schema->blocks[i].kind);
			return;
		}
	nearest_row(r->scope, name, &best, &distance);
	if (best != NULL)
		complain(r, "there is no setting %.*s here: did you mean %s?",
		    len, name.at, best);
	else
		complain(r,
		    "there is no setting %.*s here: `bulkhead config` "
		    "lists those that exist",
		    len, name.at);
}

static void
assign(struct reader *r, struct slice name, struct slice text)
{
	struct settings_scope *scope = r->scope;
	struct settings_origin *origin;
	const struct setting *row;
	char why[256];

	if (scope == NULL)
		return;
	if ((row = row_find(scope->rows, scope->n_rows, name)) == NULL) {
		if (!r->s->schema->only_blocks)
			unknown_name(r, name);
		return;
	}
	origin = &scope->origins[row - scope->rows];
	if (origin->line > 0) {
		complain(r, "%s is set twice: keep this one or that of line %u",
		    row->name, origin->line);
		return;
	}
	origin->line = r->line;
	origin->text = settings_copy(r->s, text);
	if (origin->text == NULL)
		complain(r, "no memory: free some and try again");
	else if (setting_parse(r->s, row, text, scope->values + row->offset,
		     why, sizeof(why)) == -1)
		complain(r, "%s = %.*s: %s", row->name,
		    (int)(text.len > 80 ? 80 : text.len), text.at, why);
}

static int
scope_init(struct settings *s, struct settings_scope *scope,
    const struct setting *rows, size_t n, size_t size)
{
	scope->rows = rows;
	scope->n_rows = n;
	scope->values = settings_alloc(s, 1, size);
	scope->origins = settings_alloc(s, n + 1, sizeof(scope->origins[0]));
	scope->group.values = scope->values;
	return scope->values == NULL || scope->origins == NULL ? -1 : 0;
}

/* Every value that was not given becomes the standard one. */
static void
scope_complete(struct reader *r, struct settings_scope *scope)
{
	char why[256];

	for (size_t i = 0; i < scope->n_rows; i++) {
		const struct setting *row = &scope->rows[i];

		if (scope->origins[i].line > 0)
			continue;
		scope->origins[i].text = row->standard;
		if (row->standard == NULL)
			complain(r, "%s is missing: add %s = and %s", row->name,
			    row->name, setting_wants(row));
		else if (setting_parse(r->s, row, slice_str(row->standard),
			     scope->values + row->offset, why,
			     sizeof(why)) == -1)
			complain(r, "%s: its standard value %s: %s", row->name,
			    row->standard, why);
	}
}

static const struct settings_block *
block_find(const struct settings_schema *schema, struct slice kind)
{
	for (size_t i = 0; i < schema->n_blocks; i++)
		if (slice_equal(kind, slice_str(schema->blocks[i].kind)))
			return &schema->blocks[i];
	return NULL;
}

static size_t
block_count(const struct settings *s, const struct settings_block *block)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_scopes; i++)
		n += s->scopes[i].group.block == block;
	return n;
}

static struct settings_scope *
block_add(
    struct reader *r, const struct settings_block *block, struct slice name)
{
	struct settings *s = r->s;
	struct settings_scope *scope;

	for (size_t i = 0; i < s->n_scopes; i++)
		if (s->scopes[i].group.block == block &&
		    slice_equal(name, slice_str(s->scopes[i].group.name))) {
			complain(r,
			    "%s %s is there twice: rename it, or join "
			    "it with that of line %u",
			    block->kind, s->scopes[i].group.name,
			    s->scopes[i].group.line);
			return NULL;
		}
	if (block_count(s, block) == block->max) {
		complain(r,
		    "too many blocks of this kind: the greatest "
		    "number is %zu",
		    block->max);
		return NULL;
	}
	scope = reallocarray(s->scopes, s->n_scopes + 1, sizeof(*scope));
	if (scope == NULL) {
		complain(r, "no memory: free some and try again");
		return NULL;
	}
	s->scopes = scope;
	scope += s->n_scopes;
	*scope = (struct settings_scope){ .group.block = block,
		.group.line = r->line };
	scope->group.name = settings_copy(s, name);
	if (scope->group.name == NULL ||
	    scope_init(s, scope, block->rows, block->n_rows, block->size) ==
		-1) {
		complain(r, "no memory: free some and try again");
		return NULL;
	}
	s->n_scopes++;
	return scope;
}

/* `kind NAME {`: rest is what follows kind. */
static void
block_open(struct reader *r, struct slice kind, struct slice rest)
{
	const struct settings_block *block = block_find(r->s->schema, kind);
	struct slice name = take_name(&rest);

	if (r->in_block) {
		complain(r,
		    "a block inside a block: close that of line %u "
		    "with } first",
		    r->block_line);
		return;
	}
	r->in_block = true;
	r->block_line = r->line;
	r->scope = NULL;
	if (block == NULL && r->s->schema->only_blocks)
		return;
	if (block == NULL)
		complain(r,
		    "there is no kind of block %.*s here: `bulkhead "
		    "config` lists those that exist",
		    (int)kind.len, kind.at);
	else if (name.len == 0 || name.len > SETTINGS_NAME_MAX ||
		 !slice_equal(rest, SLICE_LITERAL("{")))
		complain(r,
		    "the head of a block is wrong: write %s NAME {, "
		    "and each setting on a line of its own",
		    block->kind);
	else
		r->scope = block_add(r, block, name);
}

static void
block_close(struct reader *r)
{
	unsigned line = r->line;

	if (!r->in_block) {
		complain(r, "} without a block: remove it");
		return;
	}
	/* What is missing is missing from the block, not from its brace. */
	r->line = r->block_line;
	if (r->scope != NULL)
		scope_complete(r, r->scope);
	r->line = line;
	r->in_block = false;
	r->scope = &r->s->top;
}

static void
version_line(struct reader *r, struct slice line)
{
	if (r->line != 1)
		complain(r, "%%version is not the first line: move it there");
	else if (!slice_equal(line, SLICE_LITERAL("%version 1")))
		complain(r, "a version that this program does not know: it "
			    "knows %%version 1");
}

static void
one_line(struct reader *r, struct slice line)
{
	struct slice name, rest;

	if (line.len > SETTINGS_LINE_MAX) {
		complain(r, "the line is too long: the greatest is %d octets",
		    SETTINGS_LINE_MAX);
		return;
	}
	if (line.len > 0 && memchr(line.at, '\0', line.len) != NULL) {
		complain(r, "a NUL in the line: a settings file is text");
		return;
	}
	line = rest = trim(without_comment(line));
	if (line.len == 0)
		return;
	if (line.at[0] == '%') {
		version_line(r, line);
		return;
	}
	if (slice_equal(line, SLICE_LITERAL("}"))) {
		block_close(r);
		return;
	}
	name = take_name(&rest);
	if (name.len > 0 && name.len <= SETTINGS_NAME_MAX && rest.len > 0 &&
	    rest.at[0] == '=')
		assign(r, name, trim(slice_skip(rest, 1)));
	else if (name.len > 0 && rest.len > 0 && rest.at[rest.len - 1] == '{')
		block_open(r, name, rest);
	else
		complain(r, "not understood: write name = value, or "
			    "# before a comment");
}

static void
all_lines(struct reader *r, struct slice text)
{
	while (text.len > 0) {
		const char *lf = memchr(text.at, '\n', text.len);
		size_t len = lf == NULL ? text.len : (size_t)(lf - text.at);

		r->line++;
		one_line(r, slice_of(text.at, len));
		text = slice_skip(text, lf == NULL ? len : len + 1);
	}
	if (r->in_block) {
		r->line = r->block_line;
		complain(r, "the block is never closed: add } after its last "
			    "setting");
	}
}

/* The kinds of block that the file says nothing about. */
static void
standard_blocks(struct reader *r)
{
	const struct settings_schema *schema = r->s->schema;

	for (size_t i = 0; i < schema->n_blocks; i++) {
		size_t before = r->s->n_scopes;

		if (schema->blocks[i].standard == NULL ||
		    block_count(r->s, &schema->blocks[i]) > 0)
			continue;
		r->line = 0;
		all_lines(r, slice_str(schema->blocks[i].standard));
		for (size_t k = before; k < r->s->n_scopes; k++) {
			struct settings_scope *scope = &r->s->scopes[k];

			scope->group.line = 0;
			for (size_t j = 0; j < scope->n_rows; j++)
				scope->origins[j].line = 0;
		}
	}
}

struct settings *
settings_parse(const struct settings_schema *schema, struct slice text,
    struct settings_errors *errors)
{
	struct settings *s = calloc(1, sizeof(*s));
	struct reader r = { .s = s, .errors = errors, .file = schema->file };

	errors->n = 0;
	if (s == NULL)
		goto short_of_memory;
	s->schema = schema;
	if (scope_init(
		s, &s->top, schema->rows, schema->n_rows, schema->size) == -1)
		goto short_of_memory;
	r.scope = &s->top;
	all_lines(&r, text);
	r.line = 0;
	r.in_block = false;
	r.scope = &s->top;
	scope_complete(&r, &s->top);
	standard_blocks(&r);
	if (errors->n == 0 && schema->check != NULL)
		schema->check(s, errors);
	if (errors->n == 0)
		return s;
	settings_free(s);
	return NULL;

short_of_memory:
	complain(&r, "no memory: free some and try again");
	settings_free(s);
	return NULL;
}

struct settings *
settings_read(const struct settings_schema *schema, int fd,
    struct settings_errors *errors)
{
	struct reader r = { .errors = errors, .file = schema->file };
	char *text = fd == -1 ? NULL : malloc(SETTINGS_FILE_MAX + 1);
	struct settings *s;
	size_t len = 0;
	ssize_t n;

	errors->n = 0;
	if (fd != -1 && text == NULL) {
		complain(&r, "no memory: free some and try again");
		return NULL;
	}
	while (fd != -1 && len <= SETTINGS_FILE_MAX) {
		n = pread(
		    fd, text + len, SETTINGS_FILE_MAX + 1 - len, (off_t)len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			complain(&r,
			    "cannot be read (%s): it must be a "
			    "regular file",
			    strerrordesc_np(errno));
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (len > SETTINGS_FILE_MAX)
		complain(&r, "the file is too long: the greatest is %d octets",
		    SETTINGS_FILE_MAX);
	s = errors->n > 0 ? NULL
			  : settings_parse(schema, slice_of(text, len), errors);
	free(text);
	return s;
}

void
settings_free(struct settings *s)
{
	struct settings_piece *next;

	if (s == NULL)
		return;
	for (struct settings_piece *p = s->pieces; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	free(s->scopes);
	free(s);
}

const void *
settings_values(const struct settings *s)
{
	return s->top.values;
}

size_t
settings_n_groups(const struct settings *s)
{
	return s->n_scopes;
}

const struct settings_group *
settings_group(const struct settings *s, size_t i)
{
	return &s->scopes[i].group;
}
