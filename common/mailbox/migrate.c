/*
 * A folder that another server leaves behind: on its first opening the messages
 * keep the UIDs that clients know, the folder its UIDVALIDITY and keywords, and
 * POP3 its UIDLs.
 *
 * What always holds:
 * M1  Until the state file is there everything can be done again: it is written
 *     last, durably, after all file names are on disk.
 * M2  File names bear a number of our own (struct folder_state, identity), for
 *     two folders of Courier may have one UIDVALIDITY.
 * M3  What was read is out of the way (".migrated") from then on, so that a
 *     state file that is lost later never brings back numbers used since.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/import.h"
#include "common/mailbox/internal.h"
#include "common/mailbox/uidl.h"

#define NONE UINT32_MAX

/* What the other server knew of a file. */
struct known {
	uint32_t name;     /* in the pool */
	uint32_t uid;      /* 0: gets one */
	uint32_t uidl;     /* in the pool, or NONE */
	uint64_t keywords; /* of Courier */
};

struct migration {
	struct folder *f;
	struct uidlist_header header;
	bool have_list;  /* a list of UIDs was read */
	bool have_names; /* keywords were read */
	bool dovecot;
	struct known *known;
	size_t count, size;
	size_t sorted; /* so many are, by name */
	struct pool pool;
	uint32_t last;            /* highest UID so far */
	uint32_t forwarded;       /* bits that mean $Forwarded */
	uint32_t courier_map[64]; /* its numbers as our bits */
	unsigned courier_count;
	struct uidls uidls;
};

/* ---- reading line by line ---- */

enum { LINE_MAX_OCTETS = 4096, PIECE = 64 * 1024 };

typedef int line_each(struct migration *, struct slice line, unsigned long n);

/* Lines that are too long are left out. */
static int
each_line_of(int fd, struct migration *m, line_each *each, char *piece)
{
	size_t have = 0;
	unsigned long n = 0;
	bool skip = false;
	ssize_t got;

	while ((got = read(fd, piece + have, PIECE - have)) > 0) {
		struct slice rest = slice_of(piece, have + (size_t)got);
		const char *end;

		while (rest.len > 0 &&
		       (end = memchr(rest.at, '\n', rest.len)) != NULL) {
			size_t len = (size_t)(end - rest.at);

			if (!skip && len <= LINE_MAX_OCTETS &&
			    each(m, slice_of(rest.at, len), n++) == -1)
				return -1;
			skip = false;
			rest = slice_skip(rest, len + 1);
		}
		skip |= rest.len > LINE_MAX_OCTETS;
		have = skip ? 0 : rest.len;
		memmove(piece, rest.at, have);
	}
	return got == -1 ? -1 : 0;
}

/* 1: read, 0: there is no such file. */
static int
each_line(struct migration *m, const char *file, line_each *each)
{
	int fd = file_open(m->f->dir_fd, file, O_RDONLY), r = -1, saved;
	char *piece;

	if (fd == -1)
		return errno == ENOENT || errno == EINVAL || errno == ELOOP ||
			       errno == EXDEV || errno == ENOTDIR
			   ? 0
			   : -1;
	piece = malloc(PIECE);
	if (piece != NULL)
		r = each_line_of(fd, m, each, piece);
	saved = errno;
	free(piece);
	close(fd);
	errno = saved;
	return r == -1 ? -1 : 1;
}

/* ---- what is known, by name ---- */

static const char *
known_name(const struct migration *m, const struct known *k)
{
	return m->pool.at + k->name;
}

/*
 * As the other server knew the file: without what is ours, fields in one order
 * (a first try that was cut short may have changed it).
 */
static bool
former_name(struct slice file, char to[MAILDIR_NAME_MAX + 1])
{
	struct maildir_name n;

	if (maildir_name_parse(file, &n) != PARSE_OK)
		return false;
	n.has_identity = false;
	if (maildir_name_print(&n, false, to) == -1)
		return false;
	to[strcspn(to, ":")] = '\0';
	return true;
}

static struct known *
known_add(struct migration *m, struct slice name)
{
	char former[MAILDIR_NAME_MAX + 1];
	struct known *k;

	if (!former_name(name, former)) {
		static struct known nobody;

		return &nobody;
	}
	if (m->count == m->size) {
		size_t size = m->size == 0 ? 256 : m->size * 2;

		if (size > MESSAGES_MAX) {
			errno = EOVERFLOW;
			return NULL;
		}
		k = reallocarray(m->known, size, sizeof(*k));
		if (k == NULL)
			return NULL;
		m->known = k;
		m->size = size;
	}
	k = &m->known[m->count];
	*k = (struct known){ .uidl = NONE };
	if (pool_add(&m->pool, former, &k->name) == -1)
		return NULL;
	m->count++;
	return k;
}

/* By name, and of one name the highest UID last. */
static int
compare_known(const void *a, const void *b, void *ctx)
{
	const struct known *x = a, *y = b;
	int r = strcmp(known_name(ctx, x), known_name(ctx, y));

	if (r != 0)
		return r;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static void
sort_known(struct migration *m)
{
	size_t kept = 0;

	if (m->count > 0)
		qsort_r(
		    m->known, m->count, sizeof(*m->known), compare_known, m);
	for (size_t i = 0; i < m->count; i++) {
		if (kept > 0 && strcmp(known_name(m, &m->known[kept - 1]),
				    known_name(m, &m->known[i])) == 0)
			kept--; /* twice in the list: the later counts */
		m->known[kept++] = m->known[i];
	}
	m->count = m->sorted = kept;
}

static struct known *
known_find(const struct migration *m, struct slice name)
{
	size_t low = 0, high = m->sorted;
	char former[MAILDIR_NAME_MAX + 1];

	if (!former_name(name, former))
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = strcmp(known_name(m, &m->known[middle]), former);

		if (r == 0)
			return &m->known[middle];
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- the lists ---- */

static int
uidlist_each(struct migration *m, struct slice line, unsigned long n)
{
	char uidl[UIDL_LEN_MAX + 1];
	struct uidlist_line l;
	struct known *k;

	if (n == 0) {
		m->have_list =
		    uidlist_header_parse(line, &m->header) == PARSE_OK;
		return 0;
	}
	/* Out of order it is damage, and no UID may come twice. */
	if (!m->have_list ||
	    uidlist_line_parse(line, m->header.version, &l) != PARSE_OK ||
	    l.uid <= m->last)
		return 0;
	k = known_add(m, l.name);
	if (k == NULL)
		return -1;
	k->uid = m->last = l.uid;
	if (l.uidl.len == 0)
		return 0;
	slice_copy_str(l.uidl, uidl, sizeof(uidl));
	return pool_add(&m->pool, uidl, &k->uidl);
}

/* Those that POP3 alone knew are added at the end, and get UIDs in that order.
 */
static int
sizelist_each(struct migration *m, struct slice line, unsigned long n)
{
	char uidl[UIDL_LEN_MAX + 1];
	struct sizelist_line l;
	struct known *k;

	if (n == 0) {
		m->have_names = sizelist_header_parse(line) == PARSE_OK;
		return 0;
	}
	if (!m->have_names || sizelist_line_parse(line, &l) != PARSE_OK ||
	    sizelist_uidl(&l, uidl) != PARSE_OK)
		return 0;
	k = known_find(m, l.name);
	if (k == NULL)
		k = known_add(m, l.name);
	return k == NULL ? -1 : pool_add(&m->pool, uidl, &k->uidl);
}

static void
give_missing_uids(struct migration *m)
{
	if (m->header.next > m->last)
		m->last = m->header.next - 1;
	for (size_t i = 0; i < m->count; i++)
		if (m->known[i].uid == 0 && m->last < UINT32_MAX - 1)
			m->known[i].uid = ++m->last;
}

/* ---- keywords ---- */

static int
dovecot_keyword_each(struct migration *m, struct slice line, unsigned long nr)
{
	struct slice name;
	unsigned n;

	(void)nr;
	if (dovecot_keyword_parse(line, &n, &name) != PARSE_OK)
		return 0;
	if (slice_equal_nocase(name, slice_str("$Forwarded")))
		m->forwarded |= UINT32_C(1) << n;
	else if (keyword_is_good(name))
		slice_copy_str(name, m->f->state.keywords[n],
		    sizeof(m->f->state.keywords[n]));
	return 0;
}

/* The bit of a name, with the next free letter; 0: no room, or no keyword. */
static uint32_t
keyword_bit(struct migration *m, struct slice name)
{
	if (!keyword_is_good(name))
		return 0;
	for (unsigned n = 0; n < FOLDER_LETTERS; n++) {
		char *at = m->f->state.keywords[n];
		bool is_free =
		    at[0] == '\0' && !(m->forwarded & UINT32_C(1) << n);

		if (is_free)
			slice_copy_str(name, at, FOLDER_KEYWORD_LEN_MAX + 1);
		if (slice_equal_nocase(name, slice_str(at)))
			return UINT32_C(1) << n;
	}
	return 0;
}

enum { FORWARDED_BIT = 31 }; /* no letter */

/* Names, an empty line, then the messages. */
static int
courier_keyword_each(struct migration *m, struct slice line, unsigned long n)
{
	uint64_t bits;
	struct slice name;
	struct known *k;

	if (n == 0)
		m->have_names = true;
	if (m->have_names && line.len > 0) {
		if (m->courier_count < 64)
			m->courier_map[m->courier_count++] =
			    slice_equal_nocase(line, slice_str("$Forwarded"))
				? UINT32_C(1) << FORWARDED_BIT
				: keyword_bit(m, line);
		return 0;
	}
	m->have_names = false;
	if (line.len == 0 ||
	    courier_keywords_parse(line, &name, &bits) != PARSE_OK)
		return 0;
	k = known_find(m, name);
	if (k == NULL) {
		/* In no list of UIDs: it has keywords all the same. */
		k = known_add(m, name);
		if (k == NULL)
			return -1;
	}
	k->keywords |= bits;
	return 0;
}

static uint32_t
map_courier(const struct migration *m, uint64_t keywords)
{
	uint32_t bits = 0;

	for (unsigned n = 0; n < m->courier_count; n++)
		if (keywords & UINT64_C(1) << n)
			bits |= m->courier_map[n];
	return bits;
}

/* ---- renaming ---- */

/* False: it has them already. */
static bool
apply_keywords(
    const struct migration *m, const struct known *k, struct maildir_name *n)
{
	uint32_t bits = map_courier(m, k->keywords), before = n->keywords;
	uint8_t flags = n->flags;

	if ((n->keywords & m->forwarded) ||
	    (bits & UINT32_C(1) << FORWARDED_BIT))
		n->flags |= FLAG_PASSED;
	n->keywords = (n->keywords & ~m->forwarded) |
		      (bits & ~(UINT32_C(1) << FORWARDED_BIT));
	return n->flags != flags || n->keywords != before;
}

static int
rename_one(struct migration *m, int dir_fd, bool in_new, const char *file)
{
	struct known nothing = { .uidl = NONE }, *k;
	char name[MAILDIR_NAME_MAX + 1];
	struct maildir_name n;

	if (maildir_name_parse(slice_str(file), &n) != PARSE_OK)
		return 0;
	k = known_find(m, slice_str(file));
	if (k == NULL)
		k = &nothing; /* and yet it may be $Forwarded */
	if (!apply_keywords(m, k, &n) && k->uid == 0)
		return 0;
	n.has_identity = k->uid != 0;
	n.uidvalidity = m->f->state.identity;
	n.uid = k->uid;
	if (maildir_name_print(&n, !in_new || n.flags || n.keywords, name) ==
	    -1)
		return 0; /* too long with our field: a new message */
	if (rename_new(dir_fd, file, dir_fd, name) == -1)
		/* gone, or two files of one name: it comes as a new message */
		return errno == ENOENT || errno == EEXIST ? 0 : -1;
	if (k->uidl != NONE &&
	    uidls_add(&m->uidls, k->uid, m->pool.at + k->uidl) == -1)
		return -1;
	/* The same name once more, in new/ or with other flags, is another
	 * message: with one identity both would lose it, and the UIDLs too. */
	k->uid = 0;
	k->uidl = NONE;
	return 0;
}

struct names {
	struct pool pool;
	size_t count;
};

static int
collect_name(void *ctx, const char *name, uint64_t ino, unsigned char type)
{
	struct names *names = ctx;
	uint32_t at;

	(void)ino;
	(void)type;
	if (names->count == MESSAGES_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	names->count++;
	return name[0] == '.' ? 0 : pool_add(&names->pool, name, &at);
}

/* All names first: a directory that changes may be read twice over. */
static int
rename_all_in(struct migration *m, int dir_fd, bool in_new)
{
	struct names names = { .count = 0 };
	int r = dir_scan(dir_fd, collect_name, &names);

	for (size_t at = 0; r == 0 && at < names.pool.len;
	     at += strlen(names.pool.at + at) + 1)
		r = rename_one(m, dir_fd, in_new, names.pool.at + at);
	pool_clear(&names.pool);
	return r == 0 ? fsync(dir_fd) : -1;
}

/* ---- all of it ---- */

static const char *const list_files[] = {
	"dovecot-uidlist",
	"courierimapuiddb",
	"courierpop3dsizelist",
};

/* 1: there was something, 0: nothing, -1: errno. */
static int
read_lists(struct migration *m)
{
	int r, any;

	any = r = each_line(m, "dovecot-uidlist", uidlist_each);
	m->dovecot = r == 1 && m->have_list;
	if (r != -1 && !m->have_list)
		any |= r = each_line(m, "courierimapuiddb", uidlist_each);
	sort_known(m);
	m->have_names = false;
	/* After a change from Courier to Dovecot it is an old story. */
	if (r != -1 && !m->dovecot)
		any |= r = each_line(m, "courierpop3dsizelist", sizelist_each);
	give_missing_uids(m);
	sort_known(m);
	return r == -1 ? -1 : any;
}

static int
read_keywords(struct migration *m)
{
	int r, any;

	any = r = each_line(m, "dovecot-keywords", dovecot_keyword_each);
	m->have_names = false;
	if (r == 0)
		any = r = each_line(
		    m, "courierimapkeywords/:list", courier_keyword_each);
	sort_known(m);
	return r == -1 ? -1 : any;
}

static int
make_numbers(struct migration *m)
{
	struct folder_state *s = &m->f->state;

	/* Above the one that clients know, so that it never comes again. */
	if (mailbox_take_uidvalidity(m->f->mb,
		m->header.uidvalidity == UINT32_MAX ? 0
						    : m->header.uidvalidity + 1,
		&s->identity) == -1)
		return -1;
	s->uidvalidity = m->have_list ? m->header.uidvalidity : s->identity;
	s->ceiling = (struct numbers){ m->last + 1, 2 };
	if (m->header.guid[0] != '\0')
		memcpy(s->mailbox_id, m->header.guid, sizeof(s->mailbox_id));
	else
		mailbox_id_make(s->mailbox_id);
	return 0;
}

static int
write_uidls(struct migration *m)
{
	m->uidls.identity = m->f->state.identity;
	if (m->dovecot) {
		m->uidls.uidvalidity = m->header.uidvalidity;
		m->uidls.below = m->last + 1;
	}
	if (m->uidls.count == 0 && m->uidls.below == 0)
		return 0;
	return uidls_write(m->f->dir_fd, &m->uidls);
}

static void
put_away(struct migration *m)
{
	for (size_t i = 0; i < sizeof(list_files) / sizeof(list_files[0]);
	     i++) {
		char to[64];

		snprintf(to, sizeof(to), "%s.migrated", list_files[i]);
		renameat(m->f->dir_fd, list_files[i], m->f->dir_fd, to);
	}
	fsync(m->f->dir_fd);
}

static int
migrate(struct migration *m)
{
	int lists, keywords;

	memset(&m->f->state, 0, sizeof(m->f->state));
	lists = read_lists(m);
	keywords = lists == -1 ? -1 : read_keywords(m);
	if (lists == -1 || keywords == -1)
		return -1;
	if (lists == 0 && keywords == 0)
		return 0;
	if (make_numbers(m) == -1 ||
	    rename_all_in(m, m->f->new_fd, true) == -1 ||
	    rename_all_in(m, m->f->cur_fd, false) == -1 ||
	    write_uidls(m) == -1 || folder_state_write(m->f) == -1)
		return -1;
	put_away(m);
	return 1;
}

int
folder_migrate(struct folder *f)
{
	struct migration m = { .f = f };
	int r = migrate(&m), saved = errno;

	free(m.known);
	pool_clear(&m.pool);
	uidls_clear(&m.uidls);
	errno = saved;
	return r;
}
