/* The scheduler in virtual time: rules one by one, then a busy week. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "queue-manager/scheduler.h"

static const struct scheduler_limits limits = {
	.total = 20, .destination = 10,
	.backoff_min_ms = 1000, .backoff_max_ms = 60000,
	.lifetime_ms = 1000000,
};

static void
test_backoff(void **state)
{
	(void)state;
	assert_int_equal(scheduler_backoff(&limits, 1, 0), 1000);
	assert_int_equal(scheduler_backoff(&limits, 2, 0), 2000);
	assert_int_equal(scheduler_backoff(&limits, 4, 0), 8000);
	assert_int_equal(scheduler_backoff(&limits, 4, UINT32_MAX), 6000);
	assert_int_equal(scheduler_backoff(&limits, 4000000000u, 0), 60000);
}

static void
test_fairness(void **state)
{
	struct scheduler *s = scheduler_new(&limits);
	struct scheduler_job many[100] = { 0 }, one = { 0 }, *j;
	unsigned before = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(scheduler_add(s, &many[i], 1, true), 0);
	assert_int_equal(scheduler_add(s, &one, 2, true), 0);
	while ((j = scheduler_start(s, 0)) != NULL && j != &one)
		before++;
	assert_ptr_equal(j, &one);
	assert_int_equal(before, 1);
	while (scheduler_start(s, 0) != NULL)
		before++;
	assert_int_equal(before, 8);	/* the first window */
	scheduler_free(s);
}

static void
test_fresh_first(void **state)
{
	struct scheduler_limits l = limits;
	struct scheduler *s;
	struct scheduler_job fresh[40] = { 0 }, old[40] = { 0 }, *j;
	unsigned n_fresh = 0, n_old = 0;

	(void)state;
	l.destination = 1000;
	s = scheduler_new(&l);
	for (unsigned i = 0; i < 40; i++) {
		scheduler_add(s, &old[i], i, false);
		scheduler_add(s, &fresh[i], 100 + i, true);
	}
	while ((j = scheduler_start(s, 0)) != NULL)
		j->fresh ? n_fresh++ : n_old++;
	assert_int_equal(n_fresh + n_old, 20);
	assert_int_equal(n_old, 3);
	scheduler_free(s);
}

/* Retries alone get half of the places. */
static void
test_retries_bounded(void **state)
{
	struct scheduler *s = scheduler_new(&limits);
	struct scheduler_job old[40] = { 0 };
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		scheduler_add(s, &old[i], i, false);
	while (scheduler_start(s, 0) != NULL)
		n++;
	assert_int_equal(n, 10);
	scheduler_free(s);
}

static void
test_rest(void **state)
{
	struct scheduler *s = scheduler_new(&limits);
	struct scheduler_job jobs[10] = { 0 }, *j;
	uint64_t now = 5;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		scheduler_add(s, &jobs[i], 1, true);
	while ((j = scheduler_start(s, now)) != NULL) {
		scheduler_finish(s, j, SCHEDULER_DEFERRED, now);
		n++;
	}
	assert_int_equal(n, 4);
	assert_int_equal(scheduler_wakeup(s, now), 1005);
	assert_null(scheduler_start(s, 1004));
	assert_non_null(j = scheduler_start(s, 1005));
	scheduler_finish(s, j, SCHEDULER_DONE, 1006);
	assert_int_equal(scheduler_wakeup(s, now), UINT64_MAX);
	assert_non_null(scheduler_start(s, 1006));
	scheduler_free(s);
}

/* ---- company ---- */

static struct scheduler_limits
gathering_limits(void)
{
	struct scheduler_limits l = limits;

	l.total = 1000;
	l.destination = 100;
	l.gather_ms = 1000;
	l.gather_most = 5000;
	return l;
}

static void
test_alone_at_once(void **state)
{
	struct scheduler_limits l = gathering_limits();
	struct scheduler *s = scheduler_new(&l);
	struct scheduler_job one[50] = { 0 };

	(void)state;
	/* One letter in 100 ms meets nobody and waits for nobody. */
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(scheduler_gather(s, &one[i], i, true,
		    i * 100), 0);
		assert_ptr_equal(scheduler_start(s, i * 100), &one[i]);
	}
	scheduler_free(s);
}

/* Letters come in, each_ms apart, for two seconds, and are started: how long
 * did the oldest of them wait? */
static uint64_t
longest_wait(unsigned each_ms)
{
	enum { UNTIL_MS = 2000 };
	struct scheduler_limits l = gathering_limits();
	struct scheduler *s = scheduler_new(&l);
	struct scheduler_job jobs[UNTIL_MS] = { 0 }, *j;
	uint64_t came[UNTIL_MS], longest = 0;
	unsigned n = 0;

	for (uint64_t now = 0; now < UNTIL_MS + 100; now++) {
		if (now < UNTIL_MS && now % each_ms == 0) {
			came[n] = now;
			assert_int_equal(
			    scheduler_gather(s, &jobs[n++], 1, true, now), 0);
		}
		while ((j = scheduler_start(s, now)) != NULL) {
			if (now - came[j - jobs] > longest)
				longest = now - came[j - jobs];
			scheduler_finish(s, j, SCHEDULER_DONE, now);
		}
	}
	assert_int_equal(scheduler_ready(s), 0);
	scheduler_free(s);
	return longest;
}

/* G3: the more come, the longer they wait for each other. */
static void
test_wait_follows_the_rate(void **state)
{
	(void)state;
	assert_int_equal(longest_wait(50), 0);       /* 20 a second */
	assert_in_range(longest_wait(10), 150, 300); /* 100 */
	assert_in_range(longest_wait(2), 500, 800);  /* 500 */
	assert_int_equal(longest_wait(1), 1000);     /* 1,000 */
}

/*
 * A disk that holds up acceptance for a while, with letters on their way, is
 * no end of a burst, and those that come after it are no quiet time.
 */
static void
test_held_up(void **state)
{
	struct scheduler_limits l = gathering_limits();
	struct scheduler *s = scheduler_new(&l);
	struct scheduler_job jobs[401] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 400; i++)
		assert_int_equal(
		    scheduler_gather(s, &jobs[i], i, true, 100 + i / 4), 0);
	for (uint64_t now = 210; now < 600; now += 20) {
		scheduler_expects(s, now);
		assert_null(scheduler_start(s, now));
	}
	/* After so long a time, one alone would not wait. */
	assert_int_equal(scheduler_gather(s, &jobs[400], 400, true, 600), 0);
	assert_null(scheduler_start(s, 600));
	/* Nothing more is to come. */
	assert_int_equal(scheduler_wakeup(s, 600), 650);
	assert_non_null(scheduler_start(s, 650));
	scheduler_free(s);
}

/* G1: what is on its way keeps nobody longer than the limit. */
static void
test_expected_for_ever(void **state)
{
	struct scheduler_limits l = gathering_limits();
	struct scheduler *s = scheduler_new(&l);
	struct scheduler_job jobs[400] = { 0 };
	uint64_t now;

	(void)state;
	for (unsigned i = 0; i < 400; i++)
		assert_int_equal(
		    scheduler_gather(s, &jobs[i], i, true, 100), 0);
	for (now = 101; now < 1200; now++) {
		scheduler_expects(s, now);
		if (scheduler_start(s, now) != NULL)
			break;
	}
	assert_int_equal(now, 100 + 1000);
	scheduler_free(s);
}

/*
 * Letters come in, one each ms, to ten mailboxes in turn; how long does the
 * oldest wait, and how do they start?
 */
static void
test_company(void **state)
{
	struct scheduler_limits l = gathering_limits();
	struct scheduler *s = scheduler_new(&l);
	struct letter {
		struct scheduler_job job;
		uint64_t at;
	} *letters = calloc(5000, sizeof(*letters));
	unsigned started = 0, rows = 0, rounds = 0;
	uint64_t now, former = 0, longest = 0;
	struct scheduler_destination *last = NULL;
	struct scheduler_job *j;

	(void)state;
	for (now = 1; now < 5100; now++) {
		if (now <= 5000) {
			letters[now - 1].at = now;
			assert_int_equal(scheduler_gather(s,
			    &letters[now - 1].job, now % 10, true, now), 0);
		}
		while ((j = scheduler_start(s, now)) != NULL) {
			uint64_t age = now - ((struct letter *)j)->at;

			longest = age > longest ? age : longest;
			rows += j->destination != last;
			rounds += now != former;
			former = now;
			last = j->destination;
			started++;
			scheduler_finish(s, j, SCHEDULER_DONE, now);
		}
	}
	assert_int_equal(started, 5000);	/* the burst is over: all */
	assert_int_equal(longest, 1000);	/* G1 */
	assert_in_range(rounds, 5, 20);
	/* About 10 rows a round, not 1,000. */
	assert_in_range(rows, rounds, 10 * rounds + 50);
	assert_int_equal(scheduler_ready(s), 0);
	assert_int_equal(scheduler_wakeup(s, now), UINT64_MAX);
	scheduler_free(s);
	free(letters);
}

static void
test_burst_ends(void **state)
{
	struct scheduler_limits l = gathering_limits();
	struct scheduler *s = scheduler_new(&l);
	struct scheduler_job jobs[200] = { 0 };
	uint64_t begun = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(scheduler_gather(s, &jobs[i], 1, true,
		    100 + i / 10), 0);
	/* The last came at 119. */
	assert_null(scheduler_start(s, 119));
	assert_int_equal(scheduler_wakeup(s, 119), 119 + 50);
	assert_null(scheduler_start(s, 168));
	while (scheduler_start(s, 169) != NULL)
		begun++;
	assert_int_equal(begun, 100);		/* the window */
	scheduler_free(s);
}

/* As many as memory is good for do not wait; nor do any after a flush. */
static void
test_full_house(void **state)
{
	struct scheduler_limits l = gathering_limits();
	struct scheduler *s;
	struct scheduler_job jobs[110] = { 0 };

	(void)state;
	l.gather_most = 100;
	s = scheduler_new(&l);
	for (unsigned i = 0; i < 99; i++)
		assert_int_equal(scheduler_gather(s, &jobs[i], i, true, 5), 0);
	assert_null(scheduler_start(s, 5));
	assert_int_equal(scheduler_gather(s, &jobs[99], 99, true, 5), 0);
	for (unsigned i = 0; i < 100; i++)
		assert_non_null(scheduler_start(s, 5));
	for (unsigned i = 0; i < 100; i++)
		scheduler_finish(s, &jobs[i], SCHEDULER_DONE, 6);
	for (unsigned i = 100; i < 110; i++)
		assert_int_equal(scheduler_gather(s, &jobs[i], i, true, 6), 0);
	assert_null(scheduler_start(s, 6));
	scheduler_flush(s);
	for (unsigned i = 100; i < 110; i++)
		assert_non_null(scheduler_start(s, 6));
	scheduler_free(s);
}

static void
test_withdrawn(void **state)
{
	struct scheduler_limits l = gathering_limits();
	struct scheduler *s = scheduler_new(&l);
	struct scheduler_job jobs[100] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(scheduler_gather(s, &jobs[i], i % 7, i % 2,
		    5), 0);
	for (unsigned i = 0; i < 100; i++)
		if (i != 50)
			scheduler_remove(s, &jobs[i]);
	assert_int_equal(scheduler_ready(s), 1);
	assert_ptr_equal(scheduler_start(s, 55), &jobs[50]);
	scheduler_remove(s, &jobs[50]);
	assert_int_equal(scheduler_running(s), 0);
	assert_int_equal(scheduler_wakeup(s, 56), UINT64_MAX);
	scheduler_free(s);
}

/*
 * A week of virtual time: 300 destinations of which a third is dead; letters
 * come in all the time.  None is lost, a live destination's letter leaves
 * within a second, a dead one's expires after its lifetime.
 */
struct letter {
	struct scheduler_job job;
	uint64_t	arrival, due, ends;
	uint32_t	destination, attempts;
	enum { WAITING, READY, RUNNING, SENT, EXPIRED } state;
};

enum { LETTERS = 3000, DESTINATIONS = 300 };

static uint64_t seed = 20261121;

static uint32_t
rnd(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 32);
}

static void
attempt_ended(struct scheduler *s, struct letter *l, uint64_t now)
{
	bool dead = l->destination % 3 == 0;

	scheduler_finish(s, &l->job,
	    dead ? SCHEDULER_DEFERRED : SCHEDULER_DONE, now);
	l->state = WAITING;
	l->attempts++;
	if (!dead)
		l->state = SENT;
	else if (now - l->arrival >= limits.lifetime_ms)
		l->state = EXPIRED;
	else
		l->due = now + scheduler_backoff(&limits, l->attempts, rnd());
}

static void
test_week(void **state)
{
	struct letter *letters = calloc(LETTERS, sizeof(*letters));
	struct scheduler *s = scheduler_new(&limits);
	unsigned sent = 0, expired = 0, attempts = 0;
	struct scheduler_job *j;

	(void)state;
	for (unsigned i = 0; i < LETTERS; i++) {
		letters[i].arrival = letters[i].due = i * 200;
		letters[i].destination = rnd() % DESTINATIONS;
	}
	for (uint64_t now = 0; now < 2200000; now += 50) {
		for (unsigned i = 0; i < LETTERS; i++) {
			struct letter *l = &letters[i];

			if (l->state == RUNNING && l->ends <= now)
				attempt_ended(s, l, now);
			if (l->state != WAITING || l->due > now)
				continue;
			assert_int_equal(scheduler_add(s, &l->job,
			    l->destination, l->attempts == 0), 0);
			l->state = READY;
		}
		while ((j = scheduler_start(s, now)) != NULL) {
			struct letter *l = (struct letter *)j;

			assert_int_equal(l->state, READY);
			l->state = RUNNING;
			l->ends = now + 50 + rnd() % 100;
			attempts++;
			if (l->destination % 3 != 0)
				assert_true(now - l->arrival <= 1000);
			assert_true(scheduler_running(s) <= limits.total);
		}
	}
	for (unsigned i = 0; i < LETTERS; i++) {
		sent += letters[i].state == SENT;
		expired += letters[i].state == EXPIRED;
	}
	assert_int_equal(sent + expired, LETTERS);
	assert_int_equal(scheduler_running(s) + scheduler_ready(s), 0);
	/* Backing off: a dead letter is tried about 25 times, not 20,000. */
	assert_true(attempts < LETTERS * 15);
	scheduler_free(s);
	free(letters);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_fairness),
		cmocka_unit_test(test_fresh_first),
		cmocka_unit_test(test_retries_bounded),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_alone_at_once),
		cmocka_unit_test(test_wait_follows_the_rate),
		cmocka_unit_test(test_held_up),
		cmocka_unit_test(test_expected_for_ever),
		cmocka_unit_test(test_company),
		cmocka_unit_test(test_burst_ends),
		cmocka_unit_test(test_full_house),
		cmocka_unit_test(test_withdrawn),
		cmocka_unit_test(test_week),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
