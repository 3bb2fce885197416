/* Deliveries to other hosts in virtual time: rules one by one, then a day in
 * which a great destination is dead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "queue-manager/outbound.h"

static const struct outbound_limits limits = {
	.total = 100, .destination = 20,
	.rest_min_ms = 1000, .rest_max_ms = 60000,
};

/* A list has 5,000 recipients at 50 destinations, then somebody writes. */
static void
test_letter_beside_a_list(void **state)
{
	struct outbound *o = outbound_new(&limits);
	struct outbound_job *list = calloc(5000, sizeof(*list));
	struct outbound_job letter = { 0 };

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(outbound_add(o, &list[i], i % 50, 1, true), 0);
	for (unsigned i = 0; i < 7; i++)
		assert_non_null(outbound_start(o, 0));
	assert_int_equal(outbound_add(o, &letter, 999, 2, true), 0);
	assert_ptr_not_equal(outbound_start(o, 0), NULL);
	assert_true(letter.state == OUTBOUND_RUNNING ||
	    outbound_start(o, 0) == &letter);
	outbound_free(o);
	free(list);
}

/* Both write to one destination, which takes five at a time. */
static void
test_letter_to_the_same(void **state)
{
	struct outbound *o = outbound_new(&limits);
	struct outbound_job list[300] = { 0 }, letter = { 0 }, *j, *first;
	unsigned started = 0;

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(outbound_add(o, &list[i], 7, 1, true), 0);
	first = outbound_start(o, 0);
	for (started = 1; outbound_start(o, 0) != NULL;)
		started++;
	assert_int_equal(started, 5);
	assert_int_equal(outbound_add(o, &letter, 7, 2, true), 0);
	assert_null(outbound_start(o, 0));
	outbound_finish(o, first, OUTBOUND_NO_VERDICT, 0, 0);
	j = outbound_start(o, 0);	/* the list stood there before */
	assert_non_null(j);
	outbound_finish(o, j, OUTBOUND_NO_VERDICT, 0, 0);
	assert_ptr_equal(outbound_start(o, 0), &letter);
	outbound_free(o);
}

/* The list's own letter to another destination does not wait, either. */
static void
test_destinations_take_turns(void **state)
{
	struct outbound *o = outbound_new(&limits);
	struct outbound_job many[100] = { 0 }, one = { 0 }, *j;
	unsigned before = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(outbound_add(o, &many[i], 1, 1, true), 0);
	assert_int_equal(outbound_add(o, &one, 2, 1, true), 0);
	while ((j = outbound_start(o, 0)) != NULL && j != &one)
		before++;
	assert_ptr_equal(j, &one);
	assert_int_equal(before, 1);
	outbound_free(o);
}

static void
test_fresh_first(void **state)
{
	struct outbound *o = outbound_new(&limits);
	struct outbound_job fresh[200] = { 0 }, old[200] = { 0 };
	unsigned n_old = 0, n = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		outbound_add(o, &old[i], i, 1, false);
		outbound_add(o, &fresh[i], 1000 + i, 1, true);
	}
	while (outbound_start(o, 0) != NULL)
		n++;
	for (unsigned i = 0; i < 200; i++)
		n_old += old[i].state == OUTBOUND_RUNNING;
	assert_int_equal(n, 100);
	assert_int_equal(n_old, 13);	/* every eighth */
	outbound_free(o);
	/* Retries alone get half of the places. */
	o = outbound_new(&limits);
	for (unsigned i = n = 0; i < 200; i++) {
		old[i] = (struct outbound_job){ 0 };
		outbound_add(o, &old[i], i, 1, false);
	}
	while (outbound_start(o, 0) != NULL)
		n++;
	assert_int_equal(n, 50);
	outbound_free(o);
}

static void
test_window_grows(void **state)
{
	struct outbound *o = outbound_new(&limits);
	struct outbound_job jobs[400] = { 0 }, *running[400], *j;
	unsigned head = 0, tail = 0, most = 0;

	(void)state;
	for (unsigned i = 0; i < 400; i++)
		assert_int_equal(outbound_add(o, &jobs[i], 1, 1, true), 0);
	while (tail < 400) {
		while ((j = outbound_start(o, 0)) != NULL)
			running[tail++] = j;
		if (tail - head > most)
			most = tail - head;
		outbound_finish(o, running[head++], OUTBOUND_ALIVE, 0, 0);
	}
	assert_int_equal(most, limits.destination);
	while (head < tail)
		outbound_finish(o, running[head++], OUTBOUND_ALIVE, 0, 0);
	assert_int_equal(outbound_destinations(o), 0);
	outbound_free(o);
}

static void
test_rest_and_return(void **state)
{
	struct outbound *o = outbound_new(&limits);
	struct outbound_job jobs[50] = { 0 }, *j, *last = NULL;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(outbound_add(o, &jobs[i], 1, i, true), 0);
	while ((j = outbound_start(o, 10)) != NULL) {
		assert_false(outbound_finish(o, j, OUTBOUND_DOWN, 10, 0));
		n++;
	}
	assert_int_equal(n, 3);
	assert_int_equal(outbound_rests(o, 1, 10), 1011);
	assert_int_equal(outbound_wakeup(o, 10), 1011);
	assert_null(outbound_start(o, 1010));
	/* One finds out; the rest is longer then. */
	assert_non_null(j = outbound_start(o, 1011));
	assert_null(outbound_start(o, 1011));
	outbound_finish(o, j, OUTBOUND_DOWN, 1011, 0);
	assert_int_equal(outbound_rests(o, 1, 1011), 3012);
	assert_non_null(j = outbound_start(o, 3012));
	assert_true(outbound_finish(o, j, OUTBOUND_ALIVE, 3013, 0));
	for (n = 0; (j = outbound_start(o, 3013)) != NULL; n++)
		last = j;
	assert_int_equal(n, 5);
	assert_false(outbound_finish(o, last, OUTBOUND_ALIVE, 3014, 0));
	outbound_free(o);
}

/* Its failures are remembered without jobs, and forgotten in the end. */
static void
test_memory_of_failures(void **state)
{
	struct outbound *o = outbound_new(&limits);
	struct outbound_job j = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		outbound_add(o, &j, 1, 1, true);
		assert_ptr_equal(outbound_start(o, 0), &j);
		outbound_finish(o, &j, OUTBOUND_DOWN, 0, 0);
	}
	assert_int_equal(outbound_rests(o, 1, 0), 1001);
	outbound_tidy(o, 1002);
	assert_int_equal(outbound_destinations(o), 1);
	/* A rest that began after a flush was asked for is not ended by it;
	 * nor is another's. */
	outbound_end_rest(o, 2, 5000);
	assert_int_equal(outbound_rests(o, 1, 0), 1001);
	outbound_end_rest(o, 1, 0);
	assert_int_equal(outbound_rests(o, 1, 0), 0);
	outbound_add(o, &j, 1, 1, true);
	assert_ptr_equal(outbound_start(o, 10), &j);
	outbound_finish(o, &j, OUTBOUND_DOWN, 10, 0);
	assert_true(outbound_rests(o, 1, 10) > 10);
	outbound_end_rest(o, 1, 9);
	assert_true(outbound_rests(o, 1, 10) > 10);
	outbound_flush(o);
	assert_int_equal(outbound_rests(o, 1, 10), 0);
	outbound_tidy(o, 10 * 3600 * 1000);
	assert_int_equal(outbound_destinations(o), 0);
	outbound_free(o);
}

static void
test_remove(void **state)
{
	struct outbound *o = outbound_new(&limits);
	struct outbound_job a = { 0 }, b = { 0 }, c = { 0 };

	(void)state;
	outbound_add(o, &a, 1, 1, true);
	outbound_add(o, &b, 1, 1, true);
	outbound_add(o, &c, 1, 2, false);
	assert_ptr_equal(outbound_start(o, 0), &c);
	assert_ptr_equal(outbound_start(o, 0), &a);
	outbound_remove(o, &a);
	outbound_remove(o, &b);
	outbound_remove(o, &b);
	outbound_remove(o, &c);
	assert_null(outbound_start(o, 0));
	assert_int_equal(outbound_running(o) + outbound_ready(o), 0);
	assert_int_equal(outbound_destinations(o), 0);
	outbound_free(o);
}

/*
 * A day of virtual time.  20,000 letters of 500 senders wait for one dead
 * destination, as its messages do: those that it would rest for are put away
 * and come again.  Meanwhile letters to 2,000 others come in.  Those leave
 * within a second; the dead one is asked now and then only; when it comes
 * back, all of its mail follows.
 */
struct letter {
	struct outbound_job job;
	uint64_t	arrival, due, ends;
	uint32_t	destination;
	enum { AWAY, READY, RUNNING, SENT } state;
};

enum { DEAD = 1, DEAD_LETTERS = 20000, OTHERS = 8000,
	BACK_MS = 3 * 3600 * 1000 };

struct day {
	struct outbound	*o;
	struct letter	*letters;
	unsigned	*running, n_running;
	unsigned	 asked, most_ready, sent_dead;
};

static uint64_t seed = 20261121;

static uint32_t
rnd(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 32);
}

static void
day_finish(struct day *y, uint64_t now)
{
	for (unsigned i = 0; i < y->n_running;) {
		struct letter *l = &y->letters[y->running[i]];
		bool dead = l->destination == DEAD && now < BACK_MS;

		if (l->ends > now) {
			i++;
			continue;
		}
		y->running[i] = y->running[--y->n_running];
		if (outbound_finish(y->o, &l->job,
		    dead ? OUTBOUND_DOWN : OUTBOUND_ALIVE, now, rnd()))
			for (unsigned k = 0; k < DEAD_LETTERS; k++)
				if (y->letters[k].state == AWAY)
					y->letters[k].due = now;
		l->state = dead ? AWAY : SENT;
		l->due = now + 60000 + rnd() % 60000;
		y->sent_dead += l->destination == DEAD && !dead;
	}
}

/* What queue-manager does with what is due. */
static void
day_look(struct day *y, unsigned from, unsigned to, uint64_t now)
{
	for (unsigned i = from; i < to; i++) {
		struct letter *l = &y->letters[i];
		uint64_t rests;

		if (l->state != AWAY || l->due > now)
			continue;
		rests = outbound_rests(y->o, l->destination, now);
		if (rests != 0)
			l->due = rests + rnd() % 60000;
		else if (outbound_waiting(y->o, l->destination) > 1000)
			l->due = now + 1000 + rnd() % 1000;
		else {
			assert_int_equal(outbound_add(y->o, &l->job,
			    l->destination, i % 500, l->arrival == now), 0);
			l->state = READY;
		}
	}
}

static void
day_start(struct day *y, uint64_t now)
{
	struct outbound_job *j;

	while ((j = outbound_start(y->o, now)) != NULL) {
		struct letter *l = (struct letter *)j;

		assert_int_equal(l->state, READY);
		l->state = RUNNING;
		l->ends = now + (l->destination == DEAD && now < BACK_MS ?
		    30000 : 100);
		y->running[y->n_running++] = (unsigned)(l - y->letters);
		y->asked += l->destination == DEAD && now < BACK_MS;
		if (l->destination != DEAD)
			assert_true(now - l->arrival <= 1000);
	}
	if (outbound_ready(y->o) > y->most_ready)
		y->most_ready = outbound_ready(y->o);
}

static void
test_dead_destination(void **state)
{
	static const struct outbound_limits l = { .total = 100,
	    .destination = 20, .rest_min_ms = 60000, .rest_max_ms = 1800000 };
	struct day y = { .o = outbound_new(&l),
	    .letters = calloc(DEAD_LETTERS + OTHERS, sizeof(struct letter)),
	    .running = calloc(200, sizeof(unsigned)) };
	unsigned next = DEAD_LETTERS;
	uint64_t now;

	(void)state;
	for (unsigned i = 0; i < DEAD_LETTERS + OTHERS; i++)
		y.letters[i] = (struct letter){ .destination =
		    i < DEAD_LETTERS ? DEAD : 2 + rnd() % 2000 };
	for (now = 0; now < BACK_MS + 2 * 3600 * 1000; now += 500) {
		day_finish(&y, now);
		if (now % 5000 == 0 || now >= BACK_MS)
			day_look(&y, 0, DEAD_LETTERS, now);
		for (unsigned n = 0; n < 1 && next < DEAD_LETTERS + OTHERS;
		    n++, next++) {
			y.letters[next].arrival = y.letters[next].due = now;
			day_look(&y, next, next + 1, now);
		}
		day_start(&y, now);
		if (y.sent_dead == DEAD_LETTERS)
			break;
	}
	for (unsigned i = DEAD_LETTERS; i < next; i++)
		assert_int_equal(y.letters[i].state, SENT);
	assert_int_equal(next, DEAD_LETTERS + OTHERS);
	assert_int_equal(y.sent_dead, DEAD_LETTERS);
	/* Asked some twenty times in three hours, by one at a time. */
	assert_true(y.asked >= 5 && y.asked < 60);
	assert_true(y.most_ready < 1200);
	/* And all followed soon after the one that found it back. */
	assert_true(now < BACK_MS + 3600 * 1000);
	outbound_free(y.o);
	free(y.letters);
	free(y.running);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letter_beside_a_list),
		cmocka_unit_test(test_letter_to_the_same),
		cmocka_unit_test(test_destinations_take_turns),
		cmocka_unit_test(test_fresh_first),
		cmocka_unit_test(test_window_grows),
		cmocka_unit_test(test_rest_and_return),
		cmocka_unit_test(test_memory_of_failures),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_dead_destination),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
