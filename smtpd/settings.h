/*
 * smtpd.conf.  The table is the parser, the checker, the manual page's list
 * and the example file (common/settings/settings.h).
 */
#ifndef SMTPD_SETTINGS_H
#define SMTPD_SETTINGS_H

#include "common/settings/settings.h"
#include "smtpd/policy/settings.h"

/* The name that no listener may have: programs of this host come in by it. */
#define SMTPD_DOOR_INJECT "inject"

#define SMTPD_SETTINGS(X)						\
	X(greeting, STRING, "ESMTP", "0", "200", RELOAD,		\
	    "What follows the host name in the greeting (RFC 5321 section " \
	    "4.2); of LMTP's it is always LMTP.")								\
	X(greeting_delay, SECONDS, "0", "0", "1m", RELOAD,		\
	    "Wait so long before the greeting; clients that talk first show " \
	    "themselves.")						\
	X(early_talkers, ENUM, "refuse", "refuse|accept", "", RELOAD,	\
	    "A client that talks before the greeting: 554, or served as if " \
	    "it had waited.  Either way it is logged.")			\
	X(early_commands, ENUM, "refuse", "refuse|accept", "", RELOAD,	\
	    "A client that does not wait for a reply that it has to wait "	\
	    "for: that to EHLO, DATA, VRFY, EXPN, NOOP, AUTH and others (RFC " \
	    "2920 section 3.1), and each after HELO: 554 and the end, or "	\
	    "its commands are done in turn.")				\
	X(max_sessions, COUNT, "4000", "1", "100000", RELOAD,		\
	    "Sessions at once in one process; further ones get 421.")	\
	X(max_sessions_per_client, COUNT, "100", "1", "100000", RELOAD,	\
	    "Sessions at once of one IPv4 address or IPv6 /64.")	\
	X(max_connections_per_minute, COUNT, "1000", "1", "1000000", RELOAD, \
	    "New sessions a minute of one IPv4 address or IPv6 /64.")	\
	X(max_errors_per_minute, COUNT, "200", "1", "1000000", RELOAD,	\
	    "Refused commands a minute of one IPv4 address or IPv6 /64, " \
	    "in all its sessions; then it gets 421: nobody tries out which " \
	    "recipients there are.")					\
	X(limit_this_host, BOOL, "no", "", "", RELOAD,			\
	    "The greeting delay and the limits by client are meant for " \
	    "clients on this host, too.")				\
	X(max_message_size, SIZE, "35M", "64K", "2G", RELOAD,		\
	    "Largest message accepted, announced as SIZE (RFC 1870; RFC " \
	    "5321 section 4.5.3.1.7).")					\
	X(max_recipients, COUNT, "1000", "100", "20000", RELOAD,	\
	    "Recipients of one message (RFC 5321 section 4.5.3.1.8); " \
	    "further ones get 452.")					\
	X(max_command_line, SIZE, "2048", "512", "16K", RELOAD,		\
	    "Longest command line, CRLF counted (RFC 5321 section " \
	    "4.5.3.1.4).")						\
	X(max_text_line, SIZE, "64K", "1000", "16M", RELOAD,		\
	    "Longest line of a message, CRLF counted (RFC 5321 section " \
	    "4.5.3.1.6).")						\
	X(max_local_part, COUNT, "64", "64", "248", RELOAD,		\
	    "Longest local-part (RFC 5321 section 4.5.3.1.1).")		\
	X(max_domain, COUNT, "255", "64", "255", RELOAD,		\
	    "Longest domain (RFC 5321 section 4.5.3.1.2).")		\
	X(max_path, COUNT, "256", "256", "1024", RELOAD,		\
	    "Longest path, brackets counted (RFC 5321 section 4.5.3.1.3).") \
	X(max_received, COUNT, "50", "10", "1000", RELOAD,		\
	    "Received fields that a message may have already; more is a " \
	    "loop (RFC 5321 section 6.3).")				\
	X(max_errors, COUNT, "20", "1", "10000", RELOAD,		\
	    "Refused commands in one session; then it is closed with 421.") \
	X(max_idle_commands, COUNT, "200", "10", "1000000", RELOAD,	\
	    "Commands without a message between them (NOOP, RSET, VRFY, " \
	    "...); then the session is closed with 421.")		\
	X(command_timeout, SECONDS, "5m", "1s", "1h", RELOAD,		\
	    "Time for the next whole command (RFC 5321 section 4.5.3.2.7).") \
	X(tls_timeout, SECONDS, "30s", "1s", "10m", RELOAD,		\
	    "Time for a TLS handshake (RFC 3207).")			\
	X(data_block_timeout, SECONDS, "3m", "1s", "1h", RELOAD,	\
	    "Silence allowed inside a message (RFC 5321 section 4.5.3.2.5).") \
	X(data_timeout, SECONDS, "1h", "1s", "1d", RELOAD,		\
	    "Time for a whole message.")				\
	X(session_timeout, SECONDS, "4h", "1s", "7d", RELOAD,		\
	    "Time for a whole session.")				\
	X(reply_timeout, SECONDS, "1m", "1s", "1h", RELOAD,		\
	    "Patience with a client that does not read its replies.")	\
	X(min_rate, SIZE, "100", "0", "1M", RELOAD,			\
	    "Octets a second that a client must average while it sends a " \
	    "message; 0: any.")						\
	X(min_rate_grace, SECONDS, "30s", "1s", "1h", RELOAD,		\
	    "From then on min_rate is asked for.")			\
	X(sibling_timeout, SECONDS, "1m", "1s", "10m", RELOAD,		\
	    "Patience with directory and queue-manager; then the client " \
	    "gets 451.")						\
	X(stop_timeout, SECONDS, "10s", "0", "10m", RELOAD,		\
	    "When stopping, time for messages under way.")		\
	X(bare_paths, BOOL, "no", "", "", RELOAD,			\
	    "Take MAIL FROM:a@b without the angle brackets, too.")	\
	X(strict_helo, BOOL, "no", "", "", RELOAD,			\
	    "Refuse a HELO or EHLO whose argument is neither a domain nor " \
	    "an address literal (RFC 5321 section 4.1.1.1).")		\
	X(cleartext_login, ENUM, "loopback", "loopback|always|never", "", \
	    RELOAD,							\
	    "Who may log in for submission without TLS.  always: passwords " \
	    "cross the network for everyone on the way to read.")	\
	X(auth_mechanisms, WORDS,					\
	    "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "1", "4", RELOAD, \
	    "How one may log in for submission (RFC 4954), as far as it " \
	    "makes sense: SCRAM where all accounts have verifiers, -PLUS " \
	    "with TLS.")						\
	X(max_auth_failures, COUNT, "5", "1", "100", RELOAD,		\
	    "Failed logins in one session; then it is closed with 421.") \
	X(sender_addresses, ENUM, "own", "own|any", "", RELOAD,		\
	    "Who has logged in sends with a reverse-path that leads to the " \
	    "own mailbox, by its name or by an alias; others get 553 5.7.1 " \
	    "(RFC 6409 section 6.1).  any: with every address.")	\
	X(account_recipients_per_hour, COUNT, "1000", "0", "100000000",	\
	    RELOAD,							\
	    "Recipients that who has logged in may send to within an hour; " \
	    "then 450 4.7.1.  0: any number.")				\
	X(inject_recipients_per_hour, COUNT, "0", "0", "100000000",	\
	    RELOAD,							\
	    "The same for programs of this host, of each uid but root's.") \
	X(vrfy, BOOL, "no", "", "", RELOAD,				\
	    "Verify addresses for VRFY (RFC 5321 section 3.5); no: 252, which " \
	    "says nothing.")						\
	X(expn, BOOL, "no", "", "", RELOAD,				\
	    "List the members behind an address for EXPN (RFC 5321 section " \
	    "3.5), up to a hundred; no: 502.")				\
	X(etrn, ENUM, "permitted", "permitted|anyone|off", "", RELOAD,	\
	    "Who may have the mail tried that waits for a destination (ETRN, " \
	    "RFC 1985): relay_networks and clients that the table permits by " \
	    "address; others get 459.  anyone: all, for one destination at a " \
	    "time, who are not told whether there is any mail.  Each "	\
	    "destination once a minute.")				\
	X(smtputf8, BOOL, "yes", "", "", RELOAD,			\
	    "Offer SMTPUTF8 (RFC 6531): addresses and header fields beyond " \
	    "ASCII.  Mail that needs it goes on only to hosts that offer " \
	    "it, too.")							\
	X(inject_milters, WORDS, "", "0", "8", RELOAD,			\
	    "Milters that look at the mail of programs of this host; " \
	    "milters in a listener block says it for those who come in " \
	    "there.")							\
	X(milter_timeout, SECONDS, "10m", "1s", "1h", RELOAD,		\
	    "Patience with all milters at one command; then the client gets " \
	    "451.  Each has times of its own, in milterd.conf.")		\
	X(milter_memory, SIZE, "512M", "1M", "64G", RELOAD,		\
	    "Octets of messages that one process keeps while milters look at " \
	    "them; further messages get 452.")				\
	X(terminals, BOOL, "no", "", "", RELOAD,			\
	    "SEND, SOML and SAML (RFC 821): messages for the terminals on " \
	    "which users of this host are logged in.  no: 502.")	\
	X(undeclared_8bit, ENUM, "accept", "accept|refuse", "", RELOAD,	\
	    "8-bit content without BODY=8BITMIME (RFC 6152): kept as it is " \
	    "and treated as if declared, or 554 5.6.1.")

enum smtpd_cleartext {
	SMTPD_CLEARTEXT_LOOPBACK, SMTPD_CLEARTEXT_ALWAYS,
	SMTPD_CLEARTEXT_NEVER
};
enum smtpd_etrn { SMTPD_ETRN_PERMITTED, SMTPD_ETRN_ANYONE, SMTPD_ETRN_OFF };
enum smtpd_sender { SMTPD_SENDER_OWN, SMTPD_SENDER_ANY };

struct smtpd_settings {
	SMTPD_SETTINGS(SETTING_MEMBER)
	SMTPD_POLICY_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema smtpd_schema;

#endif
