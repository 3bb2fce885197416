/* Results of a SEARCH, on their way to the client. */
#ifndef IMAPD_SESSION_SEARCH_RESULT_H
#define IMAPD_SESSION_SEARCH_RESULT_H

#include "imapd/session/search_return.h"
#include "imapd/session/session.h"

struct search_result {
	uint32_t	*seqs;		/* ascending */
	size_t		 n, size;
	uint64_t	 modseq;	/* the highest; 0: none */
	size_t		 told;
};

/* One more.  -1: no memory. */
int search_hit(struct search_result *, const struct message *, uint32_t seq);
void search_result_clear(struct search_result *);

/* A piece of "* SEARCH ..."; true: call again. */
bool search_write_plain(struct imap *, struct search_result *);
/* The whole of "* ESEARCH ...". */
void search_write_extended(struct imap *, const struct search_result *,
    const struct search_return *);
/* Keep them as "$".  -1: no memory, and "$" is empty. */
int search_save(struct imap *, const struct search_result *,
    const struct search_return *);

#endif
