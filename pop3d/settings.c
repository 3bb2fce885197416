#include "pop3d/settings.h"

#include "common/instance/listener.h"

#define ROW(...) SETTING_ROW(struct pop3d_settings, __VA_ARGS__)
static const struct setting rows[] = { POP3D_SETTINGS(ROW) };

const struct settings_schema pop3d_schema = {
	.file = "pop3d.conf", .size = sizeof(struct pop3d_settings),
	SETTINGS_ROWS(rows),
	.blocks = listener_block_pop3d, .n_blocks = 1,
};
