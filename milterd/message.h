/*
 * A message as milters see and change it: fields of its header section, and a
 * body.  It comes as sealed memfds; what stands there is read once, and what
 * nobody changes is never copied.
 *
 * The first field is our own Received field.  Milters are not shown it and
 * cannot change it, but they can put a field in front of it: that is how
 * sendmail counts, too.
 */
#ifndef MILTERD_MESSAGE_H
#define MILTERD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/enqueue/content.h"
#include "common/slice/slice.h"

enum {
	/* Octets and fields of a header section; as a submission may have. */
	MESSAGE_HEADER_MAX = 256 * 1024,
	MESSAGE_FIELDS_MAX = 10000
};

struct part {
	int fd;
	uint32_t octets;
};

struct parts {
	struct part *at;
	uint32_t n, room;
	uint64_t total; /* octets */
};

/* All its lines, line ends included; allocated. */
struct field {
	char *text;
	uint32_t len;
	uint16_t name_len;
	bool own; /* ours: not shown, not changed */
};

struct message {
	struct parts parts; /* as it came */
	struct field *fields;
	uint32_t n_fields, room;
	uint64_t header_octets;
	uint64_t body_at;  /* in parts */
	struct parts body; /* instead, where body_changed */
	bool header_changed, body_changed;
};

enum message_fault {
	MESSAGE_OK,
	MESSAGE_HEADER_LONG, /* over one of the limits above */
	MESSAGE_FAILED       /* no memory, or it cannot be read */
};

/* fd becomes the list's.  -1: no memory, it is closed. */
int parts_add(struct parts *, int fd, uint32_t octets);
void parts_clear(struct parts *);
/* Octets from an offset on; how many, 0 at the end; -1: it cannot be read. */
ssize_t parts_read(const struct parts *, uint64_t at, void *buf, size_t size);

void message_clear(struct message *);
/* All parts are here: find the fields.  The first own octets are ours. */
enum message_fault message_read(struct message *, uint32_t own);
/* Octets of the body, whichever it is; as parts_read. */
ssize_t message_body(
    const struct message *, uint64_t at, void *buf, size_t size);

struct slice field_name(const struct field *);
/*
 * What milters are told of a field: without its last line end, line ends
 * inside as LF, into out (room for len octets).  whole: with the blank behind
 * the colon, too.
 */
struct slice field_value(const struct field *, bool whole, char *out);

/*
 * Put in a field at place, counted with our own, or behind all.  Line ends of
 * the value become CRLF, and what follows one is made a continuation, so that
 * no value can bring a second field or end the header section.  whole: the
 * value begins with its blank already.  -1: no memory, or over the limits.
 */
int message_insert(struct message *, uint32_t place, struct slice name,
    struct slice value, bool whole);
/*
 * Change the index-th field of that name (from 1), remove it where value is
 * empty, append it where there is none.  -1 as above.
 */
int message_change(struct message *, uint32_t index, struct slice name,
    struct slice value, bool whole);

/* A new body under way: piece by piece, with LF or CRLF as its line ends. */
struct body {
	struct parts parts;
	struct content content;
	uint64_t max;
	bool cr; /* the last octet was one */
	bool in_line;
};

void body_init(struct body *, uint64_t max);
void body_clear(struct body *);
/* -1: a CR that is no line end, too long, or no memory. */
int body_append(struct body *, struct slice);
/* It is whole: it becomes the message's. */
int body_finish(struct body *, struct message *);

/*
 * The changed message: new parts, and the first of the old ones that stays
 * behind them (their number: none does).  -1: no memory.
 */
int message_rebuild(struct message *, struct parts *made, uint32_t *kept);

#endif
