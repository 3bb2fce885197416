/*
 * A delivered message's octets: our two fields in front, then the content,
 * lines ending in LF.
 */
#ifndef COMMON_MAILBOX_DELIVER_CONTENT_H
#define COMMON_MAILBOX_DELIVER_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/delivery.h"

/* Write it to fd.  *size as stored, *crlf_size with CRLF line ends.  -1:
 * errno, EBADMSG when the content is not as long as announced. */
int content_write(const struct delivery *, int content_fd, int fd,
    uint64_t *size, uint64_t *crlf_size);
/* Is fd's file this message, to the last octet? */
bool content_agrees(const struct delivery *, int content_fd, int fd);
/* Does a Delivered-To field of the header section name the recipient? */
bool content_has_loop(const struct delivery *, int content_fd);

/* The same for a header section in memory (pure). */
bool header_names_recipient(struct slice header, struct slice recipient);

#endif
