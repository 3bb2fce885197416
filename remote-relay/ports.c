#include "remote-relay/ports.h"

#include "remote-relay/settings.h"
#include "remote-relay/target.h"

static bool
ports_have(const struct ports *p, uint16_t port)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i] == port)
			return true;
	return false;
}

static void
ports_add(struct ports *p, uint16_t port)
{
	if (!ports_have(p, port) && p->n < PORTS_MAX)
		p->at[p->n++] = port;
}

static void
ports_of_targets(struct ports *p, const struct settings_words *words)
{
	struct target t;

	for (size_t i = 0; i < words->n; i++)
		if (target_parse(slice_str(words->at[i]), &t) == PARSE_OK &&
		    t.port != 0)
			ports_add(p, t.port);
}

void
ports_of_settings(struct ports *p, const struct settings *s)
{
	const struct remote_relay_settings *own = settings_values(s);

	p->n = 0;
	ports_add(p, (uint16_t)own->smtp_port);
	ports_add(p, PORT_LMTP);
	for (size_t i = 0; i < settings_n_groups(s); i++) {
		const struct route_settings *r = settings_group(s, i)->values;

		ports_of_targets(p, &r->via);
		ports_of_targets(p, &r->fallback);
	}
}

bool
ports_within(const struct ports *these, const struct ports *those,
    uint16_t *missing)
{
	for (size_t i = 0; i < these->n; i++)
		if (!ports_have(those, these->at[i])) {
			*missing = these->at[i];
			return false;
		}
	return true;
}
