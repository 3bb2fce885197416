/*
 * What a process is given: settings and tables as read-only descriptors,
 * listening sockets by the name of their block.
 */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "common/stage/fields.h"

static void
log_unreadable(const struct process *p, const char *file)
{
	log_error("cannot-read", LOG_CSTR("file", file),
	    LOG_CSTR("for", p->map->program), LOG_ERRNO(errno));
}

int
supply_settings(struct process *p)
{
	const char *own = p->map->conf != NULL ? p->map->conf : "";
	int fds[2];

	if (p->map->role == IPC_MILTERD && milters_load(p->sv) == -1) {
		log_unreadable(p, own);
		return -1;
	}
	fds[0] = load_open(p->sv, "bulkhead.conf");
	if (fds[0] == -1) {
		log_unreadable(p, "bulkhead.conf");
		return -1;
	}
	if ((fds[1] = load_open(p->sv, own)) == -1) {
		log_unreadable(p, own);
		close(fds[0]);
		return -1;
	}
	return ipc_send(p->channel, IPC_STAGE_SETTINGS, 0,
	    slice_str(p->sv->hostname), fds, 2);
}

/* bulkhead(8) makes the secret, beside the certificate that it makes. */
static int
open_table(const struct supervisor *sv, enum stage_table t)
{
	char path[PATH_MAX];

	if (t == STAGE_TABLE_UTMP)
		return load_open(sv, sv->instance->utmp_file);
	if (t != STAGE_TABLE_SCRAM_SECRET)
		return load_open(sv, stage_table_name(t));
	if (snprintf(path, sizeof(path), "%s/%s", sv->instance->state_dir,
	    stage_table_name(t)) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return load_open(sv, path);
}

int
supply_tables(struct process *p, unsigned tables)
{
	char body[STAGE_BODY_MAX];

	for (unsigned t = 0; t < STAGE_TABLE_COUNT; t++) {
		const char *file = stage_table_name((enum stage_table)t);
		int fd;

		if ((tables & p->map->tables & STAGE_TABLE_BIT(t)) == 0)
			continue;
		if (t == STAGE_TABLE_ALIASES && lists_give(p) == -1)
			return -1;
		if ((fd = open_table(p->sv, (enum stage_table)t)) == -1) {
			log_unreadable(p, file);
			return -1;
		}
		if (ipc_send(p->channel, IPC_STAGE_TABLE, 0, slice_of(body,
		    stage_table_encode((enum stage_table)t, body)), &fd, 1) ==
		    -1)
			return -1;
	}
	return 0;
}

static int
give_listener(void *ctx, const char *name, int fd)
{
	struct process *p = ctx;
	char body[STAGE_BODY_MAX];

	return ipc_send(p->channel, IPC_STAGE_LISTENER, 0,
	    slice_of(body, stage_listener_encode(name, body)), &fd, 1);
}

int
supply_listeners(struct process *p)
{
	return listeners_bind(p->sv, p->map, give_listener, p);
}

void
supply_commit(struct process *p)
{
	ipc_send(p->channel, IPC_STAGE_COMMIT, 0, slice_of("", 0), NULL, 0);
}
