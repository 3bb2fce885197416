#include "imapd/session/fetch_extra.h"

#include <errno.h>
#include <stdlib.h>

#include "common/message/date.h"
#include "imapd/session/blob_kinds.h"
#include "imapd/session/session.h"
#include "imapd/session/text_part.h"

enum { PREVIEW_BLOB_VERSION = 1 };

/* ---- PREVIEW ---- */

static bool
is_html(const struct mime *m, const struct mime_part *p)
{
	return slice_equal_nocase(mime_string(m, p->subtype),
	    SLICE_LITERAL("html"));
}

static bool
is_attachment(const struct mime *m, const struct mime_part *p)
{
	return slice_equal_nocase(mime_string(m, p->disposition.value),
	    SLICE_LITERAL("attachment"));
}

static bool
feed(void *ctx, struct slice utf8)
{
	preview_feed(ctx, utf8);
	return !preview_full(ctx);
}

/*
 * The first plain text that says something, or else the first HTML.  Parts of
 * attached messages are looked at only where there is nothing before them.
 */
static int
make_preview(int fd, const struct mime *m, struct preview *p)
{
	for (int html = 0; html < 2; html++)
		for (uint32_t i = 0; i < m->parts_len; i++) {
			const struct mime_part *part = &m->parts[i];

			if (part->kind != MIME_TEXT || is_attachment(m, part) ||
			    is_html(m, part) != (html == 1))
				continue;
			preview_init(p, html == 1);
			if (text_part_decode(fd, m, part, feed, p) == -1)
				return -1;
			if (p->len > 0)
				return 0;
		}
	preview_init(p, false);
	return 0;
}

static int
preview_from_file(struct imap *s, uint32_t seq, struct message_file *file,
    struct fetch_extra *e)
{
	uint32_t uid = folder_message(s->folder, seq)->uid;
	char blob[1 + PREVIEW_MAX] = { PREVIEW_BLOB_VERSION };
	const struct mime *m = message_file_parse(file, s->folder, seq);
	struct preview p;

	if (m == NULL || make_preview(file->fd, m, &p) == -1)
		return -1;
	memcpy(e->preview, p.at, p.len);
	e->preview_len = p.len;
	memcpy(blob + 1, p.at, p.len);
	folder_cache_put(s->folder, uid, IMAP_BLOB_PREVIEW, blob, 1 + p.len);
	return 0;
}

static int
get_preview(struct imap *s, uint32_t seq, bool lazy, struct message_file *file,
    struct fetch_extra *e)
{
	uint32_t uid = folder_message(s->folder, seq)->uid;
	char *blob;
	void *at;
	size_t len;

	e->has_preview = true;
	if (folder_cache_get(s->folder, uid, IMAP_BLOB_PREVIEW, &at, &len) ==
	    0) {
		blob = at;
		if (len >= 1 && len - 1 <= PREVIEW_MAX &&
		    blob[0] == PREVIEW_BLOB_VERSION) {
			e->preview_len = len - 1;
			memcpy(e->preview, blob + 1, len - 1);
			free(blob);
			return 0;
		}
		free(blob);
	}
	if (!lazy)
		return preview_from_file(s, seq, file, e);
	e->has_preview = false;
	return 0;
}

/* ---- all of them ---- */

int
fetch_extra_get(struct imap *s, uint32_t seq, unsigned needs, bool lazy,
    struct message_file *file, struct fetch_extra *e)
{
	if ((needs & 1U << FETCH_EMAILID) != 0 &&
	    folder_email_id(s->folder, seq, e->email_id) == -1)
		return -1;
	if ((needs & 1U << FETCH_SAVEDATE) != 0) {
		e->has_saved = folder_message_savedate(s->folder, seq,
		    &e->saved) == 0;
		if (!e->has_saved && errno != ENOENT)
			return -1;
	}
	if ((needs & 1U << FETCH_PREVIEW) != 0)
		return get_preview(s, seq, lazy, file, e);
	return 0;
}

void
fetch_write_date(struct imap *s, time_t t)
{
	int64_t days = t / 86400, rest = t % 86400;
	int year, month, day;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	date_civil(days, &year, &month, &day);
	imap_print(s, "\"%2d-%s-%04d %02d:%02d:%02d +0000\"", day,
	    date_month_name(month), year, (int)(rest / 3600),
	    (int)(rest / 60 % 60), (int)(rest % 60));
}

void
fetch_extra_write(struct imap *s, enum fetch_kind kind,
    const struct fetch_extra *e)
{
	if (kind == FETCH_EMAILID)
		imap_print(s, "(%s)", e->email_id);
	else if (kind == FETCH_SAVEDATE && e->has_saved)
		fetch_write_date(s, e->saved);
	else if (kind == FETCH_PREVIEW && e->has_preview)
		imap_write_string(s, slice_of(e->preview, e->preview_len));
	else	/* THREADID: RFC 8474 section 5.2 lets it be unknown */
		imap_write(s, SLICE_LITERAL("NIL"));
}
