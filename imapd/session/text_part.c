#include "imapd/session/text_part.h"

#include <unistd.h>

#include "common/message/charset.h"
#include "common/message/transfer.h"

enum { READ_SIZE = 2048 };

static const struct charset *
charset_of_part(const struct mime *m, const struct mime_part *p)
{
	for (uint32_t i = 0; i < p->type.count; i++) {
		const struct mime_param *q = &m->params[p->type.first + i];

		if (slice_equal_nocase(mime_string(m, q->name),
		    SLICE_LITERAL("charset")))
			return charset_of(mime_string(m, q->value));
	}
	return NULL;
}

int
text_part_decode(int fd, const struct mime *m, const struct mime_part *p,
    text_part_feed *feed, void *ctx)
{
	enum transfer_encoding e =
	    transfer_encoding_of(mime_string(m, p->encoding));
	const struct charset *charset = charset_of_part(m, p);
	struct charset_state cst = { 0 };
	struct transfer_state st = { 0 };
	char in[READ_SIZE], octets[READ_SIZE + TRANSFER_HELD_MAX],
	    utf8[CHARSET_ROOM(sizeof(octets)) + 4];
	uint64_t at = p->body.raw;

	for (;;) {
		struct text decoded = text_in(octets, sizeof(octets));
		struct text text = text_in(utf8, sizeof(utf8));
		uint64_t left = p->raw_end - at;
		ssize_t n = pread(fd, in,
		    left < READ_SIZE ? (size_t)left : READ_SIZE, (off_t)at);

		if (n == -1)
			return -1;
		if (n > 0)
			transfer_decode(e, &st, slice_of(in, (size_t)n),
			    &decoded);
		else
			transfer_finish(e, &st, &decoded);
		charset_decode(charset, &cst, text_since(&decoded, 0), &text);
		if (n == 0)
			charset_finish(charset, &cst, &text);
		if (!feed(ctx, text_since(&text, 0)) || n == 0)
			return 0;
		at += (uint64_t)n;
	}
}
