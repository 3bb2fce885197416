#include "common/ipc/messages.h"

#include <assert.h>
#include <string.h>

static const struct ipc_rule rules[] = {
#define X(name, number, from, to, fds_min, fds_max, max)		\
	[IPC_##name] = { IPC_##name, #name, (from), (to), (fds_min),	\
	    (fds_max), (max) },
	IPC_MESSAGES(X)
#undef X
};

#define X(name, number, from, to, fds_min, fds_max, max) \
	_Static_assert(sizeof(#name) <= IPC_NAME_SIZE, "too long a name");
IPC_MESSAGES(X)
#undef X

static const char *const role_names[IPC_ROLE_COUNT] = {
#define X(name, text) [IPC_##name] = text,
	IPC_ROLES(X)
#undef X
};

const struct ipc_rule *
ipc_rule(unsigned type)
{
	if (type >= sizeof(rules) / sizeof(rules[0]) ||
	    rules[type].name[0] == '\0')
		return NULL;
	return &rules[type];
}

const char *
ipc_role_name(enum ipc_role role)
{
	assert(role < IPC_ROLE_COUNT);
	return role_names[role];
}

enum ipc_role
ipc_role_by_name(const char *name)
{
	unsigned role = 0;

	while (role < IPC_ROLE_COUNT && strcmp(role_names[role], name) != 0)
		role++;
	return (enum ipc_role)role;
}

bool
ipc_rules_carry(enum ipc_role from, enum ipc_role to)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].fds_max > 0 &&
		    (rules[i].from & IPC_BIT(from)) != 0 &&
		    (rules[i].to & IPC_BIT(to)) != 0)
			return true;
	return false;
}
