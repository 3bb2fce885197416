/*
 * In scratch a NUL stands for white space between two words: a display-name
 * shows it as a space, a local-part (obs-local-part has white space around its
 * dots) drops it.  No NUL comes from the input, scan.c sees to that.
 */
#include "common/message/address.h"

void
address_list_init(struct address_list *l, struct slice body, char *scratch,
    size_t size)
{
	*l = (struct address_list){
		.in = scan_of(body),
		.scratch = text_in(scratch, size),
	};
}

/* Words and dots, of a display-name or of a local-part: not known yet. */
static struct slice
take_words(struct address_list *l, struct slice *comment)
{
	struct text *out = &l->scratch;
	size_t from = out->len, word;
	bool space = false;

	for (;;) {
		word = out->len;
		if (space && word > from)
			text_put(out, '\0');
		if (scan_peek(&l->in) == '"')
			scan_quoted(&l->in, out);
		else if (scan_atom(&l->in, ".", out) == 0)
			break;
		space = scan_cfws(&l->in, comment);
	}
	out->len = word;
	return text_since(out, from);
}

static struct slice
as_name(struct slice words)
{
	char *at = (char *)(size_t)words.at;

	for (size_t i = 0; i < words.len; i++)
		if (at[i] == '\0')
			at[i] = ' ';
	return words;
}

static struct slice
as_local_part(struct slice words)
{
	char *at = (char *)(size_t)words.at;
	size_t len = 0;

	for (size_t i = 0; i < words.len; i++)
		if (at[i] != '\0')
			at[len++] = at[i];
	return slice_of(at, len);
}

static void
take_domain_literal(struct address_list *l)
{
	int c;

	while ((c = scan_peek(&l->in)) != -1) {
		scan_skip(&l->in);
		if (c == '\\' && !scan_end(&l->in)) {
			c = scan_peek(&l->in);
			scan_skip(&l->in);
		}
		if (c > ' ')
			text_put(&l->scratch, (char)c);
		if (c == ']')
			return;
	}
}

/* After the @.  obs-domain has white space and comments around its dots. */
static struct slice
take_domain(struct address_list *l, struct slice *comment)
{
	size_t from = l->scratch.len;

	scan_cfws(&l->in, comment);
	if (scan_peek(&l->in) == '[')
		take_domain_literal(l);
	else
		while (scan_atom(&l->in, ".", &l->scratch) > 0)
			if (scan_cfws(&l->in, comment) &&
			    scan_peek(&l->in) != '.' &&
			    (l->scratch.len == from ||
				l->scratch.at[l->scratch.len - 1] != '.'))
				break;
	scan_cfws(&l->in, comment);
	return text_since(&l->scratch, from);
}

/* obs-route: "@one.example,@two.example:"; the scan stands on an @. */
static struct slice
take_route(struct address_list *l)
{
	size_t from = l->scratch.len;
	int c;

	while ((c = scan_peek(&l->in)) == '@' || c == ',') {
		scan_skip(&l->in);
		text_put(&l->scratch, (char)c);
		if (c == '@')
			take_domain(l, NULL);
		else
			scan_cfws(&l->in, NULL);
	}
	if (c == ':')
		scan_skip(&l->in);
	scan_cfws(&l->in, NULL);
	return text_since(&l->scratch, from);
}

/* The scan stands on the <. */
static void
take_angle(struct address_list *l, struct address *a)
{
	int c;

	scan_skip(&l->in);
	scan_cfws(&l->in, NULL);
	if (scan_peek(&l->in) == '@')
		a->route = take_route(l);
	a->mailbox = as_local_part(take_words(l, NULL));
	a->domain = text_since(&l->scratch, l->scratch.len);
	if (scan_peek(&l->in) == '@') {
		scan_skip(&l->in);
		a->domain = take_domain(l, NULL);
	}
	while ((c = scan_peek(&l->in)) != -1 && c != ',' &&
	    !(c == ';' && l->in_group)) {
		scan_skip(&l->in);
		if (c == '>')
			break;
	}
}

/* addr-spec with no angle brackets; "bob@example.org (Bob)" names Bob. */
static void
take_bare(struct address_list *l, struct slice words, struct slice comment,
    struct address *a)
{
	a->mailbox = as_local_part(words);
	a->domain = text_since(&l->scratch, l->scratch.len);
	if (scan_peek(&l->in) == '@') {
		scan_skip(&l->in);
		a->domain = take_domain(l, &comment);
	}
	if (comment.at != NULL) {
		size_t from = l->scratch.len;
		scan_comment_text(comment, &l->scratch);
		a->name = text_since(&l->scratch, from);
	}
}

static enum address_kind
take_end(struct address_list *l)
{
	l->in.at = l->in.end;
	if (!l->in_group)
		return ADDRESS_END;
	l->in_group = false;
	return ADDRESS_GROUP_END;
}

/* What comes after some words decides what they were. */
static bool
take_address(struct address_list *l, struct address *a,
    enum address_kind *kind)
{
	struct slice comment = { 0 };
	struct slice words = take_words(l, &comment);
	int c = scan_peek(&l->in);

	*kind = ADDRESS_MAILBOX;
	if (c == '<') {
		if (words.len > 0)
			a->name = as_name(words);
		take_angle(l, a);
	} else if (c == ':' && !l->in_group && words.len > 0) {
		scan_skip(&l->in);
		a->name = as_name(words);
		l->in_group = true;
		*kind = ADDRESS_GROUP;
	} else if (c == '@' || words.len > 0) {
		take_bare(l, words, comment, a);
	} else {
		if (c != -1)
			scan_skip(&l->in);
		return false;
	}
	return true;
}

enum address_kind
address_next(struct address_list *l, struct address *a)
{
	enum address_kind kind;
	int c;

	for (;;) {
		*a = (struct address){ 0 };
		l->scratch.len = 0;
		scan_cfws(&l->in, NULL);
		c = scan_peek(&l->in);
		if (c == -1 || l->count >= ADDRESS_LIST_MAX)
			return take_end(l);
		if (c == ';' && l->in_group) {
			scan_skip(&l->in);
			l->in_group = false;
			return ADDRESS_GROUP_END;
		}
		if (c == ',' || c == ';') {
			scan_skip(&l->in);
			continue;
		}
		if (take_address(l, a, &kind)) {
			l->count++;
			return kind;
		}
	}
}
