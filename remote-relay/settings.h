/* remote-relay.conf: see remote-relay.conf(5). */
#ifndef REMOTE_RELAY_SETTINGS_H
#define REMOTE_RELAY_SETTINGS_H

#include "common/settings/settings.h"

#define REMOTE_RELAY_SETTINGS(X)					\
	X(helo_name, STRING, "", "0", "255", RELOAD,			\
	    "Our name in EHLO.  Empty: hostname of bulkhead.conf.")	\
	X(smtp_port, COUNT, "25", "1", "65535", RESTART,		\
	    "The port of hosts that MX and address records name.")	\
	X(address_family, ENUM, "both", "both|ipv4|ipv6", "", RELOAD,	\
	    "Which addresses of a host are tried.  both: one of each " \
	    "family in turn, IPv6 first.")				\
	X(interface_addresses, BOOL, "yes", "", "", RESTART,		\
	    "Whoever has an address of this host's interfaces is ourselves: " \
	    "a mail exchanger there, and all less preferred ones, are not " \
	    "used, so that mail does not go round in circles.")		\
	X(own_addresses, WORDS, "", "0", "64", RELOAD,			\
	    "Further addresses that lead to us, as a translating router " \
	    "has them.")						\
	X(connections_max, COUNT, "2000", "1", "20000", RELOAD,		\
	    "Connections at once, to all destinations.")		\
	X(messages_max, COUNT, "10000", "16", "30000", RELOAD,		\
	    "Messages in hand.  Each holds a descriptor.")		\
	X(hosts_max, COUNT, "6", "1", "100", RELOAD,			\
	    "Addresses tried for one attempt to reach a destination.")	\
	X(host_down_time, SECONDS, "1m", "0", "1h", RELOAD,		\
	    "An address that could not be reached is passed over for so " \
	    "long while there are others.")				\
	X(connection_idle, SECONDS, "5s", "0", "5m", RELOAD,		\
	    "How long a connection is kept for the next message to the same " \
	    "destination; 0: it is closed at once.")			\
	X(connection_messages, COUNT, "100", "1", "100000", RELOAD,	\
	    "Messages on one connection, unless the peer allows fewer " \
	    "(RFC 9422).")						\
	X(connection_age, SECONDS, "5m", "1s", "1d", RELOAD,		\
	    "A connection older than this takes no further message.")	\
	X(connect_timeout, SECONDS, "30s", "1s", "10m", RELOAD,		\
	    "For a connection to be made.")				\
	X(greeting_timeout, SECONDS, "5m", "1s", "1h", RELOAD,		\
	    "For the whole greeting (RFC 5321 section 4.5.3.2.1).")	\
	X(helo_timeout, SECONDS, "5m", "1s", "1h", RELOAD,		\
	    "For the whole reply to EHLO, HELO, LHLO and STARTTLS, and for " \
	    "each reply to AUTH.")					\
	X(mail_timeout, SECONDS, "5m", "1s", "1h", RELOAD,		\
	    "For the reply to MAIL (section 4.5.3.2.2).")		\
	X(rcpt_timeout, SECONDS, "5m", "1s", "1h", RELOAD,		\
	    "For each reply to RCPT (section 4.5.3.2.3).")		\
	X(data_timeout, SECONDS, "2m", "1s", "1h", RELOAD,		\
	    "For the reply to DATA (section 4.5.3.2.4).")		\
	X(data_block_timeout, SECONDS, "3m", "1s", "1h", RELOAD,	\
	    "For the peer to take some of what is sent (section " \
	    "4.5.3.2.5).")						\
	X(data_done_timeout, SECONDS, "10m", "1s", "1h", RELOAD,	\
	    "For the reply to the end of a message (section 4.5.3.2.6).") \
	X(quit_timeout, SECONDS, "10s", "1s", "1h", RELOAD,		\
	    "For the reply to QUIT, and to RSET between two messages.")	\
	X(stop_timeout, SECONDS, "10s", "1s", "1h", RELOAD,		\
	    "When stopping: for messages that are being sent.")

#define ROUTE_SETTINGS(X)						\
	X(via, WORDS, "", "0", "32", RELOAD,				\
	    "Where this mail goes, the best first: [host]:port or " \
	    "[address]:port, or host:port for the mail exchangers of a " \
	    "domain.  Without a port: smtp_port, or 24 for LMTP.  Empty: " \
	    "the mail exchangers of the recipient's domain.  A port that " \
	    "was not there at the start takes a restart.")		\
	X(fallback, WORDS, "", "0", "32", RELOAD,			\
	    "Tried, written like via, when no host of the destination could " \
	    "be reached.")						\
	X(protocol, ENUM, "smtp", "smtp|lmtp", "", RELOAD,		\
	    "RFC 5321 or RFC 2033.")					\
	X(tls, ENUM, "dane",						\
	    "none|opportunistic|required|verified|fingerprint|dane|" \
	    "dane-only", "", RELOAD,					\
	    "opportunistic: encrypted where the host can, whoever it is " \
	    "(RFC 7435).  required: or the mail waits.  verified: a " \
	    "certificate of a root in /etc/ssl/certs/ca-certificates.crt, in " \
	    "the name of the host, of the domain where the name of the host " \
	    "came from DNS without DNSSEC, or one of tls_names.  " \
	    "fingerprint: one of tls_fingerprints.  dane: by the TLSA " \
	    "records of the host where it has any that DNSSEC vouches for " \
	    "(RFC 7672), else opportunistic.  dane-only: by those, or the " \
	    "mail waits.")						\
	X(tls_wrapped, BOOL, "no", "", "", RELOAD,			\
	    "TLS from the first octet, without STARTTLS (RFC 8314), as on " \
	    "port 465.")						\
	X(tls_names, WORDS, "", "0", "7", RELOAD,			\
	    "Names that will do in place of the host's.")		\
	X(tls_fingerprints, WORDS, "", "0", "16", RELOAD,		\
	    "SHA-256 of the host's certificate or of its public key, in " \
	    "hexadecimal, colons or not.")				\
	X(tls_certificate, STRING, "", "0", "64", RELOAD,		\
	    "The certificate that is shown to a host that asks for one: the " \
	    "name of a block of bulkhead.conf whose stages have "	\
	    "remote-relay.  Empty: none is shown.")			\
	X(source_address, WORDS, "", "0", "2", RELOAD,			\
	    "The address that connections come from, one for each family; " \
	    "a host whose family has none is not tried.  Empty: as the " \
	    "kernel chooses.")						\
	X(connections_max, COUNT, "20", "1", "1000", RELOAD,		\
	    "Connections at once to one destination.")			\
	X(pipelining, BOOL, "yes", "", "", RELOAD,			\
	    "Use PIPELINING (RFC 2920) where the peer offers it.")	\
	X(chunking, BOOL, "yes", "", "", RELOAD,			\
	    "Use CHUNKING (RFC 3030) where the peer offers it.")

struct remote_relay_settings {
	REMOTE_RELAY_SETTINGS(SETTING_MEMBER)
};

struct route_settings {
	ROUTE_SETTINGS(SETTING_MEMBER)
};

enum { ADDRESS_BOTH, ADDRESS_IPV4, ADDRESS_IPV6 };	/* address_family */
enum { PROTOCOL_SMTP, PROTOCOL_LMTP };			/* protocol */
enum { ROUTE_TLS_NONE, ROUTE_TLS_OPPORTUNISTIC, ROUTE_TLS_REQUIRED,
    ROUTE_TLS_VERIFIED, ROUTE_TLS_FINGERPRINT, ROUTE_TLS_DANE,
    ROUTE_TLS_DANE_ONLY };				/* tls */

/* The block that describes mail without a route of its own. */
#define ROUTE_DEFAULT "default"

extern const struct settings_schema remote_relay_schema;

#endif
