/*
 * From what lies on the disk to a queue that works.
 *
 * The index says from where on the log has to be read; without a usable index
 * that is the beginning.  Reading is idempotent (rule R1): every record says
 * what is, and recovery itself writes nothing but the index, copies of damaged
 * octets in corrupt/, and then the first records of normal work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/stdlib.h>

#include "common/log/log.h"
#include "queue-manager/recover.h"

/* ---- the index ---- */

static bool
is_index_usable(struct recovery *v)
{
	const struct index_meta *m = &v->meta;
	struct queue *q = v->q;

	if (!index_get_meta(q->index, &v->meta))
		return false;
	if (m->nonce != q->nonce)
		return false;
	if (m->end.generation == 0)
		return true;
	return log_segment(q->log, m->replay.generation) != NULL &&
	    log_segment(q->log, m->end.generation) != NULL;
}

static void
index_adopt(struct recovery *v)
{
	const struct index_meta *m = &v->meta;
	size_t n, max = log_n_segments(v->q->log) + 64;
	struct index_live *live = calloc(max, sizeof(*live));
	struct queue *q = v->q;

	q->replay = m->replay;
	q->position = m->end;
	q->counters = m->counters;
	q->open = m->open;
	q->held = m->held;
	q->n_messages = m->messages;
	if (m->id_ceiling > q->id_ceiling)
		q->id_ceiling = m->id_ceiling;
	if (m->clock.spool_ms > q->last_mark.spool_ms)
		q->last_mark = m->clock;
	n = live == NULL ? 0 : index_get_live(q->index, live, max);
	for (size_t i = 0; i < n; i++)
		log_live_set(q->log, live[i].generation, live[i].live);
	free(live);
}

static int
index_start(struct recovery *v)
{
	struct queue *q = v->q;
	const char *why;

	index_guard_dir(q->files.index);
	q->index = index_open(q->files.index, q->config.index_path,
	    q->config.index_size, &why);
	if (q->index == NULL) {
		log_error("index-unusable", LOG_CSTR("error", why));
		return -1;
	}
	if (is_index_usable(v)) {
		index_adopt(v);
		return 0;
	}
	v->rebuild = true;
	v->meta = (struct index_meta){ 0 };
	if (v->n > 0)
		log_warning("index-made-again", LOG_CSTR("reason",
		    why != NULL ? why : "it was not there"));
	return index_reset(q->index);
}

/* ---- afterwards ---- */

static void
large_found(void *arg, uint64_t id)
{
	struct queue *q = arg;

	if (queue_load(q, id) != NULL)
		return;
	log_info("large-orphan-removed", LOG_QID(id));
	large_file_remove(&q->files, id);
}

/* Q2.  Only damage can have broken it: say so, once, and go on from there. */
static void
law_check(struct queue *q)
{
	int64_t off = queue_difference(q);

	if (off == 0)
		return;
	log_error("count-differs", LOG_INT("difference", off),
	    LOG_NUM("open", q->open), LOG_NUM("accepted", q->counters.accepted));
	q->counters.accepted -= (uint64_t)off;
}

void
queue_wait(struct queue *q)
{
	while (log_busy(q->log))
		if (!worker_wait(q->sync) && !worker_wait(q->disk))
			break;
}

/* A segment to write to, a ceiling of queue ids, a mark of the clocks. */
static void
first_records(struct queue *q)
{
	uint64_t first;

	log_tend(q->log, q->replay.generation);
	queue_put_clock(q);
	queue_lease_ids(q, 0, &first);
	log_flush(q->log);
	queue_wait(q);
}

static void
log_header(void *ctx, struct segment_header *h)
{
	struct queue *q = ctx;

	h->nonce = q->nonce;
	h->id_ceiling = q->id_ceiling;
	h->counters = q->counters;
	h->clock = (struct clock_mark){ queue_now(q), clock_boot_ms(),
	    clock_wall_ms() };
}

static void
log_failed(void *ctx, uint32_t segment, int error)
{
	(void)ctx;
	log_error("sync-failed", LOG_NUM("segment", segment),
	    LOG_ERRNO(error), LOG_CSTR("effect",
	    "segment closed, the batch answered 4xx"));
}

int
queue_threads(struct queue *q)
{
	index_guard();
	if ((q->sync = worker_new()) == NULL ||
	    (q->disk = worker_new()) == NULL)
		return -1;
	return 0;
}

static int
log_start(struct queue *q)
{
	struct log_config c = { .files = &q->files, .sync = q->sync,
	    .disk = q->disk, .segment_size = q->config.segment_size,
	    .spares = 1, .sync_delay_us = q->config.sync_delay_us,
	    .hooks = { log_header, log_failed }, .ctx = q };

	q->log = log_new(&c);
	return q->log == NULL ? -1 : 0;
}

static int
recover(struct recovery *v)
{
	struct queue *q = v->q;
	struct message *m;

	q->recovering = true;
	while (q->life == 0)
		arc4random_buf(&q->life, sizeof(q->life));
	if (segments_find(v) == -1 || index_start(v) == -1 ||
	    log_replay(v) == -1)
		return -1;
	spool_clock_resume(&q->clock, &q->last_mark, q->seen_ms,
	    clock_boot_ms(), clock_wall_ms());
	files_each(q->files.large, 16, large_found, q);
	law_check(q);
	if (q->next_id < q->id_ceiling)
		q->next_id = q->id_ceiling;
	if (q->next_id == 0)
		q->next_id = 1;
	if (q->id_ceiling < q->next_id)
		q->id_ceiling = q->next_id;
	if (v->rebuild && flush_to_index(q) != 0)
		return -1;
	q->recovering = false;
	RB_FOREACH(m, message_tree, &q->messages) {
		m->life = q->life;
		message_doubt(m);	/* Q4 */
	}
	return 0;
}

int
queue_open(struct queue *q, const struct queue_config *config)
{
	struct recovery v = { .q = q };
	uint64_t began = clock_boot_ms();
	const char *what;
	int ret;

	q->config = *config;
	RB_INIT(&q->messages);
	TAILQ_INIT(&q->by_arrival);
	if (spool_files_open(&q->files, config->root, &what) == -1) {
		log_error("spool-unusable", LOG_CSTR("name", what),
		    LOG_ERRNO(errno));
		return -1;
	}
	if (log_start(q) == -1)
		return -1;
	ret = recover(&v);
	free(v.found);
	if (ret == -1)
		return -1;
	first_records(q);
	log_notice("queue-recovered", LOG_NUM("messages", q->n_messages),
	    LOG_NUM("recipients", q->open), LOG_NUM("records", v.records),
	    LOG_NUM("corrupt", v.corrupt), LOG_BOOL("rebuilt", v.rebuild),
	    LOG_NUM("ms", clock_boot_ms() - began));
	return 0;
}

void
queue_close(struct queue *q)
{
	struct settled *settled;
	struct message *m;

	if (q->log != NULL) {
		log_flush(q->log);
		queue_wait(q);
	}
	if (q->index != NULL && !q->recovering)
		queue_checkpoint_now(q);
	while (q->disk != NULL && worker_wait(q->disk))
		continue;
	worker_free(q->sync);
	worker_free(q->disk);
	queue_checkpoint_free(q);
	index_guard_dir(-1);
	index_close(q->index);
	while ((m = RB_ROOT(&q->messages)) != NULL) {
		RB_REMOVE(message_tree, &q->messages, m);
		message_free(m);
	}
	log_free(q->log);
	spool_files_close(&q->files);
	free(q->gone);
	while ((settled = RB_ROOT(&q->settled)) != NULL)
		queue_forget(q, settled->id);
	*q = (struct queue){ 0 };
}
