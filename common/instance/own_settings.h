/*
 * What a stage reads: bulkhead.conf and its own file, new ones beside those in
 * use until a batch is committed (common/stage).
 */
#ifndef COMMON_INSTANCE_OWN_SETTINGS_H
#define COMMON_INSTANCE_OWN_SETTINGS_H

#include <stdbool.h>

#include "common/instance/instance.h"
#include "common/settings/settings.h"

struct own_settings {
	struct settings	*shared, *own;		/* in use; NULL: none yet */
	struct settings	*next_shared, *next_own; /* of this batch */
};

/* For stage_hooks.settings: read both; what is wrong is logged.  -1: refuse
 * the batch. */
int own_settings_take(struct own_settings *, const struct settings_schema *,
    int shared_fd, int own_fd);

/* For stage_hooks.commit: from now on those that came, if any did.  False:
 * there are none to use. */
bool own_settings_commit(struct own_settings *);

void own_settings_clear(struct own_settings *);

/* Of bulkhead.conf in use. */
static inline const struct instance_settings *
own_settings_instance(const struct own_settings *s)
{
	return settings_values(s->shared);
}

#endif
