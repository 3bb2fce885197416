/* The inside of a conversion, for the files downgrade*.c. */
#ifndef COMMON_MESSAGE_DOWNGRADE_PRIVATE_H
#define COMMON_MESSAGE_DOWNGRADE_PRIVATE_H

#include "common/message/downgrade.h"
#include "common/message/encode.h"
#include "common/message/structure.h"

enum {
	DOWNGRADE_PIECE = 16384,
	/* What is longer can be no boundary (structure.c). */
	DOWNGRADE_LINE_MAX = 256
};

enum what {
	COPY,      /* as it is */
	LINES,     /* with whole line ends, and no NUL */
	SEVEN_BIT, /* the same, and nothing above 127 */
	TEXT,      /* fields of ours */
	QUOTED_PRINTABLE,
	BASE64
};

/* What the result is made of, in its order. */
struct segment {
	enum what what;
	uint64_t from, to; /* octets of the message, or of text */
	const char *text;  /* constant */
};

/* What a body holds. */
struct nature {
	bool eight_bit;
	bool binary; /* no lines, or NUL in them */
};

/* While the message is looked at: its structure first, then part by part. */
struct planning {
	struct mime_parser *parser; /* until all is read */
	struct mime *m;             /* from then on */
	uint64_t read;              /* octets fed to the parser */
	uint32_t part;              /* that is looked at */
	bool looking;               /* in the middle of its body */
	uint64_t at, line;
	char last;
	struct nature nature;
	uint64_t planned;      /* octets that are in segments */
	uint32_t protected_to; /* parts before this one are inside
				* of a signed or encrypted one */
	size_t budget;         /* octets left in this step */
};

struct downgrade {
	struct downgrade_source source;
	unsigned flags;
	struct segment *segments;
	size_t n, size;
	bool too_many;
	struct planning p;
	/* where downgrade_next() is */
	size_t current;
	uint64_t at;
	struct encode_state encoder;
	bool cr, dashes; /* of the line that is copied ... */
	unsigned column; /* ... and how far it is, 2 at most */
	bool line_start; /* nothing of it was seen */
	unsigned held;   /* octets of it that are looked at as a whole */
	char line[DOWNGRADE_LINE_MAX];
	char piece[DOWNGRADE_PIECE];
};

/* All len octets at that place, or -1 with errno. */
int downgrade_read_all(
    const struct downgrade *, uint64_t at, char *buf, size_t len);

#endif
