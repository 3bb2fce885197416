/*
 * The DATA stream: RFC 5321 section 4.1.1.4 and 4.5.2.
 *
 * Only CRLF "." CRLF ends the data, the CRLF of the DATA command itself counted
 * as its first.  A CR or LF that is not part of a CRLF is never a line end
 * here, whatever stands around it: the stream is read to its true end, and
 * the message is then refused (RFC 5321 section 2.3.8).  So nothing that a
 * more forgiving server took for an end can become a second message.
 *
 * The decoder works in place and at any segmentation, one pass, and holds no
 * octet back: what it gives is always final, unless the message has a fault,
 * and then its content does not matter any more.
 */
#ifndef COMMON_SMTP_DATA_H
#define COMMON_SMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum smtp_data_place {
	SMTP_DATA_LINE_START,
	SMTP_DATA_IN_LINE,
	SMTP_DATA_AFTER_CR,
	SMTP_DATA_DOT,		/* a dot that began a line */
	SMTP_DATA_DOT_CR,
	SMTP_DATA_END
};

enum {
	/* Enough of a line to know the fields that are asked for below. */
	SMTP_DATA_NAME_MAX = 12
};

struct smtp_data {
	enum smtp_data_place place;
	uint64_t	size;		/* octets of content so far */
	uint64_t	line;		/* octets of this line so far */
	uint64_t	longest;	/* of all lines, CRLF counted */
	uint32_t	received;	/* Received fields of the header section */
	uint32_t	fields;		/* its fields so far */
	bool		bare_cr, bare_lf;
	bool		bare_header;	/* one of them in the header section */
	bool		eight_bit;	/* an octet over 127 */
	/* Fields of the header section. */
	bool		has_date, has_from, has_message_id;
	bool		header_done;	/* its end was seen */
	/* Ended by a line that is no field: no empty line stands there. */
	bool		header_cut;
	/* private: the beginning of this line */
	uint8_t		name_len;
	char		name[SMTP_DATA_NAME_MAX];
};

void smtp_data_init(struct smtp_data *);

/*
 * Decode len octets at in, in place: the content among them is moved to the
 * front, *content octets of it.  Returns how many octets of in are used: all,
 * unless place has become SMTP_DATA_END, behind which the next command
 * stands.
 */
size_t smtp_data_take(struct smtp_data *, char *in, size_t len,
    size_t *content);

/*
 * The same for a piece of a message that comes in chunks (RFC 3030): every
 * octet is content, a dot means nothing, and the caller knows where the end is.
 * Nothing is moved.
 */
void smtp_data_chunk(struct smtp_data *, const char *in, size_t len);

static inline bool
smtp_data_ended(const struct smtp_data *d)
{
	return d->place == SMTP_DATA_END;
}

/* Not lines at all in the sense of RFC 5321 section 2.3.8. */
static inline bool
smtp_data_is_bare(const struct smtp_data *d)
{
	return d->bare_cr || d->bare_lf;
}

#endif
