/* Bringing the index up to date, in the background.  See queue.h, Q3. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/stdlib.h>

#include "common/log/log.h"
#include "queue-manager/queue.h"

enum { OPS_MAX = 20000 };	/* messages in one transaction */

struct checkpoint {
	struct job	 job;		/* first */
	struct queue	*q;
	struct index	*index;
	struct index_batch batch;
	struct message	**messages;	/* of the ops that are not deletes */
	bool		*was_listed;
	size_t		 n_messages, max;
	bool		 under_way;
	int		 error;
};

static struct checkpoint *
checkpoint_of(struct queue *q)
{
	if (q->checkpoint == NULL &&
	    (q->checkpoint = calloc(1, sizeof(*q->checkpoint))) != NULL)
		q->checkpoint->q = q;
	return q->checkpoint;
}

bool
queue_checkpoint_busy(const struct queue *q)
{
	return q->checkpoint != NULL && q->checkpoint->under_way;
}

static void
batch_clear(struct checkpoint *c)
{
	for (size_t i = 0; i < c->batch.n; i++)
		free(c->batch.ops[i].value);
	free(c->batch.ops);
	free(c->batch.live);
	free(c->messages);
	free(c->was_listed);
	c->batch = (struct index_batch){ 0 };
	c->messages = NULL;
	c->was_listed = NULL;
	c->n_messages = c->max = 0;
}

void
queue_checkpoint_free(struct queue *q)
{
	if (q->checkpoint == NULL)
		return;
	assert(!q->checkpoint->under_way);
	batch_clear(q->checkpoint);
	free(q->checkpoint);
	q->checkpoint = NULL;
}

static int
batch_room(struct checkpoint *c, size_t n_ops, size_t n_live)
{
	c->batch.ops = calloc(n_ops + 1, sizeof(*c->batch.ops));
	c->batch.live = calloc(n_live + 1, sizeof(*c->batch.live));
	c->messages = calloc(n_ops + 1, sizeof(*c->messages));
	c->was_listed = calloc(n_ops + 1, sizeof(*c->was_listed));
	c->max = n_ops;
	return c->batch.ops == NULL || c->batch.live == NULL ||
	    c->messages == NULL || c->was_listed == NULL ? -1 : 0;
}

static int
put_message(struct checkpoint *c, struct message *m)
{
	size_t len = INDEX_VALUE_HEAD + message_state_size(m) +
	    INDEX_VALUE_TAIL;
	struct index_op op = { m->id, malloc(len), len };
	struct ipc_writer w;

	if (op.value == NULL)
		return -1;
	m->life = c->q->recovering ? 0 : c->q->life;
	ipc_writer_init(&w, op.value + INDEX_VALUE_HEAD,
	    len - INDEX_VALUE_HEAD - INDEX_VALUE_TAIL);
	message_state_put(&w, m);
	assert(!w.failed);
	index_value_seal(op.value, len, &m->place);
	c->batch.ops[c->batch.n++] = op;
	c->was_listed[c->n_messages] = m->listed;
	c->messages[c->n_messages++] = m;
	if (m->listed)
		TAILQ_REMOVE(&c->q->by_arrival, m, by_arrival);
	/* From here on its end must be told to the index. */
	m->listed = false;
	m->indexed = true;
	m->dirty = false;
	m->pins++;
	return 0;
}

/* Those that the index does not have; they stand in order of arrival. */
static int
put_listed(struct checkpoint *c, uint64_t born_before)
{
	struct message *m, *next;

	TAILQ_FOREACH_SAFE(m, &c->q->by_arrival, by_arrival, next) {
		if (c->batch.n >= c->max || m->arrival_ms > born_before)
			break;
		if (put_message(c, m) == -1)
			return -1;
	}
	return 0;
}

static int
put_dirty(struct checkpoint *c)
{
	struct message *m;

	RB_FOREACH(m, message_tree, &c->q->messages) {
		if (c->batch.n >= c->max)
			break;
		if (m->dirty && m->indexed && put_message(c, m) == -1)
			return -1;
	}
	return 0;
}

static void
put_gone(struct checkpoint *c)
{
	struct queue *q = c->q;
	size_t n = q->n_gone < OPS_MAX ? q->n_gone : OPS_MAX;

	for (size_t i = 0; i < n; i++)
		c->batch.ops[c->batch.n++] =
		    (struct index_op){ .id = q->gone[i] };
	q->n_gone -= n;
	if (n > 0)
		memmove(q->gone, q->gone + n, q->n_gone * sizeof(*q->gone));
}

static struct place
end_place(const struct queue *q)
{
	return q->recovering ? q->position : log_end(q->log);
}

/*
 * The replay begins at the oldest message that the index will not have.  A
 * dirty one that did not fit needs its records from where it was written
 * last: then the position stays where it is.
 */
static struct place
replay_place(const struct checkpoint *c, bool all_fitted)
{
	const struct queue *q = c->q;
	const struct message *first = TAILQ_FIRST(&q->by_arrival);

	if (!all_fitted)
		return q->replay;
	return first != NULL ? first->born : end_place(q);
}

static void
put_meta(struct checkpoint *c, bool all_fitted)
{
	struct queue *q = c->q;
	struct index_meta *m = &c->batch.meta;

	c->batch.with_meta = true;
	*m = (struct index_meta){
		.nonce = q->nonce, .replay = replay_place(c, all_fitted),
		.end = end_place(q), .counters = q->counters,
		.clock = q->last_mark, .id_ceiling = q->id_ceiling,
		.open = q->open, .held = q->held, .messages = q->n_messages,
	};
	if (!q->recovering)
		m->clock = (struct clock_mark){ queue_now(q), clock_boot_ms(),
		    clock_wall_ms() };
	for (size_t i = 0; i < log_n_segments(q->log); i++) {
		const struct log_segment *s = log_segment_at(q->log, i);

		c->batch.live[c->batch.n_live++] =
		    (struct index_live){ s->generation, s->live };
	}
}

/* It failed: what was to be written is to be written again. */
static void
give_back(struct checkpoint *c)
{
	struct queue *q = c->q;
	size_t n_gone = c->batch.n - c->n_messages;

	for (size_t i = c->n_messages; i-- > 0;) {
		struct message *m = c->messages[i];

		m->dirty = true;
		if (!c->was_listed[i] || m->over)
			continue;
		TAILQ_INSERT_HEAD(&q->by_arrival, m, by_arrival);
		m->listed = true;
	}
	for (size_t i = 0; i < n_gone; i++)
		queue_gone(q, c->batch.ops[c->n_messages + i].id);
}

static void
checkpoint_run(struct job *j)
{
	struct checkpoint *c = (struct checkpoint *)j;

	c->error = index_write(c->index, &c->batch);
}

static void
checkpoint_done(struct job *j)
{
	struct checkpoint *c = (struct checkpoint *)j;
	struct queue *q = c->q;

	c->under_way = false;
	if (c->error == EBADMSG)
		queue_index_damaged(0);
	if (c->error != 0) {
		log_warning("index-write-failed", LOG_ERRNO(c->error));
		give_back(c);
	}
	for (size_t i = 0; i < c->n_messages; i++)
		message_unpin(c->messages[i]);
	if (c->error == 0) {
		q->replay = c->batch.meta.replay;
		for (size_t i = c->n_messages; i < c->batch.n; i++)
			queue_forget(q, c->batch.ops[i].id);
	}
	batch_clear(c);
}

static int
checkpoint_build(struct checkpoint *c, uint64_t age_ms)
{
	struct queue *q = c->q;
	uint64_t now = queue_now(q), before = now > age_ms ? now - age_ms : 0;
	bool fitted;

	if (q->recovering)
		before = UINT64_MAX;

	if (batch_room(c, OPS_MAX * 2, log_n_segments(q->log)) == -1)
		return -1;
	c->max = OPS_MAX;
	if (put_dirty(c) == -1)
		return -1;
	fitted = c->batch.n < c->max;
	if (put_listed(c, before) == -1)
		return -1;
	put_gone(c);
	put_meta(c, fitted);
	return 0;
}

void
queue_checkpoint(struct queue *q, uint64_t age_ms)
{
	struct checkpoint *c = checkpoint_of(q);

	if (c == NULL || c->under_way)
		return;
	if (checkpoint_build(c, age_ms) == -1) {
		c->error = ENOMEM;
		checkpoint_done(&c->job);
		return;
	}
	c->index = q->index;
	c->job.run = checkpoint_run;
	c->job.done = checkpoint_done;
	c->under_way = true;
	worker_submit(q->disk, &c->job);
}

int
queue_checkpoint_now(struct queue *q)
{
	while (queue_checkpoint_busy(q))
		worker_wait(q->disk);
	queue_checkpoint(q, 0);
	while (queue_checkpoint_busy(q))
		worker_wait(q->disk);
	return q->checkpoint == NULL ? ENOMEM : q->checkpoint->error;
}
