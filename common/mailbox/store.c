/* Changing flags and removing messages. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/internal.h"

int
folder_must_be_writable(const struct folder *f)
{
	if (!(f->how & FOLDER_READ_ONLY))
		return 0;
	errno = EROFS;
	return -1;
}

/* A name was not there: what is it now?  At last the directories say. */
enum { TRIES_MAX = 3 };

static int
find_again(struct folder *f, int tries)
{
	return tries == 0 ? folder_refresh(f) : folder_rescan(f);
}

static bool
is_in_view(const struct folder *f, uint32_t seq)
{
	return seq >= 1 && seq <= f->count;
}

/* ---- flags ---- */

struct change {
	enum store_how	 how;
	uint8_t		 flags;
	uint64_t keywords;
	bool more; /* beyond the letters: to be written */
	bool		 conditional;
	uint64_t	 unchanged_since;
	uint32_t	*refused;	/* sequence numbers */
	size_t		 nrefused;
};

static uint64_t
changed_bits(enum store_how how, uint64_t now, uint64_t bits)
{
	switch (how) {
	case STORE_ADD:
		return now | bits;
	case STORE_REMOVE:
		return now & ~bits;
	case STORE_REPLACE:
		break;
	}
	return bits;
}

/* Give the file its new name. */
static int
rename_entry(
    struct folder *f, struct entry *e, uint8_t flags, uint64_t keywords)
{
	char name[MAILDIR_NAME_MAX + 1];
	struct maildir_name n;

	if (e->name == UINT32_MAX) {
		errno = ENOENT;
		return -1;
	}
	if (maildir_name_parse(slice_str(entry_name(f, e)), &n) != PARSE_OK) {
		errno = EINVAL;
		return -1;
	}
	n.flags = flags;
	n.keywords = (uint32_t)keywords & LETTERS_MASK;
	if (maildir_name_print(&n, true, name) == -1) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (rename_new(entry_dir(f, e), entry_name(f, e), f->cur_fd, name) == -1)
		return -1;
	e->in_new = false;
	return pool_add(&f->pool, name, &e->name);
}

/* Of keywords beyond the letters the name says nothing. */
static int
rename_where_needed(
    struct folder *f, struct entry *e, uint8_t flags, uint64_t keywords)
{
	uint64_t changed = keywords ^ e->m.keywords;

	return flags == e->m.flags && (changed & LETTERS_MASK) == 0 &&
		       changed != 0 && e->name != UINT32_MAX
		   ? 0
		   : rename_entry(f, e, flags, keywords);
}

static int
more_change(struct folder *f, const struct entry *e, uint64_t keywords,
    struct change *c)
{
	if ((keywords ^ e->m.keywords) >> FOLDER_LETTERS == 0)
		return 0;
	c->more = true;
	return folder_more_set(f, e->m.uid, keywords);
}

/* 1: changed, 0: nothing to do or gone, -1: errno. */
static int
store_one(struct folder *f, uint32_t seq, struct change *c)
{
	struct entry *e = folder_entry(f, seq);

	/* Again when the name was not the present one. */
	for (int tries = 0; tries < TRIES_MAX && !e->m.gone; tries++) {
		uint8_t flags = (uint8_t)changed_bits(c->how, e->m.flags,
		    c->flags);
		uint64_t keywords =
		    changed_bits(c->how, e->m.keywords, c->keywords);

		if (flags == e->m.flags && keywords == e->m.keywords &&
		    e->name != UINT32_MAX)
			return 0;
		if (rename_where_needed(f, e, flags, keywords) == 0) {
			if (more_change(f, e, keywords, c) == -1)
				return -1;
			e->m.flags = flags;
			e->m.keywords = keywords;
			return 1;
		}
		if (errno != ENOENT || find_again(f, tries) == -1)
			return -1;
		e = folder_entry(f, seq);
	}
	return 0;
}

static bool
is_important(const struct change *c)
{
	return c->how == STORE_REPLACE || (c->flags & FLAG_DELETED) ||
	    c->keywords != 0;
}

static bool
is_refused(struct folder *f, uint32_t seq, struct change *c)
{
	const struct entry *e = folder_entry(f, seq);

	/* Without a number it was changed only now. */
	if (!c->conditional || e->m.gone ||
	    (!e->fresh && e->m.modseq <= c->unchanged_since))
		return false;
	c->refused[c->nrefused++] = seq;
	return true;
}

static int
store_locked(struct folder *f, const uint32_t *seqs, size_t n,
    struct change *c, uint32_t *done, size_t *ndone)
{
	for (size_t i = 0; i < n; i++) {
		int r;

		if (!is_in_view(f, seqs[i]) || is_refused(f, seqs[i], c))
			continue;
		r = store_one(f, seqs[i], c);
		if (r == -1)
			return -1;
		if (r == 1)
			done[(*ndone)++] = seqs[i] - 1;
	}
	return 0;
}

static int
store(struct folder *f, const uint32_t *seqs, size_t n, struct change *c,
    size_t *ndone)
{
	uint32_t *done;
	int r;

	*ndone = 0;
	if (folder_must_be_writable(f) == -1)
		return -1;
	done = reallocarray(NULL, n + 1, sizeof(*done));
	if (done == NULL)
		return -1;
	r = folder_lock(f);
	if (r == 0) {
		/* Others' changes count, also those not yet told. */
		if (c->conditional && (!folder_is_unchanged(f) ||
		    f->next.modseq != f->tracked))
			r = folder_refresh_modseqs(f);
		if (r == 0)
			r = store_locked(f, seqs, n, c, done, ndone);
		if (c->more && folder_more_write(f) == -1)
			r = -1;
		if (*ndone > 0) {
			f->unsettled = true;
			folder_modseq_new(f, done, *ndone);
		}
		folder_unlock(f);
	}
	free(done);
	return r;
}

int
folder_store(struct folder *f, const uint32_t *seqs, size_t n,
    enum store_how how, uint8_t flags, uint64_t keywords)
{
	struct change c = { .how = how, .flags = flags & FLAG_ALL,
		.keywords = keywords };
	size_t ndone;
	int r = store(f, seqs, n, &c, &ndone);

	if (r == 0 && ndone > 0 && is_important(&c))
		r = folder_settle(f);
	return r;
}

int
folder_store_if(struct folder *f, const uint32_t *seqs, size_t n,
    enum store_how how, uint8_t flags, uint64_t keywords,
    const uint64_t *unchanged_since, uint32_t *refused, size_t *nrefused)
{
	struct change c = { .how = how,
		.flags = flags & FLAG_ALL,
		.keywords = keywords,
		.conditional = unchanged_since != NULL,
		.unchanged_since =
		    unchanged_since != NULL ? *unchanged_since : 0,
		.refused = refused };
	size_t ndone;
	int r = store(f, seqs, n, &c, &ndone);

	*nrefused = c.nrefused;
	return r;
}

int
folder_settle(struct folder *f)
{
	folder_blobs_write(f);
	folder_ahead_clear(f);
	if (!f->unsettled)
		return 0;
	/* A sync that failed is not tried again: what it lost, it lost. */
	f->unsettled = false;
	return fsync(f->cur_fd);
}

/* ---- expunging ---- */

struct expunge {
	bool	any;
	size_t	removed;
	bool	from_cur, from_new;
};

static bool
is_to_go(const struct entry *e, const struct expunge *x)
{
	return !e->m.gone && (x->any || (e->m.flags & FLAG_DELETED) != 0);
}

/* 1: removed, or it was gone; 0: its present name is no longer marked, so it
 * stays; -1: errno. */
static int
remove_entry(struct folder *f, uint32_t seq, const struct expunge *x)
{
	struct entry *e = folder_entry(f, seq);

	for (int tries = 0; tries < TRIES_MAX && is_to_go(e, x); tries++) {
		if (e->name == UINT32_MAX)
			errno = ENOENT;
		else if (unlinkat(entry_dir(f, e), entry_name(f, e), 0) == 0)
			return 1;
		if (errno != ENOENT || find_again(f, tries) == -1)
			return -1;
		e = folder_entry(f, seq);
	}
	return e->m.gone;
}

/* The first failure is kept; the others are tried all the same. */
static int
expunge_one(struct folder *f, uint32_t seq, struct expunge *x)
{
	struct entry *e = folder_entry(f, seq);
	int r;

	if (!is_to_go(e, x))
		return 0;
	if (e->in_new)
		x->from_new = true;
	else
		x->from_cur = true;
	r = remove_entry(f, seq, x);
	if (r != 1)
		return r;
	entry_gone(f, folder_entry(f, seq));
	x->removed++;
	return 0;
}

static int
expunge_locked(struct folder *f, const uint32_t *seqs, size_t n,
    struct expunge *x)
{
	int error = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t seq = seqs != NULL ? seqs[i] : (uint32_t)(i + 1);

		if (is_in_view(f, seq) && expunge_one(f, seq, x) == -1 &&
		    error == 0)
			error = errno;
	}
	/* RFC 7162 section 3.2.7: HIGHESTMODSEQ grows with every expunge. */
	if (x->removed > 0 && folder_vanish(f) == -1)
		f->look_again = true;
	errno = error;
	return error == 0 ? 0 : -1;
}

int
folder_expunge(struct folder *f, const uint32_t *seqs, size_t n, bool any,
    size_t *removed)
{
	struct expunge x = { .any = any };
	int r, saved;

	if (removed != NULL)
		*removed = 0;
	if (folder_must_be_writable(f) == -1 || folder_lock(f) == -1)
		return -1;
	r = expunge_locked(f, seqs, seqs != NULL ? n : f->count, &x);
	saved = errno;
	folder_unlock(f);
	/* Others need not wait for the disk with us. */
	if ((x.from_cur && fsync(f->cur_fd) == -1) ||
	    (x.from_new && fsync(f->new_fd) == -1)) {
		r = -1;
		saved = errno;
	}
	if (removed != NULL)
		*removed = x.removed;
	errno = saved;
	return r;
}
