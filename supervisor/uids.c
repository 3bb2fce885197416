/*
 * Which uids the instance runs as, and that nobody else has them.
 */
#include "supervisor/supervisor.h"

#include <errno.h>

#include "common/instance/host.h"

void
uids_check(const struct supervisor *sv)
{
	char why[HOST_WHY];

	for (unsigned n = 0; host_uids_free(sv->instance, false, why) == -1;
	     n++)
		if (errno != EBUSY || !load_wait(n))
			load_refuse(sv, "%s", why);
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
