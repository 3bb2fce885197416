/*
 * A delivered message's octets: our two fields in front, then the content,
 * lines ending in LF.  What is stored is lines, also of a message that came
 * with BODY=BINARYMIME (RFC 3030): a part that is not is encoded (RFC 2045), so
 * that sizes and what POP3 and IMAP show are exact.
 */
#ifndef COMMON_MAILBOX_DELIVER_CONTENT_H
#define COMMON_MAILBOX_DELIVER_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/delivery.h"

enum { CONTENT_LOOPS = 1 };

/* Takes the octets piece by piece; 0, or -1 with errno to stop. */
typedef int content_sink(void *ctx, const char *octets, size_t len);

/* Give all of it to sink.  As content_write().  ENOTSUP: there is a binary
 * part that must stay as it is, since it is signed or encrypted. */
int content_render(const struct delivery *, int content_fd, content_sink *,
    void *ctx);
/* What content_write() answers CONTENT_LOOPS for, asked alone. */
bool content_has_loop(const struct delivery *, int content_fd);

/*
 * Write it to fd.  *size as stored, *crlf_size with CRLF line ends.  -1:
 * errno, EBADMSG when the content is not as long as announced.  CONTENT_LOOPS:
 * a Delivered-To field of the header section names the recipient (looked for
 * in the first 64 KiB), and nothing was written.
 */
int content_write(const struct delivery *, int content_fd, int fd,
    uint64_t *size, uint64_t *crlf_size);
/* Is fd's file this message, to the last octet?  errno is not set. */
bool content_agrees(const struct delivery *, int content_fd, int fd);
/* Does a Delivered-To field of this header section name the recipient?  A
 * pure function. */
bool header_names_recipient(struct slice header, struct slice recipient);

#endif
