/* SHA-256 as people write it: 64 hexadecimal digits, colons or not. */
#ifndef REMOTE_RELAY_FINGERPRINT_H
#define REMOTE_RELAY_FINGERPRINT_H

#include <stdint.h>

#include "common/slice/slice.h"

enum { FINGERPRINT_LEN = 32 };

/* The whole of in; a colon may stand between two octets. */
enum parse fingerprint_parse(struct slice in, uint8_t out[FINGERPRINT_LEN]);

#endif
