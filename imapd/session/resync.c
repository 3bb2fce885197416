/*
 * A client that comes back, and what it has not heard of: ENABLE, and the
 * expunged messages (RFC 7162 sections 3.2.5 and 3.2.6).
 */
#include <errno.h>
#include <stdlib.h>

#include "imapd/session/session.h"

void
do_enable(struct imap *s, const struct imap_command *c)
{
	unsigned enables = c->enables;

	/* What was not announced is as unknown (RFC 5161 section 3.1). */
	for (unsigned i = 0; i < IMAP_ENABLES_LEN; i++)
		if ((s->hidden & UINT64_C(1) << imap_capability_of(
				     slice_str(imap_enable_name(i)))) != 0)
			enables &= ~(1U << i);
	/* RFC 6855 section 3, RFC 9051 section 6.3.1 */
	if (s->folder != NULL &&
	    (enables & (ENABLE_BIT(UTF8) | ENABLE_BIT(REV2))) != 0) {
		imap_bad(s, "that is enabled before a mailbox is selected");
		return;
	}
	/* RFC 7162 section 3.2.3: one implies the other */
	if (enables & ENABLE_BIT(QRESYNC))
		enables |= ENABLE_BIT(CONDSTORE);
	imap_print(s, "* ENABLED");
	for (unsigned i = 0; i < IMAP_ENABLES_LEN; i++)
		if (enables & 1U << i)
			imap_print(s, " %s", imap_enable_name(i));
	imap_print(s, "\r\n");
	if ((enables & ENABLE_BIT(CONDSTORE)) && imap_enable_condstore(s) == -1)
		return;
	s->enabled |= enables;
	imap_ok(s, "enabled");
}

/*
 * Up to which UID does the client know of all expunges?  One pair of the set of
 * sequence numbers and that of UIDs (section 3.2.5.2), that fits.
 */
static bool
pair_fits(const struct imap *s, uint32_t seq, uint32_t uid)
{
	return seq >= 1 && seq <= folder_count(s->folder) &&
	       folder_message(s->folder, seq)->uid == uid;
}

static uint32_t
known_up_to(const struct imap *s, const struct select_parameters *p)
{
	const struct set *a = &p->match_seqs, *b = &p->match_uids;
	size_t i = 0, j = 0;
	uint32_t x = 0, y = 0, best = 0, last = 0;
	size_t count = folder_count(s->folder);

	while (i < a->len && j < b->len) {
		const struct range *r = &a->range[i], *q = &b->range[j];

		/* as sent; what does not ascend, or is not there, ends it */
		if (r->first > r->last || q->first > q->last ||
		    r->first + x <= last || r->first + x > count)
			break;
		last = r->first + x;
		if (pair_fits(s, r->first + x, q->first + y))
			best = q->first + y;
		else if (best != 0)
			break;
		if (r->first + x == r->last) {
			i++;
			x = 0;
		} else
			x++;
		if (q->first + y == q->last) {
			j++;
			y = 0;
		} else
			y++;
	}
	return best;
}

/* set as ranges of UIDs above least; NULL without memory. */
static struct uid_range *
ranges_above(const struct set *set, uint32_t least, size_t *n)
{
	struct uid_range *r = reallocarray(NULL, set->len + 1, sizeof(*r));

	*n = 0;
	for (size_t i = 0; r != NULL && i < set->len; i++) {
		struct range q = set->range[i];

		if (q.last <= least)
			continue;
		r[(*n)++] =
		    (struct uid_range){ q.first > least ? q.first : least + 1,
			    q.last };
	}
	return r;
}

static int
write_vanished(
    struct imap *s, const struct uid_range *known, size_t n, uint64_t modseq)
{
	struct uid_range *gone;
	size_t len;

	if (folder_vanished(s->folder, known, n, modseq, &gone, &len) == -1)
		return -1;
	imap_write_vanished(s, gone, len);
	free(gone);
	return 0;
}

int
resync_vanished(struct imap *s, struct select_parameters *p)
{
	uint32_t least = known_up_to(s, p);
	struct uid_range all = { least + 1, UINT32_MAX }, *known;
	size_t n;
	int r;

	if (p->known.len == 0)
		return least == UINT32_MAX
			   ? 0
			   : write_vanished(s, &all, 1, p->modseq);
	set_normalise(&p->known, UINT32_MAX);
	if ((known = ranges_above(&p->known, least, &n)) == NULL)
		return -1;
	r = write_vanished(s, known, n, p->modseq);
	free(known);
	return r;
}

int
fetch_vanished(struct imap *s, const struct set *uids, uint64_t modseq)
{
	struct uid_range *known;
	size_t n;
	int r;

	if ((known = ranges_above(uids, 0, &n)) == NULL)
		return -1;
	r = write_vanished(s, known, n, modseq);
	free(known);
	return r;
}
