/*
 * Small text files of a mailbox that end in a line with the checksum of all
 * that stands before it: "crc32c 1a2b3c4d".  What was torn by a crash, or
 * written by another hand, does not pass for whole.
 */
#ifndef COMMON_MAILBOX_SEALED_H
#define COMMON_MAILBOX_SEALED_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slice/slice.h"

enum { SEAL_LEN = sizeof("crc32c 00000000\n") - 1 };

/*
 * Write the seal of the len octets at text right behind them.  There is room
 * for SEAL_LEN + 1 octets (the last is '\0').  Returns the length with the
 * seal.
 */
size_t seal_put(char *text, size_t len);

/* Take a seal off the end; false, and nothing taken: none that is right. */
bool seal_take(struct slice *text);

/* Take a line, which ends in LF, off the front; *line is without it.  False,
 * and nothing taken: there is none, or no end of it. */
bool sealed_line(struct slice *text, struct slice *line);

#endif
