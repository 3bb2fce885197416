#include "imapd/session/fetch_fields.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/message/header.h"
#include "imapd/session/blob_kinds.h"
#include "imapd/session/render.h"
#include "imapd/session/session.h"

enum { FIRST_READ = 8 * 1024, HEADER_MAX = 1024 * 1024 };

static struct header_names
names_of(const struct fetch_item *item)
{
	return (struct header_names){ item->names, item->names_len };
}

/* There is one. */
static struct header_names
asked(const struct imap *s)
{
	const struct fetch_item *item = s->command.fetch.item;

	while (item->kind != FETCH_FIELDS)
		item++;
	return names_of(item);
}

static int
from_index(struct imap *s, uint32_t uid, struct fetch_fields *f)
{
	size_t len;

	if (folder_cache_get(
		s->folder, uid, IMAP_BLOB_HEADER, &f->blob, &len) == -1)
		return -1;
	if (header_kept_parse(slice_of(f->blob, len), &f->kept) != PARSE_OK) {
		fetch_fields_clear(f);
		return -1;
	}
	return header_kept_has(&f->kept, asked(s)) ? 0 : -1;
}

/* The header section at the front of a file; *to is the caller's. */
static int
read_section(int fd, char **to, struct slice *section)
{
	char *at = NULL, *more;
	size_t size = FIRST_READ, len = 0;
	ssize_t n;

	for (;; size *= 4) {
		if (size > HEADER_MAX)
			size = HEADER_MAX;
		if ((more = realloc(at, size)) == NULL)
			break;
		at = more;
		n = pread(fd, at + len, size - len, (off_t)len);
		if (n == -1)
			break;
		len += (size_t)n;
		*section = slice_of(at, len);
		section->len = header_section_len(*section);
		if (section->len < len || len < size || size == HEADER_MAX) {
			*to = at;
			return 0;
		}
	}
	free(at);
	return -1;
}

/* What the index had, which was not enough, is kept on. */
static int
from_file(struct imap *s, uint32_t uid, int fd, struct fetch_fields *f)
{
	struct slice section,
	    known = f->blob == NULL ? slice_of("", 0) : f->kept.names;
	struct buffer b = { 0 };
	char *octets;

	if (read_section(fd, &octets, &section) == -1)
		return -1;
	header_kept_make(&b, section, asked(s), known);
	free(octets);
	fetch_fields_clear(f);
	if (b.failed) {
		free(b.at);
		errno = ENOMEM;
		return -1;
	}
	f->blob = b.at;
	(void)header_kept_parse(slice_of(b.at, b.len), &f->kept);
	folder_cache_put(s->folder, uid, IMAP_BLOB_HEADER, b.at, b.len);
	return 0;
}

int
fetch_fields_get(struct imap *s, size_t seq, struct message_file *file,
    struct fetch_fields *f)
{
	uint32_t uid = folder_message(s->folder, seq)->uid;

	if (from_index(s, uid, f) == 0)
		return 0;
	if (message_file_open(file, s->folder, seq) == -1)
		return -1;
	return from_file(s, uid, file->fd, f);
}

int
fetch_fields_begin(
    const struct fetch_fields *f, const struct fetch_item *item, struct body *b)
{
	struct buffer out = { 0 };

	header_fields_add(&out, f->kept.lines, names_of(item), false);
	buffer_add_slice(&out, SLICE_LITERAL("\r\n"));
	return body_of_text(b, item, &out) == -1 ? -1 : 1;
}

void
fetch_fields_clear(struct fetch_fields *f)
{
	free(f->blob);
	*f = (struct fetch_fields){ 0 };
}
