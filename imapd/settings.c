#include "imapd/settings.h"

#include "common/instance/listener.h"
#include "imapd/session/hide.h"

#define ROW(...) SETTING_ROW(struct imapd_settings, __VA_ARGS__)
static const struct setting rows[] = { IMAPD_SETTINGS(ROW) };

static void
check(const struct settings *s, struct settings_errors *errors)
{
	const struct imapd_settings *own = settings_values(s);

	for (size_t i = 0; i < own->hide_capabilities.n; i++) {
		const char *word = own->hide_capabilities.at[i];
		struct hide h;

		if (hide_parse(slice_str(word), &h) == PARSE_BAD)
			settings_complain(errors, s, NULL, "hide_capabilities",
			    "\"%s\" names no account and capability that can "
			    "be hidden; bob:IDLE would be right", word);
	}
}

const struct settings_schema imapd_schema = {
	.file = "imapd.conf", .size = sizeof(struct imapd_settings),
	SETTINGS_ROWS(rows),
	.blocks = listener_block_imapd, .n_blocks = 1,
	.check = check,
};
