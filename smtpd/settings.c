#include "smtpd/settings.h"

#include <string.h>

#include "common/instance/listener.h"

#define ROW(...) SETTING_ROW(struct smtpd_settings, __VA_ARGS__)

static const struct setting rows[] = { SMTPD_SETTINGS(ROW) };

static void
check(const struct settings *s, struct settings_errors *errors)
{
	for (size_t i = 0; i < settings_n_groups(s); i++)
		if (strcmp(settings_group(s, i)->name, SMTPD_DOOR_INJECT) == 0)
			settings_complain(errors, s, settings_group(s, i),
			    "address", "the name " SMTPD_DOOR_INJECT " is "
			    "that of the injection socket; choose another");
}

const struct settings_schema smtpd_schema = {
	.file = "smtpd.conf",
	.size = sizeof(struct smtpd_settings),
	SETTINGS_ROWS(rows),
	.blocks = listener_block_smtpd,
	.n_blocks = 1,
	.check = check,
};
