/*
 * What all stages of an instance share: bulkhead.conf.  An instance is one
 * configuration directory and the directories that this file names; nothing
 * else on the host is touched.
 */
#ifndef COMMON_INSTANCE_INSTANCE_H
#define COMMON_INSTANCE_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/accounts/account.h"
#include "common/ipc/roles.h"
#include "common/settings/settings.h"

#define INSTANCE_SETTINGS(X)                                                   \
	X(hostname, STRING, "", "0", "255", RESTART,                           \
	    "Name of this host in greetings and trace fields, and the mail "   \
	    "domain while there is no domains table.  Empty: what the host "   \
	    "calls itself.")                                                   \
	X(spool_dir, PATH, BULKHEAD_LOCALSTATEDIR "/spool/bulkhead", "", "",   \
	    RESTART, "Where queue-manager keeps accepted mail.")               \
	X(mail_root, PATH, BULKHEAD_LOCALSTATEDIR "/lib/bulkhead/mail", "",    \
	    "", RESTART, "Parent of the mailboxes' homes; root owns it.")      \
	X(state_dir, PATH, BULKHEAD_LOCALSTATEDIR "/lib/bulkhead", "", "",     \
	    RESTART,                                                           \
	    "Where bulkhead keeps what it makes for itself: the "              \
	    "certificate that is used while none is named here, and a "        \
	    "secret of the SCRAM mechanism.")                                  \
	X(run_dir, PATH, BULKHEAD_RUNSTATEDIR "/bulkhead", "", "", RESTART,    \
	    "Holds the sockets for people and programs: control, inject.")     \
	X(program_dir, PATH, BULKHEAD_LIBEXECDIR, "", "", RESTART,             \
	    "Where the daemons' programs are.")                                \
	X(log, ENUM, "auto", "auto|syslog|stderr", "", RESTART,                \
	    "Where log lines go.  auto: standard error (and journald's "       \
	    "form of it) in the foreground, syslog otherwise.")                \
	X(log_socket, PATH, "/dev/log", "", "", RESTART, "The syslog socket.") \
	X(uid_base, COUNT, "0", "0", "4000000000", RESTART,                    \
	    "0: every process runs under its named system user (bh-smtpd "     \
	    "and so on).  Otherwise the instance uses 65,536 numeric uids "    \
	    "from here, which need no entry in the password file and which "   \
	    "no other instance may share.")                                    \
	X(account_uid_base, COUNT, "2000000000", "65536", "4000000000",        \
	    RESTART,                                                           \
	    "Virtual account N runs as the uid of this plus N, where "         \
	    "uid_base is 0.")                                                  \
	X(account_uid_count, COUNT, "10000000", "1", "100000000", RESTART,     \
	    "So many uids from account_uid_base are ours.")                    \
	X(account_uid_shared, COUNT, "0", "0", "4000000000", RESTART,          \
	    "Not 0: one uid for all virtual accounts.  The kernel then no "    \
	    "longer keeps one user's mail from another's process.")            \
	X(system_users, BOOL, "yes", "", "", RELOAD,                           \
	    "The host's own users get mail, too.")                             \
	X(system_uid_min, COUNT, "1000", "1", "4000000000", RELOAD,            \
	    "Least uid of a system user who gets mail.")                       \
	X(system_uid_max, COUNT, "59999", "1", "4000000000", RELOAD,           \
	    "Greatest uid of a system user who gets mail.")                    \
	X(system_mail_in_home, BOOL, "no", "", "", RELOAD,                     \
	    "System users' mail is in ~/Maildir, not under mail_root.")        \
	X(programs_user, STRING, "bh-programs", "1", "32", RESTART,            \
	    "Who runs the programs and writes the files that aliases name "    \
	    "(see alias_programs of directory.conf).  Never root, and none "   \
	    "of the suite's other users.")                                     \
	X(utmp_file, PATH, "/run/utmp", "", "", RESTART,                       \
	    "Where the host keeps who is logged in at which terminal, for "    \
	    "SEND, SOML and SAML (RFC 821); see smtpd.conf's terminals.")      \
	X(pam_as_root, BOOL, "no", "", "", RESTART,                            \
	    "The short-lived PAM helper runs as root, for modules that need "  \
	    "it.  pam_unix does not: the group shadow is enough for it.")      \
	X(injection_wait, SECONDS, "10s", "0", "1h", RELOAD,                   \
	    "How long sendmail(1) waits for a suite that is down before it "   \
	    "gives up with status 75.")                                        \
	X(relay_networks, WORDS, "", "0", "64", RELOAD,                        \
	    "Clients of port 25 that may send to everybody without logging "   \
	    "in: networks such as 192.0.2.0/24, 2001:db8::/48 or loopback.")   \
	X(quota_storage, SIZE, "0", "0", "1024T", RELOAD,                      \
	    "What an account may have in its mailbox, all folders together, "  \
	    "where its row in the users table says nothing.  0: no limit.")    \
	X(quota_messages, COUNT, "0", "0", "4000000000", RELOAD,               \
	    "The same in messages.  0: no limit.")                             \
	X(sessions_max, COUNT, "2000", "1", "100000", RELOAD,                  \
	    "POP3 and IMAP sessions at once, one process each.")               \
	X(sessions_per_account, COUNT, "100", "1", "100000", RELOAD,           \
	    "Sessions at once of one account.")                                \
	X(workers_max, COUNT, "200", "1", "10000", RELOAD,                     \
	    "Delivery workers at once, one process for each owner.")           \
	X(runners_max, COUNT, "100", "1", "10000", RELOAD,                     \
	    "Processes at once that obey a system user's ~/.forward, one for " \
	    "each user.")

struct instance_settings {
	INSTANCE_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema instance_schema;

/* programs_user, unless the operator names another. */
#define INSTANCE_PROGRAMS_USER	"bh-programs"

/* How many numeric uids an instance with uid_base takes, and for what. */
enum {
	INSTANCE_UIDS = 65536,
	INSTANCE_UID_PROGRAMS = 900,	/* the standard programs_user */
	INSTANCE_UID_ACCOUNTS = 1000	/* the first account's, from uid_base */
};

/*
 * The rules by which accounts have uids and homes, from the settings.
 * mail_root in it is borrowed from them.
 */
void instance_account_rules(const struct instance_settings *,
    struct account_rules *);

struct net_address;

/* Is this address in one of relay_networks? */
bool instance_may_relay(const struct instance_settings *,
    const struct net_address *);

/*
 * hostname as set, or else what the host calls itself; NUL-terminated.
 * Calls uname(2): for supervisor, bulkhead(8) and before a sandbox.
 */
void instance_hostname(const struct instance_settings *, char *out,
    size_t size);

/*
 * uid and gid of programs_user: from /etc/passwd, or, where the instance has
 * numeric uids and the setting is the standard one, its own.  -1: there is
 * none, it is root, or one that the suite has for something else.
 */
int instance_programs_user(const struct instance_settings *, uid_t *, gid_t *);

#endif
