#include "imapd/session/message.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/message/transfer.h"
#include "imapd/session/blob_kinds.h"
#include "imapd/session/render.h"

enum { BLOB_VERSION = 2, READ_SIZE = 4096 };

/* The blob begins with this; parts and the three texts follow. */
struct head {
	uint32_t	version, parts;
	uint32_t	envelope, body, bodystructure;	/* lengths */
	uint32_t	unused;
	uint64_t	file_size;
};

struct mime *
message_parse(int fd)
{
	struct mime_parser *p = mime_parser_new(&mime_default_limits);
	char buf[READ_SIZE];
	struct mime *m = NULL;
	off_t at = 0;
	ssize_t n = -1;

	if (p == NULL)
		return NULL;
	while ((n = pread(fd, buf, sizeof(buf), at)) > 0) {
		mime_feed(p, slice_of(buf, (size_t)n));
		at += n;
	}
	if (n == 0 && (m = mime_finish(p)) == NULL)
		errno = ENOMEM;
	mime_parser_free(p);
	return m;
}

int
message_file_open(struct message_file *file, struct folder *f, size_t seq)
{
	if (file->fd == -1)
		file->fd = folder_message_open(f, seq);
	return file->fd == -1 ? -1 : 0;
}

const struct mime *
message_file_parse(struct message_file *file, struct folder *f, size_t seq)
{
	if (file->mime == NULL && message_file_open(file, f, seq) == 0)
		file->mime = message_parse(file->fd);
	return file->mime;
}

void
message_file_forget(struct message_file *file)
{
	if (file->mime != NULL)
		mime_free(file->mime);
	file->mime = NULL;
}

void
message_file_close(struct message_file *file)
{
	message_file_forget(file);
	if (file->fd != -1)
		close(file->fd);
	*file = MESSAGE_FILE_NONE;
}

/* What holds other parts is not encoded, whatever it says (RFC 2045 section
 * 6.4). */
static uint32_t
encoding_of(const struct mime *m, const struct mime_part *p)
{
	struct slice name = mime_string(m, p->encoding);

	if (p->kind == MIME_MULTIPART || p->kind == MIME_MESSAGE)
		return TRANSFER_IDENTITY;
	return transfer_encoding_is_known(name) ?
	    (uint32_t)transfer_encoding_of(name) : PART_ENCODING_UNKNOWN;
}

static void
add_parts(const struct mime *m, struct buffer *b)
{
	for (uint32_t i = 0; i < m->parts_len; i++) {
		const struct mime_part *p = &m->parts[i];
		struct part_place place = { .header_at = p->header.raw,
			.body_at = p->body.raw, .end = p->raw_end,
			.header_octets = mime_header_octets(p),
			.octets = p->octets, .first_child = p->first_child,
			.next = p->next, .kind = p->kind,
			.encoding = encoding_of(m, p) };

		buffer_add_slice(b, slice_of(&place, sizeof(place)));
	}
}

static int
make_blob(const struct mime *m, struct buffer *b)
{
	struct head h = { .version = BLOB_VERSION, .parts = m->parts_len,
		.file_size = m->end.raw };
	size_t from;

	buffer_add_slice(b, slice_of(&h, sizeof(h)));
	add_parts(m, b);
	from = b->len;
	render_envelope(m, b);
	h.envelope = (uint32_t)(b->len - from);
	from = b->len;
	render_structure(m, false, b);
	h.body = (uint32_t)(b->len - from);
	from = b->len;
	render_structure(m, true, b);
	h.bodystructure = (uint32_t)(b->len - from);
	if (b->failed) {
		free(b->at);
		errno = ENOMEM;
		return -1;
	}
	memcpy(b->at, &h, sizeof(h));
	return 0;
}

static bool
parts_are_sane(const struct head *h, const struct part_place *p)
{
	for (uint32_t i = 0; i < h->parts; i++)
		if (p[i].header_at > p[i].body_at || p[i].body_at > p[i].end ||
		    p[i].end > h->file_size ||
		    (p[i].kind == MIME_MESSAGE &&
			p[i].first_child == MIME_NONE) ||
		    (p[i].first_child != MIME_NONE &&
			p[i].first_child >= h->parts) ||
		    (p[i].next != MIME_NONE &&
			(p[i].next >= h->parts || p[i].next <= i)))
			return false;
	return true;
}

/* The index is a cache that its owner's processes write: trust its form only
 * as far as it has been looked at. */
static int
take_blob(void *blob, size_t len, struct message_info *info)
{
	struct head h;
	uint64_t want;
	char *at = blob;

	if (len < sizeof(h))
		return -1;
	memcpy(&h, blob, sizeof(h));
	want = sizeof(h) + (uint64_t)h.parts * sizeof(struct part_place) +
	    h.envelope + (uint64_t)h.body + h.bodystructure;
	info->part = (const void *)(at + sizeof(h));
	if (h.version != BLOB_VERSION || h.parts == 0 || want != len ||
	    !parts_are_sane(&h, info->part))
		return -1;
	at += sizeof(h) + h.parts * sizeof(struct part_place);
	info->blob = blob;
	info->parts = h.parts;
	info->file_size = h.file_size;
	info->envelope = slice_of(at, h.envelope);
	info->body = slice_of(at + h.envelope, h.body);
	info->bodystructure = slice_of(at + h.envelope + h.body,
	    h.bodystructure);
	return 0;
}

static int
from_cache(struct folder *f, uint32_t uid, int fd, struct message_info *info)
{
	struct stat st;
	void *blob;
	size_t len;

	if (folder_cache_get(f, uid, IMAP_BLOB_MESSAGE, &blob, &len) == -1)
		return -1;
	if (take_blob(blob, len, info) == 0 &&
	    (fd == -1 || (fstat(fd, &st) == 0 &&
		(uint64_t)st.st_size == info->file_size)))
		return 0;
	free(blob);
	return -1;
}

static int
from_file(struct folder *f, size_t seq, struct message_file *file,
    struct message_info *info)
{
	uint32_t uid = folder_message(f, seq)->uid;
	struct buffer b = { 0 };
	const struct mime *m = message_file_parse(file, f, seq);

	if (m == NULL || make_blob(m, &b) == -1)
		return -1;
	if (b.len <= FOLDER_CACHE_BLOB_MAX)
		folder_cache_put(f, uid, IMAP_BLOB_MESSAGE, b.at, b.len);
	return take_blob(b.at, b.len, info);
}

int
message_info_get(struct folder *f, size_t seq, struct message_file *file,
    struct message_info *info)
{
	uint32_t uid = folder_message(f, seq)->uid;

	*info = (struct message_info){ 0 };
	if (from_cache(f, uid, file->fd, info) == 0)
		return 0;
	return from_file(f, seq, file, info);
}

uint64_t
message_info_size(const struct message_info *info)
{
	return info->part[0].header_octets + info->part[0].octets;
}

void
message_info_clear(struct message_info *info)
{
	free(info->blob);
	*info = (struct message_info){ 0 };
}
