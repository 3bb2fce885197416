/* Lines of standard input.  See input.h. */
#include "bulkhead/sendmail/input.h"

#include <errno.h>
#include <unistd.h>

void
input_init(struct input *in, int fd, bool dot_is_text)
{
	in->fd = fd;
	in->dot_is_text = dot_is_text;
	in->at_end = in->failed = false;
	in->error = 0;
	in->line_start = true;
	in->from = in->to = 0;
}

/* Have as much as there is, up to the whole buffer. */
static void
fill(struct input *in)
{
	ssize_t n;

	memmove(in->buf, in->buf + in->from, in->to - in->from);
	in->to -= in->from;
	in->from = 0;
	while (!in->at_end && in->to < sizeof(in->buf)) {
		n = read(in->fd, in->buf + in->to, sizeof(in->buf) - in->to);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			in->failed = true;
			in->error = errno;
		}
		if (n <= 0)
			in->at_end = true;
		else
			in->to += (size_t)n;
	}
}

/* Octets of the line end at the front of s; 0: it is none. */
static size_t
line_end(struct slice s)
{
	size_t n = 0;

	while (n < s.len && s.at[n] == '\r')
		n++;
	if (n < s.len && s.at[n] == '\n')
		return n + 1;
	return n > 0 ? 1 : 0;
}

static size_t
line_length(struct slice s)
{
	size_t n = 0;

	while (n < s.len && s.at[n] != '\n' && s.at[n] != '\r')
		n++;
	return n;
}

int
input_piece(struct input *in, struct slice *piece, bool *first, bool *last)
{
	struct slice all;

	/* Half a buffer ahead: a piece and the run of CRs behind it. */
	if (!in->at_end && in->to - in->from < INPUT_BUFFER / 2)
		fill(in);
	if (in->failed) {
		errno = in->error;
		return -1;
	}
	all = slice_of(in->buf + in->from, in->to - in->from);
	if (all.len == 0)
		return 0;
	*piece = slice_of(all.at, line_length(all));
	if (piece->len > INPUT_PIECE_MAX)
		piece->len = INPUT_PIECE_MAX;
	size_t end = line_end(slice_skip(all, piece->len));
	*first = in->line_start;
	*last = end > 0 || piece->len == all.len;
	in->line_start = *last;
	in->from += piece->len + end;
	if (*first && *last && !in->dot_is_text &&
	    slice_equal(*piece, SLICE_LITERAL("."))) {
		in->from = in->to = 0;
		in->at_end = true;
		return 0;
	}
	return 1;
}
