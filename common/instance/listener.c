#include "common/instance/listener.h"

#define ROW(...) SETTING_ROW(struct listener_settings, __VA_ARGS__)
static const struct setting rows[] = { LISTENER_SETTINGS(ROW) };
static const struct setting smtpd_rows[] = {
	LISTENER_SETTINGS(ROW)
	LISTENER_SETTINGS_SMTPD(ROW)
};

#define BLOCK(table, text)						\
	{								\
		.kind = "listener", .rows = (table),			\
		.n_rows = sizeof(table) / sizeof((table)[0]),		\
		.size = sizeof(struct listener_settings), .max = 16,	\
		.standard = (text),					\
		.meaning = "Where to accept connections.",		\
	}

const struct settings_block listener_block_smtpd[1] = {
	BLOCK(smtpd_rows, LISTENER_STANDARD_SMTPD)
};
const struct settings_block listener_block_pop3d[1] = {
	BLOCK(rows, LISTENER_STANDARD_POP3D)
};
const struct settings_block listener_block_imapd[1] = {
	BLOCK(rows, LISTENER_STANDARD_IMAPD)
};
