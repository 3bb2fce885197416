#include "imapd/session/search_keys.h"

#include <assert.h>

#include "common/mailbox/maildir_name.h"
#include "imapd/session/token.h"

enum key_argument { NO_ARGUMENT, STRING, FIELD_AND_STRING, ATOM, DATE, NUMBER,
	UID_SET, MODSEQ, INTERVAL };

static const struct key {
	const char		*name;
	enum search_op		 op;
	enum key_argument	 argument;
	uint8_t			 flag;
	bool			 negated;
	const char		*field;	/* of HEADER's short forms */
} keys[] = {
	{ "ALL", SEARCH_ALL, 0, 0, false, NULL },
	{ "ANSWERED", SEARCH_FLAG, 0, FLAG_ANSWERED, false, NULL },
	{ "BCC", SEARCH_HEADER, STRING, 0, false, "Bcc" },
	{ "BEFORE", SEARCH_BEFORE, DATE, 0, false, NULL },
	{ "BODY", SEARCH_BODY, STRING, 0, false, NULL },
	{ "CC", SEARCH_HEADER, STRING, 0, false, "Cc" },
	{ "DELETED", SEARCH_FLAG, 0, FLAG_DELETED, false, NULL },
	{ "DRAFT", SEARCH_FLAG, 0, FLAG_DRAFT, false, NULL },
	{ "EMAILID", SEARCH_EMAILID, ATOM, 0, false, NULL },
	{ "FLAGGED", SEARCH_FLAG, 0, FLAG_FLAGGED, false, NULL },
	{ "FROM", SEARCH_HEADER, STRING, 0, false, "From" },
	{ "HEADER", SEARCH_HEADER, FIELD_AND_STRING, 0, false, NULL },
	{ "KEYWORD", SEARCH_KEYWORD, ATOM, 0, false, NULL },
	{ "LARGER", SEARCH_LARGER, NUMBER, 0, false, NULL },
	{ "MODSEQ", SEARCH_MODSEQ, MODSEQ, 0, false, NULL },
	{ "NEW", SEARCH_NEW, 0, 0, false, NULL },
	{ "OLD", SEARCH_RECENT, 0, 0, true, NULL },
	{ "OLDER", SEARCH_OLDER, INTERVAL, 0, false, NULL },
	{ "ON", SEARCH_ON, DATE, 0, false, NULL },
	{ "RECENT", SEARCH_RECENT, 0, 0, false, NULL },
	{ "SAVEDATESUPPORTED", SEARCH_ALL, 0, 0, false, NULL },
	{ "SAVEDBEFORE", SEARCH_SAVEDBEFORE, DATE, 0, false, NULL },
	{ "SAVEDON", SEARCH_SAVEDON, DATE, 0, false, NULL },
	{ "SAVEDSINCE", SEARCH_SAVEDSINCE, DATE, 0, false, NULL },
	{ "SEEN", SEARCH_FLAG, 0, FLAG_SEEN, false, NULL },
	{ "SENTBEFORE", SEARCH_SENTBEFORE, DATE, 0, false, NULL },
	{ "SENTON", SEARCH_SENTON, DATE, 0, false, NULL },
	{ "SENTSINCE", SEARCH_SENTSINCE, DATE, 0, false, NULL },
	{ "SINCE", SEARCH_SINCE, DATE, 0, false, NULL },
	{ "SMALLER", SEARCH_SMALLER, NUMBER, 0, false, NULL },
	{ "SUBJECT", SEARCH_HEADER, STRING, 0, false, "Subject" },
	{ "TEXT", SEARCH_TEXT, STRING, 0, false, NULL },
	/* there are no thread IDs, so none matches (RFC 8474 section 5.2) */
	{ "THREADID", SEARCH_EMAILID, ATOM, 0, false, "none" },
	{ "TO", SEARCH_HEADER, STRING, 0, false, "To" },
	{ "UID", SEARCH_UID, UID_SET, 0, false, NULL },
	{ "UNANSWERED", SEARCH_FLAG, 0, FLAG_ANSWERED, true, NULL },
	{ "UNDELETED", SEARCH_FLAG, 0, FLAG_DELETED, true, NULL },
	{ "UNDRAFT", SEARCH_FLAG, 0, FLAG_DRAFT, true, NULL },
	{ "UNFLAGGED", SEARCH_FLAG, 0, FLAG_FLAGGED, true, NULL },
	{ "UNKEYWORD", SEARCH_KEYWORD, ATOM, 0, true, NULL },
	{ "UNSEEN", SEARCH_FLAG, 0, FLAG_SEEN, true, NULL },
	{ "YOUNGER", SEARCH_YOUNGER, INTERVAL, 0, false, NULL },
};

enum search_level
search_level(enum search_op op)
{
	if (op < SEARCH_BEFORE)
		return LEVEL_VIEW;
	if (op < SEARCH_HEADER)
		return LEVEL_FILE;
	return op < SEARCH_BODY ? LEVEL_HEADER : LEVEL_BODY;
}

/*
 * RFC 7162 section 3.1.5.  There is one modification sequence for all of a
 * message's metadata, so the entry's name and type do not matter.
 */
static bool
take_modseq(struct slice *in, struct arena *arena, uint64_t *modseq)
{
	struct slice entry;

	if (in->len > 0 && in->at[0] == '"' &&
	    (!take_string(in, arena, &entry) || !take_space(in) ||
		(!take_word(in, "all") && !take_word(in, "priv") &&
		    !take_word(in, "shared")) || !take_space(in)))
		return false;
	return take_number(in, INT64_MAX, modseq);
}

/* The strings of the criteria are UTF-8 from here on. */
static bool
convert(struct arena *arena, const struct search *search, struct slice *s)
{
	struct charset_state st = { 0 };
	size_t room = CHARSET_ROOM(s->len);
	char *at;
	struct text text;

	if (search->charset == NULL)
		return true;
	if ((at = arena_alloc(arena, room, 1)) == NULL)
		return false;
	text = text_in(at, room);
	charset_decode(search->charset, &st, *s, &text);
	charset_finish(search->charset, &st, &text);
	*s = text_since(&text, 0);
	return true;
}

static bool
take_key_argument(struct slice *in, struct arena *arena,
    const struct search *search, const struct key *k, struct search_step *s)
{
	if (k->argument == NO_ARGUMENT)
		return true;
	if (!take_space(in))
		return false;
	switch (k->argument) {
	case STRING:
		if (k->field != NULL)
			s->name = slice_str(k->field);
		return take_astring(in, arena, &s->text) &&
		    convert(arena, search, &s->text);
	case FIELD_AND_STRING:
		return take_astring(in, arena, &s->name) && take_space(in) &&
		    take_astring(in, arena, &s->text) &&
		    convert(arena, search, &s->text);
	case ATOM:
		if (!take_atom(in, &s->name))
			return false;
		if (k->field != NULL)
			s->name = slice_str(k->field);
		return true;
	case DATE:
		return take_date(in, &s->days);
	case MODSEQ:
		return take_modseq(in, arena, &s->number);
	case INTERVAL:	/* RFC 5032: seconds, not 0 */
		return take_number(in, UINT32_MAX, &s->number) &&
		    s->number > 0;
	case NUMBER:	/* RFC 9051 section 9 */
		return take_number(in, INT64_MAX, &s->number);
	default:
		return take_set(in, arena, &s->set);
	}
}

static bool
take_leaf(struct slice *in, struct arena *arena, const struct search *search,
    struct search_step *s)
{
	char c = in->len > 0 ? in->at[0] : '\0';

	*s = (struct search_step){ .op = SEARCH_SET };
	if ((c >= '0' && c <= '9') || c == '*' || c == '$')
		return take_set(in, arena, &s->set);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (take_word(in, keys[i].name)) {
			s->op = keys[i].op;
			s->flag = keys[i].flag;
			s->negated = keys[i].negated;
			return take_key_argument(in, arena, search, &keys[i],
			    s);
		}
	return false;
}

/* What is open: it wants so many more keys, a parenthesis any number. */
struct open {
	enum search_op	op;
	uint32_t	have;
};

struct parser {
	struct search	*search;
	struct open *open; /* [search->most] */
	size_t		 depth;
};

static bool
add_step(struct parser *p, const struct search_step *s)
{
	if (p->search->len == p->search->most) {
		p->search->too_many = true;
		return false;
	}
	p->search->step[p->search->len++] = *s;
	return true;
}

static bool
open_op(struct parser *p, enum search_op op)
{
	if (p->depth == p->search->most) {
		p->search->too_many = true;
		return false;
	}
	p->open[p->depth++] = (struct open){ op, 0 };
	return true;
}

static bool
close_op(struct parser *p)
{
	const struct open *o = &p->open[--p->depth];
	struct search_step s = { .op = o->op, .count = o->have };

	return add_step(p, &s);
}

/* A key is complete: so may be what it belongs to, and so on. */
static bool
key_done(struct parser *p)
{
	for (;;) {
		struct open *o = &p->open[p->depth - 1];

		o->have++;
		if (o->op == SEARCH_AND || (o->op == SEARCH_OR && o->have < 2))
			return true;
		if (!close_op(p))
			return false;
	}
}

/* One token: something opens, or a key, and perhaps parentheses close. */
static bool
take_key(struct slice *in, struct arena *arena, struct parser *p)
{
	struct search_step s;

	if (take_char(in, '('))
		return open_op(p, SEARCH_AND);
	if (take_word(in, "NOT"))
		return take_space(in) && open_op(p, SEARCH_NOT);
	if (take_word(in, "OR"))
		return take_space(in) && open_op(p, SEARCH_OR);
	if (!take_leaf(in, arena, p->search, &s) || !add_step(p, &s) || !key_done(p))
		return false;
	p->search->modseq |= s.op == SEARCH_MODSEQ;
	while (take_char(in, ')')) {
		if (p->depth < 2 || p->open[p->depth - 1].op != SEARCH_AND)
			return false;
		if (!close_op(p) || !key_done(p))
			return false;
	}
	/* another key of an AND, or the second of an OR */
	return in->len == 0 || take_space(in);
}

/*
 * How many steps there can be at most: behind each criterion, NOT and OR there
 * is a space, a parenthesis or the end, and an AND is a parenthesis or the
 * whole.
 */
static size_t
most_steps(struct slice in)
{
	size_t n = 2;

	for (size_t i = 0; i < in.len; i++)
		n += in.at[i] == ' ' || in.at[i] == '(' || in.at[i] == ')';
	return n < SEARCH_STEPS_MAX ? n : SEARCH_STEPS_MAX;
}

static bool
begin_search(struct slice in, struct arena *arena, struct search *search)
{
	size_t most = most_steps(in);

	*search = (struct search){ .most = most };
	search->step = arena_alloc(arena, most, sizeof(*search->step));
	search->too_many = search->step == NULL;
	return search->step != NULL;
}

static bool
take_charset(struct slice *in, struct arena *arena, struct search *search)
{
	struct slice name;

	search->has_charset = true;
	if (!take_astring(in, arena, &name) || !take_space(in))
		return false;
	search->charset = charset_of(name);
	search->bad_charset = search->charset == NULL;
	return !search->bad_charset;
}

static bool
take_keys(struct slice *in, struct arena *arena, struct search *search)
{
	struct parser p = { .search = search,
		.open = arena_alloc(arena, search->most, sizeof(*p.open)) };

	if (p.open == NULL) {
		search->too_many = true;
		return false;
	}
	(void)open_op(&p, SEARCH_AND);
	do {
		if (!take_key(in, arena, &p))
			return false;
	} while (in->len > 0);
	return p.depth == 1 && close_op(&p);
}

bool
take_search(struct slice *in, struct arena *arena, struct search *search)
{
	if (!begin_search(*in, arena, search))
		return false;
	if (take_word(in, "CHARSET") &&
	    (!take_space(in) || !take_charset(in, arena, search)))
		return false;
	return take_keys(in, arena, search);
}

bool
take_sort_search(struct slice *in, struct arena *arena, struct search *search)
{
	return begin_search(*in, arena, search) &&
	    take_charset(in, arena, search) && take_keys(in, arena, search);
}

static enum truth
truth_not(enum truth t)
{
	return t == TRUTH_UNKNOWN ? t : t == TRUTH_NO ? TRUTH_YES : TRUTH_NO;
}

/* All of n values; an OR is the same of their negations, negated. */
static enum truth
truth_and(const enum truth *v, size_t n, bool negate)
{
	enum truth all = TRUTH_YES;

	for (size_t i = 0; i < n; i++) {
		enum truth t = negate ? truth_not(v[i]) : v[i];

		if (t == TRUTH_NO)
			return TRUTH_NO;
		if (t == TRUTH_UNKNOWN)
			all = TRUTH_UNKNOWN;
	}
	return all;
}

enum truth
search_combine(
    const struct search *s, const enum truth *values, enum truth *stack)
{
	size_t n = 0;

	for (size_t i = 0; i < s->len; i++) {
		const struct search_step *step = &s->step[i];

		switch (step->op) {
		case SEARCH_AND:
			assert(n >= step->count);
			n -= step->count;
			stack[n] = truth_and(stack + n, step->count, false);
			n++;
			break;
		case SEARCH_OR:
			assert(n >= 2);
			n -= 2;
			stack[n] = truth_not(truth_and(stack + n, 2, true));
			n++;
			break;
		case SEARCH_NOT:
			assert(n >= 1);
			stack[n - 1] = truth_not(stack[n - 1]);
			break;
		default:
			stack[n++] = values[i];
		}
	}
	assert(n == 1);
	return stack[0];
}
