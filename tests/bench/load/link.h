/*
 * One connection of the load generator, in clear text or by implicit TLS.
 * Nothing here waits; errno EAGAIN says that the socket must be looked at
 * again, for what is there to read or for room to write.
 */
#ifndef TESTS_BENCH_LOAD_LINK_H
#define TESTS_BENCH_LOAD_LINK_H

#include <sys/types.h>

#include <openssl/ssl.h>

struct link {
	int	 fd;
	SSL	*ssl;		/* NULL: clear text */
};

/* For all connections; checks no certificate.  Ends the program on error. */
SSL_CTX *link_tls(void);

/* ctx: NULL for clear text.  fd is connected and does not block. */
void link_open(struct link *, int fd, SSL_CTX *ctx);
void link_close(struct link *);

/* Octets sent or received; 0 (receive only): the end; -1 with errno. */
ssize_t link_send(struct link *, const void *, size_t);
ssize_t link_receive(struct link *, void *, size_t);

#endif
