#include "common/accounts/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN_MAX	48	/* octets of a table's text in one message */
#define ROWS_FIRST	64

int
table_error_set(struct table_error *err, unsigned line, const char *fmt, ...)
{
	va_list ap;

	err->line = line;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
table_error_quote(struct table_error *err, unsigned line, struct slice piece,
    const char *what)
{
	char shown[SHOWN_MAX + 1];
	size_t n = piece.len < SHOWN_MAX ? piece.len : SHOWN_MAX;

	for (size_t i = 0; i < n; i++)
		shown[i] = piece.at[i] >= ' ' && piece.at[i] < 0x7f ?
		    piece.at[i] : '?';
	shown[n] = '\0';
	return table_error_set(err, line, "\"%s%s\": %s", shown,
	    piece.len > n ? "..." : "", what);
}

static int
read_whole(int fd, char *to, size_t size, size_t *len)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, to + done, size - done, (off_t)done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*len = done;
	return 0;
}

int
table_read(int fd, char **text, size_t *len, struct table_error *err)
{
	struct stat st;
	char *buf;

	if (fstat(fd, &st) == -1)
		return table_error_set(err, 0, "cannot look at it: %s",
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return table_error_set(err, 0,
		    "not a regular file; put a text file there");
	if (st.st_size < 0 || (uintmax_t)st.st_size > TABLE_SIZE_MAX)
		return table_error_set(err, 0,
		    "larger than %u octets; split or shorten it",
		    TABLE_SIZE_MAX);
	if ((buf = malloc((size_t)st.st_size + 1)) == NULL)
		return table_error_set(err, 0, "no memory for its %jd octets",
		    (intmax_t)st.st_size);
	if (read_whole(fd, buf, (size_t)st.st_size, len) == -1) {
		table_error_set(err, 0, "cannot read it: %s", strerror(errno));
		goto fail;
	}
	if (memchr(buf, '\0', *len) != NULL) {
		table_error_set(err, 0,
		    "holds a NUL octet; tables are plain text");
		goto fail;
	}
	buf[*len] = '\0';
	*text = buf;
	return 0;
fail:
	explicit_bzero(buf, (size_t)st.st_size);
	free(buf);
	return -1;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice
table_trim(struct slice s)
{
	while (s.len > 0 && blank(s.at[0]))
		s = slice_skip(s, 1);
	while (s.len > 0 && blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

void
table_reader_init(struct table_reader *r, struct slice text)
{
	r->rest = text;
	r->line = 0;
	r->indented = false;
}

/* The octets up to the next LF or the end; *rest goes behind them. */
static struct slice
cut_line(struct slice *rest)
{
	const char *lf = memchr(rest->at, '\n', rest->len);
	struct slice line = *rest;

	if (lf == NULL) {
		*rest = slice_skip(*rest, rest->len);
		return line;
	}
	line.len = (size_t)(lf - rest->at);
	*rest = slice_skip(*rest, line.len + 1);
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

static int
check_line(struct slice line, unsigned number, struct table_error *err)
{
	if (line.len > TABLE_LINE_MAX)
		return table_error_set(err, number,
		    "longer than %u octets; write several lines",
		    TABLE_LINE_MAX);
	for (size_t i = 0; i < line.len; i++)
		if (((unsigned char)line.at[i] < ' ' && line.at[i] != '\t') ||
		    line.at[i] == 0x7f)
			return table_error_set(err, number,
			    "holds the control character 0x%02x; remove it",
			    (unsigned char)line.at[i]);
	return 0;
}

/* "%version 1": 1.  Another line: 0.  Another version: -1. */
static int
take_version(struct slice line, unsigned number, struct table_error *err)
{
	struct slice word;
	unsigned long long version;

	if (!table_field(&line, &word) ||
	    !slice_equal(word, SLICE_LITERAL("%version")))
		return 0;
	if (slice_number(line, 1, &version) == -1 || version != 1)
		return table_error_quote(err, number, line, "a version of "
		    "this table that is not known; this program reads 1");
	return 1;
}

enum parse
table_next(struct table_reader *r, struct slice *line, struct table_error *err)
{
	while (r->rest.len > 0) {
		struct slice l = cut_line(&r->rest);
		int version;

		r->line++;
		if (check_line(l, r->line, err) == -1)
			return PARSE_BAD;
		r->indented = l.len > 0 && blank(l.at[0]);
		l = table_trim(l);
		if (l.len == 0 || l.at[0] == '#')
			continue;
		if (r->line == 1 &&
		    (version = take_version(l, 1, err)) != 0) {
			if (version == -1)
				return PARSE_BAD;
			continue;
		}
		*line = l;
		return PARSE_OK;
	}
	return PARSE_MORE;
}

int
table_rows(struct slice text, table_row *row, void *ctx,
    struct table_error *err)
{
	struct table_reader reader;
	struct slice line;
	enum parse p;

	table_reader_init(&reader, text);
	while ((p = table_next(&reader, &line, err)) == PARSE_OK)
		if (row(ctx, line, reader.line, reader.indented, err) == -1)
			return -1;
	return p == PARSE_BAD ? -1 : 0;
}

char *
table_copy(struct slice text, struct table_error *err)
{
	char *copy = malloc(text.len + 1);

	if (copy == NULL) {
		table_error_set(err, 0, "no memory for its %zu octets",
		    text.len);
		return NULL;
	}
	if (text.len > 0)
		memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return copy;
}

const void *
table_search(const void *rows, size_t count, size_t row_size,
    const void *key, int (*compare)(const void *key, const void *row))
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const void *row = (const char *)rows + middle * row_size;
		int c = compare(key, row);

		if (c == 0)
			return row;
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool
table_field(struct slice *rest, struct slice *field)
{
	struct slice s = table_trim(*rest);
	size_t n = 0;

	while (n < s.len && !blank(s.at[n]))
		n++;
	*field = slice_of(s.at, n);
	*rest = table_trim(slice_skip(s, n));
	return n > 0;
}

void
table_lower(struct slice s)
{
	/* Every table's text is a buffer of ours; slices borrow it const. */
	char *at = (char *)(uintptr_t)s.at;

	for (size_t i = 0; i < s.len; i++)
		if (at[i] >= 'A' && at[i] <= 'Z')
			at[i] = (char)(at[i] - 'A' + 'a');
}

int
table_compare(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return a.len == 0 ? 0 : memcmp(a.at, b.at, a.len);
}

int
table_grow(void **rows, size_t *room, size_t count, size_t row_size,
    struct table_error *err)
{
	size_t want = *room == 0 ? ROWS_FIRST : *room * 2;
	void *grown;

	if (count < *room)
		return 0;
	if (count >= TABLE_ROWS_MAX)
		return table_error_set(err, 0, "more than %u entries",
		    TABLE_ROWS_MAX);
	if ((grown = reallocarray(*rows, want, row_size)) == NULL)
		return table_error_set(err, 0, "no memory for %zu entries",
		    want);
	*rows = grown;
	*room = want;
	return 0;
}
