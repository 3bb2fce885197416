/*
 * milterd: speaks with milters.  smtpd tells it what clients say
 * (common/ipc/milter.h); it tells the milters of the listener, one after the
 * other, and answers what they say to it.  It has no name and no network:
 * supervisor connects it to the sockets that milterd.conf names, and to
 * nothing else.
 *
 *	peers.c		the channels to smtpd: sessions, requests, verdicts
 *	session.c	one request, through the milters in their order
 *	line.c		one milter in one session: connection, dialogue, failure
 *	say.c		the commands, and the macros that go before them
 *	edits.c		what a milter wants changed, and making it so
 *	message.c	the message that is being looked at
 *	dial.c		connections, from supervisor
 *	keep.c		connections that wait for their next client
 */
#ifndef MILTERD_MILTERD_H
#define MILTERD_MILTERD_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "common/ipc/milter.h"
#include "common/ipc/sibling.h"
#include "common/log/log.h"
#include "common/milter/answer.h"
#include "common/net/stream.h"
#include "common/stage/stage.h"
#include "milterd/message.h"
#include "milterd/settings.h"

struct line;
struct milterd;
struct peer;
struct session;

TAILQ_HEAD(lines, line);
TAILQ_HEAD(peers, peer);
RB_HEAD(session_tree, session);

enum {
	/* Kept of one milter, beside a packet; and output, in packets. */
	MILTERD_INPUT_MORE = 64 * 1024,
	MILTERD_OUTPUT_PACKETS = 4,
	MILTERD_SESSIONS_MAX = 65536, /* of one peer */
	/* Descriptors of messages that one peer may have here.  Of what comes
	 * beyond, the review is answered with 451. */
	MILTERD_PARTS_MAX = 20000,
	/* And of one changed message on its way back: with what waits in a
	 * channel that is not full yet, less than it takes. */
	MILTERD_PARTS_BACK_MAX = 2048,
	MILTERD_DIALS_MAX = 64, /* asked of supervisor at once */
	MILTERD_WRITE_MAX = SMFI_DATA_1M + 4096,
	/* Descriptors: connections to milters and messages; what is left of
	 * sandbox/profiles.c's limit is for all else.  A peer has its share,
	 * among so many peers at least. */
	MILTERD_DESCRIPTORS_MAX = 65536 - 1024,
	MILTERD_PEERS_LEAST = 3,
	MILTERD_KEEP_MS = 60 * 1000,
	/* What a milter may want changed in one message. */
	EDITS_MAX = 1000,
	EDITS_OCTETS_MAX = 512 * 1024,
	/* Packets in one answer to the end of a message, pieces of body
	 * included. */
	ANSWERS_MAX = 100000
};

enum packet_size { PACKET_64K, PACKET_256K, PACKET_1M, PACKET_SIZES };

/* Connections to one milter that wait for their next client. */
struct kept;
TAILQ_HEAD(kept_list, kept);
struct keep {
	struct kept_list list; /* the last one to come first */
	unsigned n;
};

/* milterd.conf as it was when a session began; sessions share it. */
struct config {
	struct settings *settings;
	const struct milterd_settings *set;
	struct keep *keep; /* one for each block */
	unsigned users;
};

/* Becomes the owner of settings; NULL: no memory. */
struct config *config_new(struct settings *);

void config_release(struct config *);

struct milterd {
	struct stage stage;
	struct config *config;
	struct settings *next_settings;
	struct stream_loop *loop;
	/* Of a connection to a milter, by enum packet_size; and while kept. */
	struct stream_kind kind[PACKET_SIZES], kept_kind;
	struct peers peers;
	struct sibling supervisor; /* its channel is the stage's */
	struct lines dialling;     /* wait for their turn to ask */
	struct lines resting;      /* their milter had no room */
	struct event *rest;
	unsigned n_dials;
	unsigned n_peers;
	unsigned n_descriptors;        /* of all peers, and kept ones */
	char write[MILTERD_WRITE_MAX]; /* packets under way */
	char value[MESSAGE_HEADER_MAX * 2];
	uint8_t body[MILTER_VERDICT_MAX];
};

/* ---- edits.c ---- */

/* Staged until the milter has said its last word. */
struct edit {
	TAILQ_ENTRY(edit) order;
	char code;
	uint32_t index;
	/* Behind it; value: of a recipient or reverse-path, its parameters, a
	 * space in front of each. */
	struct slice name, value;
	char text[];
};

TAILQ_HEAD(edit_list, edit);

struct edits {
	struct edit_list list;
	unsigned n;
	size_t octets;
	struct body body;
	bool new_body;
};

/* What the milters changed of the envelope, for the verdict. */
struct envelope_edits {
	struct edit_list list; /* ADDRCPT and DELRCPT */
	unsigned n;
	size_t octets;
	char *reverse_path; /* NULL: as it was */
	char *reverse_params;
	char *hold;         /* why, or NULL */
	char held_by[MILTER_NAME_MAX + 1];
};

void edits_init(struct edits *);
void edits_clear(struct edits *);
/* Keep one.  -1: over a limit, not an address, or no memory: *why says so. */
int edits_add(struct edits *, const struct milter_answer *, bool utf8,
    uint64_t max_body, const char **why);
/* All of them, in order.  -1 as above. */
int edits_apply(struct edits *, bool whole, struct message *,
    struct envelope_edits *, const char *name, const char **why);

void envelope_edits_init(struct envelope_edits *);
void envelope_edits_clear(struct envelope_edits *);

/* ---- line.c ---- */

enum step {
	STEP_NONE,
	STEP_DIAL,
	STEP_OPTIONS,
	STEP_CONNECT,
	STEP_HELO,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_HEADER,
	STEP_EOH,
	STEP_BODY,
	STEP_END,
	STEP_UNKNOWN,
	STEP_COUNT
};

/* What was agreed upon when a connection began. */
struct agreed {
	uint32_t version, actions, steps;
	uint32_t data_max;           /* octets of data in a packet */
	char *macros[MILTER_STAGES]; /* its own wish, or NULL */
};

void agreed_clear(struct agreed *);

struct line {
	TAILQ_ENTRY(line) dialling;
	struct session *s;
	const struct settings_group *g; /* NULL: no such milter */
	size_t block;                   /* its number */
	char name[MILTER_NAME_MAX + 1];
	struct stream *stream; /* NULL: not connected */
	struct ask dial;
	struct lines *waits_dial; /* the list that it stands in, or NULL */
	uint64_t dial_until_ms;
	enum step step;  /* under way */
	bool waits_room; /* for output to leave */
	struct agreed agreed;
	/* Of the connection. */
	bool counted;     /* as one of the peer's, from when it was asked for */
	bool reused;      /* and it has not answered since */
	bool greeted;     /* it knows the client */
	bool accepts_all; /* it said so to CONNECT or HELO */
	bool refuses_all;
	/* Of the transaction. */
	bool in_transaction; /* it heard MAIL */
	bool whole;          /* its last one ended with CONTINUE */
	bool data_told;
	bool done;                    /* it wants to hear no more */
	bool failed;                  /* and what that means was decided */
	struct milter_reply *refusal; /* for refuses_all */
	/* Of a review. */
	uint32_t field; /* the next */
	uint64_t body_at;
	unsigned answers;
	struct edits edits;
};

void line_init(struct line *, struct session *, struct slice name);
void line_clear(struct line *);
/* A transaction begins. */
void line_begin(struct line *);
/* Do what the session's request asks of this milter; session_line_done() or
 * session_line_verdict() follows, now or later. */
void line_run(struct line *);
/* The transaction has ended without it. */
void line_abort(struct line *);
/* Does it want to hear this? */
bool line_wants(const struct line *, uint32_t no);
/* Refused recipients, commands that are none: only if it says so. */
bool line_wants_rejected(const struct line *);
bool line_wants_unknown(const struct line *);
/* dial.c: here is the connection, or there is none (an errno). */
void line_dialled(struct line *, int fd, int error);
void milterd_kind(struct milterd *);
const struct milter_settings *line_settings(const struct line *);
/* Of its connection, as agreed upon. */
const struct stream_kind *line_kind(const struct line *);

/* ---- say.c: one command of the dialogue, with its macros ---- */

void say_options(struct line *);
void say_connect(struct line *);
void say_helo(struct line *);
void say_mail(struct line *);
void say_rcpt(struct line *);
void say_data(struct line *);
void say_unknown(struct line *);
/* Field number field; false: it is not shown to milters. */
bool say_header(struct line *);
void say_eoh(struct line *);
/* The next piece of body; false: there is no more.  -1 in *error. */
bool say_body(struct line *, int *error);
void say_end(struct line *);
/* ABORT, QUIT. */
void say_bare(struct line *, char code);

/* ---- dial.c ---- */

int dial_init(struct milterd *);
void dial_start(struct line *);
void dial_forget(struct line *);
/* MILTER_CONNECTED, MILTER_UNREACHABLE. */
int dial_connected(void *, struct ipc_channel *, struct ipc_message *);
int dial_unreachable(void *, struct ipc_channel *, struct ipc_message *);

/* ---- keep.c ---- */

void keep_kind(struct milterd *);
/* Is the line's connection one that may wait for another client?  Then it is
 * told that this one has left (QUIT_NC), and is the line's no longer. */
bool keep_give(struct line *);
/* One that waits becomes the line's, with what was agreed upon; false: there
 * is none. */
bool keep_take(struct line *);
/* Those of that block, of all blocks, are told QUIT. */
void keep_drop(struct keep *);
void keep_drop_all(struct milterd *);

/* ---- session.c ---- */

/* A verdict, with a text of its own, that waits for room in the channel. */
struct held_verdict {
	struct milter_verdict v;
	char text[MILTER_TEXT_MAX];
};

struct session {
	RB_ENTRY(session) by_id;
	TAILQ_ENTRY(session) waits; /* if held_up */
	bool held_up;
	struct held_verdict *held; /* NULL then: no memory, that is 451 */
	unsigned n_parts;          /* counted in the peer's */
	struct peer *peer;
	struct config *config;
	uint64_t id;
	char *facts;             /* the body of its last MILTER_MAIL */
	struct milter_mail mail; /* decoded from it */
	/* The body of a MILTER_RCPT or MILTER_UNKNOWN under way, or NULL; and
	 * what is decoded from it. */
	char *asked_body;
	struct milter_rcpt rcpt; /* all zero: none is under way */
	struct slice unknown;
	bool open;               /* a transaction is under way */
	uint64_t queue_id;       /* 0: not known yet */
	uint64_t request;        /* id; 0: none under way */
	enum ipc_type asked;
	unsigned at; /* which milter has its turn */
	struct message message;
	bool reviewing; /* counted in n_reviews */
	struct envelope_edits envelope;
	unsigned n_lines;
	struct line lines[MILTERS_MAX];
};

int session_compare(const struct session *, const struct session *);
RB_PROTOTYPE(session_tree, session, by_id, session_compare)

/* NULL: no memory, or too many. */
struct session *session_new(struct peer *, uint64_t id);
void session_free(struct session *);
/* Take the facts of a transaction; -1: no memory. */
int session_mail(
    struct session *, const struct milter_mail *, struct slice body);
/* Take the facts of a MILTER_RCPT or MILTER_UNKNOWN; -1: no memory. */
int session_rcpt(struct session *, struct slice body);
int session_unknown(struct session *, struct slice body);
/* Begin the request: the first milter. */
void session_run(struct session *, uint64_t request, enum ipc_type asked);
/* This milter has nothing against it: the next one. */
void session_line_done(struct line *);
/* It has: that is the answer. */
void session_line_verdict(
    struct line *, enum milter_decision, const struct milter_reply *);
/* An answer that no milter gave. */
void session_refuse(struct session *, uint16_t code, uint8_t subject,
    uint8_t detail, const char *text);
void session_abort(struct session *);
/* Its verdict was sent: nothing of the request is needed any more. */
void session_answered(struct session *);

/* ---- peers.c ---- */

struct peer {
	TAILQ_ENTRY(peer) all;
	struct milterd *d;
	struct ipc_channel *ch;
	enum ipc_role role;
	unsigned instance;
	struct session_tree sessions;
	unsigned n_sessions;
	TAILQ_HEAD(, session) waiting; /* with held verdicts */
	unsigned n_parts;
	unsigned n_reviews; /* under way: max_reviews */
	unsigned n_streams; /* connections to milters, also asked for */
};

int peers_add(struct milterd *, enum ipc_role, unsigned instance, int fd);
void peers_clear(struct milterd *);
/*
 * Answer the session's request: now, or as soon as the channel has room.  No
 * verdict is lost while the channel lives; session_answered() follows.
 */
void peer_verdict(struct session *, struct milter_verdict *);
/* The request has no answer any more. */
void peer_forget(struct session *);
/* One connection more, one less; false: over the peer's share. */
bool peer_counts_stream(struct peer *);
void peer_counts_off_stream(struct peer *);
/* Take in one part more of the session's; false: over MILTERD_PARTS_MAX, or
 * the peer's share. */
bool peer_counts_part(struct session *);

#endif
