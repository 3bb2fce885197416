/*
 * SEARCH (RFC 3501 section 6.4.4): each message is asked what the view knows,
 * then what its file's name and date say, then its header section, then all of
 * it, and no further than the answer needs.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/message/header.h"
#include "imapd/session/blob_kinds.h"
#include "imapd/session/search_fields.h"
#include "imapd/session/search_message.h"
#include "imapd/session/search_result.h"
#include "imapd/session/session.h"

struct search_run {
	uint32_t	 seq;		/* the last one looked at */
	struct search_result result;
	time_t		 now;		/* when it began */
	enum truth	*values;	/* of each step */
	enum truth *stack;              /* search_combine's */
	struct needle	*needles;
	uint64_t *keywords; /* bit of each step */
	bool		 fields;	/* are enough; see search_fields.h */
	char		*blob;		/* room for one, and a header section */
};

void
search_end(struct imap *s)
{
	if (s->search == NULL)
		return;
	search_result_clear(&s->search->result);
	free(s->search->blob);
	free(s->search);	/* the rest is in the arena */
	s->search = NULL;
}

static bool
of_view(const struct search_step *step, const struct message *m, uint32_t seq,
    uint64_t keyword)
{
	switch (step->op) {
	case SEARCH_ALL:
		return true;
	case SEARCH_SET:
		return set_has(&step->set, seq);
	case SEARCH_UID:
		return set_has(&step->set, m->uid);
	case SEARCH_FLAG:
		return (m->flags & step->flag) != 0;
	case SEARCH_KEYWORD:
		return (m->keywords & keyword) != 0 ||
		    (step->flag != 0 && (m->flags & step->flag) != 0);
	case SEARCH_RECENT:
		return m->recent;
	case SEARCH_MODSEQ:
		return m->modseq >= step->number;
	default:	/* SEARCH_NEW */
		return m->recent && (m->flags & FLAG_SEEN) == 0;
	}
}

/* Where it is not known when it was saved, the internal date (RFC 8514). */
static int
get_date(struct imap *s, enum search_op op, uint32_t seq, time_t *date)
{
	if (op >= SEARCH_SAVEDBEFORE && op <= SEARCH_SAVEDSINCE) {
		if (folder_message_savedate(s->folder, seq, date) == 0)
			return 0;
		if (errno != ENOENT)
			return -1;
	}
	return folder_message_date(s->folder, seq, date);
}

static int
of_file(struct imap *s, const struct search_step *step, uint32_t seq,
    bool *yes)
{
	char id[FOLDER_EMAIL_ID_SIZE];
	uint64_t size;
	time_t date;
	int64_t days;

	if (step->op == SEARCH_LARGER || step->op == SEARCH_SMALLER) {
		if (folder_message_size(s->folder, seq, &size) == -1)
			return -1;
		*yes = step->op == SEARCH_LARGER ? size > step->number :
						   size < step->number;
		return 0;
	}
	if (step->op == SEARCH_EMAILID) {
		if (folder_email_id(s->folder, seq, id) == -1)
			return -1;
		*yes = slice_equal(step->name, slice_str(id));
		return 0;
	}
	if (get_date(s, step->op, seq, &date) == -1)
		return -1;
	if (step->op == SEARCH_OLDER || step->op == SEARCH_YOUNGER) {
		/* RFC 5032 section 3: at the interval itself both are true */
		int64_t age = s->search->now - date;

		*yes = step->op == SEARCH_OLDER ? age >= (int64_t)step->number :
						  age <= (int64_t)step->number;
		return 0;
	}
	days = (date - (date < 0 ? 86399 : 0)) / 86400;
	if (step->op == SEARCH_BEFORE || step->op == SEARCH_SAVEDBEFORE)
		*yes = days < step->days;
	else if (step->op == SEARCH_ON || step->op == SEARCH_SAVEDON)
		*yes = days == step->days;
	else
		*yes = days >= step->days;
	return 0;
}

static int
answer_cheap(struct imap *s, enum search_level level)
{
	const struct search *search = &s->command.search;
	struct search_run *r = s->search;
	const struct message *m = folder_message(s->folder, r->seq);

	for (size_t i = 0; i < search->len; i++) {
		const struct search_step *step = &search->step[i];
		bool yes = false;

		if (search_level(step->op) != level || step->op <= SEARCH_NOT)
			continue;
		if (level == LEVEL_VIEW)
			yes = of_view(step, m, r->seq, r->keywords[i]);
		else if (of_file(s, step, r->seq, &yes) == -1)
			return -1;
		r->values[i] = yes != step->negated ? TRUTH_YES : TRUTH_NO;
	}
	return 0;
}

static int
from_index(struct imap *s)
{
	struct search_run *r = s->search;
	uint32_t uid = folder_message(s->folder, r->seq)->uid;
	void *blob;
	size_t len;
	int ret;

	if (folder_cache_get(s->folder, uid, IMAP_BLOB_FIELDS, &blob, &len) ==
	    -1)
		return -1;
	ret = search_fields_answer(slice_of(blob, len), &s->command.search,
	    r->needles, r->values);
	free(blob);
	return ret;
}

/* The index gets to know what clients look for, and this one is answered. */
static int
to_index(struct imap *s, int fd)
{
	struct search_run *r = s->search;
	struct slice section;
	size_t len;
	ssize_t n;

	if (r->blob == NULL && (r->blob = malloc(SEARCH_FIELDS_BLOB_MAX +
	    SEARCH_HEADER_MAX)) == NULL)
		return -1;
	n = pread(fd, r->blob + SEARCH_FIELDS_BLOB_MAX, SEARCH_HEADER_MAX, 0);
	if (n == -1)
		return -1;
	section = slice_of(r->blob + SEARCH_FIELDS_BLOB_MAX, (size_t)n);
	section.len = header_section_len(section);
	if ((len = search_fields_make(section, r->blob)) == 0)
		return -1;
	folder_cache_put(s->folder, folder_message(s->folder, r->seq)->uid,
	    IMAP_BLOB_FIELDS, r->blob, len);
	return search_fields_answer(slice_of(r->blob, len),
	    &s->command.search, r->needles, r->values);
}

static int
answer_inside(struct imap *s, enum search_level level)
{
	struct search_run *r = s->search;
	bool fields = level == LEVEL_HEADER && r->fields;
	int fd, ret;

	if (fields && from_index(s) == 0)
		return 0;
	if ((fd = folder_message_open(s->folder, r->seq)) == -1)
		return -1;
	if (fields && to_index(s, fd) == 0) {
		close(fd);
		return 0;
	}
	ret = (level == LEVEL_HEADER ? search_header : search_body)(fd,
	    &s->command.search, r->needles, r->values);
	close(fd);
	return ret;
}

/* A message that is gone, or cannot be read, does not match. */
static bool
is_match(struct imap *s)
{
	struct search_run *r = s->search;
	enum truth t = TRUTH_UNKNOWN;

	if (folder_message(s->folder, r->seq)->gone)
		return false;
	for (size_t i = 0; i < s->command.search.len; i++)
		r->values[i] = TRUTH_UNKNOWN;
	for (int level = LEVEL_VIEW; level < LEVELS && t == TRUTH_UNKNOWN;
	    level++) {
		int ret = level < LEVEL_HEADER ?
		    answer_cheap(s, (enum search_level)level) :
		    answer_inside(s, (enum search_level)level);

		if (ret == -1) {
			if (errno != ENOENT)
				log_warning("search-failed",
				    LOG_SID(s->session.id), LOG_ERRNO(errno));
			return false;
		}
		t = search_combine(&s->command.search, r->values, r->stack);
	}
	return t == TRUTH_YES;
}

static bool
finish(struct imap *s)
{
	if (imap_sync(s, s->command.uid ? 0 : SYNC_KEEP_EXPUNGED) == 0)
		imap_ok_modseq(s, "searched");
	return false;
}

static bool
produce_plain(struct imap *s)
{
	return search_write_plain(s, &s->search->result) || finish(s);
}

/* All are found. */
static bool
tell(struct imap *s)
{
	const struct search_return *w = &s->command.returns;
	struct search_result *r = &s->search->result;

	if ((w->options & RETURN_SAVE) != 0 && search_save(s, r, w) == -1) {
		imap_no(s, "[LIMIT] too many results to keep");
		return false;
	}
	if (!w->extended) {
		imap_begin(s, produce_plain);
		return true;
	}
	/* RFC 5182 section 2.2: saved, and that is all */
	if (w->options != RETURN_SAVE)
		search_write_extended(s, r, w);
	return finish(s);
}

/* RFC 5182 section 2.1: NO leaves nothing in "$". */
static void
forget_saved(struct imap *s)
{
	if ((s->command.returns.options & RETURN_SAVE) != 0)
		imap_saved_clear(s);
}

static bool
produce_search(struct imap *s)
{
	struct search_run *r = s->search;

	if (r->seq == folder_count(s->folder))
		return tell(s);
	r->seq++;
	if (is_match(s) && search_hit(&r->result,
	    folder_message(s->folder, r->seq), r->seq) == -1) {
		imap_no_errno(s, errno);
		forget_saved(s);
		return false;
	}
	imap_progress(s, r->seq, folder_count(s->folder));
	return true;
}

static int
prepare_keyword(struct imap *s, struct search_step *step, uint64_t *bit)
{
	int n;

	*bit = 0;
	if (slice_equal_nocase(step->name, SLICE_LITERAL("$Forwarded")))
		step->flag = FLAG_PASSED;
	else if ((n = folder_keyword_number(s->folder, step->name, false)) >= 0)
		*bit = UINT64_C(1) << n;
	return 0;
}

static int
prepare_step(struct imap *s, struct search_run *r, size_t i)
{
	struct search_step *step = &s->command.search.step[i];
	size_t count = folder_count(s->folder);
	uint32_t last = count == 0 ? 1 : folder_message(s->folder, count)->uid;

	if ((step->op == SEARCH_SET || step->op == SEARCH_UID) &&
	    step->set.saved) {	/* ascending already, and only read */
		step->op = SEARCH_UID;
		step->set = s->saved;
		return 0;
	}
	switch (step->op) {
	case SEARCH_KEYWORD:
		return prepare_keyword(s, step, &r->keywords[i]);
	case SEARCH_SET:
		set_normalise(&step->set, count == 0 ? 1 : (uint32_t)count);
		return 0;
	case SEARCH_UID:
		set_normalise(&step->set, last);
		return 0;
	case SEARCH_HEADER:
	case SEARCH_BODY:
	case SEARCH_TEXT:
		return needle_init(&r->needles[i], step->text, &s->arena);
	default:
		return 0;
	}
}

int
search_next(struct imap *s, uint32_t *seq)
{
	struct search_run *r = s->search;

	if (r->seq == folder_count(s->folder))
		return -1;
	*seq = ++r->seq;
	return is_match(s);
}

/* Many searches are for no text, and then need nothing for it. */
static size_t
count_texts(const struct search *search)
{
	size_t n = 0;

	for (size_t i = 0; i < search->len; i++)
		n += search_level(search->step[i].op) >= LEVEL_HEADER;
	return n;
}

static bool
make_room(struct imap *s, struct search_run *r, const struct search *search)
{
	size_t n = search->len, texts = count_texts(search);

	if (texts > SEARCH_TEXTS_MAX)
		return false;
	r->values = arena_alloc(&s->arena, n, sizeof(*r->values));
	r->stack = arena_alloc(&s->arena, n, sizeof(*r->stack));
	r->keywords = arena_alloc(&s->arena, n, sizeof(*r->keywords));
	if (texts > 0)
		r->needles = arena_alloc(&s->arena, n, sizeof(*r->needles));
	return r->values != NULL && r->stack != NULL && r->keywords != NULL &&
	       (r->needles != NULL || texts == 0);
}

int
search_begin(struct imap *s, const struct imap_command *c)
{
	size_t n = c->search.len;
	struct search_run *r;

	if (c->search.modseq && imap_enable_condstore(s) == -1)
		return -1;
	s->search = r = calloc(1, sizeof(*r));
	if (r == NULL || !make_room(s, r, &c->search)) {
		imap_no(s, "[LIMIT] too many criteria");
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		if (prepare_step(s, r, i) == -1) {
			imap_no(s, "[LIMIT] the criteria are too long");
			return -1;
		}
	r->now = time(NULL);
	r->fields = search_fields_enough(&c->search);
	return 0;
}

void
do_search(struct imap *s, const struct imap_command *c)
{
	struct search_return *w = &s->command.returns;

	/* RFC 6855 section 3; RFC 9051 section 6.4.4 lets it be UTF-8 */
	if (c->search.has_charset && !imap_is_rev2(s) && imap_is_utf8(s)) {
		imap_bad(s, "with UTF8=ACCEPT all criteria are in UTF-8");
		return;
	}
	if (imap_is_rev2(s) && !w->extended)
		*w = (struct search_return){ .extended = true,
			.options = RETURN_ALL };
	if (search_begin(s, c) == -1)
		forget_saved(s);
	else
		imap_begin(s, produce_search);
}
