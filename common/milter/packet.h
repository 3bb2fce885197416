/* Packets of the milter protocol: one is taken from octets, or written. */
#ifndef COMMON_MILTER_PACKET_H
#define COMMON_MILTER_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/milter/protocol.h"
#include "common/slice/slice.h"

enum { MILTER_PACKET_HEAD = 5 }; /* length and code */

struct milter_packet {
	char code;
	struct slice data;
};

/*
 * Take one packet from the front of in.  *used is set on PARSE_OK: its octets.
 * PARSE_BAD: its length is 0, or its data have more than max octets; that is
 * known as soon as the length is here.
 */
enum parse milter_packet_take(
    struct slice in, size_t max, struct milter_packet *, size_t *used);

/* Packets one behind the other in a buffer. */
struct milter_writer {
	char *at;
	size_t len, size;
	size_t start; /* of the packet under way */
	bool failed;  /* something did not fit */
};

void milter_writer_init(struct milter_writer *, void *buf, size_t size);
void milter_begin(struct milter_writer *, char code);
void milter_put(struct milter_writer *, struct slice);
void milter_put_u16(struct milter_writer *, uint16_t);
void milter_put_u32(struct milter_writer *, uint32_t);
/* Up to the first NUL, if there is one, and then one. */
void milter_put_string(struct milter_writer *, struct slice);
void milter_end(struct milter_writer *);
/* Forget the packet under way. */
void milter_drop(struct milter_writer *);
/* The head of a packet whose data, len octets, are written apart. */
void milter_head(char out[MILTER_PACKET_HEAD], char code, size_t len);

#endif
