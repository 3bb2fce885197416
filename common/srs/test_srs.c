#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/srs/srs.h"

#define S(s) SLICE_LITERAL(s)

enum { TODAY = 20000 };

static void
keys(struct srs_secrets *s, struct slice text)
{
	struct table_error err;

	if (srs_secrets_compile(text, s, &err) == -1)
		fail_msg("%u: %s", err.line, err.text);
}

static const struct slice one = S("# key\n000102030405060708090a0b0c0d0e0f\n");
static const struct slice two = S("ffffffffffffffffffffffffffffffff\n"
    "000102030405060708090A0B0C0D0E0F\n");

static int
forward(const struct srs_secrets *s, uint32_t day, const char *local,
    const char *domain, char out[SRS_ADDRESS_MAX + 1])
{
	int n = srs_forward(s, day, slice_str(local), slice_str(domain),
	    S("ours.example"), out);

	out[n == -1 ? 0 : n] = '\0';
	return n;
}

/* The local-part of an address back to where it came from. */
static int
reverse(const struct srs_secrets *s, uint32_t day, const char *address,
    char out[SRS_ADDRESS_MAX + 1])
{
	const char *at = strrchr(address, '@');
	int n = srs_reverse(s, day, slice_of(address, at == NULL ?
	    strlen(address) : (size_t)(at - address)), out);

	out[n == -1 ? 0 : n] = '\0';
	return n;
}

static void
secrets_refused(void **state)
{
	static const struct {
		struct slice	 text;
		unsigned	 line;
	} bad[] = {
		{ S("short\n"), 1 },
		{ S("\n000102030405060708090a0b0c0d0e0g\n"), 2 },
		{ S("000102030405060708090a0b0c0d0e0f0\n"), 1 },
	};
	char text[33 * (SRS_SECRETS_MAX + 1) + 1], *at = text;
	struct srs_secrets s;
	struct table_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(srs_secrets_compile(bad[i].text, &s, &err),
		    -1);
		assert_int_equal(err.line, bad[i].line);
		/* A key that is nearly one must not come to light. */
		assert_null(strstr(err.text, "0001"));
	}
	for (int i = 0; i <= SRS_SECRETS_MAX; i++)
		at += sprintf(at, "%032x\n", i);
	assert_int_equal(srs_secrets_compile(slice_str(text), &s, &err), -1);
	assert_int_equal(err.line, SRS_SECRETS_MAX + 1);
	text[33 * SRS_SECRETS_MAX] = '\0';
	assert_int_equal(srs_secrets_compile(slice_str(text), &s, &err), 0);
	assert_int_equal(s.count, SRS_SECRETS_MAX);
	assert_int_equal(srs_secrets_compile(S(""), &s, &err), 0);
	assert_int_equal(s.count, 0);
}

/* Fixed for ever: what is under way at an upgrade must still come back. */
static void
vectors(void **state)
{
	static const struct {
		const char	*local, *domain, *path;
	} cases[] = {
		{ "bob", "a.example", "SRS0=p2ns7g=ra=a.example=bob@ours.example" },
		{ "Bob.Smith+tag", "a.example",
		    "SRS0=pwbq42=ra=a.example=Bob.Smith+tag@ours.example" },
		{ "SRS0=x=y=a.example=bob", "b.example",
		    "SRS1=c6rvsr=b.example==x=y=a.example=bob@ours.example" },
		{ "SRS1=zzz=b.example==x=y=a.example=bob", "c.example",
		    "SRS1=c6rvsr=b.example==x=y=a.example=bob@ours.example" },
	};
	struct srs_secrets s;
	char out[SRS_ADDRESS_MAX + 1];

	(void)state;
	keys(&s, one);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_not_equal(forward(&s, TODAY, cases[i].local,
		    cases[i].domain, out), -1);
		assert_string_equal(out, cases[i].path);
	}
}

static void
there_and_back(void **state)
{
	static const struct {
		const char	*local, *domain, *back;
	} cases[] = {
		{ "bob", "a.example", "bob@a.example" },
		{ "b=o=b", "a.example", "b=o=b@a.example" },
		{ "SRS0", "a.example", "SRS0@a.example" },
		{ "SRS0=x=y=a.example=bob", "b.example",
		    "SRS0=x=y=a.example=bob@b.example" },
		{ "srs0+x=y=a.example=bob", "b.example",
		    "SRS0+x=y=a.example=bob@b.example" },
		{ "SRS1=zzz=b.example==x=y=a.example=bob", "c.example",
		    "SRS0=x=y=a.example=bob@b.example" },
	};
	struct srs_secrets s, later, other;
	char path[SRS_ADDRESS_MAX + 1], out[SRS_ADDRESS_MAX + 1];

	(void)state;
	keys(&s, one);
	keys(&later, two);
	keys(&other, S("ffffffffffffffffffffffffffffffff\n"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_not_equal(forward(&s, TODAY, cases[i].local,
		    cases[i].domain, path), -1);
		assert_int_not_equal(reverse(&s, TODAY, path, out), -1);
		assert_string_equal(out, cases[i].back);
		/* A key that signs no more still verifies. */
		assert_int_not_equal(reverse(&later, TODAY, path, out), -1);
		assert_int_equal(reverse(&other, TODAY, path, out), -1);
		/* Hosts that do not keep the letters' case. */
		for (char *p = path; *p != '\0'; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p - 'A' + 'a');
		assert_int_not_equal(reverse(&s, TODAY, path, out), -1);
	}
}

/* Every octet of it counts. */
static void
forged(void **state)
{
	static const char *const made_up[] = { "SRS0=", "SRS0", "SRS0=a",
		"SRS0=aaaaaa=aa=a.example=bob", "SRS0=aaaaaa=aa=a.example=",
		"SRS0==aa=a.example=bob", "SRS0=aaaaaa==a.example=bob",
		"SRS0-aaaaaa=aa=a.example=bob", "SRS1=aaaaaa=b.example=",
		"SRS1=aaaaaa=b.example==x", "SRS2=aaaaaa=aa=a.example=bob",
		"SRS1=", "bob" };
	struct srs_secrets s;
	char path[SRS_ADDRESS_MAX + 1], out[SRS_ADDRESS_MAX + 1];
	size_t len;

	(void)state;
	keys(&s, one);
	forward(&s, TODAY, "bob", "a.example", path);
	len = (size_t)(strchr(path, '@') - path);
	for (size_t i = 0; i < len; i++) {
		char kept = path[i];

		if (kept == '=')
			continue;
		path[i] = kept == 'c' ? 'd' : 'c';
		if (reverse(&s, TODAY, path, out) != -1)
			fail_msg("octet %zu: %s", i, path);
		path[i] = kept;
		assert_int_equal(srs_reverse(&s, TODAY, slice_of(path, i),
		    out), -1);
	}
	assert_int_not_equal(reverse(&s, TODAY, path, out), -1);
	for (size_t i = 0; i < sizeof(made_up) / sizeof(made_up[0]); i++)
		assert_int_equal(reverse(&s, TODAY, made_up[i], out), -1);
	s.count = 0;
	assert_int_equal(reverse(&s, TODAY, path, out), -1);
	assert_int_equal(forward(&s, TODAY, "bob", "a.example", out), -1);
}

static void
expires(void **state)
{
	/* The day is kept modulo 1024. */
	static const uint32_t starts[] = { TODAY, 1023, 1024, 20479, 0 };
	struct srs_secrets s;
	char path[SRS_ADDRESS_MAX + 1], out[SRS_ADDRESS_MAX + 1];

	(void)state;
	keys(&s, one);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		uint32_t d = starts[i];

		forward(&s, d, "bob", "a.example", path);
		assert_int_not_equal(reverse(&s, d + 21, path, out), -1);
		assert_int_equal(reverse(&s, d + 22, path, out), -1);
		assert_int_equal(reverse(&s, d + 1023, path, out), -1);
	}
	assert_int_equal(srs_day(86399), 0);
	assert_int_equal(srs_day(86400), 1);
	assert_int_equal(srs_day(-1), 0);
}

/* RFC 5321 section 4.5.3.1.1: 64 octets; and nothing that needs quotes. */
static void
not_rewritten(void **state)
{
	struct srs_secrets s;
	char local[80], out[SRS_ADDRESS_MAX + 1], back[SRS_ADDRESS_MAX + 1];
	size_t n;

	(void)state;
	keys(&s, one);
	for (n = 1; n < sizeof(local); n++) {
		memset(local, 'a', n);
		local[n] = '\0';
		if (forward(&s, TODAY, local, "a.example", out) == -1)
			break;
		assert_true(strchr(out, '@') - out <= SRS_LOCAL_MAX);
		assert_int_not_equal(reverse(&s, TODAY, out, back), -1);
		assert_true(strncmp(back, local, n) == 0 && back[n] == '@');
	}
	assert_int_equal(n, SRS_LOCAL_MAX + 1 -
	    strlen("SRS0=hhhhhh=dd=a.example="));
	assert_int_equal(forward(&s, TODAY, "a b", "a.example", out), -1);
	assert_int_equal(forward(&s, TODAY, "SRS1=x", "a.example", out), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_refused),
		cmocka_unit_test(vectors),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(forged),
		cmocka_unit_test(expires),
		cmocka_unit_test(not_rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
