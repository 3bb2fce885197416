#include "local-delivery/settings.h"

#define ROW(...) SETTING_ROW(struct local_delivery_settings, __VA_ARGS__)
static const struct setting rows[] = { LOCAL_DELIVERY_SETTINGS(ROW) };

const struct settings_schema local_delivery_schema = {
	.file = "local-delivery.conf",
	.size = sizeof(struct local_delivery_settings),
	SETTINGS_ROWS(rows),
};
