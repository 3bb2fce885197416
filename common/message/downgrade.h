/*
 * A message with 8-bit or binary content made fit for a host that takes less:
 * bodies of single parts become quoted-printable (text) or base64 (anything
 * else), RFC 2045 section 6, RFC 6152 section 3.  The structure stays: only
 * Content-Transfer-Encoding fields and those bodies change.
 *
 * What is inside multipart/signed or multipart/encrypted (RFC 1847) is never
 * touched; where such a part would have to be, the message cannot be converted
 * and its sender is to be told (5.6.3).
 *
 * Memory is bounded whatever the message: its structure (structure.h) and one
 * header section at a time.
 */
#ifndef COMMON_MESSAGE_DOWNGRADE_H
#define COMMON_MESSAGE_DOWNGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Like pread(2) at an offset within the message; never short but at its end. */
typedef ssize_t downgrade_read(void *ctx, uint64_t at, void *buf, size_t len);

struct downgrade_source {
	downgrade_read	*read;
	void		*ctx;
	uint64_t	 size;		/* octets of the message, CRLF ends */
};

enum downgrade_verdict {
	DOWNGRADE_OK,
	/* A part that must stay as it is needs more than the next host takes:
	 * signed, encrypted, of a type that may not be encoded (RFC 2046
	 * section 5.2), or encoded already and 8-bit all the same. */
	DOWNGRADE_CANNOT,
	/* Its structure is beyond the limits of structure.h. */
	DOWNGRADE_TOO_COMPLEX,
	DOWNGRADE_FAILED	/* errno: no memory, or read()'s */
};

struct downgrade;

/*
 * Reads the whole message once, in pieces.  keep_8bit: 8-bit lines may stay
 * (the next host has 8BITMIME), what is no lines may not.  *d is set with
 * DOWNGRADE_OK alone; the source is borrowed until downgrade_free().
 */
enum downgrade_verdict downgrade_new(const struct downgrade_source *,
    bool keep_8bit, struct downgrade **d);
void downgrade_free(struct downgrade *);	/* NULL is fine */

enum { DOWNGRADE_OUT_MIN = 1024 };

/*
 * The next octets of the converted message, into out of size octets (at least
 * DOWNGRADE_OUT_MIN).  0 at the end, -1 with errno of read().
 */
ssize_t downgrade_next(struct downgrade *, char *out, size_t size);

/* From the beginning again. */
void downgrade_rewind(struct downgrade *);

#endif
