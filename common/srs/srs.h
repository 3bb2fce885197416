/*
 * The sender rewriting scheme (SRS): what is forwarded to another host gets a
 * reverse-path in a domain of ours, so that the other host's SPF check (RFC
 * 7208) asks about us; a report that comes back to it is sent on to where the
 * message came from.
 *
 *	bob@a.example			forwarded by us
 *	SRS0=hash=day=a.example=bob@ours
 *
 *	SRS0=x=y=a.example=bob@b.example	that somebody else wrote already
 *	SRS1=hash=b.example==x=y=a.example=bob@ours
 *
 * Hash is a keyed one (SipHash-2-4, 30 bits of it, in base32), so that nobody
 * can have us send mail on to an address that we did not rewrite ourselves,
 * and day makes it expire.  It is read in letters of either case, since some
 * hosts on the way change them.
 *
 * Pure: the day comes from the caller.
 */
#ifndef COMMON_SRS_SRS_H
#define COMMON_SRS_SRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/accounts/table.h"
#include "common/hash/siphash.h"
#include "common/slice/slice.h"

enum {
	SRS_SECRETS_MAX = 8,
	SRS_LIFETIME_DAYS = 21,
	/* RFC 5321 section 4.5.3.1.1: longer ones are not rewritten. */
	SRS_LOCAL_MAX = 64,
	SRS_ADDRESS_MAX = SRS_LOCAL_MAX + 1 + 255
};

/* The first key signs, all of them verify. */
struct srs_secrets {
	struct siphash_key	keys[SRS_SECRETS_MAX];
	unsigned		count;
};

/*
 * The text of the table srs-secrets: one key a line, 32 hexadecimal digits.
 * -1 with err; the digits are not in it.  An absent table has no keys.
 */
int srs_secrets_compile(struct slice text, struct srs_secrets *,
    struct table_error *);

/* Wipes them; NULL is fine. */
void srs_secrets_free(struct srs_secrets *);

/* Days since 1970, of a time in seconds since then. */
uint32_t srs_day(int64_t seconds);

/*
 * The path to write instead of local@domain (unquoted) into what we forward;
 * ours is the domain to write it in.  Its length, or -1: there is no key, or
 * it would be too long, or the local-part needs quotes.
 */
int srs_forward(const struct srs_secrets *, uint32_t day, struct slice local,
    struct slice domain, struct slice ours, char out[SRS_ADDRESS_MAX]);

/* Does a local-part look as if we had written it? */
bool srs_is(struct slice local);

/*
 * Where mail for such a local-part goes on to.  The address' length, or -1:
 * not one of ours, or too old.
 */
int srs_reverse(const struct srs_secrets *, uint32_t day, struct slice local,
    char out[SRS_ADDRESS_MAX]);

#endif
