/*
 * Messages on their way into a folder, between append.c and copy.c.
 */
#ifndef COMMON_MAILBOX_APPEND_H
#define COMMON_MAILBOX_APPEND_H

#include "common/mailbox/crlf.h"
#include "common/mailbox/internal.h"

/* A longer base is not kept by a copy: the name must hold more than that. */
enum { BASE_MAX = 128 };

/* Octets that are taken at once. */
enum { APPEND_PIECE = 16 * 1024 };

struct staged {
	uint32_t seq;         /* in from, to be linked at the end; 0: in tmp/ */
	char tmp[UNIQUE_MAX]; /* name in tmp/ */
	char base[BASE_MAX];  /* of a copy; "": tmp is it */
	char name[MAILDIR_NAME_MAX + 1]; /* "": has none yet */
	uint64_t size, crlf_size;        /* valid when has_size */
	uint64_t keywords;
	uint8_t flags;
	bool has_size;
	bool in_new;
};

struct append {
	struct folder *to;
	struct folder *from;   /* of what is to be linked */
	struct quota replaced; /* goes when this has come */
	struct staged *staged;
	size_t count, size;
	uint64_t now;    /* when a copy was made */
	uint64_t octets; /* of all, as stored */
	bool moves;      /* adds nothing to what the owner has */
	bool many;       /* content is synced all at once */
	bool unsynced;   /* there is such content */
	/* the one being written */
	int fd; /* -1: none */
	time_t date;
	struct crlf reduce, expand;
	char *buffer;
	size_t len;
};

/* A place for one more, all zero; NULL: there are too many, or no memory. */
struct staged *append_stage(struct append *);
/* The same, with a name for a file in tmp/. */
struct staged *append_stage_in_tmp(struct append *);
/* The one being written is whole, and on disk.  -1: errno. */
int append_finish(struct append *);

/* ---- copy.c ---- */

/* Linking failed in a way that append_stage_again may mend. */
bool append_cannot_link(int error);
/*
 * By name not all of them were to be had: they were renamed meanwhile, or must
 * be copied.  Each is opened, and comes into tmp/.  -1: errno.
 */
int append_stage_again(struct append *);

#endif
