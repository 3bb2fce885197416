#include "common/instance/certificate.h"

#include "common/ipc/messages.h"
#include "common/ipc/tls.h"

#define ROW(...) SETTING_ROW(struct certificate_settings, __VA_ARGS__)
static const struct setting rows[] = { CERTIFICATE_SETTINGS(ROW) };

const struct settings_block certificate_block[1] = { {
	.kind = "certificate", .rows = rows,
	.n_rows = sizeof(rows) / sizeof(rows[0]),
	.size = sizeof(struct certificate_settings),
	.max = TLS_CERTIFICATES_MAX,
	.meaning = "A certificate for TLS and its key.  The first one is shown "
	    "to clients that ask for no name, or for one that none has; two "
	    "with the same name and keys of different kinds are both used.  "
	    "While there is none that serves, bulkhead(8) makes one that signs "
	    "itself.",
} };

int
certificate_roles(const struct certificate_settings *c, uint32_t *roles,
    const char **bad)
{
	*roles = 0;
	for (size_t i = 0; i < c->stages.n; i++) {
		enum ipc_role role = ipc_role_by_name(c->stages.at[i]);

		if (role == IPC_ROLE_COUNT ||
		    (IPC_TLS_USERS & IPC_BIT(role)) == 0) {
			*bad = c->stages.at[i];
			return -1;
		}
		*roles |= IPC_BIT(role);
	}
	return 0;
}

bool
certificates_serve(const struct settings *s)
{
	uint32_t roles;
	const char *bad;

	for (size_t i = 0; i < settings_n_groups(s); i++)
		if (certificate_roles(settings_group(s, i)->values, &roles,
		    &bad) == 0 && (roles & IPC_TLS_SERVERS) != 0)
			return true;
	return false;
}
