/*
 * The structure of a message: its parts (RFC 2046), where each begins and
 * ends, and what its header section says about it.
 *
 * The parser is fed the message from its first octet on in pieces of any size
 * and keeps none of it but the header section that it is in and the strings of
 * the result.  It does not recurse, and each octet costs it constant work
 * (a line that begins with "--" at most one comparison for each open
 * multipart).  Line ends are LF or CRLF; each size is given twice, in octets of
 * the file and in octets after every line end has become CRLF, which is what
 * protocols count.
 *
 * Limits (RFC 2046 sets none): past any of them the rest of what is being
 * parsed is one opaque part.
 */
#ifndef COMMON_MESSAGE_STRUCTURE_H
#define COMMON_MESSAGE_STRUCTURE_H

#include <stdint.h>

#include "common/slice/slice.h"

struct mime_limits {
	unsigned	depth;		/* parts inside parts */
	unsigned	parts;		/* in all */
	size_t		header;		/* octets of one header section that
					 * are read for fields */
	size_t		strings;	/* octets of all strings kept */
};

/* 100, 10,000, 128 KiB, 1 MiB. */
extern const struct mime_limits mime_default_limits;

/* No part; also an absent string. */
#define MIME_NONE UINT32_MAX

/* A string of the result, by mime_string(); absent when at is MIME_NONE. */
struct mime_str {
	uint32_t	at, len;
};

struct mime_param {
	struct mime_str	name, value;
};

/* A value and its parameters, params[first] to params[first + count - 1]. */
struct mime_value {
	struct mime_str	value;
	uint32_t	first, count;
};

/* Fields of an embedded (or the outermost) message, unfolded, else as sent. */
enum mime_envelope_field {
	ENVELOPE_DATE, ENVELOPE_SUBJECT, ENVELOPE_FROM, ENVELOPE_SENDER,
	ENVELOPE_REPLY_TO, ENVELOPE_TO, ENVELOPE_CC, ENVELOPE_BCC,
	ENVELOPE_IN_REPLY_TO, ENVELOPE_MESSAGE_ID,
	ENVELOPE_FIELDS
};

struct mime_envelope {
	struct mime_str	field[ENVELOPE_FIELDS];
};

enum mime_kind {
	MIME_BASIC,	/* any type that has no structure of its own */
	MIME_TEXT,
	MIME_MULTIPART,	/* always has a child */
	MIME_MESSAGE	/* message/rfc822 and message/global: one child, the
			 * embedded message */
};

/* A place in the message, at the start of a line. */
struct mime_place {
	uint64_t	raw;	/* octets of the file before it */
	uint64_t	crlf;	/* the same with CRLF line ends */
	uint64_t	lines;	/* line ends before it */
};

struct mime_part {
	enum mime_kind	kind;
	uint32_t	parent, first_child, last_child, next;
	uint32_t	depth;		/* 0 is the message itself */
	uint32_t	envelope;	/* index, or MIME_NONE where this part
					 * is not a message */
	struct mime_place header;	/* where its header section begins */
	struct mime_place body;		/* where its body begins */
	uint64_t	raw_end;	/* of the body, in octets of the file */
	uint64_t	octets;		/* of the body, CRLF line ends */
	uint64_t	lines;		/* of the body; a last line without an
					 * end counts */
	struct mime_value type;		/* value is the type alone */
	struct mime_str	subtype;
	struct mime_str	id, description, encoding, md5;
	struct mime_value disposition;
	struct mime_str	language, location;	/* language: unparsed list */
};

struct mime {
	struct mime_part	*parts;	/* parts[0] is the message */
	uint32_t		 parts_len, parts_size;
	struct mime_param	*params;
	uint32_t		 params_len, params_size;
	struct mime_envelope	*envelopes;
	uint32_t		 envelopes_len, envelopes_size;
	char			*strings;
	size_t			 strings_len, strings_size;
	struct mime_place	 end;	/* octets and line ends of it all */
	bool			 limited; /* a limit was met */
};

struct mime_parser;

/* NULL with errno when memory is short. */
struct mime_parser *mime_parser_new(const struct mime_limits *);
void mime_parser_free(struct mime_parser *);

/* The next octets of the message.  After memory ran out, does nothing. */
void mime_feed(struct mime_parser *, struct slice);

/*
 * The message has ended: the result, which the caller frees with mime_free,
 * or NULL when memory ran out.  The parser can only be freed after this.
 */
struct mime *mime_finish(struct mime_parser *);
void mime_free(struct mime *);

/* Octets looked at, each as often as it was. */
size_t mime_steps(const struct mime_parser *);

/* at is NULL for an absent string. */
static inline struct slice
mime_string(const struct mime *m, struct mime_str s)
{
	if (s.at == MIME_NONE)
		return (struct slice){ 0 };
	return slice_of(m->strings + s.at, s.len);
}

/* Octets of the header section with its empty line, CRLF line ends. */
static inline uint64_t
mime_header_octets(const struct mime_part *p)
{
	return p->body.crlf - p->header.crlf;
}

#endif
