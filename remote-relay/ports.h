/* The ports that remote-relay may connect to: those of its settings. */
#ifndef REMOTE_RELAY_PORTS_H
#define REMOTE_RELAY_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/settings/settings.h"

enum { PORT_LMTP = 24, PORTS_MAX = 256 };

/* In host order, each once. */
struct ports {
	size_t		n;
	uint16_t	at[PORTS_MAX];
};

/* smtp_port, LMTP's, and those that routes name. */
void ports_of_settings(struct ports *, const struct settings *);
/* Are all of these among those?  *missing is the first that is not. */
bool ports_within(const struct ports *these, const struct ports *those,
    uint16_t *missing);

#endif
