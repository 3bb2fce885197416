/* Names and blocks: which row a line means, and what was not given. */
#include "common/settings/internal.h"
#include "common/settings/nearest.h"

#include <stdlib.h>

const struct setting *
settings_row_find(const struct setting *rows, size_t n, struct slice name)
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
unknown_name(struct settings_reader *r, struct slice name)
{
	const struct settings_schema *schema = r->s->schema;
	size_t distance = nearest_limit(name.len) + 1;
	const char *best = NULL;
	int len = (int)name.len;

	if (r->in_block &&
	    settings_row_find(schema->rows, schema->n_rows, name) != NULL) {
		settings_reader_complain(r,
		    "%.*s does not belong inside a block: set it "
		    "outside of { }",
		    len, name.at);
		return;
	}
	for (size_t i = 0; i < schema->n_blocks && !r->in_block; i++)
		if (settings_row_find(schema->blocks[i].rows, schema->blocks[i].n_rows,
			name) != NULL) {
			settings_reader_complain(r,
			    "%.*s belongs to a %s: set it inside "
			    "%s NAME { }",
			    len, name.at, schema->blocks[i].kind,
			    schema->blocks[i].kind);
			return;
		}
	nearest_row(r->scope, name, &best, &distance);
	if (best != NULL)
		settings_reader_complain(r, "there is no setting %.*s here: did you mean %s?",
		    len, name.at, best);
	else
		settings_reader_complain(r,
		    "there is no setting %.*s here: `bulkhead config` "
		    "lists those that exist",
		    len, name.at);
}

void
settings_assign(struct settings_reader *r, struct slice name, struct slice text)
{
	struct settings_scope *scope = r->scope;
	struct settings_origin *origin;
	const struct setting *row;
	char why[256];

	if (scope == NULL)
		return;
	if ((row = settings_row_find(scope->rows, scope->n_rows, name)) == NULL) {
		if (!r->s->schema->only_blocks)
			unknown_name(r, name);
		return;
	}
	origin = &scope->origins[row - scope->rows];
	if (origin->line > 0) {
		settings_reader_complain(r, "%s is set twice: keep this one or that of line %u",
		    row->name, origin->line);
		return;
	}
	origin->line = r->line;
	origin->text = settings_copy(r->s, text);
	if (origin->text == NULL)
		settings_reader_complain(r, "no memory: free some and try again");
	else if (setting_parse(r->s, row, text, scope->values + row->offset,
		     why, sizeof(why)) == -1)
		settings_reader_complain(r, "%s = %.*s: %s", row->name,
		    (int)(text.len > 80 ? 80 : text.len), text.at, why);
}

int
settings_scope_init(struct settings *s, struct settings_scope *scope,
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
void
settings_scope_complete(struct settings_reader *r, struct settings_scope *scope)
{
	char why[256];

	for (size_t i = 0; i < scope->n_rows; i++) {
		const struct setting *row = &scope->rows[i];

		if (scope->origins[i].line > 0)
			continue;
		scope->origins[i].text = row->standard;
		if (row->standard == NULL)
			settings_reader_complain(r, "%s is missing: add %s = and %s", row->name,
			    row->name, setting_wants(row));
		else if (setting_parse(r->s, row, slice_str(row->standard),
			     scope->values + row->offset, why,
			     sizeof(why)) == -1)
			settings_reader_complain(r, "%s: its standard value %s: %s", row->name,
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

size_t
settings_block_count(const struct settings *s, const struct settings_block *block)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_scopes; i++)
		n += s->scopes[i].group.block == block;
	return n;
}

static struct settings_scope *
block_add(
    struct settings_reader *r, const struct settings_block *block, struct slice name)
{
	struct settings *s = r->s;
	struct settings_scope *scope;

	for (size_t i = 0; i < s->n_scopes; i++)
		if (s->scopes[i].group.block == block &&
		    slice_equal(name, slice_str(s->scopes[i].group.name))) {
			settings_reader_complain(r,
			    "%s %s is there twice: rename it, or join "
			    "it with that of line %u",
			    block->kind, s->scopes[i].group.name,
			    s->scopes[i].group.line);
			return NULL;
		}
	if (settings_block_count(s, block) == block->max) {
		settings_reader_complain(r,
		    "too many blocks of this kind: the greatest "
		    "number is %zu",
		    block->max);
		return NULL;
	}
	scope = reallocarray(s->scopes, s->n_scopes + 1, sizeof(*scope));
	if (scope == NULL) {
		settings_reader_complain(r, "no memory: free some and try again");
		return NULL;
	}
	s->scopes = scope;
	scope += s->n_scopes;
	*scope = (struct settings_scope){ .group.block = block,
		.group.line = r->line };
	scope->group.name = settings_copy(s, name);
	if (scope->group.name == NULL ||
	    settings_scope_init(s, scope, block->rows, block->n_rows, block->size) ==
		-1) {
		settings_reader_complain(r, "no memory: free some and try again");
		return NULL;
	}
	s->n_scopes++;
	return scope;
}

/* `kind NAME {`: rest is what follows kind. */
void
settings_block_open(struct settings_reader *r, struct slice kind, struct slice rest)
{
	const struct settings_block *block = block_find(r->s->schema, kind);
	struct slice name = settings_take_name(&rest);

	if (r->in_block) {
		settings_reader_complain(r,
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
		settings_reader_complain(r,
		    "there is no kind of block %.*s here: `bulkhead "
		    "config` lists those that exist",
		    (int)kind.len, kind.at);
	else if (name.len == 0 || name.len > SETTINGS_NAME_MAX ||
		 !slice_equal(rest, SLICE_LITERAL("{")))
		settings_reader_complain(r,
		    "the head of a block is wrong: write %s NAME {, "
		    "and each setting on a line of its own",
		    block->kind);
	else
		r->scope = block_add(r, block, name);
}

void
settings_block_close(struct settings_reader *r)
{
	unsigned line = r->line;

	if (!r->in_block) {
		settings_reader_complain(r, "} without a block: remove it");
		return;
	}
	/* What is missing is missing from the block, not from its brace. */
	r->line = r->block_line;
	if (r->scope != NULL)
		settings_scope_complete(r, r->scope);
	r->line = line;
	r->in_block = false;
	r->scope = &r->s->top;
}
