/*
 * The names of message files: reading and writing them (pure).
 *
 *	1732166400.Q00000000002aR1.9f3c2a7711d0e4b5,S=10240,W=10400,B=1732166400-17:2,FSa
 *	base                                       fields info
 *
 * S=	size in octets as stored; W= size with CRLF line ends (both as Dovecot)
 * T=	seconds since 1970 when it came here, where the base does not say it
 * B=	identity: <uidvalidity>-<uid>
 * Other fields (mbsync's U=) are kept as they are.  The info part is that of
 * the Maildir specification: D draft, F flagged, P passed, R replied, S seen,
 * T trashed; a..z are keywords of the folder.  Letters that we do not know
 *stay.
 */
#ifndef COMMON_MAILBOX_MAILDIR_NAME_H
#define COMMON_MAILBOX_MAILDIR_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice/slice.h"

#define FLAG_SEEN	0x01
#define FLAG_ANSWERED	0x02
#define FLAG_FLAGGED	0x04
#define FLAG_DELETED	0x08
#define FLAG_DRAFT	0x10
#define FLAG_PASSED	0x20	/* shown as the keyword $Forwarded */
#define FLAG_ALL	0x3f

#define MAILDIR_NAME_MAX 255	/* octets; with the NUL, 256 */

struct maildir_name {
	struct slice	base;		/* up to the first comma, or the info */
	struct slice	fields;		/* ",x=..." as found, identity and all */
	struct slice	unknown;	/* info after ":2,", as found */
	uint64_t	size;		/* S=; valid when has_size */
	uint64_t	crlf_size;	/* W=; valid when has_crlf_size */
	uint64_t saved;                 /* T=; valid when has_saved */
	uint32_t	uidvalidity;	/* B=; valid when has_identity */
	uint32_t	uid;
	uint32_t	keywords;
	uint8_t		flags;
	bool		has_size;
	bool		has_crlf_size;
	bool has_saved;
	bool		has_identity;
	bool		has_info;	/* it ends in ":2,..." */
};

/*
 * Take a file name apart.  n points into name.  PARSE_BAD: no message (empty,
 * begins with a dot, too long, holds a slash or NUL).  The info part starts at
 * the last ":2,".  A field that is not
 * well formed counts as unknown and never as an error; of two identities
 * neither counts.
 */
enum parse maildir_name_parse(struct slice name, struct maildir_name *n);

/*
 * Write a name: base, S=, W= and T= if there, other fields of n, identity if
 * there, and with info (for cur/, or where there are flags) the flags, keywords
 * and unknown letters.  -1: empty or over
 * MAILDIR_NAME_MAX; to is then empty.
 */
int maildir_name_print(const struct maildir_name *n, bool info,
    char to[MAILDIR_NAME_MAX + 1]);

#endif
