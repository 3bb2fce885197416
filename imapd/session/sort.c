/*
 * SORT and THREAD (RFC 5256).  The messages are searched for as SEARCH does; of
 * each that is found what is compared comes from the index, or from its header
 * section once.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/hash/siphash.h"
#include "common/log/log.h"
#include "common/message/header.h"
#include "imapd/session/blob_kinds.h"
#include "imapd/session/session.h"
#include "imapd/session/sort_keys.h"
#include "imapd/session/thread.h"

enum {
	HEADER_MAX = 128 * 1024,
	STRINGS_MAX = 256 * 1024 * 1024	/* compared in one command */
};

/* A message that was found. */
struct sorted {
	/* In the order of the first criterion, as far as it goes. */
	uint64_t lead;
	uint32_t	seq;
	uint32_t	subject_len;
	uint64_t	string[3];	/* From, To, Cc: place and length */
	uint64_t	subject;	/* place */
	int64_t		date, arrival;
	uint64_t	size;
};

struct sort_run {
	struct sorted	*found;
	size_t		 len, size;
	struct {
		char	*at;
		size_t	 len, size;
	} strings;
	unsigned	 needs;		/* 1 << enum sort_key */
	struct thread	*thread;	/* THREAD alone */
	struct siphash_key key;		/* of subjects */
	bool		 matched;
	size_t		 at;		/* the next to be told */
	uint64_t	 modseq;	/* the highest of those found */
};

void
sort_end(struct imap *s)
{
	struct sort_run *r = s->sort;

	if (r == NULL)
		return;
	thread_free(r->thread);
	free(r->found);
	free(r->strings.at);
	free(r);
	s->sort = NULL;
}

/* ---- what is compared ---- */

static int
read_header(int fd, char *blob, size_t *len)
{
	char *at = malloc(HEADER_MAX);
	struct slice section;
	int64_t made = -1;
	ssize_t n = at == NULL ? -1 : pread(fd, at, HEADER_MAX, 0);

	if (n >= 0) {
		section = slice_of(at, (size_t)n);
		section.len = header_section_len(section);
		made = sort_keys_make(section, blob);
	}
	free(at);
	*len = (size_t)made;
	return made == -1 ? -1 : 0;
}

/* *blob is the caller's, to free. */
static int
get_keys(struct imap *s, uint32_t seq, void **blob, struct sort_keys *k)
{
	uint32_t uid = folder_message(s->folder, seq)->uid;
	size_t len;
	int fd, r;

	if (folder_cache_get(s->folder, uid, IMAP_BLOB_SORT, blob, &len) == 0) {
		if (sort_keys_read(slice_of(*blob, len), k) == 0)
			return 0;
		free(*blob);
	}
	if ((*blob = malloc(SORT_BLOB_MAX)) == NULL)
		return -1;
	r = fd = folder_message_open(s->folder, seq);
	if (fd != -1) {
		r = read_header(fd, *blob, &len);
		close(fd);
	}
	if (r != -1) {
		folder_cache_put(s->folder, uid, IMAP_BLOB_SORT, *blob, len);
		r = sort_keys_read(slice_of(*blob, len), k);
	}
	if (r == -1)
		free(*blob);
	return r == -1 ? -1 : 0;
}

/* The sent date, or else the internal one (section 2.2). */
static int
get_date(struct imap *s, uint32_t seq, const struct sort_keys *k,
    int64_t *date)
{
	time_t t;

	if (k->has_date) {
		*date = k->date;
		return 0;
	}
	if (folder_message_date(s->folder, seq, &t) == -1)
		return -1;
	*date = t;
	return 0;
}

/* ---- SORT ---- */

static int
keep_string(struct sort_run *r, struct slice s, uint64_t *place)
{
	if (s.len > STRINGS_MAX - r->strings.len) {
		errno = EFBIG;
		return -1;
	}
	if (r->strings.size - r->strings.len < s.len) {
		size_t size = r->strings.size == 0 ? 65536 :
		    r->strings.size * 2;
		char *now = realloc(r->strings.at, size);

		if (now == NULL)
			return -1;
		r->strings.at = now;
		r->strings.size = size;
	}
	*place = r->strings.len;
	if (s.len > 0)
		memcpy(r->strings.at + r->strings.len, s.at, s.len);
	r->strings.len += s.len;
	return 0;
}

/* Place and length in one: no such string is longer than 300 octets. */
static int
keep_address(struct sort_run *r, const struct sort_keys *k, enum sort_key key,
    enum sort_string which, uint64_t *to)
{
	if ((r->needs & 1U << key) == 0)
		return 0;
	if (keep_string(r, k->string[which], to) == -1)
		return -1;
	*to = *to << 16 | k->string[which].len;
	return 0;
}

static int
keep_keys(struct imap *s, struct sort_run *r, struct sorted *m)
{
	unsigned inside = 1U << SORT_CC | 1U << SORT_DATE | 1U << SORT_FROM |
	    1U << SORT_SUBJECT | 1U << SORT_TO;
	struct slice subject;
	struct sort_keys k;
	void *blob;
	int ret;

	if ((r->needs & inside) == 0)
		return 0;
	if (get_keys(s, m->seq, &blob, &k) == -1)
		return -1;
	subject = k.string[SORT_STRING_SUBJECT];
	ret = get_date(s, m->seq, &k, &m->date);
	if (ret == 0 && (r->needs & 1U << SORT_SUBJECT) != 0) {
		m->subject_len = (uint32_t)subject.len;
		ret = keep_string(r, subject, &m->subject);
	}
	if (ret == 0 &&
	    (keep_address(r, &k, SORT_FROM, SORT_STRING_FROM,
		 &m->string[0]) == -1 ||
		keep_address(r, &k, SORT_TO, SORT_STRING_TO,
		    &m->string[1]) == -1 ||
		keep_address(r, &k, SORT_CC, SORT_STRING_CC,
		    &m->string[2]) == -1))
		ret = -1;
	free(blob);
	return ret;
}

static int
sort_found(struct imap *s, struct sort_run *r, uint32_t seq)
{
	struct sorted m = { .seq = seq };
	time_t t;

	if (r->len == r->size) {
		size_t size = r->size == 0 ? 64 : r->size * 2;
		struct sorted *now = reallocarray(r->found, size, sizeof(*now));

		if (now == NULL)
			return -1;
		r->found = now;
		r->size = size;
	}
	if ((r->needs & 1U << SORT_SIZE) != 0 &&
	    folder_message_size(s->folder, seq, &m.size) == -1)
		return -1;
	if ((r->needs & 1U << SORT_ARRIVAL) != 0) {
		if (folder_message_date(s->folder, seq, &t) == -1)
			return -1;
		m.arrival = t;
	}
	if (keep_keys(s, r, &m) == -1)
		return -1;
	r->found[r->len++] = m;
	if (folder_message(s->folder, seq)->modseq > r->modseq)
		r->modseq = folder_message(s->folder, seq)->modseq;
	return 0;
}

static int
compare_slices(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int d = n == 0 ? 0 : memcmp(a.at, b.at, n);

	return d != 0 ? d : a.len < b.len ? -1 : a.len > b.len;
}

static struct slice
kept(const struct sort_run *r, uint64_t place, size_t len)
{
	if (len == 0)
		return SLICE_LITERAL("");
	return slice_of(r->strings.at + place, len);
}

static struct slice
address_of(const struct sort_run *r, uint64_t place)
{
	return kept(r, place >> 16, place & 0xffff);
}

static struct slice
subject_of(const struct sort_run *r, const struct sorted *m)
{
	return kept(r, m->subject, m->subject_len);
}

/* Of an address: which of the strings. */
static size_t
address_at(enum sort_key key)
{
	return key == SORT_FROM ? 0 : key == SORT_TO ? 1 : 2;
}

static int
compare(const struct sort_run *r, enum sort_key key, const struct sorted *a,
    const struct sorted *b)
{
	switch (key) {
	case SORT_ARRIVAL:
		return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
	case SORT_DATE:
		return a->date < b->date ? -1 : a->date > b->date;
	case SORT_SIZE:
		return a->size < b->size ? -1 : a->size > b->size;
	case SORT_SUBJECT:
		return compare_slices(subject_of(r, a), subject_of(r, b));
	default:
		break;
	}
	return compare_slices(address_of(r, a->string[address_at(key)]),
	    address_of(r, b->string[address_at(key)]));
}

/* The first octets, so that a greater string never has a smaller number. */
static uint64_t
lead_of_string(struct slice s)
{
	uint64_t lead = 0;

	for (size_t i = 0; i < sizeof(lead); i++)
		lead = lead << 8 | (i < s.len ? (uint8_t)s.at[i] : 0);
	return lead;
}

static uint64_t
lead_of_date(int64_t date)
{
	return (uint64_t)date ^ UINT64_C(1) << 63;
}

static uint64_t
lead_of(const struct sort_run *r, enum sort_key key, const struct sorted *m)
{
	switch (key) {
	case SORT_ARRIVAL:
		return lead_of_date(m->arrival);
	case SORT_DATE:
		return lead_of_date(m->date);
	case SORT_SIZE:
		return m->size;
	case SORT_SUBJECT:
		return lead_of_string(subject_of(r, m));
	default:
		return lead_of_string(
		    address_of(r, m->string[address_at(key)]));
	}
}

/* Most comparisons end at one number, without a look at strings elsewhere. */
static void
take_leads(struct sort_run *r, const struct sort_arguments *args)
{
	for (size_t i = 0; args->len > 0 && i < r->len; i++) {
		uint64_t lead =
		    lead_of(r, args->criterion[0].key, &r->found[i]);

		r->found[i].lead = args->criterion[0].reverse ? ~lead : lead;
	}
}

static int
by_criteria(const void *a, const void *b, void *ctx)
{
	const struct sorted *x = a, *y = b;
	const struct imap *s = ctx;
	const struct sort_arguments *args = &s->command.sort;

	if (x->lead != y->lead)
		return x->lead < y->lead ? -1 : 1;
	for (size_t i = 0; i < args->len; i++) {
		int d = compare(s->sort, args->criterion[i].key, x, y);

		if (d != 0)
			return args->criterion[i].reverse ? -d : d;
	}
	return x->seq < y->seq ? -1 : 1;
}

/* ---- THREAD ---- */

static int
thread_found(struct imap *s, struct sort_run *r, uint32_t seq)
{
	struct thread_message m = { .number = s->command.uid ?
		folder_message(s->folder, seq)->uid : seq };
	struct slice subject;
	struct sort_keys k;
	void *blob;
	int ret;

	if (get_keys(s, seq, &blob, &k) == -1)
		return -1;
	ret = get_date(s, seq, &k, &m.date);
	subject = k.string[SORT_STRING_SUBJECT];
	m.id = k.id;
	m.reply = k.reply;
	if (subject.len > 0) {
		m.subject = siphash(&r->key, subject);
		m.subject += m.subject == 0;
	}
	if (ret == 0)
		ret = thread_add(r->thread, &m, k.references,
		    k.references_len);
	free(blob);
	return ret;
}

/* ---- both ---- */

/* The next of all messages; false: the command is over. */
static bool
match_one(struct imap *s, struct sort_run *r)
{
	uint32_t seq;
	int found = search_next(s, &seq);

	if (found != -1)
		imap_progress(s, seq, folder_count(s->folder));
	if (found == 0)
		return true;
	if (found == 1) {
		found = r->thread != NULL ? thread_found(s, r, seq) :
					    sort_found(s, r, seq);
		if (found == 0 || errno == ENOENT)	/* gone meanwhile */
			return true;
		imap_no_errno(s, errno);
		return false;
	}
	if (r->thread != NULL && thread_build(r->thread) == -1) {
		imap_no_errno(s, errno);
		return false;
	}
	if (r->thread == NULL && r->len > 0) {
		take_leads(r, &s->command.sort);
		qsort_r(r->found, r->len, sizeof(*r->found), by_criteria, s);
	}
	r->matched = true;
	imap_print(s, r->thread != NULL ? "* THREAD" : "* SORT");
	return true;
}

static bool
tell_some(struct imap *s, struct sort_run *r)
{
	char out[4096];
	size_t len = 0;

	if (r->thread != NULL) {
		len = thread_write(r->thread, out, sizeof(out));
		if (len > 0 && r->at++ == 0)
			imap_write(s, SLICE_LITERAL(" "));
	} else
		for (; r->at < r->len && sizeof(out) - len > 16; r->at++) {
			uint32_t seq = r->found[r->at].seq;

			len += (size_t)snprintf(out + len, sizeof(out) - len,
			    " %u", s->command.uid ?
			    folder_message(s->folder, seq)->uid : seq);
		}
	imap_write(s, slice_of(out, len));
	return len > 0;
}

static bool
produce_sorted(struct imap *s)
{
	struct sort_run *r = s->sort;

	if (!r->matched)
		return match_one(s, r);
	if (tell_some(s, r))
		return true;
	/* RFC 7162 section 3.1.9; of threads it says nothing */
	if (s->command.search.modseq && r->len > 0)
		imap_print(s, " (MODSEQ %llu)", (unsigned long long)r->modseq);
	imap_print(s, "\r\n");
	if (imap_sync(s, s->command.uid ? 0 : SYNC_KEEP_EXPUNGED) == 0)
		imap_ok_modseq(s, s->command.verb == IMAP_THREAD ?
		    "threaded" : "sorted");
	return false;
}

static void
begin(struct imap *s, const struct imap_command *c)
{
	struct sort_run *r = calloc(1, sizeof(*r));

	s->sort = r;
	if (r != NULL) {
		siphash_key_init(&r->key);
		if (c->verb == IMAP_THREAD)
			r->thread = thread_new(c->sort.algorithm);
	}
	if (r == NULL || (c->verb == IMAP_THREAD && r->thread == NULL)) {
		imap_no_errno(s, ENOMEM);
		return;
	}
	for (size_t i = 0; i < c->sort.len; i++)
		r->needs |= 1U << c->sort.criterion[i].key;
	if (search_begin(s, c) == 0)
		imap_begin(s, produce_sorted);
}

void
do_sort(struct imap *s, const struct imap_command *c)
{
	begin(s, c);
}

void
do_thread(struct imap *s, const struct imap_command *c)
{
	begin(s, c);
}
