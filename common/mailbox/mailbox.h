/*
 * One owner's mail: Maildir and Maildir++ folders, as sessions see them.
 *
 * The Maildir is the truth.  What a client sees comes from the message files,
 * their names and one small state file per folder; the index is a cache that
 * may be deleted at any time (see bulkhead-mailbox(5)).  Other programs may
 * add, rename and remove files whenever they like.
 *
 * Everything here runs in a process with the owner's uid and blocks for the
 * disk; nothing is shared between threads.  All names are resolved with
 * openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, under the descriptor
 * given to mailbox_open.  The working directory must not matter to the caller:
 * it is changed and restored in between (fchdir(2)).
 *
 * Functions return 0, or -1 with errno.  Beside those of the system calls:
 *	ENOENT	no such folder, or the message is gone (also from disk)
 *	EEXIST	the folder exists already
 *	EINVAL	not possible for this folder (INBOX deleted, a bad keyword)
 *	ENOTSUP	a file of ours has a version that we do not know; untouched
 *	ESTALE	the folder was deleted or replaced, or has a new UIDVALIDITY,
 *		since it was opened: close it
 *	EROFS	the folder was opened read-only
 *	EBUSY	another POP3 session holds the maildrop
 *	EDQUOT	over the account's quota, or that of the file system
 */
#ifndef COMMON_MAILBOX_MAILBOX_H
#define COMMON_MAILBOX_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/mailbox/folder_name.h"
#include "common/mailbox/maildir_name.h"
#include "common/slice/slice.h"

struct mailbox;
struct folder;

/*
 * Open the mail of the owner whose home directory home_fd is (borrowed, and
 * not needed any more after the return).  Creates Maildir/ with cur, new and
 * tmp, and index/, where missing.  *mb is the caller's, to close.
 */
int mailbox_open(int home_fd, struct mailbox **mb);
/* Closes the index.  All folders must be closed before.  Accepts NULL. */
void mailbox_close(struct mailbox *);
/*
 * This process will ask for changes again and again, and calls mailbox_rest
 * when it does not for a second: folders are watched (inotify) instead of read
 * again where that is possible, and those that were closed stay open until
 * then.
 */
void mailbox_follow(struct mailbox *);
/* Nothing is asked for a while: memory of the index is given back, watches too
 * (but of folder_notify_fd).  Everything works as before, the first call a
 * little slower. */
void mailbox_rest(struct mailbox *);

/* ---- the list of folders ---- */

struct folder_list {
	struct folder_name	*names;	/* sorted; INBOX is first */
	size_t			 count;
};

/*
 * All folders that exist (at most MAILBOX_FOLDERS_MAX are listed).  A parent
 * that is no folder itself is not in the list: LIST shows it as \Noselect.
 */
#define MAILBOX_FOLDERS_MAX 100000
int mailbox_list(struct mailbox *, struct folder_list *);
/* Subscribed names, existing or not, sorted (RFC 3501 section 6.3.9). */
int mailbox_subscriptions(struct mailbox *, struct folder_list *);
void folder_list_clear(struct folder_list *);
/* Durable on return.  Adding twice and removing what is not there is fine.
 * EFBIG: their names would be more than 4 MiB. */
int mailbox_subscribe(struct mailbox *, const struct folder_name *, bool on);

/* Durable on return.  EEXIST: it is there already; EFBIG: there would be more
 * than MAILBOX_FOLDERS_MAX. */
int mailbox_create(struct mailbox *, const struct folder_name *);
/*
 * What a folder is for (RFC 6154, RFC 8457), kept durably with it; more than
 * one folder may have the same use, the caller decides.  Not set until somebody
 * sets it: names say nothing here.
 */
#define SPECIAL_USE_ALL 0x01U
#define SPECIAL_USE_ARCHIVE 0x02U
#define SPECIAL_USE_DRAFTS 0x04U
#define SPECIAL_USE_FLAGGED 0x08U
#define SPECIAL_USE_JUNK 0x10U
#define SPECIAL_USE_SENT 0x20U
#define SPECIAL_USE_TRASH 0x40U
#define SPECIAL_USE_IMPORTANT 0x80U
#define SPECIAL_USES 8 /* bits in use */
/* "\\Sent" of one bit, else NULL; and back, without case (0: none of these). */
const char *special_use_name(unsigned use);
unsigned special_use_by_name(struct slice name);
/* mailbox_create, the folder having these uses from the first moment on. */
int mailbox_create_special_use(
    struct mailbox *, const struct folder_name *, unsigned uses);
/* One small file is read (LIST asks for many folders). */
int mailbox_special_use(
    struct mailbox *, const struct folder_name *, unsigned *uses);
/* Durable on return. */
int mailbox_special_use_set(
    struct mailbox *, const struct folder_name *, unsigned uses);
/* Removes the folder with its messages; inferiors stay.  EINVAL for INBOX. */
int mailbox_delete(struct mailbox *, const struct folder_name *);
/*
 * Rename with all inferiors (RFC 3501 section 6.3.5).  Of INBOX the messages
 * move and it stays, empty, with its inferiors.  EEXIST: to is there; EINVAL:
 * to lies below from, or a name grows too long.
 */
int mailbox_rename(struct mailbox *, const struct folder_name *from,
    const struct folder_name *to);
/* Is there a folder below this name, which need not be one?  Costs a look at
 * the names, and at the first one below.  -1: errno. */
int mailbox_has_inferiors(struct mailbox *, const struct folder_name *);
/* 1: exists, 0: does not, -1: errno. */
int mailbox_exists(struct mailbox *, const struct folder_name *);

/*
 * The mailbox was put back from a backup: every folder that has a UIDVALIDITY
 * gets a new one, and so new UIDs; what else its state says stays.  Durable on
 * return. folders counts them.  -1: some may have been changed.
 */
int mailbox_restored(struct mailbox *, size_t *folders);

/* ---- quota (RFC 9208): one root for all that an owner has ---- */

struct quota {
	uint64_t octets; /* as stored, with line ends of LF */
	uint64_t messages;
};

/* What the account may have, from now on; 0: no limit (as after the opening).
 */
void mailbox_quota_set(struct mailbox *, const struct quota *limit);
const struct quota *mailbox_quota(const struct mailbox *);
/*
 * What it has, all folders together, counted now.  Where nothing has changed
 * that costs a look at each folder; a folder of more than 10,000 messages that
 * keeps changing is read again every 5 seconds at most.
 */
int mailbox_usage(struct mailbox *, struct quota *usage);
/*
 * Is there room for so much more?  0, or -1 with EDQUOT.  APPEND and COPY ask
 * by themselves when they commit (MOVE within an owner adds nothing); to ask
 * before is a kindness to the client.  Several processes that ask at once may
 * together go over the limit by what each of them adds.
 */
int mailbox_quota_room(struct mailbox *, uint64_t octets, uint64_t messages);
/* As of the last question, not one more octet fits. */
bool mailbox_quota_full(const struct mailbox *);

/* ---- one folder, as one session sees it ---- */

#define FOLDER_READ_ONLY	1U	/* EXAMINE: changes nothing, leaves \Recent */

/*
 * Open without looking inside: the view is empty until folder_sync (APPEND
 * and COPY into a folder never need one).  *f is the caller's, to close, before
 * its mailbox.
 */
int folder_open(struct mailbox *, const struct folder_name *, unsigned how,
    struct folder **f);
void folder_close(struct folder *);

/* What the view holds of a message; sequence numbers are 1..folder_count. */
struct message {
	uint32_t	uid;
	uint8_t		flags;		/* FLAG_* of maildir_name.h */
	bool		recent;		/* this session is the first to see it */
	bool		gone;		/* expunged, but not yet taken by a sync */
	uint64_t keywords; /* bit n: keyword number n, see below */
	uint64_t	modseq;
};

struct folder_changes {
	/*
	 * Expunged messages in the order in which EXPUNGE responses go out:
	 * each number counts as if those before it were removed already (RFC
	 * 3501 section 7.4.1).  expunged_uid: the same messages, UIDs ascending.
	 */
	uint32_t	*expunged_seq;
	uint32_t	*expunged_uid;
	size_t		 expunged;
	/* Sequence numbers, after the expunges, whose flags or keywords were
	 * changed by somebody else. */
	uint32_t	*changed_seq;
	size_t		 changed;
	size_t		 arrived;	/* new ones, at the end of the view */
	bool		 keywords;	/* the set of keyword names has changed */
	/* Messages that are there but could not be given a UID now (a full
	 * disk), and why; they show up when that has passed. */
	size_t		 withheld;
	int		 withheld_errno;
};

#define FOLDER_KEEP_EXPUNGED	1U	/* hold expunges back (see below) */
/* No message will be looked at before folder_look. */
#define FOLDER_OUTLINE 2U

/*
 * Look at the directories, give UIDs to new messages, and bring the view up to
 * date.  Only this function changes the numbering.  With FOLDER_KEEP_EXPUNGED
 * (during FETCH, STORE, SEARCH: RFC 3501 section 7.4.1) vanished messages keep
 * their places, marked gone, until a call without it.  changes is valid until
 * the next call with this folder; may be NULL.  Costs a few calls when nothing
 * happened, what happened where the folder is watched, else a scan.
 * A message is reported as expunged only when the kernel told that its name was
 * removed, or a second look missed it too, and while others rename without a
 * pause when many did.
 */
int folder_sync(struct folder *, unsigned how, struct folder_changes *changes);

size_t folder_count(const struct folder *);
/* seq 1..folder_count; valid until the next folder_sync or folder_store. */
const struct message *folder_message(const struct folder *, size_t seq);
/* Lowest sequence number whose UID is uid or more; folder_count + 1 if none. */
size_t folder_seq_from(const struct folder *, uint32_t uid);
/* The sequence number of a UID; 0 when it is not in the view. */
size_t folder_seq_of(const struct folder *, uint32_t uid);

struct folder_status {
	uint32_t	uidvalidity;
	uint32_t	uidnext;
	/* RFC 7162 section 3.1.2.1, and 3.2: while expunges are held back it
	 * stays below theirs. */
	uint64_t	highestmodseq;
	bool held; /* it stays below for that reason */
	size_t		messages;
	size_t		recent;
	size_t		unseen;
	size_t		first_unseen;	/* sequence number, 0: none */
	char		mailbox_id[33];	/* lower-case hex; RFC 8474 */
};

/* Of the view as it is (after the last folder_sync).  No disk access. */
void folder_status(const struct folder *, struct folder_status *);
/* folder_status's held, without a look at each message. */
bool folder_is_held(const struct folder *);
/*
 * From the next folder_sync on the view follows the modification sequences that
 * others give (RFC 7162); a message whose flags were changed to and fro counts as
 * changed then.  Costs a look at the index for each sync that finds something.
 */
void folder_track_modseqs(struct folder *);

struct uid_range {
	uint32_t	first, last;	/* inclusive */
};

/*
 * The UIDs among known (ascending, apart from each other) that were expunged
 * after modseq and are not in the view, ascending; perhaps others that are not in
 * the folder, never fewer (RFC 7162 section 3.2.6).  Right after a folder_sync.
 * *out is the caller's, to free.
 */
int folder_vanished(struct folder *, const struct uid_range *known, size_t n,
    uint64_t modseq, struct uid_range **out, size_t *out_len);

/* STATUS of a folder that is not open: opens it read-only, looks, closes. */
int mailbox_status(struct mailbox *, const struct folder_name *,
    struct folder_status *);

/*
 * Nothing is asked for a while (after mailbox_rest): the view is put away in
 * a fifth of its memory.  Until folder_wake nothing but folder_sync,
 * folder_count, the notifications and folder_close may be called.  wake costs
 * nothing when there is no rest; -1: no memory, and it rests on.
 */
void folder_rest(struct folder *);
int folder_wake(struct folder *);

/*
 * After folder_sync with FOLDER_OUTLINE, before any message is looked at or
 * changed: folder_count, folder_status, folder_sync, folder_rest, the
 * notifications and folder_close alone go without.  Wakes, too.  Costs nothing
 * the second time.  -1: errno.
 */
int folder_look(struct folder *);

/*
 * A descriptor that becomes readable when the folder may have changed (also
 * by this session), to be polled until folder_notify_end or folder_close; the
 * mailbox owns it.  Clear it with folder_notify_drain before the folder_sync.
 * -1: not to be had (inotify limits): sync by a timer.
 */
int folder_notify_fd(struct folder *);
void folder_notify_drain(struct folder *);
void folder_notify_end(struct folder *);

/* ---- keywords: names of the folder, at most 64 ---- */

#define FOLDER_LETTERS 26 /* of them are letters of the name */
#define FOLDER_KEYWORDS_MAX 64
#define FOLDER_KEYWORD_LEN_MAX	64

/* Name of keyword number n (0..63), or NULL; valid until the next sync. */
const char *folder_keyword(const struct folder *, unsigned n);
/*
 * The number of a keyword, compared without case.  With create a new one gets
 * the next free number, durable on return.  -1: ENOENT (not there), ENOSPC (all
 * 64 are taken), EINVAL (not an IMAP atom, too long, or it is $Forwarded, which
 * is FLAG_PASSED).
 */
int folder_keyword_number(struct folder *, struct slice name, bool create);

/* ---- reading ---- */

/*
 * The message's file, open for reading at offset 0; the caller's to close.
 * Lines end as they are stored, normally in LF: see crlf.h.  A name that was
 * changed meanwhile is looked for again; ENOENT: it is really gone.
 */
int folder_message_open(struct folder *, size_t seq);
/* The size in octets with CRLF line ends (RFC822.SIZE, POP3 LIST): from the
 * index or the name, or counted once. */
int folder_message_size(struct folder *, size_t seq, uint64_t *size);
/* -1: it would have to be counted.  Who counts it himself says what he found.
 */
int folder_message_size_known(struct folder *, size_t seq, uint64_t *size);
void folder_message_size_found(struct folder *, size_t seq, uint64_t size);
/* The internal date: the file's time of modification. */
int folder_message_date(struct folder *, size_t seq, time_t *date);

/*
 * When the message came into this folder (RFC 8514): a field of its name, or
 * the seconds that the name begins with.  -1 with ENOENT: not known.
 */
int folder_message_savedate(struct folder *, size_t seq, time_t *date);
/*
 * EMAILID (RFC 8474 section 5.1): the same for ever, after COPY and MOVE too,
 * for it follows from the unique part of the file name, which copies keep.  A
 * letter and 32 hexadecimal digits.  -1 with ENOENT: the message is gone.
 */
#define FOLDER_EMAIL_ID_SIZE 34
int folder_email_id(struct folder *, size_t seq, char to[FOLDER_EMAIL_ID_SIZE]);

/*
 * Cached octets of a message by kind (1..15, meanings are the caller's; its
 * format must carry a version).  get: *blob is the caller's, to free; 0, or -1
 * with ENOENT when it is not cached.  put is best effort and never fails; the
 * blobs are written behind, in batches (folder_settle, folder_close).
 */
int folder_cache_get(struct folder *, uint32_t uid, unsigned kind,
    void **blob, size_t *len);
void folder_cache_put(struct folder *, uint32_t uid, unsigned kind,
    const void *blob, size_t len);
#define FOLDER_CACHE_BLOB_MAX (256 * 1024)	/* larger ones are not kept */

/* ---- changing ---- */

enum store_how { STORE_REPLACE, STORE_ADD, STORE_REMOVE };

/*
 * Change flags and keywords of n messages (sequence numbers).  The view follows at once:
 * these changes are not reported by a later folder_sync.  Survives kill -9 on
 * return; durable on return when \Deleted or a keyword changes, else after
 * folder_settle.  A message that is gone is passed over and marked gone; -1 is
 * for other failures, then some may have been changed.
 */
int folder_store(struct folder *, const uint32_t *seqs, size_t n,
    enum store_how, uint8_t flags, uint64_t keywords);
/*
 * The same, not durable before folder_settle.  unchanged_since, unless NULL: of
 * those with that modification sequence or less (RFC 7162 section 3.1.3),
 * decided under the folder's lock; the others' sequence numbers are put into
 * refused (room for n).
 */
int folder_store_if(struct folder *, const uint32_t *seqs, size_t n,
    enum store_how, uint8_t flags, uint64_t keywords,
    const uint64_t *unchanged_since, uint32_t *refused, size_t *n_refused);
/* Makes flag changes durable and writes cached blobs; call it within a second
 * after folder_store (a timer) and when idle.  Cheap when there is nothing. */
int folder_settle(struct folder *);

/*
 * Remove messages for good, durable on return: those with \Deleted among the n
 * sequence numbers, or of the whole view when seqs is NULL (RFC 3501 section 6.4.3, RFC
 * 4315 section 2.1).  any: whatever their flags (POP3).  They stay in the view,
 * marked gone, until a folder_sync takes them.  *removed (may be NULL) counts.
 * -1: at least one could not be removed, or the directory not be synced.
 */
int folder_expunge(struct folder *, const uint32_t *seqs, size_t n, bool any,
    size_t *removed);

struct append;		/* messages on their way into a folder */

/*
 * Append messages to to, which needs no sync (RFC 3501 section 6.3.11; several
 * at once: RFC 3502).  Begin, then for each message _next, any number of
 * _write with its content (line ends CRLF or LF, stored as LF), and at last
 * _commit, which makes all durable and gives each a UID: first_uid, ascending by
 * one.  Or _abort.  Both free it.  date 0: now.  Until _commit nothing is
 * visible.  After a failure of any of them nothing remains but _abort;
 * _commit that fails has undone all and freed it.
 */
int folder_append_begin(struct folder *to, struct append **);
int folder_append_next(
    struct append *, uint8_t flags, uint64_t keywords, time_t date);
int folder_append_write(struct append *, const void *octets, size_t len);
/* A message of so many octets will be removed after the commit, so only what is
 * added beyond it asks for room (RFC 8508 section 3.4). */
void folder_append_replaces(struct append *, uint64_t octets);
/* Is there room for another message of so many octets, beside those that have
 * come already?  -1: EDQUOT, or another errno. */
int folder_append_room(const struct append *, uint64_t octets);
int folder_append_commit(struct append *, uint32_t *first_uid);
void folder_append_abort(struct append *);

/*
 * An append of copies of n messages: _copy for each (with its flags, keywords
 * and internal date; ENOENT: it is gone, which may show at _commit alone), then
 * _commit, until which from stays open.  to is another handle than from, even
 * of the same folder.  move: the originals will be removed, so that the owner's
 * quota is no matter.
 */
int folder_copy_begin(struct folder *to, size_t n, bool move, struct append **);
int folder_append_copy(struct append *, struct folder *from, uint32_t seq);

/*
 * Copy n messages (sequence numbers of from, ascending) to the end of to (another handle, even
 * when it is the same folder), with flags, keywords and internal date; durable on return, all
 * or nothing.  *first_uid: theirs, ascending by one.  ENOENT: one of them is gone.
 * move: then remove them from from, durable too; they are marked gone there.
 */
int folder_copy(struct folder *from, const uint32_t *seqs, size_t n,
    struct folder *to, bool move, uint32_t *first_uid);

/*
 * A file without a name on the mailbox's file system, for what must be whole
 * before it can be stored; the caller's, to close.
 */
int mailbox_temporary(struct mailbox *);

/* ---- POP3 ---- */

/* Hold the maildrop exclusively until folder_close (RFC 1939 section 4). */
int folder_maildrop_lock(struct folder *inbox);
/* A message's unique-id (RFC 1939 section 7): same for ever, also without an
 * index.  16 hexadecimal digits, or what the server before us showed. */
#define FOLDER_UIDL_SIZE 71
void folder_uidl(struct folder *, size_t seq, char to[FOLDER_UIDL_SIZE]);

#endif
