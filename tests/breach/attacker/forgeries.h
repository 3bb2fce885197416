/*
 * What a captured process would say to the peers that it has channels to:
 * octets that are no message, messages that are not its to send, and its own
 * messages with fields that are wrong or too long.
 */
#ifndef TESTS_BREACH_FORGERIES_H
#define TESTS_BREACH_FORGERIES_H

/* The number of different forgeries; each costs a channel. */
unsigned forgery_count(void);
/* Send number n on the channel behind fd. */
void forgery_send(int fd, unsigned n);

#endif
