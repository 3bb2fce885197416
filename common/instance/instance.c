#include "common/instance/instance.h"

#include <string.h>
#include <sys/utsname.h>

#include <bsd/string.h>

#include "common/instance/certificate.h"
#include "common/instance/host.h"
#include "common/net/network.h"

#define ROW(...) SETTING_ROW(struct instance_settings, __VA_ARGS__)
static const struct setting rows[] = { INSTANCE_SETTINGS(ROW) };

static void check_certificates(const struct settings *,
    struct settings_errors *);

static void
check(const struct settings *s, struct settings_errors *errors)
{
	const struct instance_settings *values = settings_values(s);
	struct net_network n;

	for (size_t i = 0; i < values->relay_networks.n; i++)
		if (net_network_parse(slice_str(values->relay_networks.at[i]),
		    &n) != PARSE_OK)
			settings_complain(errors, s, NULL, "relay_networks",
			    "\"%s\" is no network; write addresses such as "
			    "192.0.2.0/24, with zeros behind the prefix, or "
			    "loopback", values->relay_networks.at[i]);
	check_certificates(s, errors);
}

static void
check_certificates(const struct settings *s, struct settings_errors *errors)
{
	for (size_t i = 0; i < settings_n_groups(s); i++) {
		const struct settings_group *g = settings_group(s, i);
		uint32_t roles;
		const char *bad;

		if (certificate_roles(g->values, &roles, &bad) == -1)
			settings_complain(errors, s, g, "stages",
			    "%s serves no TLS; write some of smtpd, "
			    "smtpd-submit, smtpd-lmtp, pop3d, imapd",
			    bad);
	}
}

const struct settings_schema instance_schema = {
	.file = "bulkhead.conf", .size = sizeof(struct instance_settings),
	SETTINGS_ROWS(rows), .blocks = certificate_block, .n_blocks = 1,
	.check = check,
};

bool
instance_may_relay(const struct instance_settings *s,
    const struct net_address *client)
{
	struct net_network n;

	for (size_t i = 0; i < s->relay_networks.n; i++)
		if (net_network_parse(slice_str(s->relay_networks.at[i]),
		    &n) == PARSE_OK && net_network_has(&n, client))
			return true;
	return false;
}

void
instance_account_rules(const struct instance_settings *s,
    struct account_rules *rules)
{
	*rules = (struct account_rules){
		.uid_base = (uint32_t)s->account_uid_base,
		.uid_count = (uint32_t)s->account_uid_count,
		.uid_shared = (uint32_t)s->account_uid_shared,
		.system_min = s->system_users ? (uint32_t)s->system_uid_min : 0,
		.system_max = (uint32_t)s->system_uid_max,
		.system_home = s->system_mail_in_home,
		.mail_root = s->mail_root,
		.quota_octets = s->quota_storage,
		.quota_messages = s->quota_messages,
	};
	if (s->uid_base != 0) {
		rules->uid_base = (uint32_t)s->uid_base + INSTANCE_UID_ACCOUNTS;
		rules->uid_count = INSTANCE_UIDS - INSTANCE_UID_ACCOUNTS;
	}
}

void
instance_hostname(const struct instance_settings *s, char *out, size_t size)
{
	struct utsname host;

	if (s->hostname[0] != '\0' || uname(&host) == -1)
		strlcpy(out, s->hostname[0] ? s->hostname : "localhost", size);
	else
		strlcpy(out, host.nodename, size);
}

int
instance_programs_user(const struct instance_settings *s, uid_t *uid,
    gid_t *gid)
{
	bool own = strcmp(s->programs_user, INSTANCE_PROGRAMS_USER) == 0;

	if (own && s->uid_base != 0) {
		*uid = (uid_t)(s->uid_base + INSTANCE_UID_PROGRAMS);
		*gid = *uid;
		return 0;
	}
	/* All of ours are called so: none of them is for this. */
	if (!own && strncmp(s->programs_user, "bh-", 3) == 0)
		return -1;
	return host_user(s->programs_user, uid, gid);
}
