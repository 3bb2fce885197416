/* IMAP as the benchmark's mail reader speaks it; every error ends the
 * program. */
#ifndef TESTS_BENCH_READER_IMAP_H
#define TESTS_BENCH_READER_IMAP_H

#include "tests/bench/reader/talk.h"

struct imap_client {
	struct talk	 talk;
	unsigned	 tag;
};

/* What came before the tagged OK of a command. */
struct imap_answer {
	uint64_t	 fetches, expunges;	/* responses of the kind */
	uint64_t	 exists;		/* the last one's number */
	uint64_t	 found;			/* numbers in SEARCH */
	uint64_t	 literals;		/* responses that hold one */
	uint64_t	 octets;
	uint64_t	 uid;			/* of APPENDUID; or 0 */
};

/* Connected and logged in as "user@domain". */
void imap_open(struct imap_client *, unsigned port, const char *user,
    const char *secret);
/* With LOGOUT. */
void imap_close(struct imap_client *);
/* A command, without tag and CRLF, and its answer, which must be OK. */
struct imap_answer imap_do(struct imap_client *, const char *command);
struct imap_answer imap_append(struct imap_client *, const char *mailbox,
    const void *message, size_t len);

#endif
