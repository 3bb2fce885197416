#include "common/srs/srs.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/username.h"

enum {
	HASH_LEN = 6,		/* base32: 30 bits */
	DAY_LEN = 2,		/* base32: 1024 days, then again */
	DAYS = 1024
};

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

/* ---- secrets ---- */

static int
take_key(struct slice s, struct siphash_key *key)
{
	uint8_t octets[16];
	int result = slice_hex(s, octets, sizeof(octets));

	*key = (struct siphash_key){ { 0, 0 } };
	for (size_t i = 0; i < sizeof(octets); i++)
		key->k[i / 8] = key->k[i / 8] << 8 | octets[i];
	explicit_bzero(octets, sizeof(octets));
	return result;
}

static int
add_key(void *ctx, struct slice line, unsigned number, bool indented,
    struct table_error *err)
{
	struct srs_secrets *s = ctx;

	(void)indented;
	if (s->count == SRS_SECRETS_MAX)
		return table_error_set(err, number,
		    "more than %d keys; take the oldest out",
		    SRS_SECRETS_MAX);
	if (take_key(line, &s->keys[s->count]) == -1)
		return table_error_set(err, number, "not a key of 32 "
		    "hexadecimal digits; `openssl rand -hex 16` makes one");
	s->count++;
	return 0;
}

int
srs_secrets_compile(struct slice text, struct srs_secrets *s,
    struct table_error *err)
{
	*s = (struct srs_secrets){ 0 };
	if (table_rows(text, add_key, s, err) == 0)
		return 0;
	explicit_bzero(s, sizeof(*s));
	return -1;
}

void
srs_secrets_free(struct srs_secrets *s)
{
	if (s != NULL)
		explicit_bzero(s, sizeof(*s));
	free(s);
}

uint32_t
srs_day(int64_t seconds)
{
	return seconds < 0 ? 0 : (uint32_t)(seconds / 86400);
}

/* ---- hashes and days ---- */

static void
put_base32(uint64_t v, char *out, size_t n)
{
	while (n-- > 0) {
		out[n] = base32[v % 32];
		v /= 32;
	}
}

static int
get_base32(struct slice s, unsigned *v)
{
	*v = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i] >= 'A' && s.at[i] <= 'Z' ?
		    (char)(s.at[i] - 'A' + 'a') : s.at[i];
		const char *at = c == '\0' ? NULL : strchr(base32, c);

		if (at == NULL)
			return -1;
		*v = *v * 32 + (unsigned)(at - base32);
	}
	return 0;
}

/* kind keeps an SRS0 hash from being good in an SRS1. */
static void
hash(const struct siphash_key *key, char kind, struct slice what,
    char out[HASH_LEN])
{
	char text[2 * USERNAME_MAX + 1];
	size_t n = what.len < sizeof(text) - 1 ? what.len : sizeof(text) - 1;

	text[0] = kind;
	slice_lower(slice_of(what.at, n), text + 1);
	put_base32(siphash(key, slice_of(text, n + 1)), out, HASH_LEN);
}

/* In a time that says nothing of how much of it is right. */
static bool
hash_good(const struct srs_secrets *s, char kind, struct slice what,
    struct slice given)
{
	unsigned good = 0;

	if (given.len != HASH_LEN)
		return false;
	for (unsigned i = 0; i < s->count; i++) {
		char want[HASH_LEN], low[HASH_LEN];
		unsigned differs = 0;

		hash(&s->keys[i], kind, what, want);
		slice_lower(given, low);
		for (size_t j = 0; j < HASH_LEN; j++)
			differs |= (unsigned)(want[j] ^ low[j]);
		good |= differs == 0;
	}
	return good != 0;
}

static bool
day_good(struct slice text, uint32_t today)
{
	unsigned day;

	if (text.len != DAY_LEN || get_base32(text, &day) == -1)
		return false;
	return (today + DAYS - day) % DAYS <= SRS_LIFETIME_DAYS;
}

/* ---- forward ---- */

/* "SRS0" and one of the separators that others use. */
static bool
tagged(struct slice local, const char *tag)
{
	return local.len > 5 && slice_starts_nocase(local, slice_str(tag)) &&
	    (local.at[4] == '=' || local.at[4] == '+' || local.at[4] == '-');
}

bool
srs_is(struct slice local)
{
	return tagged(local, "SRS0") || tagged(local, "SRS1");
}

/* Up to the next "=", which is cut; false: there is none. */
static bool
cut(struct slice *rest, struct slice *field)
{
	const char *mark = rest->len == 0 ? NULL :
	    memchr(rest->at, '=', rest->len);

	if (mark == NULL)
		return false;
	*field = slice_of(rest->at, (size_t)(mark - rest->at));
	*rest = slice_skip(*rest, field->len + 1);
	return true;
}

/* Tag, hash of what, what. */
static int
write_path(const struct siphash_key *key, char kind, struct slice what,
    struct slice ours, char out[SRS_ADDRESS_MAX])
{
	char h[HASH_LEN];
	struct username check;
	int n;

	hash(key, kind, what, h);
	n = snprintf(out, SRS_ADDRESS_MAX, "SRS%c=%.*s=%.*s@%.*s", kind,
	    HASH_LEN, h, (int)what.len, what.at, (int)ours.len, ours.at);
	if (n < 0 || n >= SRS_ADDRESS_MAX ||
	    address_plain_parse(slice_of(out, (size_t)n), &check) != PARSE_OK)
		return -1;
	return n;
}

int
srs_forward(const struct srs_secrets *s, uint32_t day, struct slice local,
    struct slice domain, struct slice ours, char out[SRS_ADDRESS_MAX])
{
	char what[SRS_ADDRESS_MAX], when[DAY_LEN];
	struct slice host = domain, hash1;
	int n;

	if (s->count == 0)
		return -1;
	if (tagged(local, "SRS1")) {
		/* The one in the middle is left out: hash, host, rest. */
		local = slice_skip(local, 5);
		if (!cut(&local, &hash1) || !cut(&local, &host))
			return -1;
		n = snprintf(what, sizeof(what), "%.*s=%.*s", (int)host.len,
		    host.at, (int)local.len, local.at);
	} else if (tagged(local, "SRS0")) {
		local = slice_skip(local, 4);	/* its separator stays */
		n = snprintf(what, sizeof(what), "%.*s=%.*s", (int)host.len,
		    host.at, (int)local.len, local.at);
	} else {
		put_base32(day % DAYS, when, DAY_LEN);
		n = snprintf(what, sizeof(what), "%.*s=%.*s=%.*s", DAY_LEN,
		    when, (int)host.len, host.at, (int)local.len, local.at);
		return n < 0 || n >= (int)sizeof(what) ? -1 :
		    write_path(&s->keys[0], '0', slice_of(what, (size_t)n),
			ours, out);
	}
	return n < 0 || n >= (int)sizeof(what) ? -1 : write_path(&s->keys[0],
	    '1', slice_of(what, (size_t)n), ours, out);
}

/* ---- back ---- */

static int
reverse0(const struct srs_secrets *s, uint32_t day, struct slice rest,
    char out[SRS_ADDRESS_MAX])
{
	struct slice given, when, host, what;

	if (!cut(&rest, &given))
		return -1;
	what = rest;
	if (!cut(&rest, &when) || !cut(&rest, &host) ||
	    !username_domain_valid(host) || rest.len == 0 ||
	    !hash_good(s, '0', what, given) || !day_good(when, day))
		return -1;
	return address_join(rest, host, out, SRS_ADDRESS_MAX);
}

static int
reverse1(const struct srs_secrets *s, struct slice rest,
    char out[SRS_ADDRESS_MAX])
{
	char local[SRS_LOCAL_MAX];
	struct slice given, host, what;
	size_t n = sizeof("SRS0") - 1;

	if (!cut(&rest, &given))
		return -1;
	what = rest;
	if (!cut(&rest, &host) || !username_domain_valid(host) ||
	    rest.len < 2 || n + rest.len > sizeof(local) ||
	    !hash_good(s, '1', what, given))
		return -1;
	memcpy(local, "SRS0", n);
	memcpy(local + n, rest.at, rest.len);
	if (!srs_is(slice_of(local, n + rest.len)))
		return -1;
	return address_join(slice_of(local, n + rest.len), host, out,
	    SRS_ADDRESS_MAX);
}

int
srs_reverse(const struct srs_secrets *s, uint32_t day, struct slice local,
    char out[SRS_ADDRESS_MAX])
{
	if (local.len > SRS_LOCAL_MAX || !srs_is(local) || local.at[4] != '=')
		return -1;
	return local.at[3] == '0' ?
	    reverse0(s, day, slice_skip(local, 5), out) :
	    reverse1(s, slice_skip(local, 5), out);
}
