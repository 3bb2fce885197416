/*
 * The settings tables of the whole suite: bulkhead.conf and each stage's
 * own file.  What `bulkhead check` and `bulkhead config` know, they know
 * from here.
 */
#ifndef BULKHEAD_STAGES_H
#define BULKHEAD_STAGES_H

#include "common/settings/settings.h"

/* Table i, bulkhead.conf first; NULL behind the last. */
const struct settings_schema *stage_schema_at(size_t i);

/*
 * The table of "smtpd" or "smtpd.conf" ("bulkhead" for the shared one).
 * NULL, and a sentence with what may have been meant on standard error.
 */
const struct settings_schema *stage_schema(const char *name);

#endif
