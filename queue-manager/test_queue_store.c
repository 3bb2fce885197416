/*
 * The queue on a real directory: accept, settle, crash, recover.  A crash is
 * a copy of the directory while the queue is open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log/log.h"
#include "queue-manager/queue.h"

struct box {
	char		dir[64], copy[72], index[96];
	int		root;
	struct queue	q;
};

static void
start(struct box *b, const char *dir)
{
	struct queue_config c = { .index_path = b->index,
	    .index_size = 64 << 20, .segment_size = 1 << 20 };

	memset(&b->q, 0, sizeof(b->q));
	b->root = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(b->root != -1);
	c.root = b->root;
	snprintf(b->index, sizeof(b->index), "%s/index", dir);
	assert_int_equal(queue_threads(&b->q), 0);
	assert_int_equal(queue_open(&b->q, &c), 0);
	assert_int_equal(queue_difference(&b->q), 0);
}

static void
stop(struct box *b)
{
	queue_close(&b->q);
	close(b->root);
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	strcpy(b->dir, "/tmp/test-queue-XXXXXX");
	if (b == NULL || mkdtemp(b->dir) == NULL)
		return -1;
	snprintf(b->copy, sizeof(b->copy), "%s.copy", b->dir);
	start(b, b->dir);
	*state = b;
	return 0;
}

static void
remove_tree(const char *a, const char *b)
{
	char line[512];

	snprintf(line, sizeof(line), "rm -rf %s %s", a, b);
	assert_int_equal(system(line), 0);
}

static int
teardown(void **state)
{
	struct box *b = *state;

	stop(b);
	remove_tree(b->dir, b->copy);
	free(b);
	return 0;
}


static void
copy_dir(struct box *b)
{
	char line[512];

	snprintf(line, sizeof(line), "rm -rf %s && cp -a %s %s", b->copy,
	    b->dir, b->copy);
	assert_int_equal(system(line), 0);

}

static void
wait_log(struct queue *q)
{
	log_flush(q->log);
	queue_wait(q);
}

static void
remember(void *arg, int error)
{
	*(int *)arg = error;
}

static size_t
envelope(uint8_t *buf, size_t size, unsigned recipients)
{
	struct envelope e = { .reverse_path = slice_str("alice@crepes.fr"),
	    .arrival_ms = 1 };
	struct ipc_writer w;
	char address[64];

	ipc_writer_init(&w, buf, size);
	envelope_begin(&w, &e);
	for (unsigned i = 0; i < recipients; i++) {
		struct envelope_recipient r = { .given = slice_of(address,
		    (size_t)snprintf(address, sizeof(address),
		    "user%u@example.org", i)) };
		envelope_put_recipient(&w, &r);
	}
	assert_false(w.failed);
	return w.len;
}

/* 0 and the queue id, or what the log answered. */
static int
try_one(struct queue *q, unsigned recipients, size_t size, uint64_t *queue_id)
{
	static uint8_t env[65536];
	char *octets = malloc(size);
	struct queue_content c = { .fd = -1, .octets = octets, .size = size };
	int error = -1;
	uint64_t id;

	assert_int_equal(queue_lease_ids(q, 1, &id), 1);
	memset(octets, 'a' + (int)(id % 26), size);
	assert_int_equal(queue_put_message(q, id, slice_of(env,
	    envelope(env, sizeof(env), recipients)), &c, remember, &error), 0);
	wait_log(q);
	free(octets);
	*queue_id = id;
	return error;
}

static uint64_t
accept_one(struct queue *q, unsigned recipients, size_t size)
{
	uint64_t id;

	assert_int_equal(try_one(q, recipients, size, &id), 0);
	return id;
}

static void
settle(struct queue *q, uint64_t id, uint32_t number, enum outcome outcome)
{
	struct event_result e = { .number = number, .outcome = outcome,
	    .attempts = 1, .due_ms = queue_now(q) + 3600000, .code = 451,
	    .enhanced = { 4, 2, 2 }, .text = slice_str("mailbox full") };
	struct message *m = queue_load(q, id);
	int error = -1;

	assert_non_null(m);
	assert_int_equal(queue_put_result(q, m, &e, remember, &error), 0);
	wait_log(q);
	assert_int_equal(error, 0);
}

static void
expect_content(struct queue *q, uint64_t id, size_t size)
{
	struct message *m = queue_load(q, id);
	uint64_t offset;
	char *got = malloc(size);
	int fd;

	assert_non_null(m);
	assert_int_equal(m->content_octets, size);
	fd = queue_content_fd(q, m, &offset);
	assert_true(fd != -1);
	assert_int_equal(pread(fd, got, size, (off_t)offset), size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(got[i], 'a' + (int)(id % 26));
	free(got);
}

/* Recover a copy; damage is a shell command in it, or NULL. */
static void
recover(struct box *b, struct box *r, const char *damage)
{
	copy_dir(b);
	if (damage != NULL) {
		char line[512];

		snprintf(line, sizeof(line), "cd %s && %s", b->copy, damage);
		assert_int_equal(system(line), 0);
	}
	start(r, b->copy);
}

static const char *const index_damage[] = {
	NULL,				/* as the kill left it */
	"rm -rf index",
	": >index/data.mdb",
	"truncate -s 5000 index/data.mdb",
	"truncate -s 50 index/data.mdb",
	"head -c 100000 /dev/urandom >index/data.mdb",
	"touch index/suspect",
};

static void
test_recovery(void **state)
{
	struct box *b = *state, r = { 0 };
	uint64_t a, c, d;

	a = accept_one(&b->q, 3, 10000);
	c = accept_one(&b->q, 1, 77);
	settle(&b->q, a, 1, OUTCOME_DELIVERED);
	settle(&b->q, c, 0, OUTCOME_DEFERRED);
	assert_int_equal(queue_checkpoint_now(&b->q), 0);
	d = accept_one(&b->q, 2, 5);
	settle(&b->q, a, 0, OUTCOME_BOUNCED);
	settle(&b->q, d, 0, OUTCOME_DELIVERED);
	settle(&b->q, d, 1, OUTCOME_EXPIRED);
	for (size_t i = 0; i < sizeof(index_damage) / sizeof(char *); i++) {
		recover(b, &r, index_damage[i]);
		assert_int_equal(r.q.open, 2);
		assert_int_equal(r.q.n_messages, 2);
		assert_int_equal(r.q.counters.accepted, 6);
		assert_int_equal(r.q.counters.delivered, 2);
		assert_int_equal(r.q.counters.expired, 1);
		assert_null(queue_load(&r.q, d));
		assert_int_equal(queue_load(&r.q, a)->n, 1);
		assert_int_equal(queue_load(&r.q, c)->recipients[0]->attempts, 1);
		expect_content(&r.q, a, 10000);
		expect_content(&r.q, c, 77);
		assert_true(r.q.next_id > d);
		assert_int_equal(log_live(r.q.log), log_live(b->q.log));
		stop(&r);
	}
}

/* Recovered, killed again, recovered: the same (rule R1). */
static void
test_idempotent(void **state)
{
	struct box *b = *state, r = { 0 }, again = { 0 };
	uint64_t ids[20];

	for (unsigned i = 0; i < 20; i++) {
		ids[i] = accept_one(&b->q, 1 + i % 3, 100 * i + 1);
		if (i % 4 == 0)
			settle(&b->q, ids[i], 0, OUTCOME_DELIVERED);
		if (i == 10)
			assert_int_equal(queue_checkpoint_now(&b->q), 0);
	}
	recover(b, &r, NULL);
	for (unsigned times = 0; times < 3; times++) {
		strcpy(again.dir, b->copy);
		snprintf(again.copy, sizeof(again.copy), "%s2", b->dir);
		copy_dir(&again);
		struct box third = { 0 };
		start(&third, again.copy);
		assert_int_equal(third.q.open, b->q.open);
		assert_int_equal(third.q.n_messages, b->q.n_messages);
		assert_memory_equal(&third.q.counters, &b->q.counters,
		    sizeof(struct counters));
		stop(&third);
		queue_checkpoint_now(&r.q);
	}
	stop(&r);
	remove_tree(again.copy, again.copy);
}

/* One damaged record costs one message, is set aside, and nothing else. */
static void
test_corrupt(void **state)
{
	struct box *b = *state, r = { 0 };
	uint64_t ids[5];
	char damage[256];
	struct place p;

	for (unsigned i = 0; i < 5; i++)
		ids[i] = accept_one(&b->q, 1, 3000);
	p = queue_find(&b->q, ids[2])->place;
	snprintf(damage, sizeof(damage),
	    "printf '\\377' | dd of=segments/%08x bs=1 seek=%u conv=notrunc "
	    "2>/dev/null; rm -rf index",
	    log_segment(b->q.log, p.generation)->number, p.offset + 1000);
	recover(b, &r, damage);
	assert_int_equal(r.q.n_messages, 4);
	for (unsigned i = 0; i < 5; i++) {
		if (i == 2)
			assert_null(queue_load(&r.q, ids[i]));
		else
			expect_content(&r.q, ids[i], 3000);
	}
	snprintf(damage, sizeof(damage), "test $(ls %s/corrupt | wc -l) = 1",
	    b->copy);
	assert_int_equal(system(damage), 0);
	stop(&r);
}

static void
fill_segment(struct box *b)
{
	size_t n = log_n_segments(b->q.log);

	for (unsigned i = 0; log_n_segments(b->q.log) == n; i++) {
		assert_true(i < 100);
		accept_one(&b->q, 1, 100000);
	}
}

/* A burst fills segment after segment before anything is tended: there is
 * room, for the disk is not full. */
static void
test_burst_has_room(void **state)
{
	struct box *b = *state;

	for (unsigned i = 0; i < 4; i++) {
		fill_segment(b);
		for (unsigned j = 0; j < 12; j++) {
			assert_true(log_has_room(b->q.log, 100000));
			accept_one(&b->q, 1, 70000);
		}
	}
}

/* No further segment can be made: no, until one can. */
static void
test_no_room_until_there_is(void **state)
{
	struct box *b = *state;
	struct rlimit was, now;
	unsigned n = 0;
	uint64_t id;

	fill_segment(b);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_IGN);
	queue_wait(&b->q);
	now = (struct rlimit){ (1 << 20) - 1, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	/* What was made before is used up. */
	for (; log_has_room(b->q.log, 100000); n++) {
		assert_true(n < 100);
		try_one(&b->q, 1, 100000, &id);
	}
	while (try_one(&b->q, 1, 100000, &id) != ENOSPC)
		assert_true(n++ < 100);
	log_try_again(b->q.log);
	assert_true(worker_wait(b->q.disk));
	assert_false(log_has_room(b->q.log, 100000));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_false(log_has_room(b->q.log, 100000));
	log_try_again(b->q.log);
	assert_true(worker_wait(b->q.disk));
	assert_true(log_has_room(b->q.log, 100000));
	accept_one(&b->q, 1, 100000);
}

/* Many segments' worth of mail, all settled but one: the log stays short and
 * the one survives every move. */
static void
test_compaction(void **state)
{
	struct box *b = *state, r = { 0 };
	uint64_t keep = accept_one(&b->q, 2, 4321);

	settle(&b->q, keep, 0, OUTCOME_DEFERRED);
	for (unsigned i = 0; i < 400; i++) {
		uint64_t id = accept_one(&b->q, 1, 100000);

		settle(&b->q, id, 0, OUTCOME_DELIVERED);
		if (i % 5 == 4) {
			assert_int_equal(queue_checkpoint_now(&b->q), 0);
			queue_compact(&b->q, SIZE_MAX);
			wait_log(&b->q);
			log_tend(b->q.log, b->q.replay.generation);
		}
	}
	assert_true(log_n_segments(b->q.log) <= 15);
	expect_content(&b->q, keep, 4321);
	assert_true(queue_find(&b->q, keep)->place.generation !=
	    queue_find(&b->q, keep)->born.generation);
	for (size_t i = 0; i < 2; i++) {
		recover(b, &r, index_damage[i]);
		assert_int_equal(r.q.open, 2);
		assert_int_equal(r.q.counters.delivered, 400);
		assert_int_equal(queue_load(&r.q, keep)->recipients[0]->attempts, 1);
		expect_content(&r.q, keep, 4321);
		stop(&r);
	}
}

/* What is under way stays, and nobody turns in a circle over it; nothing is
 * brought into memory where there is enough of it. */
static void
test_compaction_rests(void **state)
{
	struct box *b = *state;
	uint64_t keep = accept_one(&b->q, 2, 4321);
	struct message *m = queue_find(&b->q, keep);
	unsigned turns = 0;
	uint64_t was;

	settle(&b->q, keep, 0, OUTCOME_DEFERRED);
	for (unsigned i = 0; i < 400; i++)
		settle(&b->q, accept_one(&b->q, 1, 100000), 0,
		    OUTCOME_DELIVERED);
	assert_int_equal(queue_checkpoint_now(&b->q), 0);
	was = m->place.generation;
	m->pins++;
	while (b->q.compact_rest_ms == 0 && turns++ < 100)
		queue_compact(&b->q, SIZE_MAX);
	assert_true(b->q.compact_rest_ms > queue_now(&b->q));
	assert_int_equal(b->q.compact_under_way, 0);
	message_unpin(m);
	b->q.compact_rest_ms = 0;
	queue_compact(&b->q, b->q.n_memory);
	assert_int_equal(b->q.compact_under_way, 0);
	queue_compact(&b->q, b->q.n_memory + 1);
	assert_true(b->q.compact_under_way > 0);
	wait_log(&b->q);
	assert_true(m->place.generation != was);
	expect_content(&b->q, keep, 4321);
}

static void
test_expansion(void **state)
{
	struct box *b = *state, r = { 0 };
	struct slice to[] = { SLICE_LITERAL("x@example.org"),
	    SLICE_LITERAL("y@example.org"), SLICE_LITERAL("z@example.org") };
	uint64_t id = accept_one(&b->q, 2, 50);
	struct message *m = queue_find(&b->q, id);
	int error = -1;

	assert_int_equal(queue_put_expanded(&b->q, m, 0, to, 3, remember,
	    &error), 0);
	wait_log(&b->q);
	assert_int_equal(m->n, 4);
	assert_int_equal(b->q.counters.accepted, 4);
	settle(&b->q, id, 3, OUTCOME_DELIVERED);
	for (size_t i = 0; i < 2; i++) {
		recover(b, &r, index_damage[i]);
		m = queue_load(&r.q, id);
		assert_int_equal(m->n, 3);
		assert_non_null(message_recipient(m, 1));
		assert_null(message_recipient(m, 0));
		assert_null(message_recipient(m, 3));
		assert_true(slice_equal(message_recipient(m, 4)->address, to[2]));
		assert_true(slice_equal(message_recipient(m, 4)->given,
		    slice_str("user0@example.org")));
		stop(&r);
	}
	/* To nobody but those who have it: the recipient is no more. */
	assert_int_equal(queue_put_expanded(&b->q, queue_find(&b->q, id), 1,
	    to, 0, remember, &error), 0);
	wait_log(&b->q);
	assert_int_equal(b->q.open, 2);
	assert_int_equal(queue_difference(&b->q), 0);
}

/* Held mail is counted, not due; deleted mail is gone. */
static void
test_hold(void **state)
{
	struct box *b = *state, r = { 0 };
	uint64_t id = accept_one(&b->q, 2, 50);
	int error = -1;

	assert_int_equal(queue_put_hold(&b->q, queue_find(&b->q, id), true,
	    remember, &error), 0);
	wait_log(&b->q);
	assert_int_equal(b->q.held, 2);
	assert_int_equal(queue_checkpoint_now(&b->q), 0);
	assert_int_equal(index_next_due(b->q.index), UINT64_MAX);
	queue_sweep(&b->q, 0);
	assert_null(queue_find(&b->q, id));
	recover(b, &r, NULL);
	assert_int_equal(r.q.held, 2);
	stop(&r);
	settle(&b->q, id, 0, OUTCOME_DELETED);
	settle(&b->q, id, 1, OUTCOME_DELETED);
	assert_int_equal(b->q.held, 0);
	assert_int_equal(queue_checkpoint_now(&b->q), 0);
	assert_null(queue_load(&b->q, id));
}

/* The descriptor of the current segment is closed beneath us: the write
 * fails, the batch is refused, and the next one goes elsewhere. */
static void
test_failed_sync(void **state)
{
	struct box *b = *state, r = { 0 };
	uint64_t id = accept_one(&b->q, 1, 50), second, lost;
	const struct log_segment *s =
	    log_segment_at(b->q.log, log_n_segments(b->q.log) - 1);
	uint8_t env[512];
	struct queue_content c = { .fd = -1, .octets = "x", .size = 1 };
	uint64_t generation = s->generation;
	int error = -1, null, keep = dup(s->fd);

	log_tend(b->q.log, 0);
	while (worker_wait(b->q.disk))
		continue;
	null = open("/dev/full", O_RDWR);
	dup2(null, s->fd);
	close(null);
	queue_lease_ids(&b->q, 1, &lost);
	queue_put_message(&b->q, lost, slice_of(env, envelope(env,
	    sizeof(env), 1)), &c, remember, &error);
	wait_log(&b->q);
	assert_int_equal(error, 28);
	dup2(keep, log_segment(b->q.log, generation)->fd);
	close(keep);
	assert_true(log_segment(b->q.log, generation)->closed);
	second = accept_one(&b->q, 1, 60);
	assert_true(queue_find(&b->q, second)->place.generation != generation);
	recover(b, &r, "rm -rf index");
	assert_int_equal(r.q.n_messages, 2);
	expect_content(&r.q, id, 50);
	expect_content(&r.q, second, 60);
	assert_null(queue_load(&r.q, lost));
	stop(&r);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_recovery),
		TEST(test_idempotent),
		TEST(test_corrupt),
		TEST(test_burst_has_room),
		TEST(test_no_room_until_there_is),
		TEST(test_compaction),
		TEST(test_compaction_rests),
		TEST(test_expansion),
		TEST(test_hold),
		TEST(test_failed_sync),
	};
	if (getenv("TEST_LOG") != NULL)
		log_open("test", 2, LOG_FORM_LINES);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
