/*
 * LIST and LSUB (RFC 3501 sections 6.3.8 and 6.3.9), with the attributes of RFC
 * 3348.  Names come sorted, so that what lies below a folder follows it soon;
 * superiors that are no folders are made up as they are met.
 */
#include <errno.h>
#include <stdlib.h>

#include "imapd/session/pattern.h"
#include "imapd/session/session.h"

struct listing {
	struct pattern	 pattern;
	struct folder_list all;
	bool		 lsub;
	const char	*word;
};

static int
by_name(const void *a, const void *b)
{
	const struct folder_name *x = a, *y = b;

	return strcmp(x->disk, y->disk);
}

static bool
has(const struct folder_list *l, const struct folder_name *name)
{
	for (size_t low = 0, high = l->count; low < high;) {
		size_t mid = low + (high - low) / 2;
		int d = by_name(name, &l->names[mid]);

		if (d == 0)
			return true;
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

/*
 * Is there anything below?  disk plus a dot is the lowest name that can be:
 * look at the first one from there on.
 */
static bool
has_children(const struct folder_list *l, const struct folder_name *name)
{
	struct folder_name from = *name;
	size_t n = strlen(from.disk), low = 0, high = l->count;

	if (n == 0 || n + 1 >= sizeof(from.disk))
		return false;
	from.disk[n] = FOLDER_SEPARATOR;
	from.disk[n + 1] = '\0';
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (by_name(&l->names[mid], &from) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->count &&
	    folder_name_is_below(&l->names[low], name);
}

static bool
matches(const struct listing *l, const struct folder_name *name)
{
	return pattern_matches(&l->pattern, slice_str(folder_name_imap(name)),
	    FOLDER_SEPARATOR);
}

static void
write_name(struct imap *s, const struct listing *l,
    const struct folder_name *name, bool exists)
{
	imap_print(s, "* %s (%s", l->word, exists ? "" : "\\Noselect");
	if (!l->lsub)
		imap_print(s, "%s\\Has%sChildren", exists ? "" : " ",
		    has_children(&l->all, name) ? "" : "No");
	imap_print(s, ") \"%c\" ", FOLDER_SEPARATOR);
	imap_write_string(s, slice_str(folder_name_imap(name)));
	imap_print(s, "\r\n");
}

/*
 * Superiors of names[i] that are no folders and have not been met before: those
 * that names[i-1] does not lie below.  LSUB gives them only for "%", when the
 * name below is not itself listed (section 6.3.9).
 */
static void
write_superiors(struct imap *s, const struct listing *l, size_t i)
{
	struct folder_name up[FOLDER_DEPTH_MAX];
	struct folder_name at = l->all.names[i];
	size_t n = 0;

	if (l->lsub && matches(l, &at))
		return;
	while (n < FOLDER_DEPTH_MAX && folder_name_superior(&at, &up[n])) {
		at = up[n];
		if (has(&l->all, &at))
			continue;
		if (i > 0 && folder_name_is_below(&l->all.names[i - 1], &at) &&
		    !(l->lsub && matches(l, &l->all.names[i - 1])))
			break;
		n++;
	}
	while (n-- > 0)
		if (matches(l, &up[n]))
			write_name(s, l, &up[n], false);
}

static bool
produce_list(struct imap *s)
{
	struct listing *l = s->listing;
	size_t i = s->cursor;

	if (i < l->all.count) {
		write_superiors(s, l, i);
		if (matches(l, &l->all.names[i]))
			write_name(s, l, &l->all.names[i], true);
		s->cursor++;
		return true;
	}
	list_end(s);
	if (imap_sync(s, 0) == 0)
		imap_ok(s, "listed");
	return false;
}

void
list_end(struct imap *s)
{
	if (s->listing == NULL)
		return;
	folder_list_clear(&s->listing->all);
	free(s->listing);
	s->listing = NULL;
}

static void
list(struct imap *s, const struct imap_command *c, bool lsub)
{
	struct listing *l;
	int r;

	if (c->other.len == 0 && !lsub) {	/* what is the separator? */
		imap_print(s, "* LIST (\\Noselect) \"%c\" \"\"\r\n",
		    FOLDER_SEPARATOR);
		imap_ok(s, "listed");
		return;
	}
	if ((l = calloc(1, sizeof(*l))) == NULL ||
	    pattern_make(c->mailbox, c->other, &l->pattern) != PARSE_OK) {
		free(l);
		imap_no(s, "[LIMIT] the pattern is too long");
		return;
	}
	l->lsub = lsub;
	l->word = lsub ? "LSUB" : "LIST";
	r = lsub ? mailbox_subscriptions(s->mailbox, &l->all) :
		   mailbox_list(s->mailbox, &l->all);
	if (r == -1) {
		free(l);
		imap_no_errno(s, errno);
		return;
	}
	if (l->all.count > 0)
		qsort(l->all.names, l->all.count, sizeof(*l->all.names),
		    by_name);
	s->listing = l;
	s->cursor = 0;
	imap_begin(s, produce_list);
}

void
do_list(struct imap *s, const struct imap_command *c)
{
	list(s, c, false);
}

void
do_lsub(struct imap *s, const struct imap_command *c)
{
	list(s, c, true);
}
