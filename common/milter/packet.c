#include "common/milter/packet.h"

#include <string.h>

static uint32_t
get_u32(const char *at)
{
	const unsigned char *p = (const unsigned char *)at;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void
set_u32(char *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(unsigned char)(v >> (24 - 8 * i));
}

enum parse
milter_packet_take(
    struct slice in, size_t max, struct milter_packet *p, size_t *used)
{
	uint32_t len;

	if (in.len < 4)
		return PARSE_MORE;
	len = get_u32(in.at);
	if (len == 0 || len - 1 > max)
		return PARSE_BAD;
	if (in.len - 4 < len)
		return PARSE_MORE;
	p->code = in.at[4];
	p->data = slice_of(in.at + MILTER_PACKET_HEAD, len - 1);
	*used = 4 + (size_t)len;
	return PARSE_OK;
}

void
milter_writer_init(struct milter_writer *w, void *buf, size_t size)
{
	*w = (struct milter_writer){ .at = buf, .size = size };
}

void
milter_put(struct milter_writer *w, struct slice s)
{
	if (w->failed || s.len > w->size - w->len) {
		w->failed = true;
		return;
	}
	if (s.len > 0)
		memcpy(w->at + w->len, s.at, s.len);
	w->len += s.len;
}

void
milter_put_u16(struct milter_writer *w, uint16_t v)
{
	const char octets[2] = { (char)(v >> 8), (char)(v & 255) };

	milter_put(w, slice_of(octets, 2));
}

void
milter_put_u32(struct milter_writer *w, uint32_t v)
{
	char octets[4];

	set_u32(octets, v);
	milter_put(w, slice_of(octets, 4));
}

void
milter_put_string(struct milter_writer *w, struct slice s)
{
	const char *nul = s.len > 0 ? memchr(s.at, '\0', s.len) : NULL;

	if (nul != NULL)
		s.len = (size_t)(nul - s.at);
	milter_put(w, s);
	milter_put(w, slice_of("", 1));
}

void
milter_begin(struct milter_writer *w, char code)
{
	w->start = w->len;
	milter_put_u32(w, 0);
	milter_put(w, slice_of(&code, 1));
}

void
milter_end(struct milter_writer *w)
{
	if (!w->failed)
		set_u32(w->at + w->start, (uint32_t)(w->len - w->start - 4));
}

void
milter_drop(struct milter_writer *w)
{
	w->len = w->start;
}

void
milter_head(char out[MILTER_PACKET_HEAD], char code, size_t len)
{
	set_u32(out, (uint32_t)(len + 1));
	out[4] = code;
}
