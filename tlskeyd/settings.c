#include "tlskeyd/settings.h"

#define ROW(...) SETTING_ROW(struct tlskeyd_settings, __VA_ARGS__)
static const struct setting rows[] = { TLSKEYD_SETTINGS(ROW) };

const struct settings_schema tlskeyd_schema = {
	.file = "tlskeyd.conf", .size = sizeof(struct tlskeyd_settings),
	SETTINGS_ROWS(rows),
};
