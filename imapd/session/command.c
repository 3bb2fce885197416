#include "imapd/session/command.h"

#include "common/mailbox/maildir_name.h"
#include "imapd/session/token.h"

static const struct row {
	const char		*name;
	enum imap_arguments	 arguments;
	unsigned		 when;
	bool			 has_uid;
} rows[IMAP_VERBS] = {
#define X(name, args, when, uid) { #name, ARGS_##args, IMAP_##when, uid },
	IMAP_COMMANDS(X)
#undef X
};

static const struct {
	const char	*name;
	uint8_t		 flag;
} flag_names[] = {
	{ "\\Answered", FLAG_ANSWERED }, { "\\Flagged", FLAG_FLAGGED },
	{ "\\Deleted", FLAG_DELETED }, { "\\Seen", FLAG_SEEN },
	{ "\\Draft", FLAG_DRAFT }, { "$Forwarded", FLAG_PASSED },
};

static bool
take_flag(struct slice *in, struct flag_list *list)
{
	struct slice name, whole = *in;
	bool system = take_char(in, '\\');

	if (!take_atom(in, &name))
		return false;
	whole.len -= in->len;
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if (slice_equal_nocase(whole, slice_str(flag_names[i].name))) {
			list->flags |= flag_names[i].flag;
			return true;
		}
	/* \Recent cannot be set, and there are no others */
	if (system || list->len == FLAG_LIST_MAX)
		return false;
	list->keywords[list->len++] = name;
	return true;
}

/* "(a b)", "()"; bare: also without parentheses, as STORE takes it. */
static bool
take_flags(struct slice *in, struct arena *arena, bool bare,
    struct flag_list *list)
{
	bool open = take_char(in, '(');

	list->keywords = arena_alloc(arena, FLAG_LIST_MAX,
	    sizeof(*list->keywords));
	if (list->keywords == NULL || (!open && !bare))
		return false;
	if (open && take_char(in, ')'))
		return true;
	do {
		if (!take_flag(in, list))
			return false;
	} while (take_space(in));
	return !open || take_char(in, ')');
}

bool
take_append_options(struct slice *in, struct arena *arena,
    struct append_options *o)
{
	*o = (struct append_options){ .has_date = false };
	if (!take_space(in))
		return false;
	if (in->len > 0 && in->at[0] == '(' &&
	    (!take_flags(in, arena, false, &o->flags) || !take_space(in)))
		return false;
	if (in->len > 0 && in->at[0] == '"') {
		o->has_date = true;
		if (!take_date_time(in, &o->date) || !take_space(in))
			return false;
	}
	o->utf8 = take_word(in, "UTF8");
	return !o->utf8 || (take_space(in) && take_char(in, '('));
}

/* The space before the message's literal has been left in place. */
static bool
take_append(struct slice *in, struct arena *arena, struct imap_command *c)
{
	return take_astring(in, arena, &c->mailbox) &&
	    take_append_options(in, arena, &c->append);
}

/* RFC 8508 section 5: one number, "*" among them. */
static bool
take_replace(struct slice *in, struct arena *arena, struct imap_command *c)
{
	return take_set(in, arena, &c->set) && c->set.len == 1 &&
	    c->set.range[0].first == c->set.range[0].last &&
	    take_space(in) && take_append(in, arena, c);
}

static bool
take_store(struct slice *in, struct arena *arena, struct imap_command *c)
{
	if (!take_set(in, arena, &c->set) || !take_space(in) ||
	    !take_store_modifiers(in, &c->store_modifiers))
		return false;
	if (take_char(in, '+'))
		c->store = '+';
	else if (take_char(in, '-'))
		c->store = '-';
	if (take_word(in, "FLAGS.SILENT"))
		c->silent = true;
	else if (!take_word(in, "FLAGS"))
		return false;
	return take_space(in) && take_flags(in, arena, true, &c->flags);
}

/* RFC 2971 section 3.1: at most 30 pairs. */
static bool
take_id(struct slice *in, struct arena *arena)
{
	struct slice s;
	int n = 0;

	if (take_word(in, "NIL"))
		return true;
	if (!take_char(in, '('))
		return false;
	if (take_char(in, ')'))
		return true;
	do {
		if (++n > 60 || (!take_word(in, "NIL") &&
		    !take_string(in, arena, &s)))
			return false;
	} while (take_space(in));
	return take_char(in, ')');
}

/* RFC 9208 section 7; what it would set is not kept. */
static bool
take_setquota(struct slice *in, struct arena *arena, struct imap_command *c)
{
	struct slice name;
	uint64_t limit;

	if (!take_astring(in, arena, &c->mailbox) || !take_space(in) ||
	    !take_char(in, '('))
		return false;
	if (take_char(in, ')'))
		return true;
	do {
		if (!take_atom(in, &name) || !take_space(in) ||
		    !take_number(in, INT64_MAX, &limit))
			return false;
	} while (take_space(in));
	return take_char(in, ')');
}

static bool
take_arguments(struct slice *in, struct arena *arena, struct imap_command *c)
{
	enum imap_arguments a = rows[c->verb].arguments;

	if (a == ARGS_EXPUNGE && c->uid)
		return take_space(in) && take_set(in, arena, &c->set);
	if (a == ARGS_NONE || a == ARGS_EXPUNGE)
		return true;
	if (!take_space(in))
		return false;
	switch (a) {
	case ARGS_MAILBOX:
		return take_astring(in, arena, &c->mailbox);
	case ARGS_SELECT:
		return take_astring(in, arena, &c->mailbox) &&
		       take_select_parameters(in, arena, &c->select);
	case ARGS_RENAME:
		return take_astring(in, arena, &c->mailbox) &&
		    take_space(in) && take_astring(in, arena, &c->other);
	case ARGS_CREATE:
		return take_astring(in, arena, &c->mailbox) &&
		    take_create_uses(in, &c->uses, &c->unknown_use);
	case ARGS_LIST:
	case ARGS_LSUB:
		return take_list_arguments(in, arena, a == ARGS_LIST, &c->list);
	case ARGS_STATUS:
		return take_astring(in, arena, &c->mailbox) &&
		    take_space(in) && take_status_items(in, &c->status);
	case ARGS_APPEND:
		return take_append(in, arena, c);
	case ARGS_REPLACE:
		return take_replace(in, arena, c);
	case ARGS_SEARCH:
		return take_search_return(in, &c->returns) &&
		    take_search(in, arena, &c->search);
	case ARGS_SORT:
		return take_sort_criteria(in, &c->sort) && take_space(in) &&
		    take_sort_search(in, arena, &c->search);
	case ARGS_THREAD:
		return take_thread_algorithm(in, &c->sort) && take_space(in) &&
		    take_sort_search(in, arena, &c->search);
	case ARGS_SETQUOTA:
		return take_setquota(in, arena, c);
	case ARGS_COMPRESS:
		return take_word(in, "DEFLATE");
	case ARGS_FETCH:
		return take_set(in, arena, &c->set) && take_space(in) &&
		       take_fetch_items(in, arena, &c->fetch) &&
		       take_fetch_modifiers(in, &c->fetch_modifiers);
	case ARGS_STORE:
		return take_store(in, arena, c);
	case ARGS_COPY:
		return take_set(in, arena, &c->set) && take_space(in) &&
		    take_astring(in, arena, &c->mailbox);
	case ARGS_ENABLE:
		return take_enables(in, &c->enables);
	default:
		return take_id(in, arena);
	}
}

static bool
take_verb(struct slice *in, struct imap_command *c)
{
	if (take_word(in, "UID")) {
		c->uid = true;
		if (!take_space(in))
			return false;
	}
	for (unsigned i = 0; i < IMAP_VERBS; i++)
		if ((!c->uid || rows[i].has_uid) &&
		    take_word(in, rows[i].name)) {
			c->verb = (enum imap_verb)i;
			c->when = rows[i].when;
			return true;
		}
	return false;
}

enum parse
imap_command_parse(struct slice in, struct arena *arena,
    struct imap_command *c, enum imap_fault *fault)
{
	*c = (struct imap_command){ .verb = IMAP_VERBS };
	*fault = IMAP_NO_TAG;
	if (!take_tag(&in, &c->tag))
		return PARSE_BAD;
	*fault = IMAP_UNKNOWN;
	if (!take_space(&in) || !take_verb(&in, c))
		return PARSE_BAD;
	*fault = IMAP_SYNTAX;
	if (!take_arguments(&in, arena, c) || in.len > 0) {
		if (c->search.bad_charset)
			*fault = IMAP_CHARSET;
		else if (c->search.too_many)
			*fault = IMAP_LIMIT;
		return PARSE_BAD;
	}
	return PARSE_OK;
}
