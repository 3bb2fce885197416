/* Threads (RFC 5256): small ones by hand, large and wicked ones by their cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/session/thread.h"

/* A message is "id:refs:subject:date", one letter each but refs; a small letter
 * as subject is a reply; "." is none. */
struct story {
	const char	*messages;
	enum thread_algorithm algorithm;
	const char	*want;
};

static void
add(struct thread *t, uint32_t number, const char **at)
{
	struct thread_message m = { .number = number };
	uint64_t refs[16];
	size_t n = 0;
	const char *p = *at;

	m.id = *p == '.' ? 0 : (unsigned char)*p;
	for (p += 2; *p != ':'; p++)
		refs[n++] = (unsigned char)*p;
	m.subject = p[1] == '.' ? 0 : (uint64_t)(p[1] & ~0x20);
	m.reply = p[1] >= 'a';
	m.date = (unsigned char)p[3];
	*at = p + 4 + (p[4] == ' ');
	assert_int_equal(thread_add(t, &m, refs, n), 0);
}

static void
expect(const struct story *s)
{
	struct thread *t = thread_new(s->algorithm);
	char got[1024];
	size_t len = 0, n;
	const char *at = s->messages;

	for (uint32_t number = 1; *at != '\0'; number++)
		add(t, number, &at);
	assert_int_equal(thread_build(t), 0);
	while ((n = thread_write(t, got + len, THREAD_OUT_MIN)) > 0)
		len += n;
	got[len] = '\0';
	if (strcmp(got, s->want) != 0)
		fail_msg("%s\ngot  %s\nwant %s", s->messages, got, s->want);
	thread_free(t);
}

static void
test_stories(void **state)
{
	static const struct story stories[] = {
		{ "", THREAD_REFERENCES, "" },
		{ "", THREAD_ORDEREDSUBJECT, "" },
		{ "a::.:1", THREAD_REFERENCES, "(1)" },
		{ "a::A:1 b::A:2 c::B:0", THREAD_ORDEREDSUBJECT, "(3)(1 2)" },
		{ "a::A:1 b::a:3 c::A:2 d::B:0", THREAD_ORDEREDSUBJECT,
		    "(4)(1 (3)(2))" },
		/* a chain, given out of order */
		{ "c:ab:a:3 a::A:1 b:a:a:2", THREAD_REFERENCES, "(2 3 1)" },
		/* two answers to one, the younger first */
		{ "a::A:1 b:a:a:3 c:a:a:2", THREAD_REFERENCES, "(1 (3)(2))" },
		/* the parent is not there: a dummy over two, none over one */
		{ "b:a:a:1 c:a:a:2", THREAD_REFERENCES, "((1)(2))" },
		{ "b:a:a:1", THREAD_REFERENCES, "(1)" },
		{ "c:xyz:a:1", THREAD_REFERENCES, "(1)" },
		/* a dummy in the middle gives its children up */
		{ "a::A:1 c:ab:a:2 d:ab:a:3", THREAD_REFERENCES,
		    "(1 (2)(3))" },
		/* dummies in a row, at the top */
		{ "c:xy:a:2 d:xy:a:1", THREAD_REFERENCES, "((2)(1))" },
		/* loops are not made */
		{ "a:b:.:1 b:a:.:2", THREAD_REFERENCES, "(2 1)" },
		{ "a:a:.:1", THREAD_REFERENCES, "(1)" },
		{ "a:bc:.:1 b:ca:.:2 c:ab:.:3", THREAD_REFERENCES,
		    "(2 3 1)" },
		/* a link that was guessed gives way to a message's own */
		{ "x:ab:.:1 b:c:.:2 a::.:3 c::.:4", THREAD_REFERENCES,
		    "(3)(4 2 1)" },
		/* the same ID twice: the second has none */
		{ "a::.:1 a::.:2 b:a:.:3", THREAD_REFERENCES, "(1 3)(2)" },
		/* subjects: a reply below the first, two first ones in a row */
		{ "a::A:1 b::a:2", THREAD_REFERENCES, "(1 2)" },
		{ "a::a:1 b::A:2", THREAD_REFERENCES, "(2 1)" },
		{ "a::A:1 b::A:2 c::A:3", THREAD_REFERENCES,
		    "((1)(2)(3))" },
		{ "a::a:1 b::a:2", THREAD_REFERENCES, "((1)(2))" },
		/* a dummy of that subject takes them all */
		{ "b:x:a:2 c:x:a:3 d::A:1", THREAD_REFERENCES,
		    "((3)(1)(2))" },
		{ "b:x:a:2 c:x:a:3 d:y:a:4 e:y:a:1", THREAD_REFERENCES,
		    "((4)(1)(2)(3))" },
		{ "a::.:1 b::.:2", THREAD_REFERENCES, "(1)(2)" },
		/* by date, then by number */
		{ "a::.:5 b::.:5 c::.:4", THREAD_REFERENCES, "(3)(1)(2)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		expect(&stories[i]);
}

/* ---- the cost ---- */

enum shape { CHAIN, CHAIN_BACKWARDS, STAR, CYCLES, LONG_REFERENCES, RANDOM,
	ONE_SUBJECT, SHAPES };

static size_t
shape(enum shape s, size_t i, size_t n, struct thread_message *m,
    uint64_t *refs)
{
	size_t k = 0;

	*m = (struct thread_message){ .number = (uint32_t)i + 1, .id = i + 1,
		.date = (int64_t)(i * 2654435761U % n), .subject = i % 7 };
	switch (s) {
	case CHAIN:
		refs[0] = i;
		return i > 0;
	case CHAIN_BACKWARDS:
		m->id = n - i;
		refs[0] = n - i - 1;
		return i + 1 < n;
	case STAR:
		refs[0] = 1;
		return i > 0;
	case CYCLES:
		refs[0] = (i + 1) % n + 1;
		refs[1] = (i + n / 2) % n + 1;
		return 2;
	case LONG_REFERENCES:
		for (; k < 30 && k < i; k++)
			refs[k] = i - k;
		return k;
	case RANDOM:
		for (; k < 5; k++)
			refs[k] = (i * 31 + k * 2654435761U) % n + 1;
		return k;
	default:
		m->subject = 1;
		m->reply = i % 2 == 1;
		return 0;
	}
}

static uint64_t
work(enum thread_algorithm a, enum shape s, size_t n)
{
	struct thread *t = thread_new(a);
	struct thread_message m;
	uint64_t refs[32], steps;
	size_t printed = 0, len;
	char out[4096];

	for (size_t i = 0; i < n; i++) {
		size_t k = shape(s, i, n, &m, refs);

		assert_int_equal(thread_add(t, &m, refs, k), 0);
	}
	assert_int_equal(thread_build(t), 0);
	while ((len = thread_write(t, out, sizeof(out))) > 0)
		for (size_t i = 0; i < len; i++)
			printed += out[i] >= '0' && out[i] <= '9' && (i + 1 ==
			    len || out[i + 1] < '0' || out[i + 1] > '9');
	assert_int_equal(printed, n);	/* each once */
	steps = thread_steps(t);
	thread_free(t);
	return steps;
}

/* n log n: twice the messages, less than two and a half times the work. */
static void
test_growth(void **state)
{
	(void)state;
	for (int s = 0; s < SHAPES; s++)
		for (int a = 0; a < 2; a++) {
			uint64_t one = work((enum thread_algorithm)a,
			    (enum shape)s, 50000);
			uint64_t two = work((enum thread_algorithm)a,
			    (enum shape)s, 100000);

			if (two > 5 * one / 2)
				fail_msg("shape %d, algorithm %d: %llu, %llu",
				    s, a, (unsigned long long)one,
				    (unsigned long long)two);
		}
}

/* Mail of strangers that refers to millions of messages that are nowhere. */
static void
test_missing(void **state)
{
	enum { REFERENCES = 1000 };
	struct thread *t = thread_new(THREAD_REFERENCES);
	uint64_t *refs = calloc(REFERENCES, sizeof(*refs)), next = 1000000;
	struct thread_message m = { .number = 1, .id = 1 };
	static char got[64 * 1024];
	size_t len = 0, n;

	(void)state;
	assert_non_null(refs);
	for (; m.number <= 2 * THREAD_MISSING_MAX / REFERENCES; m.number++) {
		m.id = m.number;
		for (size_t i = 0; i < REFERENCES; i++)
			refs[i] = next++;
		assert_int_equal(thread_add(t, &m, refs, REFERENCES), 0);
	}
	/* references to what is there still count */
	m.id = 500000;
	refs[0] = 1;
	assert_int_equal(thread_add(t, &m, refs, 1), 0);
	assert_int_equal(thread_build(t), 0);
	while ((n = thread_write(t, got + len, THREAD_OUT_MIN)) > 0)
		len += n;
	assert_memory_equal(got, "(1 2098)(2)(3)", 14);
	thread_free(t);
	free(refs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_growth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
