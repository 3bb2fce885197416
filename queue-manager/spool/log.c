/* The log's life, and records as they gather.  See log.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/stdlib.h>

#include "queue-manager/spool/log_private.h"

enum {
	CHUNK_START = 64 * 1024,
	CHUNK_FULL = 2 * 1024 * 1024,	/* a batch is seldom larger */
	CHUNKS_KEPT = 2
};

struct log *
log_new(const struct log_config *c)
{
	struct log *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	assert(c->segment_size % SEGMENT_BLOCK == 0 && c->spares >= 1);
	assert(c->spares <= SPARES_KEPT);
	l->c = *c;
	l->next_number = 1;
	l->ordinal = 1;
	TAILQ_INIT(&l->chunks);
	TAILQ_INIT(&l->kept);
	return l;
}

static void
chunk_free(struct chunk *c)
{
	free(c->buf);
	free(c->entries);
	free(c);
}

static void
chunks_free(struct chunks *list)
{
	struct chunk *c;

	while ((c = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, c, entry);
		chunk_free(c);
	}
}

void
log_free(struct log *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		close(l->segments[i].fd);
	for (unsigned i = 0; i < l->n_spares; i++)
		close(l->spares[i].fd);
	chunks_free(&l->chunks);
	chunks_free(&l->kept);
	free(l->segments);
	free(l);
}

static struct chunk *
chunk_new(struct log *l)
{
	struct chunk *c = TAILQ_FIRST(&l->kept);

	if (c != NULL) {
		TAILQ_REMOVE(&l->kept, c, entry);
		l->n_kept--;
	} else if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->log = l;
	c->len = c->n = 0;
	TAILQ_INSERT_TAIL(&l->chunks, c, entry);
	return c;
}

void
chunk_keep(struct log *l, struct chunk *c)
{
	if (l->n_kept >= CHUNKS_KEPT || c->size > 2 * CHUNK_FULL) {
		chunk_free(c);
		return;
	}
	TAILQ_INSERT_HEAD(&l->kept, c, entry);
	l->n_kept++;
}

static int
chunk_make_room(struct chunk *c, size_t more)
{
	size_t want = segment_round(c->len + more);
	size_t size = c->size == 0 ? CHUNK_START : c->size;
	struct entry *entries;
	uint8_t *buf;

	if (c->n == c->n_max) {
		entries = reallocarray(c->entries, c->n_max * 2 + 64,
		    sizeof(*entries));
		if (entries == NULL)
			return -1;
		c->entries = entries;
		c->n_max = c->n_max * 2 + 64;
	}
	while (size < want)
		size *= 2;
	if (size == c->size)
		return 0;
	if ((buf = realloc(c->buf, size)) == NULL)
		return -1;
	c->buf = buf;
	c->size = size;
	return 0;
}

/* The chunk that a record of that size goes into. */
static struct chunk *
chunk_for(struct log *l, size_t size)
{
	struct chunk *c = TAILQ_LAST(&l->chunks, chunks);
	size_t full = batch_max(l) < CHUNK_FULL ? batch_max(l) : CHUNK_FULL;

	if (c == NULL || (l->in_flight && c == TAILQ_FIRST(&l->chunks)) ||
	    (c->len > 0 && c->len + size > full))
		return chunk_new(l);
	return c;
}

uint8_t *
log_append(struct log *l, enum record_type type, unsigned flags, uint64_t id,
    size_t payload_len, log_done *done, void *arg)
{
	size_t size = record_size(payload_len);
	struct chunk *c;
	uint8_t *payload;

	if (payload_len > RECORD_PAYLOAD_MAX || size > batch_max(l)) {
		errno = EFBIG;
		return NULL;
	}
	if ((c = chunk_for(l, size)) == NULL ||
	    chunk_make_room(c, size) == -1)
		return NULL;
	c->entries[c->n++] = (struct entry){ c->len, payload_len,
	    (uint16_t)type, (uint16_t)flags, id, done, arg };
	payload = c->buf + c->len + RECORD_HEADER;
	c->len += size;
	l->waiting += size;
	return payload;
}

void
log_unappend(struct log *l)
{
	struct chunk *c = TAILQ_LAST(&l->chunks, chunks);

	assert(c != NULL && c->n > 0);
	c->n--;
	c->len = c->entries[c->n].offset;
	l->waiting -= record_size(c->entries[c->n].payload);
}

size_t
log_waiting(const struct log *l)
{
	return l->waiting;
}

size_t
log_waiting_max(const struct log *l)
{
	return batch_max(l) / 4;
}

bool
log_in_flight(const struct log *l)
{
	return l->in_flight;
}

bool
log_busy(const struct log *l)
{
	return l->in_flight || l->waiting > 0;
}
