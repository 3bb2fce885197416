/* One row for each settings file there is. */
#include "bulkhead/stages.h"

#include <string.h>

#include "bulkhead/bulkhead.h"
#include "common/settings/nearest.h"
#include "directory/settings.h"
#include "queue-manager/settings.h"
#include "authd/settings.h"
#include "local-delivery/settings.h"
#include "smtpd/settings.h"
#include "imapd/settings.h"
#include "pop3d/settings.h"
#include "remote-relay/settings.h"
#include "tlskeyd/settings.h"
#include "milterd/settings.h"
#include "resolver/settings.h"

static const struct settings_schema *const schemas[] = {
	&instance_schema,
	&directory_schema,
	&pop3d_schema,
	&imapd_schema,
	&smtpd_schema,
	&local_delivery_schema,
	&authd_schema,
	&queue_manager_schema,
	&resolver_schema,
	&remote_relay_schema,
	&tlskeyd_schema,
	&milterd_schema,
};

const struct settings_schema *
stage_schema_at(size_t i)
{
	return i < sizeof(schemas) / sizeof(schemas[0]) ? schemas[i] : NULL;
}

static struct slice
without_suffix(struct slice name)
{
	static const struct slice suffix = SLICE_LITERAL(".conf");

	if (name.len > suffix.len &&
	    slice_equal(slice_skip(name, name.len - suffix.len), suffix))
		name.len -= suffix.len;
	return name;
}

const struct settings_schema *
stage_schema(const char *name)
{
	struct slice wanted = without_suffix(slice_str(name));
	size_t best = nearest_limit(wanted.len) + 1;
	const struct settings_schema *schema, *guess = NULL;

	for (size_t i = 0; (schema = stage_schema_at(i)) != NULL; i++) {
		size_t distance = nearest_distance(wanted,
		    without_suffix(slice_str(schema->file)));

		if (distance == 0)
			return schema;
		if (distance < best) {
			best = distance;
			guess = schema;
		}
	}
	fail(0, "there is no settings file %.*s.conf%s%s%s", (int)wanted.len,
	    wanted.at, guess == NULL ? "" : ": did you mean ",
	    guess == NULL ? "" : guess->file, guess == NULL ? "" : "?");
	return NULL;
}
