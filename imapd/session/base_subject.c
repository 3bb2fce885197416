#include "imapd/session/base_subject.h"

/*
 * The subject is a window that only gets smaller: from the left by leaders and
 * blobs, from the right by trailers, from both by "[fwd: ]".  Each scan begins
 * where the one before it has ended, but for a blob that is looked at again as
 * the one behind "re", so each octet is looked at a constant number of times.
 */
struct window {
	const char	*at, *end;
	uint64_t	 steps;
};

static bool
is_white(char c)
{
	return c == ' ' || c == '\t';
}

static size_t
left(const struct window *w)
{
	return (size_t)(w->end - w->at);
}

static bool
begins(struct window *w, const char *from, const char *word)
{
	size_t n = strlen(word);

	w->steps += n;
	return (size_t)(w->end - from) >= n && slice_equal_nocase(
	    slice_of(from, n), slice_of(word, n));
}

static const char *
skip_white(struct window *w, const char *at)
{
	for (; at < w->end && is_white(*at); at++)
		w->steps++;
	return at;
}

/* "[" *BLOBCHAR "]" *WSP; NULL: none is here. */
static const char *
skip_blob(struct window *w, const char *at)
{
	if (at == w->end || *at != '[')
		return NULL;
	for (at++; at < w->end && *at != '[' && *at != ']'; at++)
		w->steps++;
	return at < w->end && *at == ']' ? skip_white(w, at + 1) : NULL;
}

/* ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"; NULL: none is here. */
static const char *
skip_refwd(struct window *w, const char *at)
{
	const char *blob;

	if (begins(w, at, "fwd"))
		at += 3;
	else if (begins(w, at, "fw") || begins(w, at, "re"))
		at += 2;
	else
		return NULL;
	at = skip_white(w, at);
	if ((blob = skip_blob(w, at)) != NULL)
		at = blob;
	return at < w->end && *at == ':' ? at + 1 : NULL;
}

/* Step 2. */
static void
cut_trailers(struct window *w, bool *reply)
{
	for (;;) {
		w->steps++;
		if (left(w) > 0 && is_white(w->end[-1]))
			w->end--;
		else if (left(w) >= 5 && begins(w, w->end - 5, "(fwd)")) {
			w->end -= 5;
			*reply = true;
		} else
			return;
	}
}

/*
 * Steps 3 to 5.  Blobs are a leader's when "re:" follows the last of them; else
 * each goes that leaves something behind.
 */
static void
cut_leaders(struct window *w, bool *reply)
{
	for (;;) {
		const char *at = w->at = skip_white(w, w->at);
		const char *last = at, *next;

		while ((next = skip_blob(w, at)) != NULL) {
			last = at;
			at = next;
		}
		if ((next = skip_refwd(w, at)) == NULL) {
			w->at = at == w->end ? last : at;
			return;
		}
		w->at = next;
		*reply = true;
	}
}

/* Step 6. */
static bool
cut_forward(struct window *w, bool *reply)
{
	if (left(w) < 6 || w->end[-1] != ']' || !begins(w, w->at, "[fwd:"))
		return false;
	w->at += 5;
	w->end--;
	*reply = true;
	return true;
}

/* Step 1, but for the encoded words. */
static size_t
squeeze(char *at, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		char c = at[i];

		if (c == '\t' || c == '\r' || c == '\n')
			c = ' ';
		if (c == ' ' && to > 0 && at[to - 1] == ' ')
			continue;
		at[to++] = c;
	}
	return to;
}

struct slice
base_subject(char *at, size_t len, bool *reply, uint64_t *steps)
{
	struct window w = { .at = at, .end = at + squeeze(at, len) };

	*reply = false;
	w.steps = len;
	do {
		cut_trailers(&w, reply);
		cut_leaders(&w, reply);
	} while (cut_forward(&w, reply));
	if (steps != NULL)
		*steps += w.steps;
	return slice_of(w.at, left(&w));
}
