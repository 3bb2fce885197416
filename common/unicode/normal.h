/* Normalization Form C (UAX #15), by libunistring. */
#ifndef COMMON_UNICODE_NORMAL_H
#define COMMON_UNICODE_NORMAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slice/slice.h"

/*
 * in, UTF-8, in Normalization Form C, with small letters or as they are, to out;
 * not terminated.  Answers the octets written, or -1: it is not well-formed,
 * does not fit in size, or there is no memory.
 */
int unicode_normal(struct slice in, bool small, char *out, size_t size);

#endif
