/*
 * A command after login, parsed (RFC 3501 sections 6 and 9), pure.  The table
 * says for each which arguments it has and in which states it is allowed.
 */
#ifndef IMAPD_SESSION_COMMAND_H
#define IMAPD_SESSION_COMMAND_H

#include <stdint.h>

#include "imapd/session/arena.h"
#include "imapd/session/fetch_items.h"
#include "imapd/session/list_arguments.h"
#include "imapd/session/modifiers.h"
#include "imapd/session/search_keys.h"
#include "imapd/session/set.h"
#include "imapd/session/sort_arguments.h"
#include "imapd/session/status_items.h"

enum imap_state {
	IMAP_AUTHENTICATED = 1 << 0,
	IMAP_SELECTED = 1 << 1,
	IMAP_ANY = IMAP_AUTHENTICATED | IMAP_SELECTED
};

enum imap_arguments {
	ARGS_NONE,
	ARGS_MAILBOX,
	ARGS_SELECT,
	ARGS_RENAME,
	ARGS_CREATE,
	ARGS_LIST,
	ARGS_LSUB,	/* a LIST without its extensions */
	ARGS_STATUS,
	ARGS_APPEND,	/* without its message: see command.c */
	ARGS_REPLACE,	/* the same */
	ARGS_SEARCH,
	ARGS_SORT,
	ARGS_THREAD,
	ARGS_COMPRESS,
	ARGS_SETQUOTA,
	ARGS_FETCH,
	ARGS_STORE,
	ARGS_COPY,
	ARGS_EXPUNGE,	/* none; after UID a set */
	ARGS_ID,
	ARGS_ENABLE
};

/* Name, arguments, states, has a UID form. */
#define IMAP_COMMANDS(X)						\
	X(CAPABILITY,	NONE,	 ANY,		false)			\
	X(NOOP,		NONE,	 ANY,		false)			\
	X(LOGOUT,	NONE,	 ANY,		false)			\
	X(ID,		ID,	 ANY,		false)			\
	X(ENABLE,	ENABLE,	 ANY,		false)			\
	X(NAMESPACE,	NONE,	 ANY,		false)			\
	X(SELECT,	SELECT,	 ANY,		false)			\
	X(EXAMINE,	SELECT,	 ANY,		false)			\
	X(CREATE,	CREATE,	 ANY,		false)			\
	X(DELETE,	MAILBOX, ANY,		false)			\
	X(RENAME,	RENAME,	 ANY,		false)			\
	X(SUBSCRIBE,	MAILBOX, ANY,		false)			\
	X(UNSUBSCRIBE,	MAILBOX, ANY,		false)			\
	X(LIST,		LIST,	 ANY,		false)			\
	X(LSUB,		LSUB,	 ANY,		false)			\
	X(XLIST,	LSUB,	 ANY,		false)			\
	X(STATUS,	STATUS,	 ANY,		false)			\
	X(APPEND,	APPEND,	 ANY,		false)			\
	X(IDLE,		NONE,	 ANY,		false)			\
	X(CHECK,	NONE,	 SELECTED,	false)			\
	X(CLOSE,	NONE,	 SELECTED,	false)			\
	X(UNSELECT,	NONE,	 SELECTED,	false)			\
	X(EXPUNGE,	EXPUNGE, SELECTED,	true)			\
	X(SEARCH,	SEARCH,	 SELECTED,	true)			\
	X(FETCH,	FETCH,	 SELECTED,	true)			\
	X(STORE,	STORE,	 SELECTED,	true)			\
	X(COPY,		COPY,	 SELECTED,	true)			\
	X(MOVE,		COPY,	 SELECTED,	true)			\
	X(REPLACE,	REPLACE, SELECTED,	true)			\
	X(SORT,		SORT,	 SELECTED,	true)			\
	X(THREAD,	THREAD,	 SELECTED,	true)			\
	X(COMPRESS,	COMPRESS, ANY,		false)			\
	X(GETQUOTAROOT,	MAILBOX, ANY,		false)			\
	X(GETQUOTA,	MAILBOX, ANY,		false)			\
	X(SETQUOTA,	SETQUOTA, ANY,		false)

enum imap_verb {
#define X(name, ...) IMAP_##name,
	IMAP_COMMANDS(X)
#undef X
	IMAP_VERBS
};

/* The system flags as FLAG_*, the keywords by name. */
struct flag_list {
	uint8_t		 flags;
	struct slice	*keywords;
	size_t		 len;
};

enum { FLAG_LIST_MAX = 64 };	/* keywords in one command */

/* Of one message that APPEND brings. */
struct append_options {
	struct flag_list flags;
	int64_t		 date;		/* valid if has_date */
	bool		 has_date;
	bool		 utf8;		/* "UTF8 (": ")" follows the message */
};

struct imap_command {
	struct slice	 tag;		/* set whenever there is one */
	enum imap_verb	 verb;
	unsigned	 when;		/* states that allow it */
	bool		 uid;		/* "UID FETCH" */
	struct slice	 mailbox;	/* or quota root */
	struct slice	 other;		/* RENAME: new name */
	struct list_arguments list;	/* LIST, LSUB, XLIST */
	unsigned	 uses;		/* CREATE: SPECIAL_USE_* */
	bool		 unknown_use;
	struct select_parameters select;
	unsigned	 enables;	/* ENABLE: bits ENABLE_BIT() */
	struct set	 set;		/* as sent */
	struct fetch_items fetch;
	struct fetch_modifiers fetch_modifiers;
	struct store_modifiers store_modifiers;
	struct search_return returns;	/* SEARCH */
	struct search	 search;	/* SORT and THREAD, too */
	struct sort_arguments sort;
	unsigned	 status;	/* of enum imap_status_item */
	struct flag_list flags;		/* STORE */
	char		 store;		/* '+', '-' or '\0' */
	bool		 silent;
	struct append_options append;	/* APPEND, REPLACE: the first message */
};

/* Why a command was refused. */
enum imap_fault {
	IMAP_NO_TAG,		/* nothing to answer to */
	IMAP_UNKNOWN,		/* no such command */
	IMAP_SYNTAX,		/* in its arguments */
	IMAP_CHARSET,		/* SEARCH CHARSET of another than we know */
	IMAP_LIMIT		/* SEARCH has more criteria than it can */
};

/*
 * Parse one whole command: its line without the last line end, literals and
 * their octets in place.  Slices point into it or into the arena, which
 * the caller clears.  PARSE_BAD: *fault says why; tag is set unless
 * IMAP_NO_TAG.
 *
 * Of APPEND what comes before the message's literal is the command; on
 * PARSE_BAD with IMAP_SYNTAX more of it may be to come (a mailbox name as a
 * literal).
 */
enum parse imap_command_parse(struct slice in, struct arena *,
    struct imap_command *, enum imap_fault *);

/*
 * What stands between two messages of APPEND (RFC 3502), up to the literal: a
 * space, and perhaps flags and a date, each with a space behind it, and "UTF8 ("
 * (RFC 6855 section 4), whose literal must be a literal8.
 */
bool take_append_options(struct slice *in, struct arena *,
    struct append_options *);

#endif
