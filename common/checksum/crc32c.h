/*
 * CRC-32C (Castagnoli; RFC 3720 section 12.1), the checksum in all our files.
 * Finds damage, not malice.
 */
#ifndef COMMON_CHECKSUM_CRC32C_H
#define COMMON_CHECKSUM_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Go on from crc, which is 0 for the first octets. */
uint32_t crc32c(uint32_t crc, const void *octets, size_t len);
/* The same without the processor's instruction, for the test. */
uint32_t crc32c_portable(uint32_t crc, const void *octets, size_t len);

#endif
