#include "common/mailbox/more_keywords.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/sealed.h"
#include "common/mailbox/state.h"

enum {
	ROWS_MAX = 1 << 22,
	ROW_LEN_MAX = 10 + 1 + 16 + 1, /* UID, space, bits, LF */
	HEAD_LEN_MAX = 64 + MORE_KEYWORDS * (FOLDER_KEYWORD_LEN_MAX + 10)
};

void
more_clear(struct more_keywords *m)
{
	free(m->rows);
	memset(m, 0, sizeof(*m));
}

/* The first row whose UID is uid or more. */
static size_t
row_from(const struct more_keywords *m, uint32_t uid)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->rows[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t
more_get(const struct more_keywords *m, uint32_t uid)
{
	size_t i = row_from(m, uid);

	return i < m->count && m->rows[i].uid == uid ? m->rows[i].bits : 0;
}

static int
make_room(struct more_keywords *m)
{
	size_t size = m->size == 0 ? 16 : m->size * 2;
	struct more_row *rows;

	if (m->count < m->size)
		return 0;
	rows =
	    size > ROWS_MAX ? NULL : reallocarray(m->rows, size, sizeof(*rows));
	if (rows == NULL)
		return -1;
	m->rows = rows;
	m->size = size;
	return 0;
}

int
more_set(struct more_keywords *m, uint32_t uid, uint64_t bits)
{
	size_t i = row_from(m, uid);
	bool there = i < m->count && m->rows[i].uid == uid;

	if (bits == 0 && there) {
		m->count--;
		memmove(m->rows + i, m->rows + i + 1,
		    (m->count - i) * sizeof(*m->rows));
	} else if (bits != 0 && there) {
		m->rows[i].bits = bits;
	} else if (bits != 0) {
		if (make_room(m) == -1)
			return -1;
		memmove(m->rows + i + 1, m->rows + i,
		    (m->count - i) * sizeof(*m->rows));
		m->rows[i] = (struct more_row){ uid, bits };
		m->count++;
	}
	return 0;
}

/* ---- reading ---- */

static bool
take_word(struct slice *line, struct slice *word)
{
	const char *at =
	    line->len > 0 ? memchr(line->at, ' ', line->len) : NULL;

	if (at == NULL)
		return false;
	*word = slice_of(line->at, (size_t)(at - line->at));
	*line = slice_skip(*line, word->len + 1);
	return true;
}

static bool
take_bits(struct slice s, uint64_t *bits)
{
	static const char digits[] = "0123456789abcdef";

	*bits = 0;
	if (s.len == 0 || s.len > 16 || s.at[0] == '0')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const char *d =
		    s.at[i] != '\0' ? strchr(digits, s.at[i]) : NULL;

		if (d == NULL)
			return false;
		*bits = *bits << 4 | (uint64_t)(d - digits);
	}
	return *bits >> MORE_KEYWORDS == 0;
}

static bool
take_name(struct more_keywords *m, struct slice line, int *last)
{
	unsigned long long n;
	struct slice word;

	if (!take_word(&line, &word) ||
	    slice_number(word, MORE_KEYWORDS - 1, &n) == -1 ||
	    (int)n <= *last || !keyword_is_good(line))
		return false;
	*last = (int)n;
	return slice_copy_str(line, m->names[n], sizeof(m->names[n])) == 0;
}

static bool
take_row(struct more_keywords *m, struct slice line)
{
	unsigned long long uid;
	struct slice word;
	uint64_t bits;

	if (!take_word(&line, &word) ||
	    slice_number(word, UINT32_MAX, &uid) == -1 || uid == 0 ||
	    !take_bits(line, &bits) ||
	    (m->count > 0 && uid <= m->rows[m->count - 1].uid) ||
	    make_room(m) == -1)
		return false;
	m->rows[m->count++] = (struct more_row){ (uint32_t)uid, bits };
	return true;
}

enum parse
more_parse(struct slice in, struct more_keywords *m)
{
	struct slice line, word;
	unsigned long long n;
	int last = -1;

	memset(m, 0, sizeof(*m));
	if (!seal_take(&in) || !sealed_line(&in, &line) ||
	    !slice_equal(line, slice_str("bulkhead-keywords 1")) ||
	    !sealed_line(&in, &line) || !take_word(&line, &word) ||
	    !slice_equal(word, slice_str("identity")) ||
	    slice_number(line, UINT32_MAX, &n) == -1)
		return PARSE_BAD;
	m->identity = (uint32_t)n;
	while (sealed_line(&in, &line)) {
		bool name = line.len > 5 && memcmp(line.at, "name ", 5) == 0;

		if (name ? m->count > 0 ||
			       !take_name(m, slice_skip(line, 5), &last)
			 : !take_row(m, line))
			return PARSE_BAD;
	}
	return in.len == 0 ? PARSE_OK : PARSE_BAD;
}

char *
more_print(const struct more_keywords *m, size_t *len)
{
	size_t size = HEAD_LEN_MAX + m->count * ROW_LEN_MAX + SEAL_LEN + 1, n;
	char *to = malloc(size);

	if (to == NULL)
		return NULL;
	n = (size_t)snprintf(to, size, "bulkhead-keywords 1\nidentity %lu\n",
	    (unsigned long)m->identity);
	for (int i = 0; i < MORE_KEYWORDS; i++)
		if (m->names[i][0] != '\0')
			n += (size_t)snprintf(
			    to + n, size - n, "name %d %s\n", i, m->names[i]);
	for (size_t i = 0; i < m->count; i++)
		n += (size_t)snprintf(to + n, size - n, "%lu %" PRIx64 "\n",
		    (unsigned long)m->rows[i].uid, m->rows[i].bits);
	assert(size - n > SEAL_LEN);
	*len = seal_put(to, n);
	return to;
}
