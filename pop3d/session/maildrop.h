/*
 * The maildrop: the INBOX as it was at login, under the exclusive lock of RFC
 * 1939 section 4, with the marks that DELE sets.
 */
#ifndef POP3D_SESSION_MAILDROP_H
#define POP3D_SESSION_MAILDROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mailbox/mailbox.h"

struct maildrop {
	struct mailbox	*mailbox;
	struct folder	*inbox;
	unsigned long	 count;		/* numbers 1 to count */
	uint64_t	 octets;	/* of all, in CRLF form */
	uint64_t	*sizes;		/* [count] */
	bool		*marked;	/* [count]: removed at QUIT */
	unsigned long	 marked_count;
	uint64_t	 marked_octets;
	unsigned long	 removed;	/* by maildrop_update */
};

/* -1 with errno; EBUSY: another session has it.  Then nothing is open. */
int maildrop_open(struct maildrop *, int home_fd);
void maildrop_close(struct maildrop *);

/* Is n a message that is there and not marked? */
bool maildrop_has(const struct maildrop *, unsigned long n);
uint64_t maildrop_size(const struct maildrop *, unsigned long n);
void maildrop_mark(struct maildrop *, unsigned long n);
void maildrop_unmark_all(struct maildrop *);
/*
 * Remove what is marked, durable on return.  -1: some of it stayed; removed
 * says how many are gone.
 */
int maildrop_update(struct maildrop *);

#endif
