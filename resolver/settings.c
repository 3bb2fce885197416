#include "resolver/settings.h"

#define ROW(...) SETTING_ROW(struct resolver_settings, __VA_ARGS__)
static const struct setting rows[] = { RESOLVER_SETTINGS(ROW) };

const struct settings_schema resolver_schema = {
	.file = "resolver.conf", .size = sizeof(struct resolver_settings),
	SETTINGS_ROWS(rows),
};
