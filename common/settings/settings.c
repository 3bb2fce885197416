/* Settings as a whole: memory, errors, the file as one.  Its lines are read in
 * lines.c, names and blocks are found in scopes.c, the values' types are in
 * values.c. */
#include "common/settings/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

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
	char *to;
	int n;

	if (e->n >= SETTINGS_ERRORS_MAX)
		return;
	to = e->at[e->n];
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

void
settings_reader_complain(struct settings_reader *r, const char *format, ...)
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

unsigned
settings_line(const struct settings *s, const struct settings_group *group,
    const char *name)
{
	const struct settings_scope *scope = scope_of(s, group);

	for (size_t i = 0; i < scope->n_rows; i++)
		if (strcmp(scope->rows[i].name, name) == 0)
			return scope->origins[i].line;
	return 0;
}

void
settings_complain(struct settings_errors *e, const struct settings *s,
    const struct settings_group *group, const char *name, const char *format,
    ...)
{
	const struct settings_scope *scope = scope_of(s, group);
	unsigned line = settings_line(s, group, name);
	char what[256];
	va_list ap;

	if (line == 0)
		line = scope->group.line;
	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	error_add(e, s->schema->file, line, "%s: %s", name, what);
}

/* The kinds of block that the file says nothing about. */
static void
standard_blocks(struct settings_reader *r)
{
	const struct settings_schema *schema = r->s->schema;

	for (size_t i = 0; i < schema->n_blocks; i++) {
		size_t before = r->s->n_scopes;

		if (schema->blocks[i].standard == NULL ||
		    settings_block_count(r->s, &schema->blocks[i]) > 0)
			continue;
		r->line = 0;
		settings_read_lines(r, slice_str(schema->blocks[i].standard));
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
	struct settings_reader r = { .s = s, .errors = errors, .file = schema->file };

	errors->n = 0;
	if (s == NULL)
		goto short_of_memory;
	s->schema = schema;
	if (settings_scope_init(
		s, &s->top, schema->rows, schema->n_rows, schema->size) == -1)
		goto short_of_memory;
	r.scope = &s->top;
	settings_read_lines(&r, text);
	r.line = 0;
	r.in_block = false;
	r.scope = &s->top;
	settings_scope_complete(&r, &s->top);
	standard_blocks(&r);
	if (errors->n == 0 && schema->check != NULL)
		schema->check(s, errors);
	if (errors->n == 0)
		return s;
	settings_free(s);
	return NULL;

short_of_memory:
	settings_reader_complain(&r, "no memory: free some and try again");
	settings_free(s);
	return NULL;
}

struct settings *
settings_read(const struct settings_schema *schema, int fd,
    struct settings_errors *errors)
{
	struct settings_reader r = { .errors = errors, .file = schema->file };
	char *text = fd == -1 ? NULL : malloc(SETTINGS_FILE_MAX + 1);
	struct settings *s;
	size_t len = 0;
	ssize_t n;

	errors->n = 0;
	if (fd != -1 && text == NULL) {
		settings_reader_complain(&r, "no memory: free some and try again");
		return NULL;
	}
	while (fd != -1 && len <= SETTINGS_FILE_MAX) {
		n = pread(
		    fd, text + len, SETTINGS_FILE_MAX + 1 - len, (off_t)len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			settings_reader_complain(&r,
			    "cannot be read (%s): it must be a "
			    "regular file",
			    strerrordesc_np(errno));
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (len > SETTINGS_FILE_MAX)
		settings_reader_complain(&r, "the file is too long: the greatest is %d octets",
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
