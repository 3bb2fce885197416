#include "milterd/settings.h"

#define ROW(...) SETTING_ROW(struct milterd_settings, __VA_ARGS__)
static const struct setting rows[] = { MILTERD_SETTINGS(ROW) };

static void
check(const struct settings *s, struct settings_errors *errors)
{
	for (size_t i = 0; i < settings_n_groups(s); i++) {
		const struct settings_group *g = settings_group(s, i);
		const struct milter_settings *m = g->values;
		struct sockaddr_storage ss;
		socklen_t len;

		if (strlen(g->name) > MILTER_NAME_MAX)
			settings_complain(errors, s, g, "socket",
			    "the name "
			    "of this block has more than %d letters: choose "
			    "a shorter one",
			    MILTER_NAME_MAX);
		if (milter_socket_parse(m->socket, &ss, &len) == -1)
			settings_complain(errors, s, g, "socket",
			    "\"%s\" is "
			    "neither a path nor an address with a port: write "
			    "/run/rspamd/milter.sock or 127.0.0.1:11332",
			    m->socket);
	}
}

const struct settings_schema milterd_schema = {
	.file = "milterd.conf",
	.size = sizeof(struct milterd_settings),
	SETTINGS_ROWS(rows),
	.blocks = milter_block,
	.n_blocks = 1,
	.check = check,
};
