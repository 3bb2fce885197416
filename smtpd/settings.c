#include "smtpd/settings.h"

#include "common/instance/listener.h"

#define ROW(...) SETTING_ROW(struct smtpd_settings, __VA_ARGS__)

static const struct setting rows[] = { SMTPD_SETTINGS(ROW) };

const struct settings_schema smtpd_schema = {
	.file = "smtpd.conf",
	.size = sizeof(struct smtpd_settings),
	SETTINGS_ROWS(rows),
	.blocks = listener_block_smtpd,
	.n_blocks = 1,
};
