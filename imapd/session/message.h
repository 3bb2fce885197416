/*
 * What FETCH needs to know of a message's inside: envelope and structure as
 * responses have them, and where its parts are.  Found once by reading the file
 * and kept in the owner's index.
 */
#ifndef IMAPD_SESSION_MESSAGE_H
#define IMAPD_SESSION_MESSAGE_H

#include <stdint.h>

#include "common/mailbox/mailbox.h"
#include "common/message/structure.h"

/* Of the blob in the index; octets are counted with CRLF line ends. */
struct part_place {
	uint64_t	header_at, body_at, end; /* in the file */
	uint64_t	header_octets, octets;
	uint32_t	first_child, next;	/* MIME_NONE: none */
	uint32_t	kind;			/* enum mime_kind */
	uint32_t	encoding;		/* enum transfer_encoding, or */
#define PART_ENCODING_UNKNOWN 255U
};

struct message_info {
	void		*blob;		/* all else points into it */
	const struct part_place *part;	/* [0] is the message */
	uint32_t	 parts;
	uint64_t	 file_size;	/* of the file that it was made from */
	struct slice	 envelope, body, bodystructure;
};

/* A message at which a command is at work: opened and parsed when that is first
 * needed, and once. */
struct message_file {
	int fd;            /* -1: not open */
	struct mime *mime; /* NULL: not parsed */
};

#define MESSAGE_FILE_NONE ((struct message_file){ -1, NULL })

/* -1 with errno.  Its offset is never moved. */
int message_file_open(struct message_file *, struct folder *, size_t seq);
/* NULL with errno; the file's, until it is closed or forgotten. */
const struct mime *message_file_parse(
    struct message_file *, struct folder *, size_t seq);
/* What was parsed is not needed any more; it may be large. */
void message_file_forget(struct message_file *);
void message_file_close(struct message_file *);

/* Of message seq, from the index or its file.  -1 with errno. */
int message_info_get(
    struct folder *, size_t seq, struct message_file *, struct message_info *);
/* RFC822.SIZE. */
uint64_t message_info_size(const struct message_info *);
void message_info_clear(struct message_info *);

/* Parse a whole file; NULL with errno.  For SEARCH too. */
struct mime *message_parse(int fd);

#endif
