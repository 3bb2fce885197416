/*
 * `listener NAME { address = ... }` in smtpd.conf, pop3d.conf and imapd.conf.
 * supervisor binds the addresses; the stage knows its listeners by name.
 */
#ifndef COMMON_INSTANCE_LISTENER_H
#define COMMON_INSTANCE_LISTENER_H

#include "common/settings/settings.h"

#define LISTENER_SETTINGS(X)						\
	X(address, ADDRESSES, NULL, "1", "64", RESTART,			\
	    "Addresses and ports to listen on, such as *:25 or "	\
	    "127.0.0.1:110 [::1]:110.")

struct listener_settings {
	LISTENER_SETTINGS(SETTING_MEMBER)
};

/* What there is while the file names no listener. */
#define LISTENER_STANDARD_SMTPD	"listener smtp {\n\taddress = *:25\n}\n"
#define LISTENER_STANDARD_POP3D \
	"listener pop3 {\n\taddress = 127.0.0.1:110 [::1]:110\n}\n"
#define LISTENER_STANDARD_IMAPD \
	"listener imap {\n\taddress = 127.0.0.1:143 [::1]:143\n}\n"

/* The block for a stage's schema. */
extern const struct settings_block listener_block_smtpd[1];
extern const struct settings_block listener_block_pop3d[1];
extern const struct settings_block listener_block_imapd[1];

#endif
