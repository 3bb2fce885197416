/*
 * :include: in aliases: lists of targets in files of their own.  A list may be
 * written by somebody whom root let, so what is wrong in it breaks the aliases
 * that use it and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/aliases_private.h"

bool
aliases_list_name_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '.' || c == '_' ||
		    c == '-'))
			return false;
	}
	return s.len > 0 && s.len <= ALIASES_LIST_NAME_MAX && s.at[0] != '.';
}

int
aliases_take_lists(struct aliases_table *t, const struct alias_list *lists,
    size_t count, struct table_error *err)
{
	if (count == 0)
		return 0;
	if (count > ALIASES_LISTS_MAX)
		return table_error_set(err, 0, "more than %d lists",
		    ALIASES_LISTS_MAX);
	if ((t->lists = calloc(count, sizeof(*t->lists))) == NULL)
		return table_error_set(err, 0, "no memory for its lists");
	for (size_t i = 0; i < count; i++) {
		struct aliases_list *l = &t->lists[i];

		if ((l->text = table_copy(lists[i].text, err)) == NULL)
			return -1;
		t->n_lists = i + 1;
		l->len = lists[i].text.len;
		snprintf(l->name, sizeof(l->name), "%s", lists[i].name);
	}
	return 0;
}

static struct aliases_list *
find_list(struct aliases_table *t, struct slice name)
{
	for (size_t i = 0; i < t->n_lists; i++)
		if (slice_equal(slice_str(t->lists[i].name), name))
			return &t->lists[i];
	return NULL;
}

/* Keep what is wrong, and go on. */
static int
fault(struct aliases_table *t, struct slice name,
    const struct table_error *what, struct table_error *err)
{
	struct alias_fault *f;

	t->rows[t->count - 1].broken = true;
	if (table_grow((void **)&t->faults, &t->fault_room, t->n_faults,
	    sizeof(*t->faults), err) == -1)
		return -1;
	f = &t->faults[t->n_faults++];
	slice_copy_str(name, f->name, sizeof(f->name));
	f->err = *what;
	return 0;
}

/* Lists in lists, without recursion: where each of them is being read. */
struct include {
	struct aliases_list	*list;
	struct table_reader	 reader;
	struct slice		 rest;		/* of the line */
};

struct includes {
	struct include	at[ALIASES_INCLUDE_DEPTH_MAX];
	unsigned	depth;
};

/* Enter a list; what is wrong with that is the fault of where it is named. */
static int
enter(struct aliases_table *t, struct includes *in, struct slice name,
    unsigned line, struct table_error *what)
{
	struct aliases_list *l = find_list(t, name);
	struct include *i;

	if (l == NULL)
		return table_error_quote(what, line, name, "there is no such "
		    "list; put the file into the directory lists");
	if (l->open)
		return table_error_quote(what, line, name, "includes itself: "
		    "a loop; take one of the lines out");
	if (in->depth == ALIASES_INCLUDE_DEPTH_MAX)
		return table_error_quote(what, line, name,
		    "a list in a list in a list, more than 8 deep");
	i = &in->at[in->depth++];
	*i = (struct include){ .list = l, .rest = slice_of(l->text, 0) };
	table_reader_init(&i->reader, slice_of(l->text, l->len));
	l->open = true;
	return 0;
}

/* One target of the innermost list.  -1 with what: wrong in that list. */
static int
take_one(struct aliases_table *t, struct includes *in, struct slice text,
    struct table_error *what)
{
	static const struct slice include = SLICE_LITERAL(":include:");
	struct include *i = &in->at[in->depth - 1];
	struct alias_target target;

	if (slice_starts_nocase(text, include))
		return enter(t, in, table_trim(slice_skip(text, include.len)),
		    i->reader.line, what);
	if (aliases_parse_target(t, text, i->reader.line, true, &target,
	    what) == -1)
		return -1;
	target.list = (uint16_t)(i->list - t->lists + 1);
	return aliases_add_target(t, &target, what);
}

/* The next target of the innermost list: PARSE_MORE at its end. */
static enum parse
next_target(struct include *i, struct slice *text, struct table_error *what)
{
	enum parse p;

	while (!aliases_cut_target(&i->rest, text))
		if ((p = table_next(&i->reader, &i->rest, what)) != PARSE_OK)
			return p;
	return PARSE_OK;
}

int
aliases_include(struct aliases_table *t, struct slice name, unsigned line,
    struct table_error *err)
{
	struct includes in = { .depth = 0 };
	struct table_error what;
	int result = 0;

	t->included = true;
	if (enter(t, &in, name, line, &what) == -1) {
		what.line = 0;
		result = fault(t, name, &what, err);
	}
	while (in.depth > 0 && result == 0) {
		struct include *i = &in.at[in.depth - 1];
		struct slice text;
		enum parse p = next_target(i, &text, &what);

		if (p == PARSE_OK && take_one(t, &in, text, &what) == 0)
			continue;
		if (p != PARSE_MORE && !i->list->faulty) {
			i->list->faulty = true;
			result = fault(t, slice_str(i->list->name), &what,
			    err);
		}
		if (p != PARSE_MORE)
			t->rows[t->count - 1].broken = true;
		if (p != PARSE_OK) {
			i->list->open = false;
			in.depth--;
		}
	}
	while (in.depth > 0)
		in.at[--in.depth].list->open = false;
	return result;
}

const char *
aliases_list_name(const struct aliases_table *t,
    const struct alias_target *target)
{
	return target->list == 0 ? NULL : t->lists[target->list - 1].name;
}

const struct alias_fault *
aliases_fault(const struct aliases_table *t, size_t i)
{
	return i < t->n_faults ? &t->faults[i] : NULL;
}
