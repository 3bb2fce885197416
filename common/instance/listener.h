/*
 * `listener NAME { address = ... }` in smtpd.conf, pop3d.conf and imapd.conf.
 * supervisor binds the addresses; the stage knows its listeners by name.
 */
#ifndef COMMON_INSTANCE_LISTENER_H
#define COMMON_INSTANCE_LISTENER_H

#include "common/settings/settings.h"

#define LISTENER_ADDRESS(X)						\
	X(address, ADDRESSES, NULL, "1", "64", RESTART,			\
	    "Addresses and ports to listen on, such as *:25 or "	\
	    "127.0.0.1:110 [::1]:110.")

/* Of smtpd.conf, where a Unix socket may stand instead. */
#define LISTENER_ADDRESS_SMTPD(X)					\
	X(address, ADDRESSES, "", "0", "64", RESTART,			\
	    "Addresses and ports to listen on, such as *:25 or "	\
	    "127.0.0.1:24 [::1]:24.  Only a listener for LMTP can do without.")

#define LISTENER_SETTINGS(X)						\
	X(accounts, ENUM, "all", "all|virtual", "", RELOAD,		\
	    "Whose logins are taken here.  SCRAM is offered when each "	\
	    "of these accounts has a verifier, which system users, who " \
	    "log in by PAM, never have; virtual leaves them out.")	\
	X(tls, ENUM, "starttls", "none|starttls|required|implicit", "",	\
	    RELOAD,							\
	    "TLS here.  starttls: offered (STARTTLS, STLS).  required: "	\
	    "nothing of use before it.  implicit: from the first octet, as " \
	    "ports 465, 993 and 995 want it (RFC 8314).  none: never.")

/* smtpd.conf's has this, too. */
#define LISTENER_SETTINGS_SMTPD(X)					\
	X(service, ENUM, "smtp", "smtp|submission|lmtp", "", RESTART,	\
	    "smtp: mail from anyone for users of this host.  submission " \
	    "(RFC 6409): mail from users who have logged in, for anyone; " \
	    "by a process of its own, smtpd-submit.  lmtp (RFC 2033): mail " \
	    "from another mail system on this host or next to it, for users " \
	    "of this host; by a process of its own, smtpd-lmtp.")	\
	X(socket, STRING, "", "0", "100", RESTART,			\
	    "For lmtp: a Unix socket to listen on, by its name in run_dir " \
	    "or by an absolute path.  A listener for lmtp that has neither " \
	    "this nor an address listens on the socket lmtp.")		\
	X(socket_mode, ENUM, "0660", "0600|0660|0666", "", RESTART,	\
	    "The rights of that socket: who may write to it, may deliver.") \
	X(socket_group, STRING, "", "0", "64", RESTART,			\
	    "The group that it belongs to.  Empty: root's.")		\
	X(lmtp_from, WORDS, "loopback", "0", "64", RELOAD,		\
	    "For lmtp: addresses and networks whose connections to an " \
	    "address are taken; others get 421.  Nobody logs in to LMTP.") \
	X(milters, WORDS, "", "0", "8", RELOAD,				\
	    "Milters that look at the mail that comes in here, by the names " \
	    "of their blocks in milterd.conf, in this order.")		\
	X(proxy_from, WORDS, "", "0", "64", RELOAD,			\
	    "Load balancers, by address or network: their connections "	\
	    "begin with a PROXY header, version 1 or 2, that says who the " \
	    "client is.  From anybody else such a header is refused.")

struct listener_settings {
	LISTENER_ADDRESS(SETTING_MEMBER)
	LISTENER_SETTINGS(SETTING_MEMBER)
	LISTENER_SETTINGS_SMTPD(SETTING_MEMBER)
};

enum listener_tls {
	LISTENER_TLS_NONE, LISTENER_TLS_STARTTLS, LISTENER_TLS_REQUIRED,
	LISTENER_TLS_IMPLICIT
};
enum listener_service { LISTENER_SMTP, LISTENER_SUBMISSION, LISTENER_LMTP };
/* The modes of socket_mode, in its order. */
extern const unsigned short listener_socket_modes[3];
/* The socket of a listener for LMTP that names nothing. */
#define LISTENER_LMTP_SOCKET	"lmtp"
enum listener_accounts { LISTENER_ALL_ACCOUNTS, LISTENER_VIRTUAL_ACCOUNTS };

/* What there is while the file names no listener. */
#define LISTENER_STANDARD_SMTPD						\
	"listener smtp {\n\taddress = *:25\n}\n"			\
	"listener submission {\n\tservice = submission\n"		\
	"\taddress = *:587\n}\n"					\
	"listener submissions {\n\tservice = submission\n"		\
	"\taddress = *:465\n\ttls = implicit\n}\n"
#define LISTENER_STANDARD_POP3D						\
	"listener pop3 {\n\taddress = *:110\n}\n"				\
	"listener pop3s {\n\taddress = *:995\n\ttls = implicit\n}\n"
#define LISTENER_STANDARD_IMAPD						\
	"listener imap {\n\taddress = *:143\n}\n"				\
	"listener imaps {\n\taddress = *:993\n\ttls = implicit\n}\n"

/* The block of a schema that has further ones; table: its rows. */
#define LISTENER_BLOCK(table, text)						\
	{								\
		.kind = "listener", .rows = (table),			\
		.n_rows = sizeof(table) / sizeof((table)[0]),		\
		.size = sizeof(struct listener_settings), .max = 16,	\
		.standard = (text),					\
		.meaning = "Where to accept connections.",		\
	}

/* The Unix socket of this listener, a name in run_dir or an absolute path; or
 * NULL: it has none. */
const char *listener_socket(const struct listener_settings *);

/* The block for a stage's schema. */
extern const struct settings_block listener_block_smtpd[1];
extern const struct settings_block listener_block_pop3d[1];
extern const struct settings_block listener_block_imapd[1];

#endif
