/*
 * A message with 8-bit or binary content made fit for a host that takes less:
 * bodies of single parts become quoted-printable (text) or base64 (anything
 * else), RFC 2045 section 6, RFC 6152 section 3.  The structure stays: only
 * Content-Transfer-Encoding fields and those bodies change, and outside of
 * them (header sections, preambles, epilogues) what cannot be in a line: an LF
 * alone becomes CRLF, a CR alone a space, a NUL "?"; where 8-bit octets may
 * not stay, each in a preamble or an epilogue becomes "?", too.  A boundary is
 * the same line afterwards, and what was none is none: a line that begins with
 * two hyphens and would lose an octet so gets a "?" in front of them.
 *
 * What is inside multipart/signed or multipart/encrypted (RFC 1847) is never
 * touched; where such a part would have to be, the message cannot be converted
 * and its sender is to be told (5.6.3).
 *
 * Work and memory are bounded whatever the message: each call of
 * downgrade_plan() and downgrade_next() reads at most DOWNGRADE_STEP octets and
 * one header section; kept are its structure (structure.h) while it is planned,
 * one header section at a time, and what the result is made of, at most
 * DOWNGRADE_SEGMENTS_MAX runs of octets.
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
	DOWNGRADE_MORE, /* not yet known: call again */
	/* A part that must stay as it is needs more than the next host takes:
	 * signed, encrypted, of a type that may not be encoded (RFC 2046
	 * section 5.2), or encoded already and 8-bit all the same. */
	DOWNGRADE_CANNOT,
	/* Its structure is beyond the limits of structure.h, or the result in
	 * more than DOWNGRADE_SEGMENTS_MAX runs. */
	DOWNGRADE_TOO_COMPLEX,
	DOWNGRADE_FAILED /* errno: no memory, or read()'s */
};

enum {
	/* 8-bit lines may stay (the next host has 8BITMIME); what is no lines
	 * may not. */
	DOWNGRADE_KEEP_8BIT = 1,
	/* Nothing outside of bodies is changed: who asked looks himself. */
	DOWNGRADE_KEEP_OUTSIDE = 2
};

enum {
	DOWNGRADE_STEP = 65536,
	DOWNGRADE_SEGMENTS_MAX = 65536,
	DOWNGRADE_OUT_MIN = 1024
};

struct downgrade;

/*
 * Begin: nothing is read yet.  The source is copied, its ctx is borrowed until
 * downgrade_free().  NULL with errno.
 */
struct downgrade *downgrade_begin(
    const struct downgrade_source *, unsigned flags);

/*
 * Look at more of the message, which is read once for its structure and its
 * bodies once again: until the verdict is another than DOWNGRADE_MORE.  Then
 * either downgrade_next() may be called or downgrade_free() alone.
 */
enum downgrade_verdict downgrade_plan(struct downgrade *);

/* Both in one call, for who has nothing else to do meanwhile.  *d is set with
 * DOWNGRADE_OK alone. */
enum downgrade_verdict downgrade_new(
    const struct downgrade_source *, unsigned flags, struct downgrade **d);
void downgrade_free(struct downgrade *);	/* NULL is fine */

/*
 * The next octets of the converted message, into out of size octets (at least
 * DOWNGRADE_OUT_MIN).  0 at the end, -1 with errno of read().
 */
ssize_t downgrade_next(struct downgrade *, char *out, size_t size);

/* Octets of memory that it holds. */
size_t downgrade_memory(const struct downgrade *);

/* From the beginning again. */
void downgrade_rewind(struct downgrade *);

#endif
