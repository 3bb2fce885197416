/*
 * What an IMAP session must keep to be gone and come back unseen by its client
 * (pure): one record.  All else, the view of the folder with it, is found again
 * from the Maildir and the index by the names and numbers in here.
 *
 * A session can be written down when it is idle and without COMPRESS (its state is
 * not ours to write): no command has begun, none of
 * its input has been read, and no output waits.  Then its client believes in
 * messages seen_uid and below, in this order of UIDs; what has changed since
 * is told when the session is back, as at any other time.
 */
#ifndef IMAPD_SESSION_HIBERNATE_H
#define IMAPD_SESSION_HIBERNATE_H

#include <stdint.h>

#include "imapd/session/capability.h"
#include "imapd/session/set.h"

enum {
	HIBERNATE_VERSION = 1,
	HIBERNATE_NAME_MAX = 255,	/* octets of a folder's name */
	HIBERNATE_TAG_MAX = 255,	/* of IDLE's tag */
	HIBERNATE_RANGES_MAX = 1 << 20,	/* of each set */
	HIBERNATE_HEAD = 1024		/* octets of all but the sets */
};

struct hibernated {
	uint64_t	session;	/* id, for the log */
	uint32_t	enabled;	/* ENABLE_BIT() */
	imap_capability_set hidden;
	bool		idling;		/* in IDLE, begun with this tag: */
	struct slice	tag;

	bool		selected;	/* all that follows counts if so */
	bool		read_only;
	struct slice	folder;		/* its name on disk */
	uint32_t	uidvalidity;	/* another one: the session ends */
	uint64_t	modseq;		/* all changes up to it were told */
	uint32_t	recent;		/* as last told */
	struct set	uids;		/* of the messages that were told */
	struct set	saved;		/* "$" (RFC 5182) */
};

/* How long it will be, at most. */
size_t hibernated_size(const struct hibernated *);
/* The record; answers its length, 0 when a field is over its limit. */
size_t hibernated_encode(const struct hibernated *, void *buf, size_t size);
/*
 * tag and folder point into in; the sets' ranges are the caller's, to free
 * (hibernated_clear), and are normalised.  -1: malformed, of another version, or
 * no memory; then nothing is to be freed.
 */
int hibernated_decode(struct slice in, struct hibernated *);
void hibernated_clear(struct hibernated *);

#endif
