/*
 * Milters: smtpd tells milterd what a client says, milterd answers what the
 * milters of the listener say to it.
 *
 * A session is known by smtpd's number of it, on the channel that it came by.
 * MILTER_MAIL begins a transaction and says all about the client, so that
 * milterd may be started anew between any two of them.  MILTER_RCPT,
 * MILTER_DATA and MILTER_REVIEW follow; each is answered by one MILTER_VERDICT,
 * and until then no other is sent for this session.  MILTER_UNKNOWN may come
 * from the first MILTER_MAIL on, inside of a transaction and outside.  The
 * content is sent for the review, in parts as queue-manager would get them: all
 * but the last as MILTER_CONTENT, the last with MILTER_REVIEW.  If the milters
 * have changed it, the octets that replace its beginning come as MILTER_PART,
 * before the verdict.  A transaction ends with the verdict of the review, with
 * MILTER_ABORT or with the next MILTER_MAIL; a session with MILTER_CLOSE.
 *
 * encode answers the length of the body, or 0 when it does not fit; buf has
 * room for the row's greatest size in messages.h.  decode answers 0, or -1
 * when malformed; slices point into the body.
 */
#ifndef COMMON_IPC_MILTER_H
#define COMMON_IPC_MILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/instance/milter.h"
#include "common/ipc/codec.h"

enum {
	MILTER_MAIL_MAX = 8192, /* octets of bodies */
	MILTER_RCPT_MAX = 8192,
	MILTER_UNKNOWN_MAX = 1024,
	MILTER_SMALL_MAX = 64,
	MILTER_VERDICT_MAX = 36000,
	MILTER_FIELD_MAX = 512, /* a name, an address, a path */
	MILTER_PATH_MAX = 640,
	MILTER_PARAMS_MAX = 3072, /* of a MAIL or RCPT, as they are kept */
	MILTER_LINE_MAX = 512,    /* shown of an unknown command */
	MILTER_TEXT_MAX = 2048,   /* a reply, its lines parted by LF */
	MILTER_REASON_MAX = 256,  /* why a message is held */
	MILTER_PARTS_MAX = 65536,
	MILTER_CHANGES_MAX = 4096 /* recipients added and removed */
};

/* The client's kind of address, as milters are told it. */
enum milter_family {
	MILTER_FAMILY_UNKNOWN = 'U',
	MILTER_FAMILY_LOCAL = 'L',
	MILTER_FAMILY_IPV4 = '4',
	MILTER_FAMILY_IPV6 = '6'
};

struct milter_mail {
	uint64_t session;
	/* In their order; names of blocks in milterd.conf. */
	unsigned n_milters;
	struct slice milters[MILTERS_MAX];
	struct slice listener;
	enum milter_family family;
	struct slice address; /* "" where family has none */
	uint16_t port;
	struct slice name;        /* its verified name, or "" */
	struct slice own_address; /* ours, or "" */
	uint16_t own_port;
	struct slice helo;
	struct slice tls_version, tls_cipher; /* "": clear text */
	uint16_t tls_bits;
	struct slice login, mechanism; /* "": nobody */
	struct slice reverse_path;     /* without brackets */
	/* What stood behind it in MAIL, a blank in front of each; or "". */
	struct slice params;
	bool utf8; /* SMTPUTF8 is one of them */
};

size_t milter_mail_encode(const struct milter_mail *, void *buf);
int milter_mail_decode(struct slice body, struct milter_mail *);

struct milter_rcpt {
	uint64_t session;
	struct slice forward_path; /* without brackets */
	struct slice params;       /* as those of milter_mail */
	/* It was refused, and the client has been told so; 0: it was not. */
	uint16_t code;
	uint8_t enhanced[3];
	struct slice text; /* "" unless refused */
};

size_t milter_rcpt_encode(const struct milter_rcpt *, void *buf);
int milter_rcpt_decode(struct slice body, struct milter_rcpt *);

struct milter_unknown {
	uint64_t session;
	struct slice line; /* the command, without its CRLF */
};

size_t milter_unknown_encode(const struct milter_unknown *, void *buf);
int milter_unknown_decode(struct slice body, struct milter_unknown *);

/* MILTER_DATA, MILTER_CONTENT, MILTER_PART, MILTER_REVIEW, MILTER_ABORT and
 * MILTER_CLOSE; what a message has no use for is 0. */
struct milter_small {
	uint64_t session;
	uint64_t queue_id; /* DATA, REVIEW */
	uint32_t octets;   /* of the descriptor */
	/* REVIEW: how many octets at the front are our Received field, which
	 * milters are not shown; and how many MILTER_CONTENT went before. */
	uint32_t own;
	uint32_t parts;
};

size_t milter_small_encode(const struct milter_small *, void *buf);
int milter_small_decode(struct slice body, struct milter_small *);

enum milter_decision {
	MILTER_GO_ON = 1,
	MILTER_REFUSE, /* with code, enhanced and text */
	MILTER_DISCARD /* say 250 and throw it away */
};

/* What smtpd need not ask about where it is not here; bits. */
enum milter_wish {
	MILTER_WANTS_RCPT = 1 << 0,
	MILTER_WANTS_DATA = 1 << 1,
	MILTER_WANTS_REJECTED = 1 << 2, /* recipients that are refused */
	MILTER_WANTS_UNKNOWN = 1 << 3   /* commands */
};

struct milter_change {
	bool add;             /* else: remove */
	struct slice address; /* without brackets */
	struct slice params;  /* of one that is added: as those of a RCPT */
};

struct milter_verdict {
	uint64_t session;
	enum milter_decision decision;
	struct slice milter; /* whose it is; "" for GO_ON */
	uint8_t wishes;      /* enum milter_wish */
	uint16_t code;       /* 4yz or 5yz */
	uint8_t enhanced[3];
	struct slice text; /* printable ASCII and LF */
	/* Of a review. */
	bool changed;        /* the content: */
	uint32_t parts;      /* so many MILTER_PART came, */
	uint32_t kept;       /* and what was sent, from this one on */
	bool hold;           /* quarantine */
	struct slice reason; /* for it; clean text */
	bool has_reverse_path;
	struct slice reverse_path;
	struct slice reverse_params; /* as those of a MAIL */
	uint32_t n_changes;
	struct ipc_reader changes; /* set by decode */
};

/* All but the changes; then milter_change_put() for each of them. */
void milter_verdict_put(struct ipc_writer *, const struct milter_verdict *);
void milter_change_put(struct ipc_writer *, const struct milter_change *);
int milter_verdict_decode(struct slice body, struct milter_verdict *);
/* The next change, false after the last.  Cannot fail. */
bool milter_change_next(struct milter_verdict *, struct milter_change *);

/*
 * MILTER_CONNECT: the name of a block, MILTER_NAME_MAX octets filled up with
 * zeroes, so that supervisor compares and reads nothing.
 */
int milter_name_encode(struct slice name, void *buf);

/* MILTER_UNREACHABLE: why, an errno. */
size_t milter_error_encode(int error, void *buf);
int milter_error_decode(struct slice body, int *error);

#endif
