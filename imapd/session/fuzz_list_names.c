/*
 * A first line of patterns and then names, one a line: the matcher says what a
 * table filled in the plain way says, and the tree is one.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/session/folder_tree.h"
#include "imapd/session/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static bool
same(char p, char c, bool inbox)
{
	return p == c || (inbox && p - 'a' + 'A' == c);
}

static bool
matches_plainly(struct slice p, struct slice name)
{
	bool inbox = slice_equal(name, SLICE_LITERAL("INBOX"));
	bool row[PATTERN_MAX + 1] = { true }, next[PATTERN_MAX + 1];

	for (size_t k = 0; k < p.len; k++)
		row[k + 1] = row[k] && (p.at[k] == '*' || p.at[k] == '%');
	for (size_t i = 0; i < name.len; i++) {
		next[0] = false;
		for (size_t k = 0; k < p.len; k++) {
			bool wild = p.at[k] == '*' || p.at[k] == '%';
			bool eats = p.at[k] == '*' ||
			    (p.at[k] == '%' && name.at[i] != '.');

			next[k + 1] = wild ? next[k] || (eats && row[k + 1]) :
			    row[k] && same(p.at[k], name.at[i], inbox);
		}
		memcpy(row, next, sizeof(row));
	}
	return row[p.len];
}

static struct slice
take_line(struct slice *in)
{
	const char *lf = in->len > 0 ? memchr(in->at, '\n', in->len) : NULL;
	struct slice line = *in;

	if (lf != NULL)
		line.len = (size_t)(lf - in->at);
	*in = slice_skip(*in, lf != NULL ? line.len + 1 : line.len);
	return line;
}

static void
check_tree(const struct folder_tree *t)
{
	for (size_t i = 0; i < t->len; i++) {
		const struct folder_node *n = &t->node[i];
		struct slice name = folder_node_name(n);

		assert(n->parent == NODE_NONE || n->parent < i);
		if (n->parent == NODE_NONE)
			continue;
		assert(slice_starts_nocase(name,
		    folder_node_name(&t->node[n->parent])));
		assert(name.at[t->node[n->parent].len] == '.');
		assert((n->is & NODE_EXISTS) == 0 ||
		    (t->node[n->parent].is & NODE_HAS_CHILDREN) != 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), pattern = take_line(&in), name;
	struct folder_tree t = { .separator = '.' };
	struct pattern p;

	if (pattern.len > PATTERN_MAX || pattern_make(slice_of(NULL, 0),
	    pattern, &p) != PARSE_OK)
		return 0;
	while (in.len > 0) {
		name = take_line(&in);
		if (name.len == 0 || name.len > 240)
			continue;
		assert(pattern_matches(&p, name, '.', NULL) ==
		    matches_plainly(pattern, name));
		if (folder_tree_add(&t, name, NODE_EXISTS) == -1)
			break;
	}
	if (folder_tree_build(&t) == 0)
		check_tree(&t);
	folder_tree_clear(&t);
	return 0;
}
