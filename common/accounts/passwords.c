#include "common/accounts/passwords.h"

#include <stdlib.h>

#include "common/accounts/account.h"

struct passwords_table {
	char		*text;
	size_t		 text_len;
	struct password	*rows;		/* ordered by number */
	size_t		 count, room;
	struct slice	 typical, typical_scram;
	size_t		 scram_count, apop_count;
};

/*
 * The forms of crypt(5) that we take.  tail is the length of the last field
 * (the hash itself); cost is the number of '$' at whose end method and cost
 * have been said.
 */
static const struct method {
	struct slice	prefix;
	size_t		tail;
	unsigned	cost;
} methods[] = {
	{ SLICE_LITERAL("$y$"),  43, 3 },	/* yescrypt */
	{ SLICE_LITERAL("$gy$"), 43, 3 },	/* gost-yescrypt */
	{ SLICE_LITERAL("$7$"),  43, 2 },	/* scrypt */
	{ SLICE_LITERAL("$2b$"), 53, 3 },	/* bcrypt: salt and hash in one */
	{ SLICE_LITERAL("$2y$"), 53, 3 },
	{ SLICE_LITERAL("$2a$"), 53, 3 },
	{ SLICE_LITERAL("$6$"),  86, 2 },	/* SHA-512 crypt */
	{ SLICE_LITERAL("$5$"),  43, 2 },	/* SHA-256 crypt */
};

static bool
starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	    slice_equal(slice_of(s.at, prefix.len), prefix);
}

static const struct method *
method_of(struct slice hash)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (starts(hash, methods[i].prefix))
			return &methods[i];
	return NULL;
}

static bool
base64_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '/' || c == '+';
}

bool
password_hash_valid(struct slice hash)
{
	const struct method *m = method_of(hash);
	const char *last;

	if (m == NULL || hash.len >= PASSWORD_HASH_SIZE)
		return false;
	for (size_t i = 0; i < hash.len; i++)
		if (hash.at[i] == '+' || (!base64_char(hash.at[i]) &&
		    (hash.at[i] == '\0' ||
		    strchr("$.=,", hash.at[i]) == NULL)))
			return false;
	last = memrchr(hash.at, '$', hash.len);
	return (size_t)(last - hash.at) >= m->prefix.len &&
	    hash.len - (size_t)(last - hash.at) - 1 == m->tail;
}

/* len octets as base64, with its padding. */
static bool
base64_valid(struct slice s, size_t min, size_t max)
{
	size_t pad = 0;

	if (s.len < min || s.len > max || s.len % 4 != 0)
		return false;
	while (pad < 2 && s.at[s.len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < s.len - pad; i++)
		if (!base64_char(s.at[i]))
			return false;
	return true;
}

/* Cut what stands before mark off the front of *rest, and mark. */
static bool
cut_at(struct slice *rest, char mark, struct slice *piece)
{
	const char *at = rest->len == 0 ? NULL :
	    memchr(rest->at, mark, rest->len);

	if (at == NULL)
		return false;
	*piece = slice_of(rest->at, (size_t)(at - rest->at));
	*rest = slice_skip(*rest, piece->len + 1);
	return true;
}

bool
password_scram_valid(struct slice s)
{
	static const struct slice scheme = SLICE_LITERAL("SCRAM-SHA-256$");
	struct slice iterations, salt, stored;
	unsigned long long n;

	if (!starts(s, scheme) || s.len >= PASSWORD_SCRAM_SIZE)
		return false;
	s = slice_skip(s, scheme.len);
	/* RFC 7677 section 4: at least 4096 iterations. */
	return cut_at(&s, ':', &iterations) &&
	    slice_number(iterations, 100000000, &n) == 0 && n >= 4096 &&
	    cut_at(&s, '$', &salt) && base64_valid(salt, 8, 88) &&
	    cut_at(&s, ':', &stored) && base64_valid(stored, 44, 44) &&
	    base64_valid(s, 44, 44);
}

bool
password_apop_valid(struct slice s)
{
	return base64_valid(s, 4, SASL_BASE64_LEN(PASSWORD_MAX));
}

static int
parse_apop(struct slice *line, struct password *p, struct table_error *err)
{
	if (!table_field(line, &p->apop) || password_apop_valid(p->apop))
		return 0;
	return table_error_set(err, p->line, "the secret for APOP is not "
	    "base64 of a password; set it with bulkhead user passwd NAME apop");
}

static int
parse_row(struct slice line, struct password *p, struct table_error *err)
{
	struct slice field;
	unsigned long long n;

	table_field(&line, &field);
	if (slice_number(field, ACCOUNT_NUMBER_MAX, &n) == -1 || n == 0)
		return table_error_set(err, p->line, "does not begin with the "
		    "number of a user; write NUMBER HASH [SCRAM [APOP]]");
	p->number = (uint32_t)n;
	if (!table_field(&line, &p->hash) || !password_hash_valid(p->hash))
		return table_error_set(err, p->line, "the hash is not one of "
		    "yescrypt, scrypt, bcrypt or SHA crypt; set the password "
		    "anew with bulkhead user passwd");
	if (table_field(&line, &p->scram) &&
	    slice_equal(p->scram, SLICE_LITERAL("-")))
		p->scram.len = 0;
	if (p->scram.len > 0 && !password_scram_valid(p->scram))
		return table_error_set(err, p->line, "the SCRAM-SHA-256 "
		    "verifier is not one of RFC 5803; write - for none");
	if (parse_apop(&line, p, err) == -1)
		return -1;
	return line.len == 0 ? 0 : table_error_set(err, p->line,
	    "more than four fields; write NUMBER HASH [SCRAM [APOP]]");
}

static int
parse_rows(struct passwords_table *t, struct table_error *err)
{
	struct table_reader reader;
	struct slice line;
	enum parse p;

	table_reader_init(&reader, slice_of(t->text, t->text_len));
	while ((p = table_next(&reader, &line, err)) == PARSE_OK) {
		struct password row = { .line = reader.line };

		if (parse_row(line, &row, err) == -1 ||
		    table_grow((void **)&t->rows, &t->room, t->count,
			sizeof(*t->rows), err) == -1)
			return -1;
		t->apop_count += row.apop.len > 0;
		t->rows[t->count++] = row;
	}
	return p == PARSE_BAD ? -1 : 0;
}

static int
order(const void *a, const void *b)
{
	const struct password *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* Method and cost: "$y$j9T$", "$2b$12$", "$6$rounds=9999$", "$6$". */
static struct slice
cost_of(struct slice hash)
{
	static const struct slice rounds = SLICE_LITERAL("rounds=");
	const struct method *m = method_of(hash);
	unsigned want = m->cost;
	size_t n = 0;

	if (starts(slice_skip(hash, m->prefix.len), rounds))
		want++;
	for (unsigned seen = 0; n < hash.len && seen < want; n++)
		seen += hash.at[n] == '$';
	return slice_of(hash.at, n);
}

/* Majority of costs (Boyer and Moore); a plurality is near enough. */
static void
find_typical(struct passwords_table *t)
{
	size_t votes = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (votes == 0)
			t->typical = t->rows[i].hash;
		if (slice_equal(cost_of(t->rows[i].hash), cost_of(t->typical)))
			votes++;
		else
			votes--;
	}
}

/* The same by the iterations, which stand before the first colon. */
static struct slice
scram_cost(struct slice scram)
{
	const char *colon = memchr(scram.at, ':', scram.len);

	return slice_of(scram.at, (size_t)(colon - scram.at));
}

static void
find_typical_scram(struct passwords_table *t)
{
	size_t votes = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct slice scram = t->rows[i].scram;

		if (scram.len == 0)
			continue;
		t->scram_count++;
		if (votes == 0)
			t->typical_scram = scram;
		if (slice_equal(scram_cost(scram),
		    scram_cost(t->typical_scram)))
			votes++;
		else
			votes--;
	}
}

struct passwords_table *
passwords_compile(struct slice text, struct table_error *err)
{
	struct passwords_table *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->text = malloc(text.len + 1)) == NULL) {
		table_error_set(err, 0, "no memory for its %zu octets",
		    text.len);
		goto fail;
	}
	t->text_len = text.len;
	if (text.len > 0)
		memcpy(t->text, text.at, text.len);
	if (parse_rows(t, err) == -1)
		goto fail;
	if (t->count > 0)
		qsort(t->rows, t->count, sizeof(*t->rows), order);
	for (size_t i = 1; i < t->count; i++)
		if (t->rows[i].number == t->rows[i - 1].number) {
			table_error_set(err, t->rows[i].line, "the number %u "
			    "stands in line %u already; keep one of the two",
			    t->rows[i].number, t->rows[i - 1].line);
			goto fail;
		}
	find_typical(t);
	find_typical_scram(t);
	return t;
fail:
	passwords_free(t);
	return NULL;
}

void
passwords_free(struct passwords_table *t)
{
	if (t == NULL)
		return;
	if (t->text != NULL)
		explicit_bzero(t->text, t->text_len);
	free(t->text);
	free(t->rows);
	free(t);
}

const struct password *
passwords_find(const struct passwords_table *t, uint32_t number)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->rows[middle].number == number)
			return &t->rows[middle];
		if (number < t->rows[middle].number)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t
passwords_count(const struct passwords_table *t)
{
	return t->count;
}

struct slice
passwords_typical_scram(const struct passwords_table *t)
{
	return t->typical_scram;
}

size_t
passwords_scram_count(const struct passwords_table *t)
{
	return t->scram_count;
}

size_t
passwords_apop_count(const struct passwords_table *t)
{
	return t->apop_count;
}

struct slice
passwords_typical(const struct passwords_table *t)
{
	return t->typical;
}
