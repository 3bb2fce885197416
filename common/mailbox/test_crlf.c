/* Every text of up to six octets, cut in two at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/mailbox/crlf.h"

/* The definition: an LF that no CR stands before becomes CRLF. */
static size_t
expand_plainly(const char *in, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (in[i] == '\n' && (i == 0 || in[i - 1] != '\r'))
			out[n++] = '\r';
		out[n++] = in[i];
	}
	return n;
}

static void
check(const char *in, size_t len, size_t cut)
{
	char want[16], got[16], back[16], plain[16];
	struct crlf a = { 0 }, b = { 0 }, r = { 0 };
	size_t n = expand_plainly(in, len, want), m, k, p = 0;

	m = crlf_expand(&a, in, cut, got);
	m += crlf_expand(&a, in + cut, len - cut, got + m);
	assert_int_equal(m, n);
	assert_memory_equal(got, want, n);
	assert_int_equal(crlf_expanded_len(&b, in, cut) +
	    crlf_expanded_len(&b, in + cut, len - cut), n);

	if (cut > m)
		cut = m;
	k = crlf_reduce(&r, got, cut, back);
	k += crlf_reduce(&r, got + cut, m - cut, back + k);
	if (crlf_reduce_end(&r))
		back[k++] = '\r';
	for (size_t i = 0; i < m; i++)
		if (got[i] != '\r' || i + 1 == m || got[i + 1] != '\n')
			plain[p++] = got[i];
	assert_int_equal(k, p);
	assert_memory_equal(back, plain, p);
}

static void
test_all(void **state)
{
	static const char alphabet[] = "\r\nx";
	char in[6];

	(void)state;
	for (size_t len = 1; len <= sizeof(in); len++) {
		size_t all = 1;

		for (size_t i = 0; i < len; i++)
			all *= 3;
		for (size_t v = 0; v < all; v++) {
			for (size_t i = 0, r = v; i < len; i++, r /= 3)
				in[i] = alphabet[r % 3];
			for (size_t cut = 0; cut <= len; cut++)
				check(in, len, cut);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
