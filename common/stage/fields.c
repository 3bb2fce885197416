#include "common/stage/fields.h"

#include <assert.h>

#include "common/ipc/codec.h"
#include "common/log/log.h"

static size_t
written(const struct ipc_writer *w)
{
	assert(!w->failed);
	return w->len;
}

size_t
stage_table_encode(enum stage_table table, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, STAGE_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)table);
	return written(&w);
}

int
stage_table_decode(struct slice body, enum stage_table *table)
{
	struct ipc_reader r;
	uint8_t v;

	ipc_reader_init(&r, body);
	v = ipc_get_u8(&r);
	if (v >= STAGE_TABLE_COUNT)
		return -1;
	*table = (enum stage_table)v;
	return ipc_reader_end(&r);
}

size_t
stage_listener_encode(const char *name, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, STAGE_BODY_MAX);
	ipc_put_bytes(&w, slice_str(name));
	return written(&w);
}

int
stage_listener_decode(struct slice body, char name[STAGE_NAME_MAX + 1])
{
	struct ipc_reader r;
	struct slice s;

	ipc_reader_init(&r, body);
	s = ipc_get_bytes(&r, STAGE_NAME_MAX);
	if (ipc_reader_end(&r) == -1)
		return -1;
	return slice_copy_str(s, name, STAGE_NAME_MAX + 1);
}

size_t
stage_channel_encode(const struct stage_peer *p, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, STAGE_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)p->role);
	ipc_put_u32(&w, p->instance);
	ipc_put_u64(&w, p->serial);
	return written(&w);
}

int
stage_channel_decode(struct slice body, struct stage_peer *p)
{
	struct ipc_reader r;
	uint8_t v;

	ipc_reader_init(&r, body);
	v = ipc_get_u8(&r);
	p->instance = ipc_get_u32(&r);
	p->serial = ipc_get_u64(&r);
	if (v >= IPC_ROLE_COUNT)
		return -1;
	p->role = (enum ipc_role)v;
	return ipc_reader_end(&r);
}

size_t
stage_log_encode(int form, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, STAGE_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)form);
	return written(&w);
}

int
stage_log_decode(struct slice body, int *form)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	*form = ipc_get_u8(&r);
	if (*form > LOG_FORM_SYSLOG)
		return -1;
	return ipc_reader_end(&r);
}
