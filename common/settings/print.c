/* The table of settings as people read it. */
#include "common/settings/internal.h"

static const char *
when_text(const struct setting *row)
{
	return row->when == SETTING_RELOAD ? "a reload applies it"
					   : "needs a restart";
}

/* "Between 10s and 1h." where the type has limits that say something. */
static void
print_limits(FILE *f, const struct setting *row)
{
	switch (row->type) {
	case SETTING_SECONDS:
	case SETTING_SIZE:
	case SETTING_COUNT:
		fprintf(f, " From %s to %s.", row->min, row->max);
		break;
	case SETTING_ENUM:
		fprintf(f, " One of %s.", row->min);
		break;
	default:
		break;
	}
}

/* Text of ours on a line of mdoc: what roff would take for itself, escaped. */
static void
print_roff(FILE *f, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", f);
	for (; *s != '\0'; s++)
		if (*s == '\\')
			fputs("\\e", f);
		else if (*s == '-')
			fputs("\\-", f);
		else
			fputc(*s, f);
}

static void
manual_rows(FILE *f, const struct setting *rows, size_t n)
{
	fprintf(f, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < n; i++) {
		fprintf(f, ".It Ic %s No = Ar ", rows[i].name);
		if (rows[i].type == SETTING_ENUM)
			print_roff(f, rows[i].min);
		else
			print_roff(f, setting_wants(&rows[i]));
		fprintf(f, "\n");
		print_roff(f, rows[i].meaning);
		print_limits(f, &rows[i]);
		if (rows[i].standard == NULL) {
			fprintf(f, "\nMust be given");
		} else {
			fprintf(f, "\nStandard: ");
			print_roff(f, rows[i].standard[0] == '\0'
					  ? "empty"
					  : rows[i].standard);
		}
		fprintf(f, "; %s.\n", when_text(&rows[i]));
	}
	fprintf(f, ".El\n");
}

void
settings_print_manual(FILE *f, const struct settings_schema *schema)
{
	manual_rows(f, schema->rows, schema->n_rows);
	for (size_t i = 0; i < schema->n_blocks; i++) {
		const struct settings_block *b = &schema->blocks[i];

		fprintf(f,
		    ".Ss Blocks: %s\n.Bd -literal -offset indent\n"
		    "%s NAME {\n\t...\n}\n.Ed\n.Pp\n",
		    b->kind, b->kind);
		print_roff(f, b->meaning);
		fprintf(f, "\nAt most %zu.\n", b->max);
		manual_rows(f, b->rows, b->n_rows);
	}
}

/* A value as the parser reads it back. */
static void
print_value(FILE *f, const struct setting *row, const char *text)
{
	bool bare = text[0] != '\0' && strchr(text, '#') == NULL;

	if (row->type != SETTING_STRING || bare)
		fputs(text, f);
	else
		fprintf(f, "\"%s\"", text);
}

static void
example_rows(FILE *f, const struct setting *rows, size_t n, const char *indent)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "\n%s# %s", indent, rows[i].meaning);
		print_limits(f, &rows[i]);
		if (rows[i].when == SETTING_RESTART)
			fprintf(f, " (%s)", when_text(&rows[i]));
		fprintf(f, "\n%s#%s =%s", indent, rows[i].name,
		    rows[i].standard == NULL ? "" : " ");
		if (rows[i].standard != NULL)
			print_value(f, &rows[i], rows[i].standard);
		fprintf(f, "\n");
	}
}

/* The standard block as it would stand in a file, commented out. */
static void
example_block(FILE *f, const struct settings_block *b)
{
	const char *at = b->standard;

	fprintf(f, "\n# %s\n", b->meaning);
	if (at != NULL)
		fprintf(f, "# Without any such block it is as if there was:\n");
	while (at != NULL && *at != '\0') {
		int len = (int)strcspn(at, "\n");

		fprintf(f, "#%.*s\n", len, at);
		at += len;
		at += *at == '\n';
	}
	fprintf(f, "# What may stand in it:\n");
	example_rows(f, b->rows, b->n_rows, "#\t");
}

void
settings_print_example(FILE *f, const struct settings_schema *schema)
{
	fprintf(f,
	    "%%version 1\n"
	    "# %s: every setting with its standard value.\n",
	    schema->file);
	example_rows(f, schema->rows, schema->n_rows, "");
	for (size_t i = 0; i < schema->n_blocks; i++)
		example_block(f, &schema->blocks[i]);
}

static void
listing_scope(FILE *f, const struct settings *s,
    const struct settings_scope *scope, const char *indent)
{
	for (size_t i = 0; i < scope->n_rows; i++) {
		const struct settings_origin *o = &scope->origins[i];

		fprintf(f, "%s%s = ", indent, scope->rows[i].name);
		if (o->line > 0)
			fprintf(f, "%s # %s:%u\n", o->text, s->schema->file,
			    o->line);
		else {
			print_value(f, &scope->rows[i], o->text);
			fprintf(f, "\n");
		}
	}
}

void
settings_print_listing(FILE *f, const struct settings *s)
{
	listing_scope(f, s, &s->top, "");
	for (size_t i = 0; i < s->n_scopes; i++) {
		fprintf(f, "%s %s {\n", s->scopes[i].group.block->kind,
		    s->scopes[i].group.name);
		listing_scope(f, s, &s->scopes[i], "\t");
		fprintf(f, "}\n");
	}
}
