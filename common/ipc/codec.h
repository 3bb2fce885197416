/*
 * Fields of a message's body: written in order, read in the same order.
 * Numbers are little-endian; octets stand behind their length (32 bits).
 * Both sides remember the first failure, so that a caller fills or reads a
 * whole message and asks once at its end.
 */
#ifndef COMMON_IPC_CODEC_H
#define COMMON_IPC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

struct ipc_writer {
	uint8_t	*buf;
	size_t	 size, len;
	bool	 failed;	/* something did not fit; len is then stale */
};

void ipc_writer_init(struct ipc_writer *, void *buf, size_t size);
void ipc_put_u8(struct ipc_writer *, uint8_t);
void ipc_put_u16(struct ipc_writer *, uint16_t);
void ipc_put_u32(struct ipc_writer *, uint32_t);
void ipc_put_u64(struct ipc_writer *, uint64_t);
/* Length, then the octets. */
void ipc_put_bytes(struct ipc_writer *, struct slice);
/* The octets alone: both sides know how many (a ticket). */
void ipc_put_raw(struct ipc_writer *, const void *, size_t);

struct ipc_reader {
	struct slice	 in;	/* what is left */
	bool		 failed;
};

void ipc_reader_init(struct ipc_reader *, struct slice body);
/* After a failure these answer 0, and an empty slice that is not NULL. */
uint8_t ipc_get_u8(struct ipc_reader *);
uint16_t ipc_get_u16(struct ipc_reader *);
uint32_t ipc_get_u32(struct ipc_reader *);
uint64_t ipc_get_u64(struct ipc_reader *);
/* At most max octets, pointing into the body; longer is a failure. */
struct slice ipc_get_bytes(struct ipc_reader *, size_t max);
void ipc_get_raw(struct ipc_reader *, void *, size_t);
/* 0 when nothing failed and nothing is left over; else -1. */
int ipc_reader_end(const struct ipc_reader *);

#endif
