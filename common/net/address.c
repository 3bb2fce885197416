#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/net/address.h"

static const unsigned char mapped_prefix[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

static void
set_ipv6(struct net_address *a, const unsigned char octets[16])
{
	if (memcmp(octets, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		a->family = NET_IPV4;
		memcpy(a->octets, octets + 12, 4);
		return;
	}
	a->family = NET_IPV6;
	memcpy(a->octets, octets, 16);
}

void
net_address_from(struct net_address *a, const struct sockaddr *sa)
{
	memset(a, 0, sizeof(*a));
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in sin;

		memcpy(&sin, sa, sizeof(sin));
		a->family = NET_IPV4;
		a->port = ntohs(sin.sin_port);
		memcpy(a->octets, &sin.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, sa, sizeof(sin6));
		set_ipv6(a, sin6.sin6_addr.s6_addr);
		a->port = ntohs(sin6.sin6_port);
	}
}

static int
local_peer(struct net_address *a, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return -1;
	a->family = NET_LOCAL;
	a->uid = cred.uid;
	a->pid = cred.pid;
	return 0;
}

int
net_address_of_peer(struct net_address *a, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(a, 0, sizeof(*a));
	memset(&ss, 0, sizeof(ss));
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1)
		return -1;
	if (ss.ss_family == AF_UNIX)
		return local_peer(a, fd);
	net_address_from(a, (struct sockaddr *)&ss);
	return 0;
}

int
net_address_of_self(struct net_address *a, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return -1;
	net_address_from(a, (struct sockaddr *)&ss);
	if (ss.ss_family == AF_UNIX)
		a->family = NET_LOCAL;
	return 0;
}

const char *
net_address_print(const struct net_address *a, char *out)
{
	switch (a->family) {
	case NET_IPV4:
		if (inet_ntop(AF_INET, a->octets, out, NET_ADDRESS_SIZE) != NULL)
			return out;
		break;
	case NET_IPV6:
		if (inet_ntop(AF_INET6, a->octets, out, NET_ADDRESS_SIZE) != NULL)
			return out;
		break;
	case NET_LOCAL:
		snprintf(out, NET_ADDRESS_SIZE, "uid=%lu",
		    (unsigned long)a->uid);
		return out;
	case NET_NONE:
		break;
	}
	strlcpy(out, "unknown", NET_ADDRESS_SIZE);
	return out;
}

const char *
net_address_literal(const struct net_address *a, char *out)
{
	if (a->family == NET_IPV6) {
		strlcpy(out, "IPv6:", NET_ADDRESS_SIZE);
		if (inet_ntop(AF_INET6, a->octets, out + 5,
			NET_ADDRESS_SIZE - 5) != NULL)
			return out;
	}
	if (a->family == NET_IPV4)
		return net_address_print(a, out);
	strlcpy(out, "127.0.0.1", NET_ADDRESS_SIZE);
	return out;
}

enum parse
net_address_parse(struct slice s, struct net_address *a)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char octets[16];

	memset(a, 0, sizeof(*a));
	if (slice_copy_str(s, text, sizeof(text)) == -1)
		return PARSE_BAD;
	if (inet_pton(AF_INET, text, a->octets) == 1) {
		a->family = NET_IPV4;
		return PARSE_OK;
	}
	if (inet_pton(AF_INET6, text, octets) != 1)
		return PARSE_BAD;
	set_ipv6(a, octets);
	return PARSE_OK;
}

uint64_t
net_address_key(const struct net_address *a)
{
	uint64_t key = 0;

	switch (a->family) {
	case NET_IPV4:
		/* 0100::/64 is the discard prefix: no client has it. */
		memcpy((char *)&key + 4, a->octets, 4);
		((unsigned char *)&key)[0] = 1;
		break;
	case NET_IPV6:
		memcpy(&key, a->octets, 8);
		break;
	case NET_LOCAL:
		memcpy((char *)&key + 4, &a->uid, 4);
		((unsigned char *)&key)[0] = 1;
		((unsigned char *)&key)[1] = 1;
		break;
	case NET_NONE:
		break;
	}
	return key;
}

bool
net_address_is_local(const struct net_address *a)
{
	static const unsigned char loopback6[16] = { [15] = 1 };

	switch (a->family) {
	case NET_IPV4:
		return a->octets[0] == 127;
	case NET_IPV6:
		return memcmp(a->octets, loopback6, 16) == 0;
	case NET_LOCAL:
		return true;
	case NET_NONE:
		break;
	}
	return false;
}
