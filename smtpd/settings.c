#include "smtpd/settings.h"

#include <netinet/in.h>
#include <string.h>

#include "common/instance/listener.h"
#include "common/net/network.h"
#include "common/sasl/mechanism.h"
#include "smtpd/policy/lists.h"

#define ROW(...) SETTING_ROW(struct smtpd_settings, __VA_ARGS__)
#define LISTENER_ROW(...) SETTING_ROW(struct listener_settings, __VA_ARGS__)
#define LIST_ROW(...) SETTING_ROW(struct list_settings, __VA_ARGS__)

static const struct setting rows[] = {
	SMTPD_SETTINGS(ROW)
	SMTPD_POLICY_SETTINGS(ROW)
};
static const struct setting listener_rows[] = { LISTENER_ADDRESS_SMTPD(
    LISTENER_ROW) LISTENER_SETTINGS(LISTENER_ROW)
	    LISTENER_SETTINGS_SMTPD(LISTENER_ROW) };
static const struct setting list_rows[] = { LIST_SETTINGS(LIST_ROW) };

static const struct settings_block blocks[] = {
	LISTENER_BLOCK(listener_rows, LISTENER_STANDARD_SMTPD),
	{
		.kind = "list", SETTINGS_ROWS(list_rows),
		.size = sizeof(struct list_settings), .max = LISTS_MAX,
		.meaning = "A list in DNS of clients, names or senders, such "
		    "as block lists and allow lists are (RFC 5782).",
	},
};

static void
check_networks(const struct settings *s, const struct settings_group *g,
    const char *name, const struct settings_words *words,
    struct settings_errors *errors)
{
	struct net_network n;

	for (size_t i = 0; i < words->n; i++)
		if (net_network_parse(slice_str(words->at[i]), &n) != PARSE_OK)
			settings_complain(errors, s, g, name,
			    "\"%s\" "
			    "is no network: write 192.0.2.1 or 192.0.2.0/24",
			    words->at[i]);
}

static unsigned
port_of(const struct settings_address *a)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (a->sa.ss_family == AF_INET) {
		memcpy(&in, &a->sa, sizeof(in));
		return ntohs(in.sin_port);
	}
	memcpy(&in6, &a->sa, sizeof(in6));
	return ntohs(in6.sin6_port);
}

/* RFC 2033 section 5: never on port 25. */
static void
check_lmtp(const struct settings *s, const struct settings_group *g,
    struct settings_errors *errors)
{
	const struct listener_settings *l = g->values;

	for (size_t i = 0; i < l->address.n; i++)
		if (port_of(&l->address.at[i]) == 25)
			settings_complain(errors, s, g, "address",
			    "LMTP must "
			    "not be spoken on port 25 (RFC 2033 section 5); "
			    "choose another, such as 24");
	if (l->socket[0] != '/' && strchr(l->socket, '/') != NULL)
		settings_complain(errors, s, g, "socket",
		    "write a name in "
		    "run_dir, without a slash, or an absolute path");
	else if (strcmp(l->socket, SMTPD_DOOR_INJECT) == 0 ||
		 strcmp(l->socket, "control") == 0 || l->socket[0] == '.')
		settings_complain(errors, s, g, "socket",
		    "%s is not for this; "
		    "choose another name, such as lmtp",
		    l->socket);
}

static void
check_service(const struct settings *s, const struct settings_group *g,
    struct settings_errors *errors)
{
	const struct listener_settings *l = g->values;

	if (l->service == LISTENER_LMTP) {
		check_lmtp(s, g, errors);
		return;
	}
	if (l->socket[0] != '\0')
		settings_complain(errors, s, g, "socket",
		    "only a listener "
		    "with service = lmtp has one");
	if (l->address.n == 0)
		settings_complain(errors, s, g, "address",
		    "missing: write "
		    "address = and one or more, such as *:25");
}

static void
check(const struct settings *s, struct settings_errors *errors)
{
	const struct smtpd_settings *values = settings_values(s);

	for (size_t i = 0; i < values->auth_mechanisms.n; i++)
		if (sasl_mechanism_by_name(slice_str(
		    values->auth_mechanisms.at[i])) == SASL_NONE)
			settings_complain(errors, s, NULL, "auth_mechanisms",
			    "%s is not known here; write some of PLAIN, LOGIN, "
			    "SCRAM-SHA-256 and SCRAM-SHA-256-PLUS",
			    values->auth_mechanisms.at[i]);
	for (size_t i = 0; i < settings_n_groups(s); i++) {
		const struct settings_group *g = settings_group(s, i);

		if (strcmp(g->block->kind, "list") == 0) {
			lists_check(s, g, errors);
			continue;
		}
		check_networks(s, g, "proxy_from",
		    &((const struct listener_settings *)g->values)->proxy_from,
		    errors);
		check_networks(s, g, "lmtp_from",
		    &((const struct listener_settings *)g->values)->lmtp_from,
		    errors);
		check_service(s, g, errors);
		if (strcmp(g->name, SMTPD_DOOR_INJECT) == 0)
			settings_complain(errors, s, g, "address", "the name "
			    SMTPD_DOOR_INJECT " is that of the injection "
			    "socket; choose another");
	}
}

const struct settings_schema smtpd_schema = {
	.file = "smtpd.conf",
	.size = sizeof(struct smtpd_settings),
	SETTINGS_ROWS(rows),
	SETTINGS_BLOCKS(blocks),
	.check = check,
};
