/* What a mail reader of the benchmark does; every error ends the program. */
#ifndef TESTS_BENCH_READER_ACTS_H
#define TESTS_BENCH_READER_ACTS_H

#include "tests/bench/reader/imap.h"

struct run;
/* A client's part of the whole: number times, or so many messages. */
typedef void act(const struct run *, unsigned client, unsigned number);

struct run {
	act		*act;
	unsigned	 port, clients, number, first, users, size;
	char		*message;	/* [size] */
};

act script, append, mixed, logins, pop3_logins, retrieve;

/* Connect by IMAP as the user of this client. */
void open_imap(const struct run *, unsigned client, struct imap_client *);

#endif
