/*
 * What the files of this module share; nobody else includes it.
 */
#ifndef COMMON_MAILBOX_INTERNAL_H
#define COMMON_MAILBOX_INTERNAL_H

#include <sys/stat.h>

#include "common/mailbox/dirs.h"
#include "common/mailbox/index.h"
#include "common/mailbox/mailbox.h"
#include "common/mailbox/more_keywords.h"
#include "common/mailbox/pool.h"
#include "common/mailbox/state.h"
#include "common/mailbox/uidl.h"
#include "common/mailbox/vanished.h"

enum {
	LETTERS_MASK = (1 << FOLDER_LETTERS) - 1,
	UID_BLOCK = 1000, /* reserved at once */
	MODSEQ_BLOCK = 1 << 20,
	MESSAGES_MAX = 1 << 22 /* of one folder in one view */
};

enum { KEPT_MAX = 3 };

struct mailbox {
	int		 home_fd;	/* its lock guards what is the owner's */
	int		 maildir_fd;
	struct index	*index;
	uint64_t	 unique;	/* for names in tmp/ */
	struct quota limit, usage;
	struct quota pending; /* of a batch, not to be counted yet */
	int64_t counted;      /* usage, monotonic ms; 0: never */
	unsigned	 locks;
	bool follows;                  /* mailbox_follow was called */
	int notify_fd;                 /* inotify; -1: none */
	struct folder *watched;        /* linked by watch.next */
	struct folder *kept[KEPT_MAX]; /* closed; the latest is first */
	size_t nkept;
};

/* A file as one scan found it. */
struct found {
	uint64_t	ino;
	uint32_t	uid;		/* 0: has no identity here (yet) */
	uint64_t keywords;
	uint32_t	name;		/* in the pool */
	uint8_t		flags;
	bool		in_new;
	bool		recent;		/* was in new/ when we came */
};

struct scan {
	struct found	*found;		/* those with a UID first, ascending */
	size_t		 count, size;
	size_t		 known;		/* how many of them have one */
	struct pool	 pool;
	bool		 stable;	/* nothing changed while we looked */
};

/* A message of the view. */
struct entry {
	struct message	m;		/* first: folder_message points here */
	uint64_t	ino;
	uint32_t	name;		/* in the folder's pool */
	uint8_t		misses;		/* looks in a row that missed it */
	bool		in_new : 1;
	bool		changed : 1;	/* to be reported */
	bool		fresh : 1;	/* needs a modification sequence */
	bool		recorded : 1;	/* as vanished, in the index */
};
/* A session keeps one for each message. */
_Static_assert(sizeof(struct entry) <= 40, "the entries of a view");

/* When a directory was last changed, as far as we know: its ctime, for the
 * mtime can be set (rsync does). */
struct stamp {
	struct timespec	changed;
	bool		racy;		/* so recently that more may follow unseen */
};

/* inotify on cur/ and new/, and what it told that the view does not know. */
struct folder_watch {
	struct folder *next; /* of the mailbox */
	int cur_wd, new_wd;  /* -1: there is none */
	bool local;          /* no other host changes them */
	bool based;          /* W2 */
	bool polled;         /* folder_notify_fd */
	bool lost;           /* W1 */
	char *at;            /* events as they were read */
	size_t len, size;
};

struct folder {
	struct mailbox	*mb;
	struct folder_name name;
	unsigned	 how;
	int		 dir_fd;	/* its lock guards names and numbers */
	int		 cur_fd, new_fd, tmp_fd;
	int live_fd;                    /* cur/ again: shared lock while open */
	int		 pop3_fd;	/* new/ again: the maildrop's lock */
	struct folder_watch watch;
	struct more_keywords *more; /* NULL: none */
	uint64_t more_ino;          /* of the file as read; 0: none */
	struct timespec more_time;
	bool more_racy;     /* it was written just before it was read */
	bool keywords_changed; /* by somebody else, not yet told */
	struct uidls uidls; /* valid when uidls_read */
	bool uidls_read;
	unsigned	 locks;
	struct folder_state state;
	struct numbers	 next;		/* right while the lock is held */
	struct stamp	 cur_stamp, new_stamp;
	bool		 scanned;
	bool		 tidied;	/* the index knows no more than we do */
	bool		 look_again;	/* the next sync must scan */
	bool named;                     /* all of the view have had a name */
	bool untold; /* the next sync has something to tell */
	bool saved;  /* the index has it, at these stamps */
	bool aside;  /* the view waits for a sync (kept.c) */
	size_t aside_count;
	bool		 any_gone;	/* some entry is marked gone */
	bool any_fresh, any_changed;    /* perhaps: if not, none is */
	bool		 tracks;	/* others' modification sequences */
	uint64_t	 tracked;	/* next.modseq when they were last read */
	uint64_t	 synced;	/* all changes up to it are in the view */
	uint32_t synced_uid;            /* next.uid then */
	uint64_t	 held;		/* likewise, and told; 0: synced */
	bool unrecorded;                /* the index missed something */
	bool		 unsettled;	/* renames in cur/ not yet synced */
	struct entry	*entries;
	size_t		 count, size;
	uint8_t *rest;                 /* in place of entries; view_rest.c */
	struct outline *outline;       /* in place of entries; outline.c */
	size_t told;                   /* of count: folder_sync has reported them */
	uint32_t	 highest_uid;	/* ever in this view */
	struct pool	 pool;
	struct folder_changes changes;	/* owns its arrays */
	struct blob	*blobs;		/* to be written to the index */
	size_t		 blobs_len, blobs_count;
	struct ahead *ahead; /* read from the index in advance; or NULL */
};

/* ---- numbers.c ---- */

/*
 * Lock the folder against all other processes of ours and read state and
 * numbers afresh.  Nests.  ESTALE: it is not the folder that we opened any more.
 * Never hold two folders' locks at once: another process may take them in the
 * other order.
 */
int folder_lock(struct folder *);
void folder_unlock(struct folder *);
/* First lock of a folder just opened: makes the state where there is none. */
int folder_enter(struct folder *);
/* Leave: the last process lowers the ceilings to what was used. */
void folder_leave(struct folder *);
/* n UIDs in a row, or one modification sequence; the lock is held.  Covered
 * by a durable ceiling on return.  EOVERFLOW: there are no more. */
int folder_take_uids(struct folder *, uint32_t n, uint32_t *first);
int folder_take_modseq(struct folder *, uint64_t *modseq);
/* Write the state as it is in memory, durably; the lock is held. */
int folder_state_write(struct folder *);
/* Make a state for a folder's directory that has none. */
int folder_state_make(
    struct mailbox *, int dir_fd, unsigned special_use, struct folder_state *);
/* ENOENT: there is none that can be used. */
int folder_state_read(int dir_fd, struct folder_state *);
int folder_state_put(int dir_fd, const struct folder_state *); /* durably */
/* A fresh MAILBOXID. */
void mailbox_id_make(char to[MAILBOX_ID_LEN + 1]);

/* ---- folder_more.c: keywords beyond the letters; the lock is held ---- */

/* Made and removed in cur/, so that others notice a change of these. */
#define TOUCH_FILE ".bulkhead-touch"

int folder_more_read(struct folder *);
/* Durably, and so that others notice. */
int folder_more_write(struct folder *);
void folder_more_clear(struct folder *);
/* Of a message, as bits of all keywords; set keeps the letters out. */
uint64_t folder_more_get(const struct folder *, uint32_t uid);
int folder_more_set(struct folder *, uint32_t uid, uint64_t keywords);
/* Where the name of keyword n stands (FOLDER_LETTERS and more); NULL: there is
 * none of these, or no memory. */
char *folder_more_name(struct folder *, unsigned n, bool make);

/* ---- migrate.c ---- */

/*
 * Take over what Dovecot or Courier left in a folder without a state file of
 * ours: 1, f->state is set and durable; 0: they left nothing.  The lock on the
 * directory is held.
 */
int folder_migrate(struct folder *);

/* ---- mailbox.c ---- */

/* Somebody may have put another Maildir in the place of ours. */
int mailbox_reopen(struct mailbox *);
/* Nests.  May be taken with a folder locked, but not the other way round. */
int mailbox_lock(struct mailbox *);
void mailbox_unlock(struct mailbox *);
/* The directory of a folder. */
int mailbox_folder_dir(struct mailbox *, const struct folder_name *);
/* A file name that no other file has or will have. */
enum { UNIQUE_MAX = 64 };
void mailbox_unique_name(struct mailbox *, char to[UNIQUE_MAX]);
/* A UIDVALIDITY that this owner never had, at least least; durable. */
int mailbox_take_uidvalidity(struct mailbox *, uint32_t least, uint32_t *v);

/* ---- quota.c ---- */

/* Put there by this process, since it counted. */
void mailbox_quota_took(struct mailbox *, uint64_t octets, uint64_t messages);

/* On its way, and still in tmp/; then all of that has arrived (or failed:
 * the next count finds out). */
void mailbox_quota_reserve(
    struct mailbox *, uint64_t octets, uint64_t messages);
void mailbox_quota_settle(struct mailbox *);

/* ---- folders.c ---- */

/* A folder's directory with all in it, as far as it can be removed. */
void folder_remove_tree(int dir_fd, const char *path);

/* ---- scan.c ---- */

/* Look at new/ and cur/ (up to a few times, until nothing moves meanwhile). */
int folder_scan(struct folder *, struct scan *);
void scan_clear(struct scan *);
/* Another place; NULL: there are too many, or no memory. */
struct found *scan_add(struct scan *);
/* Those with a UID first, ascending. */
void scan_sort(struct scan *);
/* Made so lately that a change after it may have the same time. */
bool time_is_racy(const struct timespec *);
/* Those of the folder, as they are now.  -1: errno. */
int folder_stamps_take(struct folder *);
/* When the directory was last changed, and whether that is long enough ago. */
int stamp_take(int dir_fd, struct stamp *);
/* Nothing happened since the last scan, as far as the clock can tell. */
bool folder_is_unchanged(struct folder *);
const char *found_name(const struct scan *, const struct found *);

/* ---- assign.c ---- */

/* Give UIDs to those that have none; all of scan is sorted afterwards.  What
 * cannot be renamed now is dropped from scan.  The lock is held. */
int folder_assign(struct folder *, struct scan *);

/* ---- view.c ---- */

struct entry *folder_entry(struct folder *, size_t seq);
const char *entry_name(const struct folder *, const struct entry *);
int entry_dir(const struct folder *, const struct entry *);
/*
 * Find the present names of all messages; the view's numbering stays.  0, or 1:
 * as far as the kernel told, which of a rename that goes on this moment is
 * nothing; who still misses one asks for folder_rescan.  -1: errno.
 */
int folder_refresh(struct folder *);
int folder_rescan(struct folder *);
/* The same, and their modification sequences too. */
int folder_refresh_modseqs(struct folder *);
/* The file is gone for certain. */
void entry_gone(struct folder *, struct entry *);

/* Name, flags and keywords as they were found. */
void entry_merge(struct folder *, struct entry *, const struct found *);
/* At the end of the view; its name is in the folder's pool.  -1: errno. */
int entry_append(struct folder *, const struct found *);

/* ---- watch.c ---- */

struct watch_event {
	const char *name; /* valid until the next watch_pump */
	uint32_t cookie;  /* of both events of one rename */
	bool in_new;      /* else in cur/ */
	bool present;     /* it is there now; else no more */
	bool moved;       /* by a rename */
	bool is_dir;
};

static inline bool
folder_is_watched(const struct folder *f)
{
	return f->watch.cur_wd != -1;
}

/* From now on changes are queued.  -1: not to be had (inotify limits). */
int watch_begin(struct folder *);
/* The times of change must do from now on; fine without a watch. */
void watch_end(struct folder *);
/* Another handle of the same folder has one. */
bool watch_has_other(const struct folder *);
/* The instance itself, if no folder needs it. */
void watch_close(struct mailbox *);
/* What the kernel has for us goes into the folders' queues. */
void watch_pump(struct folder *);
/* Take all that has come out of the queue unseen: before a scan. */
void watch_forget(struct folder *);
/* The event at *at of the queue, 0 at first; false: there are no more. */
bool watch_next(const struct folder *, size_t *at, struct watch_event *);

/* ---- follow.c ---- */

/*
 * Bring a view up to date with the events of its watch; with grow new messages
 * join it.  1: it is; 0: the directories must be read; -1: errno.  The lock is
 * held.
 */
int folder_follow(struct folder *, bool grow);
/* Nothing was told that the view does not know; the queue is empty then. */
bool follow_is_quiet(struct folder *);

/* ---- kept.c ---- */

/* A closed folder stays open for who asks again; false: close it. */
bool folder_keep(struct folder *);
/* Such a folder, as if it were just opened; NULL: there is none. */
struct folder *folder_kept(
    struct mailbox *, const struct folder_name *, unsigned how);
/* Before the first sync of such a folder: the view it had, if that is right. */
void folder_take_up(struct folder *);
/* Close all that are kept. */
void mailbox_kept_close(struct mailbox *);
/* folder.c: really close it. */
void folder_close_now(struct folder *);
/* folder.c: without a watch from now on; the view is put down if it is whole. */
void folder_unwatch(struct folder *);

/* ---- outline.c ---- */

/* All UIDs of a view: 64 to a chunk, as in the index. */
struct outline {
	uint32_t chunks, size;
	uint32_t messages;
	uint32_t unseen, first_unseen; /* its sequence number, 0: none */
	uint32_t last;                 /* UID */
	struct outline_chunk {
		uint64_t present;
		uint32_t number;
	} chunk[];
};

/* Empty; to be freed with free.  NULL: no memory. */
struct outline *outline_new(void);
void outline_clear(struct outline *);
/* In ascending order of numbers.  -1: this cannot be, or there is no memory. */
int outline_add(struct outline **, uint32_t number, uint64_t present);
/* Of a view that is whole.  NULL: no memory. */
struct outline *outline_of(const struct folder *);

/* ---- view_saved.c ---- */

/* Nothing in it waits to be told, recorded or looked for. */
bool folder_view_is_whole(const struct folder *);

/* The outline of the view as the index has it, if nothing happened since; the
 * lock is held. */
bool folder_view_load(struct folder *);
/* Put it down, if it is complete; after a scan, the lock is held. */
void folder_view_save(struct folder *);

/* ---- store.c ---- */

/* Fails with EROFS where the folder was opened read-only. */
int folder_must_be_writable(const struct folder *);

/* ---- folder_index.c ---- */

/* Modification sequences for entries that are fresh, from the index where it
 * knows them; the lock is held. */
int folder_modseqs(struct folder *);
/* One modification sequence for these n entries (indices), in memory and in
 * the index; the lock is held. */
int folder_modseq_new(struct folder *, const uint32_t *at, size_t n);
/* Inside a transaction: one chunk of records is in memory, and written when
 * another is needed or at the end.  Best in ascending order of UIDs. */
struct records {
	struct index_txn *txn;
	const struct folder *f;
	uint32_t number; /* of the chunk, when loaded */
	bool loaded, dirty;
	struct index_chunk chunk;
};

void records_begin(struct records *, struct index_txn *, const struct folder *);
int records_end(struct records *);
/* A record for the entry as it is; nothing for a UID. */
int folder_index_put(struct records *, const struct entry *);
int folder_index_forget(struct records *, uint32_t uid);
/* The folder of that number is no more. */
void mailbox_index_drop(struct mailbox *, uint32_t identity);
/* Put UIDs that are not in the view on the record of what vanished.
 * incomplete: there were more of them than these. */
void folder_vanish_uids(struct folder *, const uint32_t *uids, size_t n,
    uint64_t modseq, bool incomplete);
/* Record what has gone from the view as vanished, with one modification
 * sequence, and forget what the index knew of it; the lock is held.  -1: not
 * now (a full disk), but the index still knows those messages. */
int folder_vanish(struct folder *);
/* The inode that the index knows for a UID, 0 for none. */
uint64_t folder_index_ino(struct folder *, uint32_t uid);
/* What the index knows of a message; -1: nothing. */
int folder_index_get(struct folder *, uint32_t uid, struct index_record *);
/* Size and date found out, to be written behind. */
void folder_index_found(struct folder *, uint32_t uid,
    const struct index_record *);
void folder_blobs_write(struct folder *);
/* Nothing of these messages, which are gone, is written any more; UIDs in
 * ascending order. */
void folder_blobs_drop(struct folder *, const uint32_t *uids, size_t n);
/* One that waits to be written. */
bool folder_blob_pending(const struct folder *, uint32_t uid, unsigned kind,
    struct slice *octets);

/* ---- folder_ahead.c ---- */

/*
 * folder_index_get for size and date, which never change; of the rest what is
 * in r may be old.
 */
int folder_index_facts(
    struct folder *, uint32_t uid, struct index_record *r);
void folder_ahead_clear(struct folder *);

#endif
