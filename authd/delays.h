/*
 * How long whoever guesses passwords has to wait.  Pure: told the time and
 * what happened, it answers with times.
 *
 * Failures are counted for a name together with the network that it was
 * tried from, and for a network alone; never for a name alone, so that a
 * stranger can lock nobody out of their own account.  A network is an IPv4
 * address or an IPv6 /64.  Whether the name exists makes no difference.
 *
 *  - A refusal is told only after a delay, which doubles with each further
 *    failure of that name from there, up to a limit; until then no other
 *    attempt on that name from there begins.
 *  - A network with more failures than are free begins its attempts one at a
 *    time, a delay apart, whatever the names.  Not so the loopback: who
 *    comes from there is likely a webmail, and speaks for many.
 *  - Of one name from one network only so many are checked at a time, so
 *    that connections side by side gain nothing.
 *  - All is forgotten after a while without failures; a success forgets the
 *    name's count.
 *
 * The tables have a fixed size.  When a place is needed, that of the one
 * heard of least recently is taken.
 */
#ifndef AUTHD_DELAYS_H
#define AUTHD_DELAYS_H

#include <stddef.h>
#include <stdint.h>

#include "common/ipc/auth.h"
#include "common/slice/slice.h"

struct delays;

struct delays_rules {
	uint64_t	first_ms;	/* delay after the first failure */
	uint64_t	most_ms;	/* and after many */
	uint64_t	memory_ms;	/* forget after this without failures */
	uint64_t	net_free;	/* failures of a network without delay */
};

/* Attempts on one name from one network that are checked at a time. */
#define DELAYS_AT_ONCE	8
/* Ask again after this, when only these are in the way. */
#define DELAYS_ASK_MS	200

/* room places in each of the two tables, a power of two and at least 8.
 * NULL when memory is short. */
struct delays *delays_new(size_t room);
void delays_free(struct delays *);

/*
 * May an attempt begin?  0: yes; it then ends with exactly one of the calls
 * below.  Otherwise ask again after so many milliseconds.
 */
uint64_t delays_admit(struct delays *, const struct delays_rules *,
    uint64_t now_ms, struct slice name, const struct auth_client *);

/* It failed: tell so after as many milliseconds as this answers. */
uint64_t delays_failed(struct delays *, const struct delays_rules *,
    uint64_t now_ms, struct slice name, const struct auth_client *);
void delays_passed(struct delays *, uint64_t now_ms, struct slice name,
    const struct auth_client *);
/* Nobody knows: it could not be checked. */
void delays_dropped(struct delays *, uint64_t now_ms, struct slice name,
    const struct auth_client *);

#endif
