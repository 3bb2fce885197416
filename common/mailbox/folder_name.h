/*
 * The names of folders: the one place where a client's mailbox name becomes a
 * directory name, and back (pure).
 *
 * On disk a folder is a directory of the Maildir named .A.B (Maildir++), in
 * modified UTF-7 (RFC 3501 section 5.1.3) as Dovecot and Courier write it;
 * INBOX is the Maildir itself.  The hierarchy separator towards clients is the
 * full stop, too, so that a client's name differs only by the leading dot.
 *
 * There is one spelling of each name.  Refused: modified UTF-7 that another
 * encoder would have written otherwise, invalid Unicode, control characters,
 * "/", empty components (".." among them), more than FOLDER_DEPTH_MAX of them,
 * and what does not fit in a directory name.
 */
#ifndef COMMON_MAILBOX_FOLDER_NAME_H
#define COMMON_MAILBOX_FOLDER_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slice/slice.h"

#define FOLDER_SEPARATOR	'.'
#define FOLDER_DEPTH_MAX	32
#define FOLDER_NAME_MAX		240	/* octets of the directory name */
#define FOLDER_UTF8_MAX		480	/* octets a name may need in UTF-8 */

struct folder_name {
	char	disk[FOLDER_NAME_MAX + 1];	/* ".A.B", or "" for INBOX */
};

/* From a client, in modified UTF-7.  INBOX in any case is INBOX. */
enum parse folder_name_parse(struct slice imap, struct folder_name *);
/* The same from UTF-8 (an address's detail; IMAP with UTF8=ACCEPT). */
enum parse folder_name_parse_utf8(struct slice utf8, struct folder_name *);
/* From a directory's name.  PARSE_BAD: no folder of ours. */
enum parse folder_name_parse_disk(struct slice disk, struct folder_name *);

/* As a client sees it, in modified UTF-7; points into the name (or "INBOX"). */
const char *folder_name_imap(const struct folder_name *);
/* In UTF-8, NUL-terminated. */
void folder_name_utf8(const struct folder_name *,
    char to[FOLDER_UTF8_MAX + 1]);

bool folder_name_is_inbox(const struct folder_name *);
bool folder_name_equal(const struct folder_name *, const struct folder_name *);
/* inferior lies somewhere below superior (no folder lies below INBOX). */
bool folder_name_is_below(const struct folder_name *inferior,
    const struct folder_name *superior);
/* The superior one level up; false when there is none. */
bool folder_name_superior(const struct folder_name *,
    struct folder_name *superior);

#endif
