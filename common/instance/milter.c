#include "common/instance/milter.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#define ROW(...) SETTING_ROW(struct milter_settings, __VA_ARGS__)
static const struct setting rows[] = { MILTER_SETTINGS(ROW) };

const struct settings_block milter_block[1] = { {
    .kind = "milter",
    SETTINGS_ROWS(rows),
    .size = sizeof(struct milter_settings),
    .max = 32,
    .meaning = "A program that looks at mail while it comes in, by the "
	       "protocol of sendmail's milters; milters in smtpd.conf says at "
	       "which listeners.",
} };

static int
parse_path(const char *text, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = strlen(text);

	if (n >= sizeof(sun.sun_path))
		return -1;
	memcpy(sun.sun_path, text, n + 1);
	memcpy(ss, &sun, sizeof(sun));
	*len = sizeof(sun);
	return 0;
}

static int
parse_host(struct slice host, uint16_t port, struct sockaddr_storage *ss,
    socklen_t *len)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port) };
	char text[INET6_ADDRSTRLEN];
	bool six =
	    host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';

	if (six)
		host = slice_of(host.at + 1, host.len - 2);
	if (slice_copy_str(host, text, sizeof(text)) == -1)
		return -1;
	if (six && inet_pton(AF_INET6, text, &sin6.sin6_addr) == 1) {
		memcpy(ss, &sin6, sizeof(sin6));
		*len = sizeof(sin6);
		return 0;
	}
	if (six || inet_pton(AF_INET, text, &sin.sin_addr) != 1)
		return -1;
	memcpy(ss, &sin, sizeof(sin));
	*len = sizeof(sin);
	return 0;
}

int
milter_socket_parse(
    const char *text, struct sockaddr_storage *ss, socklen_t *len)
{
	const char *colon = strrchr(text, ':');
	unsigned long long port;

	memset(ss, 0, sizeof(*ss));
	if (text[0] == '/')
		return parse_path(text, ss, len);
	if (colon == NULL ||
	    slice_number(slice_str(colon + 1), 65535, &port) == -1 || port == 0)
		return -1;
	return parse_host(
	    slice_of(text, (size_t)(colon - text)), (uint16_t)port, ss, len);
}
