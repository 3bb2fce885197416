/* What a session keeps of a message in the index (folder_cache_put). */
#ifndef IMAPD_SESSION_BLOB_KINDS_H
#define IMAPD_SESSION_BLOB_KINDS_H

/* On disk: a number is never given to another kind. */
enum imap_blob_kind {
	IMAP_BLOB_MESSAGE = 1, /* structure and envelope: message.c */
	IMAP_BLOB_SORT = 2,    /* keys of SORT and THREAD: sort.c */
	IMAP_BLOB_PREVIEW = 3, /* fetch_extra.c */
	IMAP_BLOB_FIELDS = 4,  /* of SEARCH: search_fields.h */
	IMAP_BLOB_HEADER = 5,  /* lines of chosen fields: fetch_fields.c */
};

#endif
