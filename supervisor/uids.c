/*
 * Which uids the instance runs as, and that nobody else has them.
 */
#include "supervisor/supervisor.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/instance/host.h"

void
uids_check(const struct supervisor *sv)
{
	char why[HOST_WHY];

	if (host_uids_free(sv->instance, false, why) == 0)
		return;
	log_error("cannot-start", LOG_CSTR("reason", why));
	fprintf(stderr, "supervisor: %s\n", why);
	if (sv->ready_fd != -1)
		dprintf(sv->ready_fd, "%s\n", why);
	exit(78);
}

int
uids_of(const struct supervisor *sv, const struct map_process *map,
    struct identity *id)
{
	*id = (struct identity){ .jail_fd = -1 };
	if (map->role == IPC_AUTHD_PAM && sv->instance->pam_as_root)
		return 0;
	if (sv->instance->uid_base != 0) {
		id->uid = (uid_t)sv->instance->uid_base +
		    map_uid_offset(map->role);
		id->gid = id->uid;
	} else if (host_user(map->user, &id->uid, &id->gid) == -1)
		return -1;
	if (map->group != NULL && !host_group(map->group, &id->group))
		id->group = 0;
	return 0;
}
