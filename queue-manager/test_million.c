/*
 * Many deferred messages: what they cost in memory, and how soon a restart
 * after a kill is ready.  By default few of them, as a test; with
 * BULKHEAD_MESSAGES=1000000 the figures of the manual.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log/log.h"
#include "queue-manager/queue.h"

enum { AT_ONCE = 2000, CONTENT = 300 };

/* Private memory in KiB; the index's pages are the page cache's. */
static long
anonymous(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

static void
open_queue(struct queue *q, const char *dir, char index[128])
{
	struct queue_config c = { .index_path = index,
	    .index_size = (size_t)8 << 30, .segment_size = 32 << 20 };

	memset(q, 0, sizeof(*q));
	snprintf(index, 128, "%s/index", dir);
	c.root = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(queue_threads(q), 0);
	assert_int_equal(queue_open(q, &c), 0);
	close(c.root);
}

static void
nothing(void *arg, int error)
{
	(void)arg;
	assert_int_equal(error, 0);
}

static void
accept_some(struct queue *q, uint64_t *ids, unsigned n)
{
	static char content[CONTENT];
	struct queue_content c = { .fd = -1, .octets = content,
	    .size = CONTENT };
	char buf[512], to[64];

	for (unsigned i = 0; i < n; i++) {
		struct envelope e = { .reverse_path =
		    slice_str("somebody@somewhere.example"), .arrival_ms = 1 };
		struct envelope_recipient r = { .original = slice_of("", 0) };
		struct ipc_writer w;

		while (queue_lease_ids(q, 1, &ids[i]) != 1) {
			log_flush(q->log);
			queue_wait(q);
		}
		r.given = slice_of(to, (size_t)snprintf(to, sizeof(to),
		    "user%u@domain%u.example", (unsigned)ids[i] % 100000,
		    (unsigned)ids[i] % 1000));
		ipc_writer_init(&w, buf, sizeof(buf));
		envelope_begin(&w, &e);
		envelope_put_recipient(&w, &r);
		assert_int_equal(queue_put_message(q, ids[i],
		    slice_of(buf, w.len), &c, nothing, NULL), 0);
	}
	log_flush(q->log);
	queue_wait(q);
}

static void
defer(struct queue *q, const uint64_t *ids, unsigned n)
{
	struct event_result e = { .outcome = OUTCOME_DEFERRED, .attempts = 1,
	    .code = 451, .enhanced = { 4, 4, 1 },
	    .text = slice_str("No answer from host") };

	for (unsigned i = 0; i < n; i++) {
		e.due_ms = queue_now(q) + 3600000 + ids[i] % 100000;
		assert_int_equal(queue_put_result(q, queue_find(q, ids[i]),
		    &e, nothing, NULL), 0);
	}
	log_flush(q->log);
	queue_wait(q);
	while (!TAILQ_EMPTY(&q->by_arrival))
		assert_int_equal(queue_checkpoint_now(q), 0);
	queue_sweep(q, queue_now(q) + 1000);
	log_tend(q->log, q->replay.generation);
}

static void
test_many(void **state)
{
	const char *wanted = getenv("BULKHEAD_MESSAGES");
	unsigned total = wanted == NULL ? 20000 : (unsigned)strtoul(wanted,
	    NULL, 10);
	char dir[] = "/var/tmp/test-many-XXXXXX", index[128], line[256];
	static uint64_t ids[AT_ONCE];
	struct queue q, again;
	uint64_t began;
	long memory, ms;

	(void)state;
	assert_non_null(mkdtemp(dir));
	open_queue(&q, dir, index);
	for (unsigned n = 0; n < total; n += AT_ONCE) {
		accept_some(&q, ids, AT_ONCE);
		defer(&q, ids, AT_ONCE);
	}
	memory = anonymous();
	assert_int_equal(q.n_memory, 0);
	assert_int_equal(q.n_messages, total);
	/* Some that the index does not have, and then a kill: the threads
	 * and memory of the first queue simply stay behind. */
	accept_some(&q, ids, AT_ONCE);
#ifdef BULKHEAD_SANITIZE
	queue_close(&q);	/* what stays behind would count as a leak */
	memory = 0;
#else
	snprintf(line, sizeof(line), "rm %s/index/lock.mdb", dir);
	assert_int_equal(system(line), 0);
	index_close(q.index);
	q.index = NULL;
#endif
	began = clock_boot_ms();
	open_queue(&again, dir, index);
	ms = (long)(clock_boot_ms() - began);
	assert_int_equal(again.n_messages, total + AT_ONCE);
	assert_int_equal(queue_difference(&again), 0);
#ifndef BULKHEAD_SANITIZE
	assert_int_equal(again.n_memory, AT_ONCE);
#endif
	printf("%u deferred: %ld KiB of memory; ready again after %ld ms\n",
	    total, memory, ms);
	assert_true(memory < 128 * 1024);
	queue_close(&again);
	snprintf(line, sizeof(line), "rm -rf %s", dir);
	assert_int_equal(system(line), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
	};
	if (getenv("TEST_LOG") != NULL)
		log_open("test", 2, LOG_FORM_LINES);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
