/*
 * Conversions in the event loop: a bounded piece of work per turn, few at
 * once, each told of exactly once, and none after its owner has gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "remote-relay/conversion.h"

enum { N = 20, SIZE = 1 << 20 };

struct letter {
	struct world *w;
	struct conversion c;
	unsigned done;
	enum downgrade_verdict verdict;
};

struct world {
	struct event_base *base;
	struct turns turns;
	struct conversions all;
	struct letter letters[N];
	char *content;
	size_t read; /* octets since that was set to 0 */
	unsigned n_done;
};

static ssize_t
read_content(void *ctx, uint64_t at, void *buf, size_t len)
{
	struct world *w = ctx;

	memcpy(buf, w->content + at, len);
	w->read += len;
	return (ssize_t)len;
}

static void
on_done(void *ctx, enum downgrade_verdict v)
{
	struct letter *l = ctx;

	l->done++;
	l->verdict = v;
	l->w->n_done++;
}

static int
setup(void **state)
{
	static const char head[] = "Content-Type: text/plain\r\n\r\n";
	struct world *w = calloc(1, sizeof(*w));

	w->base = event_base_new();
	assert_int_equal(turns_init(&w->turns, w->base), 0);
	conversions_init(&w->all, &w->turns);
	w->content = malloc(SIZE);
	for (size_t i = 0; i < SIZE; i++)
		w->content[i] = "\xc3\xa9 1234567890123\r\n"[i % 17];
	memcpy(w->content, head, sizeof(head) - 1);
	memcpy(w->content + SIZE - 3, "x\r\n", 3);
	for (int i = 0; i < N; i++)
		w->letters[i].w = w;
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < N; i++)
		conversion_clear(&w->letters[i].c);
	turns_clear(&w->turns);
	event_base_free(w->base);
	free(w->content);
	free(w);
	return 0;
}

static void
begin(struct world *w, int i, uint64_t size)
{
	conversion_begin(&w->all, &w->letters[i].c,
	    &(struct downgrade_source){ read_content, w, size }, 0, on_done,
	    &w->letters[i]);
}

static unsigned
with_memory(const struct world *w)
{
	unsigned n = 0;

	for (int i = 0; i < N; i++)
		n += w->letters[i].c.d != NULL && w->letters[i].done == 0;
	return n;
}

/* One turn of the loop. */
static void
turn(struct world *w)
{
	w->read = 0;
	event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_true(w->read <= 2 * DOWNGRADE_STEP);
	assert_true(with_memory(w) <= CONVERSIONS_AT_ONCE);
}

static void
test_bounded_turns(void **state)
{
	struct world *w = *state;
	unsigned turns = 0;

	for (int i = 0; i < N; i++)
		begin(w, i, SIZE);
	assert_int_equal(w->n_done, 0);
	for (; w->n_done < N && turns < 100000; turns++)
		turn(w);
	/* Each is read once for its structure and once for its nature. */
	assert_true(turns >= N * SIZE / DOWNGRADE_STEP);
	for (int i = 0; i < N; i++) {
		assert_int_equal(w->letters[i].done, 1);
		assert_int_equal(w->letters[i].verdict, DOWNGRADE_OK);
	}
	for (int i = 0; i < 10; i++)
		turn(w);
	assert_int_equal(w->n_done, N);
}

/* A small one among large ones is not held up by the whole of them. */
static void
test_small_one_first(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CONVERSIONS_AT_ONCE - 1; i++)
		begin(w, i, SIZE);
	begin(w, N - 1, 1000);
	for (int i = 0; i < 3 * CONVERSIONS_AT_ONCE; i++)
		turn(w);
	assert_int_equal(w->letters[N - 1].done, 1);
	assert_int_equal(w->n_done, 1);
}

static void
test_cleared(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < N; i++)
		begin(w, i, SIZE);
	for (int i = 0; i < 6; i++)
		turn(w);
	/* Looked at, waiting, twice, and those that took their places. */
	for (int i = 0; i < N; i += 2) {
		conversion_clear(&w->letters[i].c);
		conversion_clear(&w->letters[i].c);
	}
	for (unsigned i = 0; w->n_done < N / 2 && i < 100000; i++)
		turn(w);
	for (int i = 0; i < N; i++)
		assert_int_equal(w->letters[i].done, i % 2);
	assert_int_equal(w->all.n, 0);
}

/* A multipart of many parts, which is held as many runs of octets. */
static size_t
make_many_parts(struct world *w)
{
	static const char head[] =
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
	static const char part[] = "--b\r\n\r\n\xc3\xa9\r\n";
	size_t len = sizeof(head) - 1;

	memcpy(w->content, head, len);
	for (int i = 0; i < 5000; i++, len += sizeof(part) - 1)
		memcpy(w->content + len, part, sizeof(part) - 1);
	memcpy(w->content + len, "--b--\r\n", 7);
	return len + 7;
}

static void
until_done(struct world *w, unsigned n)
{
	for (unsigned i = 0; w->n_done < n && i < 100000; i++)
		turn(w);
	assert_int_equal(w->n_done, n);
}

/* What is held is bounded, is given back, and leaves room for small ones. */
static void
test_held(void **state)
{
	struct world *w = *state;
	size_t size = make_many_parts(w), one;

	begin(w, 0, size);
	until_done(w, 1);
	assert_int_equal(w->letters[0].verdict, DOWNGRADE_OK);
	one = w->all.held;
	assert_true(one > CONVERSION_LITTLE);
	w->all.held_max = 2 * one;
	for (int i = 1; i < 4; i++)
		begin(w, i, size);
	until_done(w, 4);
	assert_int_equal(w->letters[1].verdict, DOWNGRADE_OK);
	assert_int_equal(w->letters[2].verdict, DOWNGRADE_FAILED);
	assert_int_equal(w->letters[3].verdict, DOWNGRADE_FAILED);
	assert_int_equal(w->all.held, 2 * one);
	conversion_clear(&w->letters[0].c);
	conversion_clear(&w->letters[2].c);
	assert_int_equal(w->all.held, one);
	memcpy(
	    w->content, "Content-Type: text/plain; x=yyyyyyyyyyy\r\n\r\n", 43);
	begin(w, 4, 200);
	begin(w, 5, 200);
	until_done(w, 6);
	assert_int_equal(w->letters[5].verdict, DOWNGRADE_OK);
	assert_int_equal(w->all.held, one);
	make_many_parts(w);
	begin(w, 6, size);
	until_done(w, 7);
	assert_int_equal(w->letters[6].verdict, DOWNGRADE_OK);
	for (int i = 0; i < N; i++)
		conversion_clear(&w->letters[i].c);
	assert_int_equal(w->all.held, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_bounded_turns),
		T(test_small_one_first),
		T(test_cleared),
		T(test_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
