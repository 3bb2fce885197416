#include "imapd/session/list_arguments.h"

#include "common/mailbox/mailbox.h"
#include "imapd/session/token.h"

struct option {
	const char	*name;
	unsigned	 bit;
};

static const struct option selections[] = {
	{ "SUBSCRIBED", LIST_SELECT_SUBSCRIBED },
	{ "SPECIAL-USE", LIST_SELECT_SPECIAL_USE },
	{ "RECURSIVEMATCH", LIST_SELECT_RECURSIVEMATCH },
	{ "REMOTE", LIST_SELECT_REMOTE },
	{ NULL, 0 }
};

static const struct option returns[] = {
	{ "SUBSCRIBED", LIST_RETURN_SUBSCRIBED },
	{ "SPECIAL-USE", LIST_RETURN_SPECIAL_USE },
	{ "CHILDREN", LIST_RETURN_CHILDREN },
	{ "STATUS", LIST_RETURN_STATUS },
	{ NULL, 0 }
};

static unsigned
take_option(struct slice *in, const struct option *o)
{
	for (; o->name != NULL; o++)
		if (take_word(in, o->name))
			return o->bit;
	return 0;
}

/* RECURSIVEMATCH wants something to match (RFC 5258 section 3.1). */
static bool
take_selections(struct slice *in, struct list_arguments *a)
{
	unsigned base = LIST_SELECT_SUBSCRIBED | LIST_SELECT_SPECIAL_USE, bit;

	if (take_char(in, ')'))
		return true;
	do {
		if ((bit = take_option(in, selections)) == 0)
			return false;
		a->select |= bit;
	} while (take_space(in));
	return take_char(in, ')') &&
	    ((a->select & LIST_SELECT_RECURSIVEMATCH) == 0 ||
		(a->select & base) != 0);
}

static bool
take_returns(struct slice *in, struct list_arguments *a)
{
	unsigned bit;

	if (!take_word(in, "RETURN") || !take_space(in) || !take_char(in, '('))
		return false;
	if (take_char(in, ')'))
		return true;
	do {
		if ((bit = take_option(in, returns)) == 0)
			return false;
		a->give |= bit;
		if (bit == LIST_RETURN_STATUS &&
		    (!take_space(in) || !take_status_items(in, &a->status)))
			return false;
	} while (take_space(in));
	return take_char(in, ')');
}

static bool
take_patterns(struct slice *in, struct arena *arena, struct list_arguments *a)
{
	do {
		if (a->patterns == LIST_PATTERNS_MAX || !take_list_mailbox(in,
		    arena, &a->pattern[a->patterns]))
			return false;
		a->patterns++;
	} while (take_space(in));
	return take_char(in, ')');
}

bool
take_list_arguments(struct slice *in, struct arena *arena, bool extended,
    struct list_arguments *a)
{
	bool many;

	*a = (struct list_arguments){ 0 };
	a->pattern = arena_alloc(arena, LIST_PATTERNS_MAX, sizeof(*a->pattern));
	if (a->pattern == NULL)
		return false;
	if (extended && take_char(in, '(')) {
		a->extended = true;
		if (!take_selections(in, a) || !take_space(in))
			return false;
	}
	if (!take_astring(in, arena, &a->reference) || !take_space(in))
		return false;
	many = extended && take_char(in, '(');
	if (many ? !take_patterns(in, arena, a) :
	    !take_list_mailbox(in, arena, &a->pattern[a->patterns++]))
		return false;
	a->extended |= many;
	if (!extended || in->len == 0)
		return true;
	a->extended = true;
	return take_space(in) && take_returns(in, a);
}

bool
take_create_uses(struct slice *in, unsigned *uses, bool *unknown)
{
	struct slice whole, name;
	unsigned use;

	*uses = 0;
	*unknown = false;
	if (in->len == 0)
		return true;
	if (!take_space(in) || !take_char(in, '(') || !take_word(in, "USE") ||
	    !take_space(in) || !take_char(in, '('))
		return false;
	if (take_char(in, ')'))
		return take_char(in, ')');
	do {
		whole = *in;
		if (!take_char(in, '\\') || !take_atom(in, &name))
			return false;
		use = special_use_by_name(slice_of(whole.at, name.len + 1));
		*uses |= use;
		*unknown |= use == 0;
	} while (take_space(in));
	/* NOLINTNEXTLINE: two of them are to be taken */
	return take_char(in, ')') && take_char(in, ')');
}
