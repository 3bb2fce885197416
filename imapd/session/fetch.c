/*
 * FETCH (RFC 3501 section 6.4.5): message by message, item by item.  All that
 * can fail is made ready before the first word about a message is said.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"
#include "imapd/session/fetch_binary.h"
#include "imapd/session/fetch_extra.h"
#include "imapd/session/fetch_fields.h"
#include "imapd/session/session.h"

struct fetch {
	size_t		 range;		/* of the set */
	uint32_t	 seq;		/* the message; 0: none yet */
	bool		 in_message;	/* its response has begun */
	size_t		 item;		/* the next one */
	bool		 in_body;	/* of the section that item is */
	enum { BINARY_NONE, BINARY_MEASURED, BINARY_SENT } in_binary;
	struct binary	 binary;
	struct fetch_extra extra;
	struct fetch_fields fields;
	bool		 lazy;		/* PREVIEW */
	struct message_file file;
	uint64_t	 size;
	time_t		 date;
	struct message_info info;
	struct body	 body;
	bool		 any_gone;
	int		 failed;	/* errno of the last that failed */
	unsigned	 needs;		/* bits 1 << enum fetch_kind */
	bool		 sets_seen;
};

static void
message_end(struct fetch *f)
{
	body_end(&f->body);
	message_info_clear(&f->info);
	fetch_fields_clear(&f->fields);
	message_file_close(&f->file);
	f->in_message = f->in_body = false;
	f->in_binary = BINARY_NONE;
}

void
fetch_end(struct imap *s)
{
	if (s->fetch == NULL)
		return;
	message_end(s->fetch);
	free(s->fetch);
	s->fetch = NULL;
}

static bool
next_message(struct imap *s, struct fetch *f)
{
	const struct set *set = &s->command.set;

	if (f->range < set->len && f->seq == set->range[f->range].last)
		f->range++;
	if (f->range == set->len)
		return false;
	if (f->seq < set->range[f->range].first)
		f->seq = set->range[f->range].first;
	else
		f->seq++;
	return true;
}

static bool
is_binary(const struct fetch_item *item)
{
	return item->kind == FETCH_BINARY || item->kind == FETCH_BINARY_SIZE;
}

/* RFC 3516 section 4.3: what nobody can decode is refused beforehand. */
static int
check_encodings(struct imap *s, struct fetch *f)
{
	const struct fetch_items *items = &s->command.fetch;
	struct binary b;

	for (size_t i = 0; i < items->len; i++)
		if (is_binary(&items->item[i]) &&
		    binary_begin(&b, &f->info, f->file.fd, &items->item[i]) ==
			PARSE_BAD) {
			errno = EILSEQ;
			return -1;
		}
	return 0;
}

/* Where the name and the index do not say it, the structure does. */
static int
get_size(struct imap *s, struct fetch *f)
{
	if (f->info.blob == NULL)
		return folder_message_size(s->folder, f->seq, &f->size);
	if (folder_message_size_known(s->folder, f->seq, &f->size) == 0)
		return 0;
	f->size = message_info_size(&f->info);
	folder_message_size_found(s->folder, f->seq, f->size);
	return 0;
}

/* Read what this message's items need. */
static int
prepare(struct imap *s, struct fetch *f)
{
	unsigned inside = 1U << FETCH_ENVELOPE | 1U << FETCH_BODY |
	    1U << FETCH_BODYSTRUCTURE | 1U << FETCH_SECTION |
	    1U << FETCH_BINARY | 1U << FETCH_BINARY_SIZE;
	unsigned file = 1U << FETCH_SECTION | 1U << FETCH_BINARY |
	    1U << FETCH_BINARY_SIZE;

	if (folder_message(s->folder, f->seq)->gone) {
		errno = ENOENT;
		return -1;
	}
	if ((f->needs & file) != 0 &&
	    message_file_open(&f->file, s->folder, f->seq) == -1)
		return -1;
	if ((f->needs & 1U << FETCH_INTERNALDATE) != 0 &&
	    folder_message_date(s->folder, f->seq, &f->date) == -1)
		return -1;
	if ((f->needs & inside) != 0 &&
	    message_info_get(s->folder, f->seq, &f->file, &f->info) == -1)
		return -1;
	if ((f->needs & 1U << FETCH_SIZE) != 0 && get_size(s, f) == -1)
		return -1;
	if ((f->needs & 1U << FETCH_FIELDS) != 0 &&
	    fetch_fields_get(s, f->seq, &f->file, &f->fields) == -1)
		return -1;
	if (fetch_extra_get(
		s, f->seq, f->needs, f->lazy, &f->file, &f->extra) == -1)
		return -1;
	message_file_forget(&f->file); /* a slow client takes its time */
	return check_encodings(s, f);
}

/* True when the flag is new and the client must hear of it. */
static bool
set_seen(struct imap *s, struct fetch *f)
{
	uint32_t seq = f->seq;

	if (!f->sets_seen || s->read_only ||
	    (folder_message(s->folder, seq)->flags & FLAG_SEEN) != 0)
		return false;
	if (folder_store(s->folder, &seq, 1, STORE_ADD, FLAG_SEEN, 0) == -1) {
		log_warning("seen-not-stored", LOG_SID(s->session.id),
		    LOG_ERRNO(errno));
		return false;
	}
	imap_settle_soon(s);
	return true;
}

static void
begin_section(struct imap *s, struct fetch *f, const struct fetch_item *item)
{
	uint32_t uid = folder_message(s->folder, f->seq)->uid;
	int r = item->kind == FETCH_FIELDS
		    ? fetch_fields_begin(&f->fields, item, &f->body)
		    : body_begin(&f->body, &f->info, f->file.fd, item, uid,
			  &s->body_place);

	if (r == 0) {
		imap_write(s, SLICE_LITERAL("NIL"));
		return;
	}
	if (r == -1) {
		imap_write(s, SLICE_LITERAL("NIL"));
		f->failed = errno;
		return;
	}
	imap_print(s, "{%llu}\r\n", (unsigned long long)f->body.left);
	f->in_body = true;
}

static void
begin_binary(struct imap *s, struct fetch *f, const struct fetch_item *item)
{
	if (binary_begin(&f->binary, &f->info, f->file.fd, item) == PARSE_OK)
		f->in_binary = BINARY_MEASURED;
	else
		imap_write(s, item->kind == FETCH_BINARY ?
		    SLICE_LITERAL("NIL") : SLICE_LITERAL("0"));
}

static void
write_item(struct imap *s, struct fetch *f, const struct fetch_item *item)
{
	const struct message *m = folder_message(s->folder, f->seq);

	if (item->kind == FETCH_MODSEQ) {
		imap_write_modseq(s, m);
		return;
	}
	imap_write(s, item->label);
	imap_write(s, SLICE_LITERAL(" "));
	switch (item->kind) {
	case FETCH_UID:
		imap_write_unsigned(s, m->uid);
		break;
	case FETCH_FLAGS:
		imap_write_flags(s, m);
		break;
	case FETCH_MODSEQ: /* the label is part of it */
		break;
	case FETCH_INTERNALDATE:
		fetch_write_date(s, f->date);
		break;
	case FETCH_SIZE:
		imap_write_unsigned(s, f->size);
		break;
	case FETCH_ENVELOPE:
		imap_write(s, f->info.envelope);
		break;
	case FETCH_BODY:
		imap_write(s, f->info.body);
		break;
	case FETCH_BODYSTRUCTURE:
		imap_write(s, f->info.bodystructure);
		break;
	case FETCH_SECTION:
	case FETCH_FIELDS:
		begin_section(s, f, item);
		break;
	case FETCH_BINARY:
	case FETCH_BINARY_SIZE:
		begin_binary(s, f, item);
		break;
	default:
		fetch_extra_write(s, item->kind, &f->extra);
	}
}

/* The flags have changed, so the client hears of them. */
static void
write_seen(struct imap *s, struct fetch *f)
{
	const struct message *m = folder_message(s->folder, f->seq);
	bool condstore = (s->enabled & ENABLE_BIT(CONDSTORE)) != 0;

	imap_print(s, "FLAGS ");
	imap_write_flags(s, m);
	imap_print(s, " ");
	if (condstore && (f->needs & 1U << FETCH_MODSEQ) == 0) {
		imap_write_modseq(s, m);
		imap_print(s, " ");
	}
	if ((condstore || imap_is_rev2(s)) && (f->needs & 1U << FETCH_UID) == 0)
		imap_print(s, "UID %u ", m->uid);
}

static void
begin_message(struct imap *s, struct fetch *f)
{
	const struct fetch_modifiers *m = &s->command.fetch_modifiers;
	bool tell;

	if (m->changed &&
	    folder_message(s->folder, f->seq)->modseq <= m->changed_since)
		return;
	if (prepare(s, f) == -1) {
		if (errno == ENOENT)
			f->any_gone = true;
		else
			f->failed = errno;
		message_end(f);
		return;
	}
	tell = set_seen(s, f) && (f->needs & 1U << FETCH_FLAGS) == 0;
	imap_write(s, SLICE_LITERAL("* "));
	imap_write_unsigned(s, f->seq);
	imap_write(s, SLICE_LITERAL(" FETCH ("));
	if (tell)
		write_seen(s, f);
	f->item = 0;
	f->in_message = true;
}

/* Invariant 3: what was announced cannot be sent. */
static bool
cut_short(struct imap *s, struct fetch *f)
{
	log_error("message-cut-short", LOG_SID(s->session.id),
	    LOG_NUM("uid", folder_message(s->folder, f->seq)->uid),
	    LOG_ERRNO(errno));
	s->finishing = true;
	session_finish(&s->session);
	return false;
}

/* The size of a decoded part is known. */
static void
binary_measured(struct imap *s, struct fetch *f, int error)
{
	const struct fetch_item *item = &s->command.fetch.item[f->item - 1];
	struct binary *b = &f->binary;

	f->in_binary = BINARY_NONE;
	if (error != 0)
		f->failed = error;
	if (item->kind == FETCH_BINARY_SIZE)
		imap_print(s, "%llu",
		    (unsigned long long)(error != 0 ? 0 : b->size));
	else if (error != 0)
		imap_write(s, SLICE_LITERAL("NIL"));
	else {
		binary_rewind(b, item);
		imap_print(s, "%s{%llu}\r\n", b->has_nul ? "~" : "",
		    (unsigned long long)b->left);
		f->in_binary = BINARY_SENT;
	}
}

static bool
go_on_with_binary(struct imap *s, struct fetch *f)
{
	bool measured = f->in_binary == BINARY_MEASURED;
	int r = measured ? binary_measure(&f->binary) :
			   binary_piece(s, &f->binary);

	if (r == 1)
		return true;
	if (measured)
		binary_measured(s, f, r == -1 ? errno : 0);
	else if (r == -1)
		return cut_short(s, f);
	else
		f->in_binary = BINARY_NONE;
	return true;
}

/* One piece of a section.  false: the connection is broken. */
static bool
go_on_with_body(struct imap *s, struct fetch *f)
{
	int r = body_piece(s, &f->body);

	if (r == -1)
		return cut_short(s, f);
	if (r == 0) {
		body_end(&f->body);
		f->in_body = false;
	}
	return true;
}

static bool
finish(struct imap *s, struct fetch *f)
{
	if (imap_sync(s, s->command.uid ? 0 : SYNC_KEEP_EXPUNGED) == -1)
		return false;
	if (f->failed != 0)
		imap_no_errno(s, f->failed);
	else if (f->any_gone && !s->command.uid)
		imap_no(s, "[EXPUNGEISSUED] some of them are gone");
	else
		imap_ok_modseq(s, "fetched");
	return false;
}

/* Items until one that is long, or the end of the message's response. */
static void
write_items(struct imap *s, struct fetch *f)
{
	const struct fetch_items *items = &s->command.fetch;

	while (f->item < items->len && !f->in_body &&
	       f->in_binary == BINARY_NONE) {
		if (f->item > 0)
			imap_write(s, SLICE_LITERAL(" "));
		write_item(s, f, &items->item[f->item++]);
	}
	if (f->in_body || f->in_binary != BINARY_NONE)
		return;
	imap_write(s, SLICE_LITERAL(")\r\n"));
	message_end(f);
}

static bool
produce_fetch(struct imap *s)
{
	struct fetch *f = s->fetch;

	if (f->in_body)
		return go_on_with_body(s, f);
	if (f->in_binary != BINARY_NONE)
		return go_on_with_binary(s, f);
	if (!f->in_message) {
		if (!next_message(s, f))
			return finish(s, f);
		begin_message(s, f);
	}
	if (f->in_message)
		write_items(s, f);
	return true;
}

/* RFC 7162 section 3.2.6.  Before the set is one of sequence numbers.  "1:*"
 * has no end here: what vanished may have been the last. */
static int
begin_vanished(struct imap *s, const struct imap_command *c)
{
	struct set *set = &s->command.set, known;
	int r;

	if (imap_sync(s, 0) == -1)
		return -1;
	if (set->saved && imap_saved_to_set(s, set) == -1) {
		imap_no_errno(s, errno);
		return -1;
	}
	known = (struct set){ .len = set->len,
		.range = reallocarray(NULL, set->len + 1, sizeof(*set->range)) };
	r = known.range == NULL ? -1 : 0;
	if (r == 0) {
		if (set->len > 0)
			memcpy(known.range, set->range,
			    set->len * sizeof(*set->range));
		set_normalise(&known, UINT32_MAX);
		r = fetch_vanished(s, &known, c->fetch_modifiers.changed_since);
	}
	if (r == -1)
		imap_no_errno(s, errno);
	free(known.range);
	return r;
}

static int
begin_modifiers(struct imap *s, const struct imap_command *c)
{
	const struct fetch_modifiers *m = &c->fetch_modifiers;
	bool asked = m->changed;

	for (size_t i = 0; i < c->fetch.len; i++)
		asked |= c->fetch.item[i].kind == FETCH_MODSEQ;
	if (m->vanished && (!c->uid || !m->changed ||
			       (s->enabled & ENABLE_BIT(QRESYNC)) == 0)) {
		imap_bad(s, "VANISHED needs UID, CHANGEDSINCE and QRESYNC");
		return -1;
	}
	if (m->ranged && !c->uid) {
		imap_bad(s, "PARTIAL is for UID FETCH");
		return -1;
	}
	if (asked && imap_enable_condstore(s) == -1)
		return -1;
	if (m->changed)
		fetch_items_imply(&s->command.fetch, FETCH_MODSEQ);
	return m->vanished ? begin_vanished(s, c) : 0;
}

/* RFC 9394 section 3.3: only those messages of the set. */
static void
keep_partial(struct set *set, const struct partial *p)
{
	size_t n = 0, from, to, at = 0, kept = 0;

	for (size_t i = 0; i < set->len; i++)
		n += set->range[i].last - set->range[i].first + 1;
	partial_of(p, n, &from, &to);
	for (size_t i = 0; i < set->len; i++) {
		struct range r = set->range[i];
		size_t len = r.last - r.first + 1;
		size_t a = from > at ? from - at : 0;
		size_t b = to > at ? to - at : 0;

		at += len;
		if (b > len)
			b = len;
		if (a < b)
			set->range[kept++] = (struct range){
				r.first + (uint32_t)a,
				r.first + (uint32_t)b - 1 };
	}
	set->len = kept;
}

void
do_fetch(struct imap *s, const struct imap_command *c)
{
	struct fetch *f;

	if (begin_modifiers(s, c) == -1 ||
	    imap_set_of(s, &s->command.set, c->uid) == -1)
		return;
	if (c->fetch_modifiers.ranged)
		keep_partial(&s->command.set, &c->fetch_modifiers.partial);
	if ((f = calloc(1, sizeof(*f))) == NULL) {
		imap_no_errno(s, errno);
		return;
	}
	if (c->uid)	/* section 6.4.8: it is always told */
		fetch_items_imply(&s->command.fetch, FETCH_UID);
	f->file = MESSAGE_FILE_NONE;
	for (size_t i = 0; i < c->fetch.len; i++) {
		const struct fetch_item *item = &c->fetch.item[i];

		f->needs |= 1U << item->kind;
		f->lazy |= item->lazy;
		f->sets_seen |= (item->kind == FETCH_SECTION ||
				    item->kind == FETCH_FIELDS ||
				    item->kind == FETCH_BINARY) &&
				!item->peek;
	}
	s->fetch = f;
	imap_begin(s, produce_fetch);
}
