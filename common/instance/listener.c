#include "common/instance/listener.h"

#define ROW(...) SETTING_ROW(struct listener_settings, __VA_ARGS__)
static const struct setting rows[] = { LISTENER_ADDRESS(ROW)
	    LISTENER_SETTINGS(ROW) };
static const struct setting smtpd_rows[] = { LISTENER_ADDRESS_SMTPD(ROW)
	    LISTENER_SETTINGS(ROW) LISTENER_SETTINGS_SMTPD(ROW) };

const struct settings_block listener_block_smtpd[1] = {
	LISTENER_BLOCK(smtpd_rows, LISTENER_STANDARD_SMTPD)
};
const struct settings_block listener_block_pop3d[1] = {
	LISTENER_BLOCK(rows, LISTENER_STANDARD_POP3D)
};
const struct settings_block listener_block_imapd[1] = {
	LISTENER_BLOCK(rows, LISTENER_STANDARD_IMAPD)
};

const unsigned short listener_socket_modes[3] = { 0600, 0660, 0666 };

const char *
listener_socket(const struct listener_settings *l)
{
	if (l->service != LISTENER_LMTP)
		return NULL;
	if (l->socket[0] != '\0')
		return l->socket;
	return l->address.n == 0 ? LISTENER_LMTP_SOCKET : NULL;
}
