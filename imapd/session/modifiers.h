/*
 * What RFC 4466 lets stand in parentheses behind SELECT, FETCH and STORE, and
 * the arguments of ENABLE (RFC 5161, 7162, 6855, 9051), pure.
 */
#ifndef IMAPD_SESSION_MODIFIERS_H
#define IMAPD_SESSION_MODIFIERS_H

#include <stdint.h>

#include "imapd/session/arena.h"
#include "imapd/session/search_return.h"
#include "imapd/session/set.h"

/* (CONDSTORE QRESYNC (uidvalidity modseq [known] [(seqs uids)])) */
struct select_parameters {
	bool		 condstore, qresync;
	uint32_t	 uidvalidity;
	uint64_t	 modseq;
	struct set	 known;		/* UIDs; len 0: all */
	struct set	 match_seqs, match_uids;
};
/* With the space before, or nothing at all. */
bool take_select_parameters(struct slice *in, struct arena *,
    struct select_parameters *);

struct fetch_modifiers {
	bool		 changed, vanished, ranged;
	uint64_t	 changed_since;
	struct partial	 partial;	/* valid if ranged */
};
bool take_fetch_modifiers(struct slice *in, struct fetch_modifiers *);

struct store_modifiers {
	bool		 conditional;
	uint64_t	 unchanged_since;
};
/* "(UNCHANGEDSINCE 5) ", or nothing at all. */
bool take_store_modifiers(struct slice *in, struct store_modifiers *);

#define IMAP_ENABLES(X)							\
	X(CONDSTORE, "CONDSTORE")					\
	X(QRESYNC, "QRESYNC")						\
	X(UTF8, "UTF8=ACCEPT")		/* RFC 6855 */			\
	X(REV2, "IMAP4rev2")		/* RFC 9051 */

enum imap_enable_number {
#define X(id, name) ENABLE_NUMBER_##id,
	IMAP_ENABLES(X)
#undef X
	IMAP_ENABLES_LEN
};
#define ENABLE_BIT(id) (1U << ENABLE_NUMBER_##id)

const char *imap_enable_name(unsigned number);
/* Names, at least one; those that we do not know are passed over. */
bool take_enables(struct slice *in, unsigned *enables);

#endif
