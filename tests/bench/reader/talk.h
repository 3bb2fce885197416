/*
 * A connection of a mail reader, with blocking calls: what was received stands
 * in one buffer, and a response is given whole, with its literals.  Every error
 * ends the program.
 */
#ifndef TESTS_BENCH_READER_TALK_H
#define TESTS_BENCH_READER_TALK_H

#include <netinet/in.h>

#include <stdint.h>

#include "common/slice/slice.h"

struct talk {
	int	 fd;
	char	*buf;		/* owned */
	size_t	 size;
	size_t	 from, to;	/* received and not taken yet */
	uint64_t received;	/* octets, ever */
};

/* To a port of 127.0.0.1. */
void talk_open(struct talk *, unsigned port);
void talk_close(struct talk *);

void talk_send(struct talk *, const void *, size_t);
void talk_printf(struct talk *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The next line without its CRLF; fine until the next call. */
struct slice talk_line(struct talk *);
/* The next response of IMAP: a line, and where it ends in a literal's length
 * the literal and what follows it; without the last CRLF. */
struct slice talk_response(struct talk *);
/* The lines of a multi-line reply of POP3 until the dot; their octets with the
 * CRLFs, without the stuffing. */
size_t talk_multiline(struct talk *);

uint64_t now_ns(void);

#endif
