#include "imapd/settings.h"

#include "common/instance/listener.h"

#define ROW(...) SETTING_ROW(struct imapd_settings, __VA_ARGS__)
static const struct setting rows[] = { IMAPD_SETTINGS(ROW) };

const struct settings_schema imapd_schema = {
	.file = "imapd.conf", .size = sizeof(struct imapd_settings),
	SETTINGS_ROWS(rows),
	.blocks = listener_block_imapd, .n_blocks = 1,
};
