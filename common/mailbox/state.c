#include "common/mailbox/state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mailbox/sealed.h"

bool
keyword_is_good(struct slice name)
{
	if (name.len == 0 || name.len > FOLDER_KEYWORD_LEN_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~' ||
		    strchr("(){%*\"\\]", name.at[i]) != NULL)
			return false;
	return true;
}

/* ---- writing ---- */

struct text {
	char	*to;
	size_t	 len;
};

static void __attribute__((format(printf, 2, 3)))
add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->to + t->len, STATE_FILE_MAX - t->len, format, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < STATE_FILE_MAX - t->len);
	t->len += (size_t)n;
}

static size_t
seal(struct text *t)
{
	assert(SEAL_LEN < STATE_FILE_MAX - t->len);
	return seal_put(t->to, t->len);
}

size_t
folder_state_print(const struct folder_state *s, char to[STATE_FILE_MAX])
{
	struct text t = { to, 0 };

	bool plain = s->identity == s->uidvalidity && s->special_use == 0;

	add(&t, "bulkhead-folder %d\n", plain ? 1 : FOLDER_STATE_VERSION);
	add(&t, "uidvalidity %lu\n", (unsigned long)s->uidvalidity);
	if (!plain)
		add(&t, "identity %lu\n", (unsigned long)s->identity);
	add(&t, "mailbox-id %s\n", s->mailbox_id);
	for (int i = 0; i < SPECIAL_USES; i++)
		if (s->special_use & 1U << i)
			add(&t, "special-use %s\n", special_use_name(1U << i));
	add(&t, "uidnext-ceiling %lu\n", (unsigned long)s->ceiling.uid);
	add(&t, "modseq-ceiling %llu\n", (unsigned long long)s->ceiling.modseq);
	for (int i = 0; i < FOLDER_LETTERS; i++)
		if (s->keywords[i][0] != '\0')
			add(&t, "keyword %c %s\n", 'a' + i, s->keywords[i]);
	return seal(&t);
}

size_t
next_print(uint32_t uidvalidity, const struct numbers *next,
    char to[STATE_FILE_MAX])
{
	struct text t = { to, 0 };

	add(&t, "bulkhead-next %d\n", STATE_VERSION);
	add(&t, "uidvalidity %lu\n", (unsigned long)uidvalidity);
	/* Of one length, so that it can be written over in place. */
	add(&t, "uid %010lu\n", (unsigned long)next->uid);
	add(&t, "modseq %020llu\n", (unsigned long long)next->modseq);
	return seal(&t);
}

size_t
mailbox_state_print(uint32_t last, char to[STATE_FILE_MAX])
{
	struct text t = { to, 0 };

	add(&t, "bulkhead-mailbox %d\n", STATE_VERSION);
	add(&t, "uidvalidity-last %lu\n", (unsigned long)last);
	return seal(&t);
}

/* ---- reading ---- */

/*
 * Take "key value\n" from the front.  False, and nothing taken, when another
 * key stands there.
 */
static bool
take(struct slice *in, const char *key, struct slice *value)
{
	size_t key_len = strlen(key);
	const char *end;

	if (in->len <= key_len || memcmp(in->at, key, key_len) != 0 ||
	    in->at[key_len] != ' ')
		return false;
	*value = slice_skip(*in, key_len + 1);
	end = value->len > 0 ? memchr(value->at, '\n', value->len) : NULL;
	if (end == NULL)
		return false;
	value->len = (size_t)(end - value->at);
	*in = slice_skip(*in, (size_t)(end + 1 - in->at));
	return true;
}

static bool
take_number(struct slice *in, const char *key, unsigned long long max,
    unsigned long long *n)
{
	struct slice v;

	return take(in, key, &v) && slice_number(v, max, n) == 0;
}

/* First line, of a version up to max; the checksum; then *in is what lies
 * between. */
static enum state_parse
open_seal(struct slice *in, const char *magic, unsigned max, unsigned *found)
{
	struct slice all = *in, rest = *in;
	unsigned long long version;

	if (!take_number(&rest, magic, UINT32_MAX, &version))
		return STATE_DAMAGED;
	if (version < 1 || version > max)
		return STATE_OTHER_VERSION;
	*found = (unsigned)version;
	if (rest.len < SEAL_LEN || !seal_take(&all))
		return STATE_DAMAGED;
	*in = slice_of(rest.at, rest.len - SEAL_LEN);
	return STATE_OK;
}

static bool
take_mailbox_id(struct slice *in, char id[MAILBOX_ID_LEN + 1])
{
	struct slice v;

	if (!take(in, "mailbox-id", &v) || v.len != MAILBOX_ID_LEN ||
	    slice_copy_str(v, id, MAILBOX_ID_LEN + 1) == -1)
		return false;
	return strspn(id, "0123456789abcdef") == MAILBOX_ID_LEN;
}

const char *
special_use_name(unsigned use)
{
	static const char *const names[SPECIAL_USES] = {
		"\\All",
		"\\Archive",
		"\\Drafts",
		"\\Flagged",
		"\\Junk",
		"\\Sent",
		"\\Trash",
		"\\Important",
	};

	for (int i = 0; i < SPECIAL_USES; i++)
		if (use == 1U << i)
			return names[i];
	return NULL;
}

unsigned
special_use_by_name(struct slice name)
{
	for (int i = 0; i < SPECIAL_USES; i++)
		if (slice_equal_nocase(
			slice_str(special_use_name(1U << i)), name))
			return 1U << i;
	return 0;
}

static bool
take_special_uses(struct slice *in, struct folder_state *s)
{
	struct slice v;

	while (take(in, "special-use", &v)) {
		unsigned use = special_use_by_name(v);

		if (use == 0)
			return false;
		s->special_use |= use;
	}
	return true;
}

static bool
take_keywords(struct slice *in, struct folder_state *s)
{
	struct slice v;
	int last = -1;

	while (take(in, "keyword", &v)) {
		int n = v.len > 2 && v.at[1] == ' ' ? v.at[0] - 'a' : -1;

		if (n <= last || n >= FOLDER_LETTERS)
			return false;
		v = slice_skip(v, 2);
		if (!keyword_is_good(v) ||
		    slice_copy_str(v, s->keywords[n], sizeof(s->keywords[n])) == -1)
			return false;
		last = n;
	}
	return true;
}

enum state_parse
folder_state_parse(struct slice in, struct folder_state *s)
{
	unsigned long long uidvalidity, identity = 0, uid, modseq;
	struct slice rest = in;
	char again[STATE_FILE_MAX];
	unsigned version;
	enum state_parse p =
	    open_seal(&rest, "bulkhead-folder", FOLDER_STATE_VERSION, &version);

	memset(s, 0, sizeof(*s));
	if (p != STATE_OK)
		return p;
	if (!take_number(&rest, "uidvalidity", UINT32_MAX, &uidvalidity) ||
	    (version > 1 &&
		!take_number(&rest, "identity", UINT32_MAX, &identity)) ||
	    !take_mailbox_id(&rest, s->mailbox_id) ||
	    (version > 1 && !take_special_uses(&rest, s)) ||
	    !take_number(&rest, "uidnext-ceiling", UINT32_MAX, &uid) ||
	    !take_number(&rest, "modseq-ceiling", MODSEQ_MAX, &modseq) ||
	    !take_keywords(&rest, s) || rest.len != 0 || uidvalidity == 0 ||
	    uid == 0 || modseq == 0 || (version > 1 && identity == 0))
		return STATE_DAMAGED;
	s->uidvalidity = (uint32_t)uidvalidity;
	s->identity = version > 1 ? (uint32_t)identity : s->uidvalidity;
	s->ceiling.uid = (uint32_t)uid;
	s->ceiling.modseq = modseq;
	/* Leading zeros, another order, and their like. */
	if (!slice_equal(in, slice_of(again, folder_state_print(s, again))))
		return STATE_DAMAGED;
	return STATE_OK;
}

enum state_parse
next_parse(struct slice in, uint32_t *uidvalidity, struct numbers *next)
{
	unsigned long long v, uid, modseq;
	unsigned version;
	enum state_parse p =
	    open_seal(&in, "bulkhead-next", STATE_VERSION, &version);

	if (p != STATE_OK)
		return p;
	if (!take_number(&in, "uidvalidity", UINT32_MAX, &v) ||
	    !take_number(&in, "uid", UINT32_MAX, &uid) ||
	    !take_number(&in, "modseq", MODSEQ_MAX, &modseq) ||
	    in.len != 0 || v == 0 || uid == 0 || modseq == 0)
		return STATE_DAMAGED;
	*uidvalidity = (uint32_t)v;
	next->uid = (uint32_t)uid;
	next->modseq = modseq;
	return STATE_OK;
}

enum state_parse
mailbox_state_parse(struct slice in, uint32_t *last)
{
	unsigned long long v;
	unsigned version;
	enum state_parse p =
	    open_seal(&in, "bulkhead-mailbox", STATE_VERSION, &version);

	if (p != STATE_OK)
		return p;
	if (!take_number(&in, "uidvalidity-last", UINT32_MAX, &v) || in.len != 0)
		return STATE_DAMAGED;
	*last = (uint32_t)v;
	return STATE_OK;
}
