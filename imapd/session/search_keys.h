/*
 * SEARCH's criteria (RFC 3501 section 6.4.4), pure: parsed without recursion
 * into steps in postfix order, evaluated in three-valued logic, so that what
 * is cheap to know is asked first and often decides.
 */
#ifndef IMAPD_SESSION_SEARCH_KEYS_H
#define IMAPD_SESSION_SEARCH_KEYS_H

#include <stdint.h>

#include "common/message/charset.h"
#include "imapd/session/arena.h"
#include "imapd/session/set.h"

/*
 * Criteria, parentheses, NOT and OR together, however deep they are nested; and
 * those among them that read messages, each of whose octets is compared with all.
 */
enum { SEARCH_STEPS_MAX = 16384, SEARCH_TEXTS_MAX = 1000 };

enum search_op {
	/* combine what came before */
	SEARCH_AND,		/* the last count values */
	SEARCH_OR,		/* the last two */
	SEARCH_NOT,		/* the last one */
	/* of the view */
	SEARCH_ALL, SEARCH_SET, SEARCH_UID, SEARCH_FLAG, SEARCH_KEYWORD,
	SEARCH_RECENT, SEARCH_NEW, SEARCH_MODSEQ,
	/* of the file */
	SEARCH_BEFORE, SEARCH_ON, SEARCH_SINCE, SEARCH_OLDER, SEARCH_YOUNGER,
	SEARCH_LARGER, SEARCH_SMALLER,
	SEARCH_SAVEDBEFORE, SEARCH_SAVEDON, SEARCH_SAVEDSINCE, /* RFC 8514 */
	SEARCH_EMAILID,		/* RFC 8474 */
	/* of its header section */
	SEARCH_HEADER, SEARCH_SENTBEFORE, SEARCH_SENTON, SEARCH_SENTSINCE,
	/* of all of it */
	SEARCH_BODY, SEARCH_TEXT
};

/* What a step needs to be known. */
enum search_level { LEVEL_VIEW, LEVEL_FILE, LEVEL_HEADER, LEVEL_BODY,
	LEVELS };
enum search_level search_level(enum search_op);

/* There may be many: small, so what is of use depends on op. */
struct search_step {
	enum search_op	 op;
	bool		 negated;	/* UNSEEN, OLD, UNKEYWORD */
	uint8_t		 flag;
	union {
		uint32_t count;		/* AND */
		uint64_t number;
		int64_t	 days;
	};
	union {
		struct {
			struct slice name;	/* HEADER field, KEYWORD */
			struct slice text;
		};
		struct set	 set;
	};
};

struct search {
	struct search_step *step;	/* [most] */
	size_t		 len, most;
	bool		 bad_charset;
	bool		 too_many;	/* steps; the parser has given up */
	const struct charset *charset;	/* of the strings, as sent */
	bool		 has_charset;
	bool		 modseq;	/* MODSEQ is among the criteria */
};

/* [CHARSET x SP] key *(SP key), to the end of in. */
bool take_search(struct slice *in, struct arena *, struct search *);
/* The same with a charset that must be there, alone (RFC 5256). */
bool take_sort_search(struct slice *in, struct arena *, struct search *);

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

/* The whole from the value of each step that is no combination.  stack is for the
 * work, as long as values. */
enum truth search_combine(const struct search *, const enum truth *values,
    enum truth *stack);

#endif
