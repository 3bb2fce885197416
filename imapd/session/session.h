/*
 * One IMAP session after login (RFC 3501), as the mailbox's owner.
 *
 * 1. One command at a time: while its response is being produced no input is
 *    read, and the client's further commands wait in the socket.
 * 2. The client's message numbers are those of the folder's view.  They change
 *    only in imap_sync, which tells the client in the same breath.
 * 3. A literal of a response is announced only when its length is certain;
 *    if less can be read after that, the connection breaks.
 */
#ifndef IMAPD_SESSION_SESSION_H
#define IMAPD_SESSION_SESSION_H

#include "common/mailbox/mailbox.h"
#include "common/session/session.h"
#include "imapd/session/capability.h"
#include "imapd/session/command.h"
#include "imapd/session/fetch_body.h"
#include "imapd/session/token.h"

enum {
	COMMAND_MAX = 64 * 1024,	/* octets of a command with its literals,
					 * the message of APPEND apart */
	BAD_COMMANDS_MAX = 50		/* in a row; then the session ends */
};

enum imap_input {
	INPUT_LINE,		/* of a command */
	INPUT_LITERAL,		/* of a command, into the buffer */
	INPUT_APPEND,		/* the message of APPEND, into the folder */
	INPUT_APPEND_END,	/* the line behind it */
	INPUT_IDLE		/* until DONE */
};

struct imap;
/* More of a long response; true: call again when there is room for it. */
typedef bool imap_produce(struct imap *);

struct imap {
	struct session	 session;
	struct mailbox	*mailbox;
	struct folder	*folder;	/* NULL: nothing is selected */
	struct folder_name name;	/* of the folder */
	bool		 read_only;
	uint32_t	 uidvalidity;
	size_t		 recent;	/* as last told */

	enum imap_input	 input;
	struct {
		char	*at;		/* the command so far; NULL when idle */
		size_t	 len, size;
		size_t	 line;		/* where its last line begins */
	} buffer;
	uint64_t	 literal_left;
	unsigned	 bad_commands;
	imap_capability_set hidden;	/* from this account's clients */
	unsigned	 enabled;	/* ENABLE_BIT(); stays until the end */
	size_t		 expunged;	/* told during this command */
	struct set	 saved;		/* "$", as UIDs; RFC 5182 */
	struct range	*saved_copy;	/* of the command */
	bool		 finishing;

	struct arena	 arena;		/* of the command */
	struct imap_command command;
	imap_produce	*produce;	/* invariant 1 */
	struct event	*again;		/* go on producing */
	time_t		 told_at;	/* monotonic: of progress, or the start */
	struct event	*settle;	/* folder_settle is due */
	bool busy;                      /* since that became due */
	struct event	*notify;	/* of IDLE */

	/* what the commands keep while they go on */
	uint32_t	 cursor;	/* sequence number */
	struct fetch	*fetch;
	struct search_run *search;
	struct sort_run	*sort;
	struct store_run *store;	/* EXPUNGE's, too */
	struct copy_run	*copy;
	struct append_run *append;
	struct listing	*listing;
	struct body_place body_place;	/* where a partial fetch ended */
};

extern const struct session_program imap_session_program;

/* ---- reply.c: what is said to the client ---- */

void imap_print(struct imap *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void imap_write(struct imap *, struct slice);
/* In decimal; what is said of each message of a folder does without printf. */
void imap_write_unsigned(struct imap *, uint64_t);
/* A quoted string, or a literal where it cannot be one. */
void imap_write_string(struct imap *, struct slice);
/* All that was said is sent, or the session is ending. */
void imap_drain(struct imap *);
/* "TAG OK text", and the command is over. */
void imap_ok(struct imap *, const char *text);
void imap_no(struct imap *, const char *text);
void imap_bad(struct imap *, const char *text);
/* NO with the words for an errno of common/mailbox; ESTALE ends the session. */
void imap_no_errno(struct imap *, int error);
/* "CAPABILITY IMAP4rev1 ..." */
void imap_write_capabilities(struct imap *);
/* "* BYE text", and the end. */
void imap_bye(struct imap *, const char *text);

/* ---- session.c ---- */

/* The response is long: produce() is called until it answers false. */
void imap_begin(struct imap *, imap_produce *);
/* From a long command, as often as it likes: done of all, and sometimes the
 * client is told (RFC 9585). */
void imap_progress(struct imap *, size_t done, size_t all);
/* The stream may take more input (IDLE and APPEND switch by themselves). */
void imap_expect(struct imap *, enum imap_input);
/* A little after the last call the session rests. */
void imap_settle_soon(struct imap *);
/* Before the folder is used after a rest; -1: the session ends. */
int imap_wake(struct imap *);
/* Before its messages are looked at (folder_look); -1: the session ends. */
int imap_look(struct imap *);
/* The folder, if one is open, is no longer. */
void imap_deselect(struct imap *);

/* ---- changes.c ---- */

#define SYNC_KEEP_EXPUNGED FOLDER_KEEP_EXPUNGED
/*
 * Bring the view up to date and tell the client.  -1: the session is ending.
 * Fine without a folder.
 */
int imap_sync(struct imap *, unsigned how);
/* "* FLAGS" and PERMANENTFLAGS. */
void imap_write_folder_flags(struct imap *);
void imap_write_flags(struct imap *, const struct message *);
void imap_write_modseq(struct imap *, const struct message *);
/* "* n FETCH (UID u FLAGS (...) MODSEQ (m))"; with CONDSTORE UID and MODSEQ in
 * any case. */
enum { RESPONSE_UID = 1, RESPONSE_FLAGS = 2, RESPONSE_MODSEQ = 4 };
void imap_write_flags_response(struct imap *, uint32_t seq, unsigned items);
/* Ascending numbers as a set, "3:5,7"; begin with { 0 }, end with _run. */
struct run {
	uint32_t	first, last;
	bool		any;
};
void imap_write_number(struct imap *, struct run *, uint32_t n);
void imap_write_run(struct imap *, struct run *);
/* "* VANISHED (EARLIER) ..."; nothing for none. */
void imap_write_vanished(struct imap *, const struct uid_range *, size_t n);
/* "[HIGHESTMODSEQ n] " */
void imap_write_highestmodseq(struct imap *);
/* The first command that shows that the client knows of modification sequences
 * (RFC 7162 section 3.1).  -1: the session is ending. */
int imap_enable_condstore(struct imap *);
/* OK, with HIGHESTMODSEQ where RFC 7162 section 3.2 wants it: messages were
 * expunged, or their expunge is held back. */
void imap_ok_modseq(struct imap *, const char *text);

/* ---- resync.c ---- */

/* VANISHED for SELECT's QRESYNC; p->known is normalised.  -1: errno. */
int resync_vanished(struct imap *, struct select_parameters *p);
/* VANISHED for FETCH, of normalised UIDs.  -1: errno. */
int fetch_vanished(struct imap *, const struct set *uids, uint64_t modseq);

/* ---- names.c ---- */

/* The client has enabled IMAP4rev2; it understands UTF-8, by that or else. */
bool imap_is_rev2(const struct imap *);
bool imap_is_utf8(const struct imap *);
/* From a client's name; -1: NO was said. */
int imap_folder_name(struct imap *, struct slice, struct folder_name *);
/* As the client sees it: in to, or in the name itself; and back. */
struct slice imap_name(const struct imap *, const struct folder_name *,
    char to[FOLDER_UTF8_MAX + 1]);
enum parse imap_name_back(const struct imap *, struct slice,
    struct folder_name *);
void imap_write_name(struct imap *, const struct folder_name *);
/* For a client with UTF-8, in Normalization Form C, in the command's arena. */
struct slice imap_normal(struct imap *, struct slice);
/* IMAP4rev2 wants to be told that its name became another (section 6.3.9.7). */
bool imap_name_differs(
    const struct imap *, struct slice given, const struct folder_name *);
/* "* LIST (...) "." name"; exists: else \NonExistent; oldname: len 0: none. */
void imap_write_list(struct imap *, const struct folder_name *, bool exists,
    struct slice oldname);

/* ---- select.c ---- */

/* FLAG_* and keyword bits of a list; -1: NO has been said. */
int imap_flags_of(struct imap *, struct folder *, const struct flag_list *,
    bool create, uint64_t *keywords);
/*
 * The set as ranges of sequence numbers of the view.  -1: BAD was said.
 */
int imap_set_of(struct imap *, struct set *, bool uid);
/* "$" is empty from now on; and as a set of UIDs for the command.  -1: errno. */
void imap_saved_clear(struct imap *);
int imap_saved_to_set(struct imap *, struct set *);
/* Else NO has been said. */
bool imap_writable(struct imap *);
/* Sequence numbers of a normalised set as an array; NULL without memory. */
uint32_t *imap_seqs(const struct set *, size_t *n);

/* RFC 8474 section 4: an ID begins with a letter. */
#define MAILBOXID_PREFIX "F"
/* status.c: "* STATUS name (...)"; -1 with errno, and nothing was said. */
int imap_write_status(struct imap *, const struct folder_name *,
    unsigned items);

/* ---- the commands ---- */

typedef void imap_handler(struct imap *, const struct imap_command *);
imap_handler do_capability, do_noop, do_logout, do_id, do_enable, do_namespace, do_select,
    do_examine, do_create, do_delete, do_rename, do_subscribe, do_unsubscribe,
    do_list, do_lsub, do_xlist, do_status, do_append, do_idle, do_check, do_close,
    do_unselect, do_expunge, do_search, do_sort, do_thread, do_compress,
    do_getquota, do_getquotaroot, do_setquota, do_fetch, do_store, do_copy, do_move;

/* search.c, for sort.c: begin; -1: NO was said. */
int search_begin(struct imap *, const struct imap_command *);
/* Ask the next message: 1: it matches, 0: it does not, -1: there is none. */
int search_next(struct imap *, uint32_t *seq);

/* append.c: the largest message that it takes (RFC 7889), in octets. */
uint64_t imap_append_limit(const struct imap *);
/* An APPEND's literal is announced. */
void append_announced(struct imap *, const struct imap_command *,
    const struct literal *);
void append_octets(struct imap *, struct slice);
/* All of the literal has come. */
void append_octets_end(struct imap *);
/* What stands behind it: nothing, or the next one.  s->append is NULL after it
 * when the command is over. */
void append_line(struct imap *, struct slice line);
void append_cancel(struct imap *);
/* idle.c */
void idle_line(struct imap *, struct slice line);
void idle_cancel(struct imap *);
/* fetch.c, store.c, copy.c, search.c, list.c: fine at any time */
void fetch_end(struct imap *);
void store_end(struct imap *);
void copy_end(struct imap *);
void search_end(struct imap *);
void sort_end(struct imap *);
void list_end(struct imap *);

#endif
