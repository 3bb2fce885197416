/*
 * A message as smtpd hands it on (lines that end with CRLF), and changes as a
 * milter would ask for them: whatever both are, what comes out is lines again,
 * and joins what stays of the message as the old beginning did.
 */
#include <stdlib.h>
#include <unistd.h>

#include "common/smtp/data.h"
#include "milterd/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Octets off the front of the input. */
static struct slice
take(struct slice *in, size_t n)
{
	struct slice s = slice_of(in->at, n < in->len ? n : in->len);

	*in = slice_skip(*in, s.len);
	return s;
}

static size_t
number(struct slice *in)
{
	struct slice s = take(in, 1);

	return s.len == 0 ? 0 : (unsigned char)s.at[0];
}

/* Content in parts of size octets, line ends made whole. */
static void
fill(struct message *m, struct slice text, size_t size)
{
	char *copy = malloc(2 * text.len + 2);
	size_t n = 0;

	for (size_t i = 0; copy != NULL && i < text.len; i++) {
		if (text.at[i] == '\r')
			continue;
		if (text.at[i] == '\n')
			copy[n++] = '\r';
		copy[n++] = text.at[i];
	}
	for (size_t at = 0; at < n; at += size) {
		size_t len = n - at < size ? n - at : size;
		int fd = content_sealed_copy(copy + at, len);

		if (fd != -1)
			(void)parts_add(&m->parts, fd, (uint32_t)len);
	}
	free(copy);
}

static void
change(struct message *m, struct slice *in)
{
	static const char *const names[] = { "A", "Subject", "X-Long-Name",
		"received" };
	size_t what = number(in), place = number(in);
	struct slice name = slice_str(names[place % 4]);
	struct slice value = take(in, number(in));

	if (what & 1)
		(void)message_insert(m, (uint32_t)place, name, value, what & 2);
	else
		(void)message_change(m, (uint32_t)place, name, value, what & 2);
}

static void
new_body(struct message *m, struct slice text)
{
	struct body b;

	body_init(&b, 1 << 20);
	while (text.len > 0)
		if (body_append(&b, take(&text, 7)) == -1)
			break;
	if (text.len == 0)
		(void)body_finish(&b, m);
	body_clear(&b);
}

static char
last_octet(const struct part *p)
{
	char c = '\0';

	return pread(p->fd, &c, 1, (off_t)p->octets - 1) == 1 ? c : '\0';
}

static void
check(struct message *m)
{
	struct smtp_data data;
	struct parts made;
	uint32_t kept;
	char last = '\n';

	if (message_rebuild(m, &made, &kept) == -1)
		return;
	smtp_data_init(&data);
	for (uint32_t i = 0; i < made.n; i++) {
		char *buf = malloc(made.at[i].octets + 1);

		if (buf == NULL || pread(made.at[i].fd, buf, made.at[i].octets,
				       0) != (ssize_t)made.at[i].octets)
			abort();
		smtp_data_chunk(&data, buf, made.at[i].octets);
		if (made.at[i].octets > 0)
			last = buf[made.at[i].octets - 1];
		free(buf);
	}
	if (smtp_data_is_bare(&data) || kept > m->parts.n)
		abort();
	if (kept > 0 && kept < m->parts.n &&
	    last != last_octet(&m->parts.at[kept - 1]))
		abort();
	parts_clear(&made);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct slice in = slice_of(bytes, size);
	struct message m = { .n_fields = 0 };
	size_t changes = number(&in) % 8, piece = number(&in) + 1;
	struct slice text = take(&in, number(&in) * 4);
	bool body = number(&in) & 1;
	static char value[2 * MESSAGE_HEADER_MAX + 8];

	fill(&m, text, piece);
	if (message_read(&m, 0) == MESSAGE_OK) {
		for (uint32_t i = 0; i < m.n_fields; i++)
			(void)field_value(&m.fields[i], i & 1, value);
		while (changes-- > 0)
			change(&m, &in);
		if (body)
			new_body(&m, in);
		check(&m);
	}
	message_clear(&m);
	return 0;
}
