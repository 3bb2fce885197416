#include "milterd/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/stdlib.h>

/* ---- parts ---- */

int
parts_add(struct parts *p, int fd, uint32_t octets)
{
	if (p->n == p->room) {
		uint32_t room = p->room == 0 ? 1 : p->room * 2;
		struct part *more = reallocarray(p->at, room, sizeof(*more));

		if (more == NULL) {
			close(fd);
			return -1;
		}
		p->at = more;
		p->room = room;
	}
	p->at[p->n++] = (struct part){ fd, octets };
	p->total += octets;
	return 0;
}

void
parts_clear(struct parts *p)
{
	while (p->n > 0)
		close(p->at[--p->n].fd);
	free(p->at);
	*p = (struct parts){ 0 };
}

static int
read_all(int fd, char *to, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t n = pread(fd, to, len, at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		to += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
parts_read(const struct parts *p, uint64_t at, void *buf, size_t size)
{
	size_t done = 0;

	for (uint32_t i = 0; i < p->n && done < size; i++) {
		size_t n;

		if (at >= p->at[i].octets) {
			at -= p->at[i].octets;
			continue;
		}
		n = p->at[i].octets - (size_t)at;
		if (n > size - done)
			n = size - done;
		if (read_all(p->at[i].fd, (char *)buf + done, n, (off_t)at) ==
		    -1)
			return -1;
		done += n;
		at = 0;
	}
	return (ssize_t)done;
}

/* ---- fields ---- */

void
message_clear(struct message *m)
{
	while (m->n_fields > 0)
		free(m->fields[--m->n_fields].text);
	free(m->fields);
	parts_clear(&m->parts);
	parts_clear(&m->body);
	*m = (struct message){ 0 };
}

/* text becomes the message's. */
static int
put_field(struct message *m, uint32_t place, struct field f)
{
	if (m->n_fields >= MESSAGE_FIELDS_MAX ||
	    m->header_octets + f.len > 2 * MESSAGE_HEADER_MAX)
		goto failed;
	if (m->n_fields == m->room) {
		uint32_t room = m->room == 0 ? 32 : m->room * 2;
		struct field *more =
		    reallocarray(m->fields, room, sizeof(*more));

		if (more == NULL)
			goto failed;
		m->fields = more;
		m->room = room;
	}
	if (place > m->n_fields)
		place = m->n_fields;
	memmove(m->fields + place + 1, m->fields + place,
	    (m->n_fields - place) * sizeof(*m->fields));
	m->fields[place] = f;
	m->n_fields++;
	m->header_octets += f.len;
	return 0;
failed:
	free(f.text);
	return -1;
}

static int
keep_field(struct message *m, struct slice text, size_t name_len, bool own)
{
	struct field f = { .text = malloc(text.len + 1),
		.len = (uint32_t)text.len,
		.name_len = (uint16_t)name_len,
		.own = own };

	if (f.text == NULL)
		return -1;
	memcpy(f.text, text.at, text.len);
	return put_field(m, m->n_fields, f);
}

/* The name at the front of a line that begins a field; 0: it begins none. */
static size_t
name_of_line(struct slice line)
{
	size_t n = 0, end;

	while (n < line.len && line.at[n] > ' ' && line.at[n] <= '~' &&
	       line.at[n] != ':')
		n++;
	for (end = n;
	     end < line.len && (line.at[end] == ' ' || line.at[end] == '\t');
	     end++)
		;
	return n <= 65535 && end < line.len && line.at[end] == ':' ? n : 0;
}

/* One line off the front, its end included; none where that is missing. */
static struct slice
take_line(struct slice *in)
{
	const char *lf = in->len > 0 ? memchr(in->at, '\n', in->len) : NULL;
	size_t n = lf == NULL ? in->len : (size_t)(lf - in->at) + 1;
	struct slice line = slice_of(in->at, n);

	*in = slice_skip(*in, n);
	return line;
}

static bool
continues(struct slice rest)
{
	return rest.len > 0 && (rest.at[0] == ' ' || rest.at[0] == '\t');
}

/*
 * The fields at the front of in; *used: their octets, with the empty line that
 * ends them.  in is as much of the message as may be a header section; *cut:
 * it ends before a line does of which it would have to be known.
 */
static int
take_fields(struct message *m, struct slice in, size_t *used, bool *cut)
{
	struct slice rest = in;

	*cut = false;
	for (;;) {
		struct slice before = rest, line = take_line(&rest);
		size_t name = name_of_line(line);

		if (line.len <= 2 && line.len > 0 && line.at[0] == '\r') {
			*used = in.len - rest.len;
			return 0;
		}
		if (name == 0) { /* text that no empty line parts */
			*used = in.len - before.len;
			*cut = line.len == 0 || line.at[line.len - 1] != '\n';
			return 0;
		}
		while (continues(rest))
			line.len += take_line(&rest).len;
		if (keep_field(m, line, name, false) == -1)
			return -1;
	}
}

enum message_fault
message_read(struct message *m, uint32_t own)
{
	size_t size = MESSAGE_HEADER_MAX + own, used;
	char *head;
	ssize_t len;
	bool whole, cut;

	if (own > m->parts.total || own > MESSAGE_HEADER_MAX)
		return MESSAGE_FAILED;
	whole = m->parts.total <= size;
	if (whole)
		size = (size_t)m->parts.total;
	if ((head = malloc(size + 1)) == NULL)
		return MESSAGE_FAILED;
	len = parts_read(&m->parts, 0, head, size);
	if (len < own ||
	    (own > 0 && keep_field(m, slice_of(head, own),
			    name_of_line(slice_of(head, own)), true) == -1)) {
		free(head);
		return MESSAGE_FAILED;
	}
	if (take_fields(m, slice_of(head + own, (size_t)len - own), &used,
		&cut) == -1) {
		free(head);
		return m->n_fields >= MESSAGE_FIELDS_MAX ? MESSAGE_HEADER_LONG
							 : MESSAGE_FAILED;
	}
	free(head);
	m->body_at = own + used;
	return !whole && (cut || used >= MESSAGE_HEADER_MAX)
		   ? MESSAGE_HEADER_LONG
		   : MESSAGE_OK;
}

ssize_t
message_body(const struct message *m, uint64_t at, void *buf, size_t size)
{
	if (m->body_changed)
		return parts_read(&m->body, at, buf, size);
	return parts_read(&m->parts, m->body_at + at, buf, size);
}

struct slice
field_name(const struct field *f)
{
	return slice_of(f->text, f->name_len);
}

struct slice
field_value(const struct field *f, bool whole, char *out)
{
	const char *colon =
	    memchr(f->text + f->name_len, ':', f->len - f->name_len);
	size_t n = 0, len = f->len;

	while (
	    len > 0 && (f->text[len - 1] == '\n' || f->text[len - 1] == '\r'))
		len--;
	/* sendmail takes off one blank, and not a tab. */
	for (const char *p = colon + 1; p < f->text + len; p++)
		if (*p != '\r' && (whole || p != colon + 1 || *p != ' '))
			out[n++] = *p;
	return slice_of(out, n);
}

/* ---- changes ---- */

/* Without line ends behind it: they would be a line of their own. */
static struct slice
without_end(struct slice s)
{
	while (
	    s.len > 0 && (s.at[s.len - 1] == '\n' || s.at[s.len - 1] == '\r'))
		s.len--;
	return s;
}

static size_t
put_value(char *to, struct slice value)
{
	size_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];

		if (c == '\r' && i + 1 < value.len && value.at[i + 1] == '\n')
			continue;
		if (c != '\n' && c != '\r') {
			to[n++] = c;
			continue;
		}
		to[n++] = '\r';
		to[n++] = '\n';
		if (i + 1 == value.len ||
		    (value.at[i + 1] != ' ' && value.at[i + 1] != '\t'))
			to[n++] = '\t';
	}
	return n;
}

static int
make_field(struct field *f, struct slice name, struct slice value, bool whole)
{
	size_t n = name.len;

	value = without_end(value);
	if (value.len > MESSAGE_HEADER_MAX)
		return -1;
	/* At worst each octet is a line end. */
	*f = (struct field){ .text = malloc(name.len + 3 * value.len + 4),
		.name_len = (uint16_t)name.len };
	if (f->text == NULL)
		return -1;
	memcpy(f->text, name.at, name.len);
	f->text[n++] = ':';
	if (!whole)
		f->text[n++] = ' ';
	n += put_value(f->text + n, value);
	f->text[n++] = '\r';
	f->text[n++] = '\n';
	f->len = (uint32_t)n;
	return 0;
}

int
message_insert(struct message *m, uint32_t place, struct slice name,
    struct slice value, bool whole)
{
	struct field f;

	if (make_field(&f, name, value, whole) == -1)
		return -1;
	m->header_changed = true;
	return put_field(m, place, f);
}

static struct field *
find(struct message *m, uint32_t index, struct slice name)
{
	for (uint32_t i = 0; i < m->n_fields; i++)
		if (!m->fields[i].own &&
		    slice_equal_nocase(field_name(&m->fields[i]), name) &&
		    (index <= 1 || --index == 0))
			return &m->fields[i];
	return NULL;
}

static void
remove_field(struct message *m, struct field *f)
{
	size_t place = (size_t)(f - m->fields);

	m->header_octets -= f->len;
	free(f->text);
	m->n_fields--;
	memmove(f, f + 1, (m->n_fields - place) * sizeof(*f));
	m->header_changed = true;
}

int
message_change(struct message *m, uint32_t index, struct slice name,
    struct slice value, bool whole)
{
	struct field *f = find(m, index, name), made;

	if (value.len == 0) {
		if (f != NULL)
			remove_field(m, f);
		return 0;
	}
	if (f == NULL)
		return message_insert(m, UINT32_MAX, name, value, whole);
	if (make_field(&made, name, value, whole) == -1)
		return -1;
	m->header_octets += made.len;
	m->header_octets -= f->len;
	free(f->text);
	*f = made;
	m->header_changed = true;
	return m->header_octets <= 2 * MESSAGE_HEADER_MAX ? 0 : -1;
}

/* ---- new content ---- */

/* Seal what there is of a part, and begin another. */
static int
close_part(struct parts *p, struct content *c)
{
	uint32_t octets;
	int fd = content_seal(c, &octets);

	return fd == -1 ? -1 : parts_add(p, fd, octets);
}

static int
write_out(struct parts *p, struct content *c, struct slice s)
{
	while (s.len > 0) {
		size_t n = content_room(c) < s.len ? content_room(c) : s.len;
		struct iovec iov = { (char *)(uintptr_t)s.at, n };

		if (n == 0 && close_part(p, c) == -1)
			return -1;
		if (n > 0 && content_append(c, &iov, 1) == -1)
			return -1;
		s = slice_skip(s, n);
	}
	return 0;
}

void
body_init(struct body *b, uint64_t max)
{
	*b = (struct body){ .max = max };
	content_init(&b->content);
}

void
body_clear(struct body *b)
{
	parts_clear(&b->parts);
	content_clear(&b->content);
}

static int
body_write(struct body *b, struct slice s)
{
	if (b->content.total + s.len > b->max)
		return -1;
	if (s.len > 0)
		b->in_line = s.at[s.len - 1] != '\n';
	return write_out(&b->parts, &b->content, s);
}

int
body_append(struct body *b, struct slice s)
{
	while (s.len > 0) {
		size_t n = 0;

		if (b->cr && s.at[0] != '\n')
			return -1;
		if (b->cr || s.at[0] == '\n') {
			b->cr = false;
			if (body_write(b, SLICE_LITERAL("\r\n")) == -1)
				return -1;
			s = slice_skip(s, 1);
			continue;
		}
		while (n < s.len && s.at[n] != '\r' && s.at[n] != '\n')
			n++;
		if (body_write(b, slice_of(s.at, n)) == -1)
			return -1;
		b->cr = n < s.len && s.at[n] == '\r';
		s = slice_skip(s, b->cr ? n + 1 : n);
	}
	return 0;
}

int
body_finish(struct body *b, struct message *m)
{
	if (b->cr || (b->in_line && body_write(b, SLICE_LITERAL("\r\n")) == -1))
		return -1;
	if (b->content.fd != -1 && close_part(&b->parts, &b->content) == -1)
		return -1;
	parts_clear(&m->body);
	m->body = b->parts;
	b->parts = (struct parts){ 0 };
	m->body_changed = true;
	return 0;
}

/* Octets of p from one place to another behind what is written. */
static int
copy(const struct parts *p, uint64_t at, uint64_t end, struct parts *made,
    struct content *c)
{
	char buf[8192];

	while (at < end) {
		size_t size =
		    end - at < sizeof(buf) ? (size_t)(end - at) : sizeof(buf);
		ssize_t n = parts_read(p, at, buf, size);

		if (n <= 0 ||
		    write_out(made, c, slice_of(buf, (size_t)n)) == -1)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

/*
 * The body: a new one whole, so that a small message stays in one piece; of
 * the old one what follows the header section in the part in which that ends.
 */
static int
copy_body(const struct message *m, struct parts *made, struct content *c,
    uint32_t *kept)
{
	uint64_t end = 0;

	*kept = m->parts.n;
	if (m->body_changed)
		return copy(&m->body, 0, m->body.total, made, c);
	for (*kept = 0; *kept < m->parts.n && end < m->body_at; (*kept)++)
		end += m->parts.at[*kept].octets;
	return copy(&m->parts, m->body_at, end, made, c);
}

static int
rebuild(const struct message *m, struct parts *made, struct content *c,
    uint32_t *kept)
{
	for (uint32_t i = 0; i < m->n_fields; i++)
		if (write_out(made, c,
			slice_of(m->fields[i].text, m->fields[i].len)) == -1)
			return -1;
	if (write_out(made, c, SLICE_LITERAL("\r\n")) == -1 ||
	    copy_body(m, made, c, kept) == -1)
		return -1;
	return close_part(made, c);
}

int
message_rebuild(struct message *m, struct parts *made, uint32_t *kept)
{
	struct content c;
	int result;

	*made = (struct parts){ 0 };
	content_init(&c);
	result = rebuild(m, made, &c, kept);
	content_clear(&c);
	if (result == -1)
		parts_clear(made);
	return result;
}
