/*
 * What SEARCH found: collected, then told as the client wants it (RFC 3501
 * section 7.2.5, RFC 4731, 9394), and kept as "$" (RFC 5182).
 */
#include <errno.h>
#include <stdlib.h>

#include "imapd/session/search_result.h"

int
search_hit(struct search_result *r, const struct message *m, uint32_t seq)
{
	if (r->n == r->size) {
		size_t size = r->size == 0 ? 64 : r->size * 2;
		uint32_t *now = reallocarray(r->seqs, size, sizeof(*now));

		if (now == NULL)
			return -1;
		r->seqs = now;
		r->size = size;
	}
	r->seqs[r->n++] = seq;
	if (m->modseq > r->modseq)
		r->modseq = m->modseq;
	return 0;
}

void
search_result_clear(struct search_result *r)
{
	free(r->seqs);
	*r = (struct search_result){ 0 };
}

static uint32_t
number_of(const struct imap *s, uint32_t seq)
{
	return s->command.uid ? folder_message(s->folder, seq)->uid : seq;
}

/* ---- as RFC 3501 has it ---- */

bool
search_write_plain(struct imap *s, struct search_result *r)
{
	enum { PIECE = 512 };

	if (r->told == 0)
		imap_print(s, "* SEARCH");
	for (int i = 0; i < PIECE && r->told < r->n; i++)
		imap_print(s, " %u", number_of(s, r->seqs[r->told++]));
	if (r->told < r->n)
		return true;
	if (s->command.search.modseq && r->n > 0)
		imap_print(s, " (MODSEQ %llu)", (unsigned long long)r->modseq);
	imap_print(s, "\r\n");
	return false;
}

/* ---- as RFC 4731 has it ---- */

static void
write_set(struct imap *s, const struct search_result *r, size_t from,
    size_t to)
{
	struct run run = { 0 };

	for (size_t i = from; i < to; i++)
		imap_write_number(s, &run, number_of(s, r->seqs[i]));
	imap_write_run(s, &run);
}

static void
write_partial(struct imap *s, const struct search_result *r,
    const struct partial *p)
{
	const char *sign = p->from_end ? "-" : "";
	size_t from, to;

	partial_of(p, r->n, &from, &to);
	imap_print(s, " PARTIAL (%s%u:%s%u ", sign, p->first, sign, p->last);
	if (from == to)
		imap_print(s, "NIL");
	else
		write_set(s, r, from, to);
	imap_print(s, ")");
}

/* RFC 4731 section 3.2: of the messages that are returned. */
static uint64_t
modseq_told(const struct imap *s, const struct search_result *r,
    unsigned options)
{
	uint64_t a, b;

	if ((options & (RETURN_ALL | RETURN_COUNT | RETURN_PARTIAL)) != 0 ||
	    (options & (RETURN_MIN | RETURN_MAX)) == 0)
		return r->modseq;
	a = folder_message(s->folder, r->seqs[0])->modseq;
	b = folder_message(s->folder, r->seqs[r->n - 1])->modseq;
	if ((options & RETURN_MAX) == 0)
		return a;
	return (options & RETURN_MIN) == 0 || b > a ? b : a;
}

void
search_write_extended(struct imap *s, const struct search_result *r,
    const struct search_return *w)
{
	unsigned options = w->options;

	imap_print(s, "* ESEARCH (TAG \"%.*s\")%s", (int)s->command.tag.len,
	    s->command.tag.at, s->command.uid ? " UID" : "");
	if (r->n > 0 && (options & RETURN_MIN) != 0)
		imap_print(s, " MIN %u", number_of(s, r->seqs[0]));
	if (r->n > 0 && (options & RETURN_MAX) != 0)
		imap_print(s, " MAX %u", number_of(s, r->seqs[r->n - 1]));
	if (r->n > 0 && (options & RETURN_ALL) != 0) {
		imap_print(s, " ALL ");
		write_set(s, r, 0, r->n);
	}
	if ((options & RETURN_COUNT) != 0)
		imap_print(s, " COUNT %zu", r->n);
	if ((options & RETURN_PARTIAL) != 0)
		write_partial(s, r, &w->partial);
	if (s->command.search.modseq && r->n > 0)
		imap_print(s, " MODSEQ %llu",
		    (unsigned long long)modseq_told(s, r, options));
	imap_print(s, "\r\n");
}

/* ---- "$" ---- */

void
imap_saved_clear(struct imap *s)
{
	free(s->saved.range);
	s->saved.range = NULL;
	s->saved.len = 0;
}

/* Is result number i to be kept?  The tables of RFC 5182 section 2.4 and RFC 9394
 * section 3.2. */
static bool
is_saved(const struct search_result *r, const struct search_return *w, size_t i)
{
	unsigned some = w->options &
	    (RETURN_MIN | RETURN_MAX | RETURN_PARTIAL);
	size_t from, to;

	if ((w->options & (RETURN_ALL | RETURN_COUNT)) != 0 || some == 0)
		return true;
	if (((some & RETURN_MIN) != 0 && i == 0) ||
	    ((some & RETURN_MAX) != 0 && i == r->n - 1))
		return true;
	if ((some & RETURN_PARTIAL) == 0)
		return false;
	partial_of(&w->partial, r->n, &from, &to);
	return i >= from && i < to;
}

/* As UIDs, which stay when others go. */
int
search_save(struct imap *s, const struct search_result *r,
    const struct search_return *w)
{
	struct range *range;
	size_t len = 0;

	imap_saved_clear(s);
	if ((range = reallocarray(NULL, r->n + 1, sizeof(*range))) == NULL)
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		uint32_t uid = folder_message(s->folder, r->seqs[i])->uid;

		if (!is_saved(r, w, i))
			continue;
		if (len > 0 && range[len - 1].last == uid - 1)
			range[len - 1].last = uid;
		else
			range[len++] = (struct range){ uid, uid };
	}
	s->saved.range = range;
	s->saved.len = len;
	return 0;
}

/* A copy: sets are changed where they lie. */
int
imap_saved_to_set(struct imap *s, struct set *set)
{
	size_t len = s->saved.len;

	free(s->saved_copy);
	s->saved_copy = reallocarray(NULL, len + 1, sizeof(*s->saved_copy));
	if (s->saved_copy == NULL)
		return -1;
	if (len > 0)
		memcpy(s->saved_copy, s->saved.range,
		    len * sizeof(*s->saved_copy));
	*set = (struct set){ .range = s->saved_copy, .len = len };
	return 0;
}
