#include "imapd/session/modifiers.h"

#include "imapd/session/token.h"

/* RFC 7162 section 7: 63 bits. */
static bool
take_modseq(struct slice *in, bool zero, uint64_t *modseq)
{
	return take_number(in, INT64_MAX, modseq) && (zero || *modseq > 0);
}

/* ---- SELECT and EXAMINE ---- */

/* Without "*". */
static bool
take_plain_set(struct slice *in, struct arena *arena, struct set *set)
{
	if (!take_set(in, arena, set) || set->saved)
		return false;
	for (size_t i = 0; i < set->len; i++)
		if (set->range[i].first == SET_STAR ||
		    set->range[i].last == SET_STAR)
			return false;
	return true;
}

static bool
take_match(struct slice *in, struct arena *arena, struct select_parameters *p)
{
	return take_char(in, '(') &&
	       take_plain_set(in, arena, &p->match_seqs) && take_space(in) &&
	       take_plain_set(in, arena, &p->match_uids) && take_char(in, ')');
}

static bool
take_qresync(struct slice *in, struct arena *arena, struct select_parameters *p)
{
	uint64_t n;
	bool more;

	p->qresync = true;
	if (!take_space(in) || !take_char(in, '(') ||
	    !take_number(in, UINT32_MAX, &n) || n == 0 || !take_space(in) ||
	    !take_modseq(in, false, &p->modseq))
		return false;
	p->uidvalidity = (uint32_t)n;
	more = take_space(in);
	if (more && in->len > 0 && in->at[0] != '(') {
		if (!take_plain_set(in, arena, &p->known))
			return false;
		more = take_space(in);
	}
	if (more && !take_match(in, arena, p))
		return false;
	return take_char(in, ')');
}

bool
take_select_parameters(
    struct slice *in, struct arena *arena, struct select_parameters *p)
{
	if (in->len == 0)
		return true;
	if (!take_space(in) || !take_char(in, '('))
		return false;
	do {
		if (!p->condstore && take_word(in, "CONDSTORE"))
			p->condstore = true;
		else if (p->qresync || !take_word(in, "QRESYNC") ||
			 !take_qresync(in, arena, p))
			return false;
	} while (take_space(in));
	return take_char(in, ')');
}

/* ---- FETCH and STORE ---- */

static bool
take_fetch_modifier(struct slice *in, struct fetch_modifiers *m)
{
	if (!m->changed && take_word(in, "CHANGEDSINCE")) {
		m->changed = true;
		/* 0 is no mod-sequence, but some clients begin there */
		return take_space(in) &&
		       take_modseq(in, true, &m->changed_since);
	}
	if (!m->ranged && take_word(in, "PARTIAL")) {
		m->ranged = true;
		return take_space(in) && take_partial_range(in, &m->partial);
	}
	if (!m->vanished && take_word(in, "VANISHED")) {
		m->vanished = true;
		return true;
	}
	return false;
}

bool
take_fetch_modifiers(struct slice *in, struct fetch_modifiers *m)
{
	if (in->len == 0)
		return true;
	if (!take_space(in) || !take_char(in, '('))
		return false;
	do {
		if (!take_fetch_modifier(in, m))
			return false;
	} while (take_space(in));
	return take_char(in, ')');
}

bool
take_store_modifiers(struct slice *in, struct store_modifiers *m)
{
	if (!take_char(in, '('))
		return true;
	m->conditional = true;
	return take_word(in, "UNCHANGEDSINCE") && take_space(in) &&
	       take_modseq(in, true, &m->unchanged_since) &&
	       take_char(in, ')') && take_space(in);
}

/* ---- ENABLE ---- */

static const char *const enables_names[IMAP_ENABLES_LEN] = {
#define X(id, name) name,
	IMAP_ENABLES(X)
#undef X
};

const char *
imap_enable_name(unsigned number)
{
	return enables_names[number];
}

bool
take_enables(struct slice *in, unsigned *enables)
{
	struct slice name;

	do {
		if (!take_atom(in, &name))
			return false;
		for (unsigned i = 0; i < IMAP_ENABLES_LEN; i++)
			if (slice_equal_nocase(
				name, slice_str(enables_names[i])))
				*enables |= 1U << i;
	} while (take_space(in));
	return true;
}
