/*
 * A life of the queue in small, for sweeps from outside (tests/spool): each of
 * its system calls is made the last one, or made to fail.
 *
 *	test_kill_points work DIR	recover, take mail in, settle some, stop;
 *					a line for each promise once it is made
 *	test_kill_points check DIR	recover, and print what is there
 *
 * Without arguments it is a unit test: both, undisturbed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/checksum/crc32c.h"
#include "common/log/log.h"
#include "queue-manager/queue.h"

static int
open_queue(struct queue *q, const char *dir, char index[128])
{
	struct queue_config c = { .index_path = index,
	    .index_size = 16 << 20, .segment_size = 1 << 20 };
	int ret;

	memset(q, 0, sizeof(*q));
	snprintf(index, 128, "%s/index", dir);
	if ((c.root = open(dir, O_RDONLY | O_DIRECTORY)) == -1 ||
	    queue_threads(q) == -1)
		return -1;
	ret = queue_open(q, &c);
	close(c.root);
	return ret;
}

/* A promise, as the reader of our output hears it. */
struct promise {
	const char	*word;
	uint64_t	 id;
	uint32_t	 number;
	bool		 kept;
};

static void
say(const char *word, uint64_t id, uint32_t number)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s %" PRIu64 " %u\n", word, id,
	    number);

	if (write(1, line, (size_t)n) == -1)
		_exit(3);
}

static void
promised(void *arg, int error)
{
	struct promise *p = arg;

	p->kept = error == 0;
	if (error == 0)
		say(p->word, p->id, p->number);
}

static void
wait_for(struct queue *q)
{
	log_flush(q->log);
	queue_wait(q);
}

static size_t
envelope(char *buf, size_t size)
{
	struct envelope e = { .reverse_path = slice_str("a@b"),
	    .arrival_ms = 1 };
	struct envelope_recipient r = { .given = slice_str("x@y"),
	    .original = slice_of("", 0) };
	struct ipc_writer w;

	ipc_writer_init(&w, buf, size);
	envelope_begin(&w, &e);
	envelope_put_recipient(&w, &r);
	r.given = slice_str("z@y");
	envelope_put_recipient(&w, &r);
	return w.len;
}

static bool
take_in(struct queue *q, struct promise *p, size_t size, bool large)
{
	char env[256], *octets = calloc(1, size);
	struct queue_content c = { .fd = -1, .octets = octets, .size = size,
	    .large = large };
	int fd = -1;

	*p = (struct promise){ .word = "accepted" };
	if (octets == NULL || queue_lease_ids(q, 1, &p->id) != 1)
		goto out;
	memset(octets, 'a' + (int)(p->id % 26), size);
	if (large) {
		c.crc = crc32c(0, octets, size);
		if ((fd = large_file_create(&q->files)) == -1 ||
		    pwrite_all(fd, octets, size, 0) != 0 ||
		    large_file_commit(&q->files, fd, p->id) != 0)
			goto out;
	}
	if (queue_put_message(q, p->id, slice_of(env, envelope(env,
	    sizeof(env))), &c, promised, p) == 0)
		wait_for(q);
out:
	if (fd != -1)
		close(fd);
	free(octets);
	return p->kept;
}

static void
settle(struct queue *q, const struct promise *of, uint32_t number,
    enum outcome outcome)
{
	struct event_result e = { .number = number, .outcome = outcome,
	    .attempts = 1, .due_ms = queue_now(q) + 1000000,
	    .text = slice_str("later") };
	struct promise p = { outcome == OUTCOME_DEFERRED ? "deferred" :
	    "settled", of->id, number, false };
	struct message *m = queue_load(q, of->id);

	if (outcome != OUTCOME_DEFERRED)
		say("trying", of->id, number);
	if (m != NULL && queue_put_result(q, m, &e, promised, &p) == 0)
		wait_for(q);
}

static int
work(const char *dir)
{
	struct promise small, large, other, last;
	struct queue q;
	char index[128];

	if (open_queue(&q, dir, index) == -1)
		return 1;
	if (take_in(&q, &small, 700, false)) {
		settle(&q, &small, 0, OUTCOME_DELIVERED);
		settle(&q, &small, 1, OUTCOME_DEFERRED);
	}
	if (take_in(&q, &large, 300000, true))
		settle(&q, &large, 0, OUTCOME_DELIVERED);
	queue_checkpoint_now(&q);
	queue_sweep(&q, 0);
	if (take_in(&q, &other, 400000, false)) {
		settle(&q, &other, 0, OUTCOME_BOUNCED);
		settle(&q, &other, 1, OUTCOME_DELIVERED);
	}
	take_in(&q, &last, 600000, false);	/* into another segment */
	if (large.kept)
		settle(&q, &large, 1, OUTCOME_DELIVERED);
	log_tend(q.log, q.replay.generation);
	queue_close(&q);
	return 0;
}

static bool
is_content_right(struct queue *q, struct message *m)
{
	uint64_t offset;
	int fd = queue_content_fd(q, m, &offset);
	char *got = malloc(m->content_octets + 1);
	bool right = fd != -1 && got != NULL && pread_all(fd, got,
	    m->content_octets, (off_t)offset) == 0;

	for (size_t i = 0; right && i < m->content_octets; i++)
		right = got[i] == 'a' + (int)(m->id % 26);
	free(got);
	return right;
}

static int
check(const char *dir)
{
	uint64_t id = 0;
	struct queue q;
	char index[128];

	if (open_queue(&q, dir, index) == -1)
		return 1;
	queue_checkpoint_now(&q);
	while (index_list(q.index, 0, id, &id, 1) == 1) {
		struct message *m = queue_load(&q, id);

		if (m == NULL)
			continue;
		for (uint32_t i = 0; i < m->n; i++)
			printf("queued %" PRIu64 " %u %s\n", id,
			    m->recipients[i]->number,
			    is_content_right(&q, m) ? "whole" : "damaged");
	}
	printf("difference %" PRId64 " next %" PRIu64 "\n",
	    queue_difference(&q), q.next_id);
	fflush(stdout);
	queue_close(&q);
	return 0;
}

static void
test_undisturbed(void **state)
{
	char dir[] = "/tmp/test-kill-XXXXXX", line[128];
	int out = dup(1), null = open("/dev/null", O_WRONLY);

	(void)state;
	assert_non_null(mkdtemp(dir));
	dup2(null, 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(work(dir), 0);
		assert_int_equal(check(dir), 0);
	}
	dup2(out, 1);
	close(out);
	close(null);
	snprintf(line, sizeof(line), "rm -rf %s", dir);
	assert_int_equal(system(line), 0);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_undisturbed),
	};

	log_open("test", argc == 3 ? 2 : -1, LOG_FORM_LINES);
	if (argc == 3 && strcmp(argv[1], "work") == 0)
		return work(argv[2]);
	if (argc == 3)
		return check(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
