#include "common/ipc/start.h"

#include <assert.h>

#include "common/ipc/codec.h"
#include "common/ipc/roles.h"

static size_t
written(const struct ipc_writer *w)
{
	assert(!w->failed);
	return w->len;
}

size_t
start_ticket_encode(const struct ticket *t, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, START_BODY_MAX);
	ipc_put_raw(&w, t->octets, TICKET_LEN);
	return written(&w);
}

int
start_ticket_decode(struct slice body, struct ticket *t)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	ipc_get_raw(&r, t->octets, TICKET_LEN);
	return ipc_reader_end(&r);
}

size_t
start_redeem_encode(const struct ticket *t, uint8_t role, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, START_BODY_MAX);
	ipc_put_raw(&w, t->octets, TICKET_LEN);
	ipc_put_u8(&w, role);
	return written(&w);
}

int
start_redeem_decode(struct slice body, struct ticket *t, uint8_t *role)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	ipc_get_raw(&r, t->octets, TICKET_LEN);
	*role = ipc_get_u8(&r);
	return *role < IPC_ROLE_COUNT ? ipc_reader_end(&r) : -1;
}

size_t
start_account_encode(int good, const struct start_account *a, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, START_BODY_MAX);
	ipc_put_u8(&w, good ? 1 : 0);
	ipc_put_u8(&w, a->kind);
	ipc_put_u32(&w, a->number);
	return written(&w);
}

int
start_account_decode(struct slice body, int *good, struct start_account *a)
{
	struct ipc_reader r;
	uint8_t flag;

	ipc_reader_init(&r, body);
	flag = ipc_get_u8(&r);
	a->kind = ipc_get_u8(&r);
	a->number = ipc_get_u32(&r);
	*good = flag == 1;
	return flag <= 1 ? ipc_reader_end(&r) : -1;
}

size_t
start_refusal_encode(enum start_refusal why, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, START_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)why);
	return written(&w);
}

int
start_refusal_decode(struct slice body, enum start_refusal *why)
{
	struct ipc_reader r;
	uint8_t v;

	ipc_reader_init(&r, body);
	v = ipc_get_u8(&r);
	if (v < START_BAD_TICKET || v > START_FAILED)
		return -1;
	*why = (enum start_refusal)v;
	return ipc_reader_end(&r);
}

size_t
start_quota_encode(const struct start_quota *q, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, START_BODY_MAX);
	ipc_put_u64(&w, q->octets);
	ipc_put_u64(&w, q->messages);
	return written(&w);
}

int
start_quota_decode(struct slice body, struct start_quota *q)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	q->octets = ipc_get_u64(&r);
	q->messages = ipc_get_u64(&r);
	return ipc_reader_end(&r);
}
