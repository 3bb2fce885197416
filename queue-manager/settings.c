#include "queue-manager/settings.h"

#define ROW(...) SETTING_ROW(struct queue_manager_settings, __VA_ARGS__)
static const struct setting rows[] = { QUEUE_MANAGER_SETTINGS(ROW) };

static void
check(const struct settings *s, struct settings_errors *errors)
{
	const struct queue_manager_settings *v = settings_values(s);

	if (v->retry_max < v->retry_min)
		settings_complain(errors, s, NULL, "retry_max",
		    "less than retry_min; write at least %llus",
		    (unsigned long long)v->retry_min);
	if (v->segment_size % 4096 != 0)
		settings_complain(errors, s, NULL, "segment_size",
		    "not a multiple of 4K; write 32M, for example");
}

const struct settings_schema queue_manager_schema = {
	.file = "queue-manager.conf",
	.size = sizeof(struct queue_manager_settings),
	SETTINGS_ROWS(rows), .check = check,
};
