/*
 * LIST, LSUB and XLIST (RFC 3501 sections 6.3.8 and 6.3.9; RFC 5258, 3348, 5819
 * and 6154).  All names there are become one tree; then one pass over it finds
 * what matches, one what lies below, and one writes.
 */
#include <errno.h>
#include <stdlib.h>

#include "imapd/session/folder_tree.h"
#include "imapd/session/pattern.h"
#include "imapd/session/session.h"

enum list_kind { KIND_LIST, KIND_LSUB, KIND_XLIST };

enum { MATCHED_AT_ONCE = 64 };	/* names before others have their turn */

struct listing {
	enum list_kind	 kind;
	const struct list_arguments *arguments;
	struct folder_list folders, subscriptions;
	char *utf8; /* names in it that are not as on disk */
	struct folder_tree tree;
	struct pattern	*pattern;	/* [patterns] */
	size_t		 patterns;
	bool		 matched;	/* the first pass is done */
	unsigned	 given;		/* uses that some folder was given */
	uint32_t	 at;		/* the node that is next */
};

void
list_end(struct imap *s)
{
	struct listing *l = s->listing;

	if (l == NULL)
		return;
	folder_tree_clear(&l->tree);
	folder_list_clear(&l->folders);
	folder_list_clear(&l->subscriptions);
	free(l->pattern);
	free(l->utf8);
	free(l);
	s->listing = NULL;
}

/* ---- one response ---- */

/* What Gmail's XLIST, from before RFC 6154, calls them. */
static const char *
use_name(const struct listing *l, unsigned use)
{
	return l->kind == KIND_XLIST && use == SPECIAL_USE_JUNK ?
	    "\\Spam" : special_use_name(use);
}

struct attributes {
	struct imap	*s;
	const char	*sep;
};

static void
say(struct attributes *a, const char *name)
{
	imap_print(a->s, "%s%s", a->sep, name);
	a->sep = " ";
}

static void
write_attributes(struct imap *s, const struct listing *l,
    const struct folder_node *n)
{
	const struct list_arguments *args = l->arguments;
	struct attributes a = { s, "" };

	/* LSUB says \Noselect of what is not itself subscribed */
	if (l->kind == KIND_LSUB) {
		if ((n->is & NODE_SUBSCRIBED) == 0)
			say(&a, "\\Noselect");
		return;
	}
	if ((n->is & NODE_EXISTS) == 0)
		say(&a, args->extended || imap_is_rev2(s) ? "\\NonExistent"
							  : "\\Noselect");
	say(&a, (n->is & NODE_HAS_CHILDREN) != 0 ? "\\HasChildren" :
						   "\\HasNoChildren");
	if ((n->is & NODE_SUBSCRIBED) != 0 &&
	    ((args->give & LIST_RETURN_SUBSCRIBED) != 0 ||
		(args->select & LIST_SELECT_SUBSCRIBED) != 0))
		say(&a, "\\Subscribed");
	if (l->kind == KIND_XLIST && slice_equal(folder_node_name(n),
	    SLICE_LITERAL("INBOX")))
		say(&a, "\\Inbox");
	for (unsigned use = 1; use < 1U << SPECIAL_USES; use <<= 1)
		if ((n->uses & use) != 0)
			say(&a, use_name(l, use));
}

/* RFC 5258 section 3.5: which criteria something below it has met. */
static void
write_childinfo(struct imap *s, unsigned select)
{
	const char *sep = "";

	imap_print(s, " (\"CHILDINFO\" (");
	if ((select & LIST_SELECT_SUBSCRIBED) != 0) {
		imap_print(s, "\"SUBSCRIBED\"");
		sep = " ";
	}
	if ((select & LIST_SELECT_SPECIAL_USE) != 0)
		imap_print(s, "%s\"SPECIAL-USE\"", sep);
	imap_print(s, "))");
}

static void
write_node(struct imap *s, const struct listing *l,
    const struct folder_node *n)
{
	static const char *const words[] = { "LIST", "LSUB", "XLIST" };

	imap_print(s, "* %s (", words[l->kind]);
	write_attributes(s, l, n);
	imap_print(s, ") \"%c\" ", FOLDER_SEPARATOR);
	imap_write_string(s, folder_node_name(n));
	if ((l->arguments->select & LIST_SELECT_RECURSIVEMATCH) != 0 &&
	    (n->is & NODE_CHOSEN_BELOW) != 0)
		write_childinfo(s, l->arguments->select);
	imap_print(s, "\r\n");
}

/* RFC 5819: of what can be selected; where that fails, nothing is said. */
static void
write_its_status(struct imap *s, const struct listing *l,
    const struct folder_node *n)
{
	struct folder_name name;

	if ((l->arguments->give & LIST_RETURN_STATUS) == 0 ||
	    (n->is & NODE_EXISTS) == 0 || (n->is & NODE_CHOSEN) == 0 ||
	    imap_name_back(s, folder_node_name(n), &name) != PARSE_OK)
		return;
	(void)imap_write_status(s, &name, l->arguments->status);
}

/* ---- the passes ---- */

static bool
matches(const struct listing *l, struct slice name)
{
	for (size_t i = 0; i < l->patterns; i++)
		if (pattern_matches(&l->pattern[i], name, FOLDER_SEPARATOR,
		    NULL))
			return true;
	return false;
}

static bool
is_chosen(const struct listing *l, const struct folder_node *n)
{
	unsigned select = l->arguments->select;
	bool by_use = (select & LIST_SELECT_SPECIAL_USE) != 0;

	if (l->kind == KIND_LSUB || (select & LIST_SELECT_SUBSCRIBED) != 0)
		return (n->is & NODE_SUBSCRIBED) != 0 &&
		    (!by_use || n->uses != 0);
	if (by_use)
		return n->uses != 0;
	/* superiors that are no folders are told of, too */
	return (n->is & (NODE_EXISTS | NODE_HAS_CHILDREN)) != 0;
}

/* What the folder was given; nothing where that cannot be read. */
static void
read_uses(struct imap *s, struct listing *l, struct folder_node *n)
{
	struct folder_name name;
	unsigned uses;

	if (l->kind == KIND_LSUB || (n->is & NODE_EXISTS) == 0 ||
	    imap_name_back(s, folder_node_name(n), &name) != PARSE_OK ||
	    mailbox_special_use(s->mailbox, &name, &uses) == -1)
		return;
	n->uses = (uint8_t)uses;
	l->given |= uses;
}

/* The names that a use has with mail programs; the first that exists counts. */
static const struct {
	unsigned	 use;
	const char	*folders[5];
} known_names[] = {
	{ SPECIAL_USE_ARCHIVE, { "Archive", "Archives" } },
	{ SPECIAL_USE_DRAFTS, { "Drafts", "Draft" } },
	{ SPECIAL_USE_JUNK, { "Junk", "Spam", "Junk E-mail", "Junk Email" } },
	{ SPECIAL_USE_SENT, { "Sent", "Sent Items", "Sent Messages",
	    "Sent Mail" } },
	{ SPECIAL_USE_TRASH, { "Trash", "Deleted Items",
	    "Deleted Messages" } },
};

static void
use_by_name(struct listing *l, unsigned use, const char *const *names)
{
	for (; *names != NULL; names++) {
		struct folder_node *n = folder_tree_find(&l->tree,
		    slice_str(*names));

		if (n == NULL || (n->is & NODE_EXISTS) == 0)
			continue;
		n->uses |= (uint8_t)use;
		return;
	}
}

static void
choose(struct listing *l)
{
	for (size_t i = 0; i < sizeof(known_names) / sizeof(known_names[0]);
	    i++)
		if (l->kind != KIND_LSUB &&
		    (l->given & known_names[i].use) == 0)
			use_by_name(l, known_names[i].use,
			    known_names[i].folders);
	for (size_t i = 0; i < l->tree.len; i++)
		if (is_chosen(l, &l->tree.node[i]))
			l->tree.node[i].is |= NODE_CHOSEN;
	folder_tree_choose(&l->tree);
}

static void
match_some(struct imap *s, struct listing *l)
{
	for (int i = 0; i < MATCHED_AT_ONCE && l->at < l->tree.len; i++) {
		struct folder_node *n = &l->tree.node[l->at++];

		if (matches(l, folder_node_name(n)))
			n->is |= NODE_MATCHES;
		read_uses(s, l, n);
	}
	if (l->at < l->tree.len)
		return;
	choose(l);
	l->matched = true;
	l->at = 0;
}

/*
 * What was chosen; and what has chosen ones below it that are not shown
 * themselves, for RECURSIVEMATCH and, with \Noselect, for LSUB.
 */
static bool
is_shown(const struct listing *l, const struct folder_node *n)
{
	bool recursive = l->kind == KIND_LSUB ||
	    (l->arguments->select & LIST_SELECT_RECURSIVEMATCH) != 0;

	if ((n->is & NODE_MATCHES) == 0)
		return false;
	return (n->is & NODE_CHOSEN) != 0 ||
	    (recursive && (n->is & NODE_UNSEEN_BELOW) != 0);
}

static bool
produce_list(struct imap *s)
{
	struct listing *l = s->listing;

	if (!l->matched) {
		match_some(s, l);
		return true;
	}
	while (l->at < l->tree.len) {
		const struct folder_node *n = &l->tree.node[l->at++];

		if (!is_shown(l, n))
			continue;
		write_node(s, l, n);
		write_its_status(s, l, n);
		return true;
	}
	list_end(s);
	if (imap_sync(s, 0) == 0)
		imap_ok(s, "listed");
	return false;
}

/* ---- the beginning ---- */

/* How many octets the names have that are not shown as they are on disk. */
static size_t
names_size(const struct imap *s, const struct folder_list *names)
{
	char text[FOLDER_UTF8_MAX + 1];
	size_t size = 0;

	for (size_t i = 0; i < names->count; i++)
		if (strchr(names->names[i].disk, '&') != NULL)
			size += imap_name(s, &names->names[i], text).len + 1;
	return size;
}

static int
add_names(const struct imap *s, struct listing *l,
    const struct folder_list *names, uint8_t is, char **to)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct folder_name *name = &names->names[i];
		struct slice shown = slice_str(folder_name_imap(name));
		char text[FOLDER_UTF8_MAX + 1];

		if (*to != NULL && strchr(name->disk, '&') != NULL) {
			shown = imap_name(s, name, text);
			memcpy(*to, shown.at, shown.len);
			shown.at = *to;
			*to += shown.len;
		}
		if (folder_tree_add(&l->tree, shown, is) == -1)
			return -1;
	}
	return 0;
}

/* Of UTF-8 (names.c) the tree borrows what is made here. */
static int
fill_tree(const struct imap *s, struct listing *l)
{
	char *to;

	if (imap_is_utf8(s) &&
	    (l->utf8 = malloc(names_size(s, &l->folders) +
			      names_size(s, &l->subscriptions) + 1)) == NULL)
		return -1;
	to = l->utf8;
	return add_names(s, l, &l->folders, NODE_EXISTS, &to) == -1 ||
		       add_names(
			   s, l, &l->subscriptions, NODE_SUBSCRIBED, &to) == -1
		   ? -1
		   : 0;
}

static int
build(struct imap *s, struct listing *l)
{
	bool lsub = l->kind == KIND_LSUB;
	bool subscribed = lsub ||
	    (l->arguments->select & LIST_SELECT_SUBSCRIBED) != 0 ||
	    (l->arguments->give & LIST_RETURN_SUBSCRIBED) != 0;

	l->tree.separator = FOLDER_SEPARATOR;
	if ((!lsub && mailbox_list(s->mailbox, &l->folders) == -1) ||
	    (subscribed &&
		mailbox_subscriptions(s->mailbox, &l->subscriptions) == -1) ||
	    fill_tree(s, l) == -1)
		return -1;
	return folder_tree_build(&l->tree);
}

static enum parse
add_pattern(struct listing *l, struct slice reference, struct slice pattern)
{
	return pattern_make(reference, pattern, &l->pattern[l->patterns++]);
}

/* As sent, and in Normalization Form C where that is another (names.c). */
static enum parse
make_patterns(struct imap *s, struct listing *l)
{
	const struct list_arguments *a = l->arguments;
	struct slice reference = imap_normal(s, a->reference);

	l->pattern = calloc(2 * a->patterns, sizeof(*l->pattern));
	if (l->pattern == NULL)
		return PARSE_BAD;
	for (size_t i = 0; i < a->patterns; i++) {
		struct slice normal = imap_normal(s, a->pattern[i]);

		if (a->extended && a->pattern[i].len == 0)
			continue;	/* RFC 5258 section 3 */
		if (add_pattern(l, a->reference, a->pattern[i]) != PARSE_OK ||
		    ((!slice_equal(normal, a->pattern[i]) ||
			 !slice_equal(reference, a->reference)) &&
			add_pattern(l, reference, normal) != PARSE_OK))
			return PARSE_BAD;
	}
	return PARSE_OK;
}

static void
list(struct imap *s, const struct imap_command *c, enum list_kind kind)
{
	struct listing *l;

	s->listing = l = calloc(1, sizeof(*l));
	if (l == NULL) {
		imap_no_errno(s, ENOMEM);
		return;
	}
	l->kind = kind;
	l->arguments = &c->list;
	if (make_patterns(s, l) != PARSE_OK)
		imap_no(s, "[LIMIT] the pattern is too long");
	else if (build(s, l) == -1)
		imap_no_errno(s, errno);
	else
		imap_begin(s, produce_list);
}

/* What is the separator, and the root (RFC 3501 section 6.3.8)? */
static bool
asks_for_root(const struct list_arguments *a)
{
	return !a->extended && a->pattern[0].len == 0;
}

static void
list_or_root(struct imap *s, const struct imap_command *c, enum list_kind kind)
{
	if (!asks_for_root(&c->list)) {
		list(s, c, kind);
		return;
	}
	imap_print(s, "* %s (\\Noselect) \"%c\" \"\"\r\n",
	    kind == KIND_LIST ? "LIST" : "XLIST", FOLDER_SEPARATOR);
	imap_ok(s, "listed");
}

void
do_list(struct imap *s, const struct imap_command *c)
{
	list_or_root(s, c, KIND_LIST);
}

void
do_xlist(struct imap *s, const struct imap_command *c)
{
	list_or_root(s, c, KIND_XLIST);
}

void
do_lsub(struct imap *s, const struct imap_command *c)
{
	list(s, c, KIND_LSUB);
}
