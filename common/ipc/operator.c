#include "common/ipc/operator.h"

#include <assert.h>

#include "common/ipc/codec.h"

static size_t
written(const struct ipc_writer *w)
{
	assert(!w->failed);
	return w->len;
}

size_t
operator_ask_encode(enum operator_command command, uint8_t role, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, OPERATOR_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)command);
	ipc_put_u8(&w, role);
	return written(&w);
}

int
operator_ask_decode(struct slice body, enum operator_command *command,
    uint8_t *role)
{
	struct ipc_reader r;
	uint8_t c;

	ipc_reader_init(&r, body);
	c = ipc_get_u8(&r);
	*role = ipc_get_u8(&r);
	if (c < OPERATOR_STATUS || c > OPERATOR_QUEUE)
		return -1;
	*command = (enum operator_command)c;
	return ipc_reader_end(&r);
}

size_t
operator_answer_encode(enum operator_result result, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, OPERATOR_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)result);
	return written(&w);
}

int
operator_answer_decode(struct slice body, enum operator_result *result)
{
	struct ipc_reader r;
	uint8_t v;

	ipc_reader_init(&r, body);
	v = ipc_get_u8(&r);
	if (v > OPERATOR_FAILED)
		return -1;
	*result = (enum operator_result)v;
	return ipc_reader_end(&r);
}

size_t
operator_process_encode(const struct operator_process *p, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, OPERATOR_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)p->role);
	ipc_put_u32(&w, p->instance);
	ipc_put_u8(&w, p->state);
	ipc_put_u32(&w, p->pid);
	ipc_put_u32(&w, p->uid);
	ipc_put_u32(&w, p->restarts);
	ipc_put_u64(&w, p->seconds);
	ipc_put_u8(&w, p->account_kind);
	ipc_put_u32(&w, p->account_number);
	return written(&w);
}

int
operator_process_decode(struct slice body, struct operator_process *p)
{
	struct ipc_reader r;
	uint8_t role;

	ipc_reader_init(&r, body);
	role = ipc_get_u8(&r);
	p->instance = ipc_get_u32(&r);
	p->state = ipc_get_u8(&r);
	p->pid = ipc_get_u32(&r);
	p->uid = ipc_get_u32(&r);
	p->restarts = ipc_get_u32(&r);
	p->seconds = ipc_get_u64(&r);
	p->account_kind = ipc_get_u8(&r);
	p->account_number = ipc_get_u32(&r);
	if (role >= IPC_ROLE_COUNT || p->state > 3)
		return -1;
	p->role = (enum ipc_role)role;
	return ipc_reader_end(&r);
}
