#include "common/mailbox/uidl.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/dirs.h"
#include "common/mailbox/sealed.h"

#define UIDL_FILE "bulkhead-uidl"

enum {
	LINES_MAX = 1 << 22,
	LINE_LEN_MAX = 11 + UIDL_LEN_MAX + 1, /* UID, space, UIDL, LF */
	HEAD_LEN_MAX = 256
};

int
uidls_add(struct uidls *u, uint32_t uid, const char *text)
{
	if (!uidl_is_good(slice_str(text)))
		return 0;
	if (u->count == u->size) {
		size_t size = u->size == 0 ? 64 : u->size * 2;
		struct uidl_line *lines =
		    size > LINES_MAX
			? NULL
			: reallocarray(u->lines, size, sizeof(*lines));

		if (lines == NULL)
			return -1;
		u->lines = lines;
		u->size = size;
	}
	u->lines[u->count].uid = uid;
	if (pool_add(&u->pool, text, &u->lines[u->count].text) == -1)
		return -1;
	u->count++;
	return 0;
}

void
uidls_clear(struct uidls *u)
{
	free(u->lines);
	pool_clear(&u->pool);
	*u = (struct uidls){ 0 };
}

/* ---- reading ---- */

static bool
starts(struct slice *line, const char *with)
{
	size_t len = strlen(with);

	if (line->len < len || memcmp(line->at, with, len) != 0)
		return false;
	*line = slice_skip(*line, len);
	return true;
}

/* "number rest", or "number" with nothing behind it. */
static bool
take_number(struct slice *line, uint32_t *n)
{
	const char *at =
	    line->len > 0 ? memchr(line->at, ' ', line->len) : NULL;
	size_t len = at != NULL ? (size_t)(at - line->at) : line->len;
	unsigned long long v;

	if (slice_number(slice_of(line->at, len), UINT32_MAX, &v) == -1)
		return false;
	*n = (uint32_t)v;
	*line = slice_skip(*line, at != NULL ? len + 1 : len);
	return true;
}

static bool
take_head(struct slice *in, struct uidls *u)
{
	struct slice line, ahead;

	if (!sealed_line(in, &line) ||
	    !slice_equal(line, slice_str("bulkhead-uidl 1")) ||
	    !sealed_line(in, &line) || !starts(&line, "identity ") ||
	    !take_number(&line, &u->identity) || line.len > 0)
		return false;
	ahead = *in;
	if (!sealed_line(&ahead, &line) || !starts(&line, "dovecot "))
		return true;
	*in = ahead;
	return take_number(&line, &u->uidvalidity) &&
	       take_number(&line, &u->below) && line.len == 0 && u->below > 0;
}

enum parse
uidls_parse(struct slice in, struct uidls *u)
{
	char text[UIDL_LEN_MAX + 1];
	uint32_t uid, last = 0;
	struct slice line;

	*u = (struct uidls){ 0 };
	if (!seal_take(&in) || !take_head(&in, u))
		return PARSE_BAD;
	for (; sealed_line(&in, &line); last = uid)
		if (!take_number(&line, &uid) || uid <= last ||
		    !uidl_is_good(line) ||
		    slice_copy_str(line, text, sizeof(text)) == -1 ||
		    uidls_add(u, uid, text) == -1)
			return PARSE_BAD;
	return in.len == 0 ? PARSE_OK : PARSE_BAD;
}

void
uidls_read(int dir_fd, uint32_t identity, struct uidls *u)
{
	int fd = file_open(dir_fd, UIDL_FILE, O_RDONLY);
	char *text = NULL;
	struct stat st;
	size_t size;

	*u = (struct uidls){ 0 };
	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > 0 &&
	    st.st_size <= (off_t)LINES_MAX * LINE_LEN_MAX) {
		size = (size_t)st.st_size;
		text = malloc(size);
		if (text == NULL || pread(fd, text, size, 0) != (ssize_t)size ||
		    uidls_parse(slice_of(text, size), u) != PARSE_OK ||
		    u->identity != identity)
			uidls_clear(u);
	}
	free(text);
	close(fd);
}

/* ---- writing ---- */

static int
compare_uid(const void *a, const void *b)
{
	const struct uidl_line *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

char *
uidls_print(struct uidls *u, size_t *len)
{
	size_t size = HEAD_LEN_MAX + u->count * LINE_LEN_MAX + SEAL_LEN + 1, n;
	char *to = malloc(size);

	if (to == NULL)
		return NULL;
	if (u->count > 0)
		qsort(u->lines, u->count, sizeof(*u->lines), compare_uid);
	n = (size_t)snprintf(to, size, "bulkhead-uidl 1\nidentity %lu\n",
	    (unsigned long)u->identity);
	if (u->below > 0)
		n += (size_t)snprintf(to + n, size - n, "dovecot %lu %lu\n",
		    (unsigned long)u->uidvalidity, (unsigned long)u->below);
	for (size_t i = 0; i < u->count; i++)
		n += (size_t)snprintf(to + n, size - n, "%lu %s\n",
		    (unsigned long)u->lines[i].uid,
		    u->pool.at + u->lines[i].text);
	assert(size - n > SEAL_LEN);
	*len = seal_put(to, n);
	return to;
}

int
uidls_write(int dir_fd, struct uidls *u)
{
	size_t len;
	char *text = uidls_print(u, &len);
	int r;

	if (text == NULL)
		return -1;
	r = file_replace(
	    dir_fd, UIDL_FILE, UIDL_FILE ".tmp", slice_of(text, len));
	free(text);
	return r;
}

bool
uidls_get(const struct uidls *u, uint32_t uid, char to[UIDL_LEN_MAX + 1])
{
	const struct uidl_line key = { .uid = uid }, *found = NULL;

	if (u->count > 0)
		found = bsearch(
		    &key, u->lines, u->count, sizeof(*u->lines), compare_uid);
	if (found != NULL)
		snprintf(to, UIDL_LEN_MAX + 1, "%s", u->pool.at + found->text);
	else if (uid < u->below)
		snprintf(to, UIDL_LEN_MAX + 1, "%08x%08x", (unsigned)uid,
		    (unsigned)u->uidvalidity);
	else
		return false;
	return true;
}
