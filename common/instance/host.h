/*
 * What the host says about uids: the password and group files as text (no
 * name service), and whether the uids of an instance are free.  For
 * supervisor and bulkhead(8), which read files of the host.
 */
#ifndef COMMON_INSTANCE_HOST_H
#define COMMON_INSTANCE_HOST_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/instance/instance.h"

/* A user of /etc/passwd by name; neither uid nor gid is 0.  -1: ENOENT. */
int host_user(const char *name, uid_t *uid, gid_t *gid);
/* A group of /etc/group, not 0. */
bool host_group(const char *name, gid_t *gid);

enum { HOST_WHY = 512 };

/*
 * Does anybody else have a uid that the instance takes: a user of the
 * password file, a range of /etc/subuid, or, unless it is running itself, a
 * process?  And does a user namespace that we are in hold them all?
 *
 * Returns 0, or -1 with a sentence in why, which says what to change; errno is
 * EBUSY where it is a process, which may be about to end, else EINVAL.
 */
int host_uids_free(const struct instance_settings *, bool running,
    char why[HOST_WHY]);

#endif
