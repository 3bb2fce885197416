/*
 * A stage that does nothing but live: stands in for every program of the map
 * where supervisor itself is tested.  It is in no sandbox, and it logs what
 * it was given, so that a test can compare that with the map.  Where its
 * settings begin with "#cut", it breaks its channels with a reload, as two do
 * of which one sent what it must not.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/stage/stage.h"

struct plain {
	struct stage	stage;
	unsigned	channels, listeners, tables;
	bool		cut;
	struct end {
		enum ipc_role	peer;
		unsigned	instance;
		int		fd;	/* -1: closed */
	}		ends[16];
};

static int
on_settings(void *ctx, int shared_fd, int own_fd)
{
	struct stat sb;
	char first[4] = "";
	struct plain *p = ctx;

	if (fstat(shared_fd, &sb) == -1 || fstat(own_fd, &sb) == -1 ||
	    pread(own_fd, first, sizeof(first), 0) == -1)
		return -1;
	p->cut = memcmp(first, "#cut", 4) == 0;
	/* A test writes this to see a refusal. */
	return memcmp(first, "bad\n", 4) == 0 ? -1 : 0;
}

static int
on_table(void *ctx, enum stage_table table, int fd)
{
	struct plain *p = ctx;
	struct stat sb;

	if (fstat(fd, &sb) == -1)
		return -1;
	p->tables++;
	log_info("given-table", LOG_CSTR("table", stage_table_name(table)),
	    LOG_NUM("size", (uint64_t)sb.st_size));
	return 0;
}

static int
on_listener(void *ctx, const char *name, int fd)
{
	struct plain *p = ctx;

	p->listeners++;
	log_info("given-listener", LOG_CSTR("name", name));
	return fd >= 0 ? 0 : -1;	/* held open, nothing is accepted */
}

static int
on_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct plain *p = ctx;
	unsigned i = p->channels++ % 16;

	p->ends[i] = (struct end){ peer, instance, fd };
	log_info("given-channel", LOG_CSTR("peer", ipc_role_name(peer)),
	    LOG_NUM("instance", instance));
	return fd >= 0 ? 0 : -1;
}

static void
cut_all(struct plain *p)
{
	for (unsigned i = 0; i < 16 && i < p->channels; i++) {
		struct end *e = &p->ends[i];

		if (e->fd == -1)
			continue;
		close(e->fd);
		e->fd = -1;
		/* As often as it likes: it changes nothing. */
		for (int n = 0; n < 3; n++)
			stage_channel_lost(&p->stage, e->peer, e->instance);
	}
}

static int
on_commit(void *ctx, bool first)
{
	struct plain *p = ctx;
	uid_t r, e, s;

	if (getresuid(&r, &e, &s) == -1)
		return -1;
	if (p->cut && !first)
		cut_all(p);
	log_info("given-all", LOG_BOOL("first", first),
	    LOG_NUM("uid", e), LOG_BOOL("one-uid", r == e && e == s),
	    LOG_NUM("groups", (uint64_t)getgroups(0, NULL)),
	    LOG_NUM("channels", p->channels),
	    LOG_NUM("listeners", p->listeners), LOG_NUM("tables", p->tables),
	    LOG_CSTR("hostname", p->stage.hostname),
	    LOG_BOOL("environment", environ != NULL && environ[0] != NULL));
	return 0;
}

/* Of the one that bulkhead(8) makes. */
static int
on_certificate(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ctx, (void)ch;
	log_info("given-certificate", LOG_NUM("descriptors", m->nfds));
	return 0;
}

static const struct ipc_handler certificates[] = {
	{ IPC_STAGE_CERTIFICATE, on_certificate },
	{ IPC_STAGE_KEY, on_certificate },
};

int
main(int argc, char *argv[])
{
	struct stage_hooks hooks = {
		.role = ipc_role_by_name(argv[0]), .settings = on_settings,
		.table = on_table, .listener = on_listener,
		.channel = on_channel, .commit = on_commit,
		.more = certificates, .more_count = 2,
	};
	struct plain p = { .channels = 0 };

	if (hooks.role == IPC_ROLE_COUNT)
		return 64;
	stage_open(argc, argv, &hooks);
	stage_attach(&p.stage, &hooks, &p);
	return stage_run(&p.stage);
}
