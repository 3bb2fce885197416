/* The part of smtpd.conf that says who may send; see also lists.h. */
#ifndef SMTPD_POLICY_SETTINGS_H
#define SMTPD_POLICY_SETTINGS_H

#define SMTPD_POLICY_SETTINGS(X)					\
	X(client_bits_ipv4, COUNT, "32", "8", "32", RELOAD,		\
	    "IPv4 clients that share so many leading bits are counted "	\
	    "together in all limits by client.")			\
	X(client_bits_ipv6, COUNT, "64", "16", "64", RELOAD,		\
	    "The same for IPv6.")					\
	X(max_messages_per_hour, COUNT, "0", "0", "100000000", RELOAD,	\
	    "Messages an hour of one client, in all its sessions; then "	\
	    "450 4.7.1.  0: any number.")				\
	X(max_recipients_per_hour, COUNT, "0", "0", "100000000", RELOAD, \
	    "The same for accepted recipients.")			\
	X(reverse_name, ENUM, "off", "off|lookup|require|confirm", "",	\
	    RELOAD,							\
	    "The name of the client's address in DNS.  off: not asked for, " \
	    "unless a rule or list needs it; lookup: asked for, and in the " \
	    "log; require: a client without one is refused with 550 5.7.25; " \
	    "confirm: so is one whose name does not lead back to its address.") \
	X(helo_names, ENUM, "any", "any|resolvable", "", RELOAD,	\
	    "resolvable: a client is refused whose name in HELO has no "	\
	    "address and no MX in DNS.")				\
	X(helo_own_name, ENUM, "accept", "accept|refuse", "", RELOAD,	\
	    "A client that calls itself by our host name.")		\
	X(sender_domains, ENUM, "any", "any|resolvable", "", RELOAD,	\
	    "resolvable: refused are senders whose domain has neither MX " \
	    "nor address (550 5.1.8), or takes no mail (550 5.7.27, RFC 7505).") \
	X(list_threshold, COUNT, "1", "1", "1000000", RELOAD,		\
	    "A client is refused when the weights of the lists that it is " \
	    "in come to this; those of allow lists are taken off.")	\
	X(dns_trouble, ENUM, "accept", "accept|defer", "", RELOAD,	\
	    "Where DNS gives no answer to what a check or a list wanted to " \
	    "know: as if there were nothing against the client, or 451 4.4.3.") \
	X(greylist, BOOL, "no", "", "", RELOAD,				\
	    "Who has never sent to this recipient is asked to come again " \
	    "(RFC 6647), with 450 4.7.1.")				\
	X(greylist_delay, SECONDS, "5m", "1s", "1d", RELOAD,		\
	    "A new try before this is too early.")			\
	X(greylist_window, SECONDS, "1d", "1m", "4w", RELOAD,		\
	    "A new try after this is a first one again.")		\
	X(greylist_life, SECONDS, "5w", "1h", "52w", RELOAD,		\
	    "A network that has passed is known for so long after it was " \
	    "last seen.")						\
	X(greylist_size, COUNT, "100000", "100", "10000000", RESTART,	\
	    "So many first tries, and so many known networks, are "	\
	    "remembered; 64 octets each.")

#endif
