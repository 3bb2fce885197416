/*
 * What a milter answers, as a struct.  Whatever a milter sends is checked as
 * if it came from a stranger: it may be one that has been taken over.  Nothing
 * is a C string: what is to end in a NUL must have one, at its end and
 * nowhere else, and is given as a slice without it.
 */
#ifndef COMMON_MILTER_ANSWER_H
#define COMMON_MILTER_ANSWER_H

#include "common/milter/packet.h"

struct milter_answer {
	char code;         /* SMFIR_... */
	uint32_t index;    /* INSHEADER, CHGHEADER */
	struct slice name; /* of a field; an address */
	/* Of a field; parameters of an address; a reason; a reply's lines; a
	 * piece of body. */
	struct slice value;
};

/* -1: no such answer, or not in its form. */
int milter_answer_decode(const struct milter_packet *, struct milter_answer *);

/* What a milter may do at the end of a message only: SMFIF_..., or 0. */
uint32_t milter_answer_action(char code);

struct milter_options {
	uint32_t version, actions, steps;
	/* Names of macros that it wants instead of the usual ones, parted by
	 * blanks; at is NULL where it does not say. */
	struct slice macros[MILTER_STAGES];
};

/* The answer to OPTNEG.  -1: malformed, or more than was offered. */
int milter_options_decode(const struct milter_packet *, uint32_t actions,
    uint32_t steps, struct milter_options *);

/* The most data of a packet, after those steps were agreed upon.  Where it says
 * both it is the smaller: it can take that in any case. */
uint32_t milter_data_max(uint32_t steps);

enum {
	MILTER_REPLY_LINES = 32,
	MILTER_REPLY_MAX = 2048 /* octets of all lines */
};

struct milter_reply {
	uint16_t code;       /* 4yz or 5yz */
	uint8_t enhanced[3]; /* its class is the code's */
	size_t len;
	char text[MILTER_REPLY_MAX]; /* lines parted by LF; printable */
};

/*
 * The lines of REPLYCODE (RFC 5321 section 4.2.1; RFC 2034).  Without an
 * enhanced status code it is 4.7.1 or 5.7.1.  A doubled "%" is one, as
 * sendmail has it; what is not printable becomes "?".  -1: not a reply, codes
 * that disagree, or more than the limits above.
 */
int milter_reply_decode(struct slice, struct milter_reply *);

#endif
