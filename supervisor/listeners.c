/*
 * Listening sockets: bound here, where ports below 1024 may be had, and given
 * to the stage.
 */
#include "supervisor/supervisor.h"

#include <netinet/in.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/instance/host.h"
#include "common/instance/listener.h"
#include "common/stage/fields.h"

enum { BACKLOG = 1024 };

static void
address_text(const struct settings_address *a, char *out, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	unsigned port;

	if (a->sa.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)&a->sa;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		port = ntohs(in6->sin6_port);
		snprintf(out, size, "[%s]:%u", host, port);
	} else {
		const struct sockaddr_in *in4 = (const void *)&a->sa;

		inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
		port = ntohs(in4->sin_port);
		snprintf(out, size, "%s:%u", host, port);
	}
}

static int
bind_inet(const struct settings_address *a)
{
	int on = 1, saved, fd;

	fd = socket(a->sa.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (a->sa.ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
	    bind(fd, (const struct sockaddr *)&a->sa, a->len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* A host without IPv6 is no reason not to serve IPv4. */
static bool
may_be_missing(const struct settings_address *a, int error)
{
	return a->sa.ss_family == AF_INET6 &&
	    (error == EAFNOSUPPORT || error == EADDRNOTAVAIL);
}

static int
bind_block(const struct settings_group *g,
    int (*give)(void *ctx, const char *name, int fd), void *ctx)
{
	const struct listener_settings *l = g->values;
	unsigned bound = 0;

	for (size_t i = 0; i < l->address.n; i++) {
		char text[80];
		int fd;

		address_text(&l->address.at[i], text, sizeof(text));
		if ((fd = bind_inet(&l->address.at[i])) != -1) {
			if (give(ctx, g->name, fd) == -1)
				return -1;
			bound++;
			continue;
		}
		if (may_be_missing(&l->address.at[i], errno) &&
		    (bound > 0 || i + 1 < l->address.n)) {
			log_warning("listener-skipped",
			    LOG_CSTR("address", text), LOG_ERRNO(errno));
			continue;
		}
		log_error("cannot-listen", LOG_CSTR("listener", g->name),
		    LOG_CSTR("address", text), LOG_ERRNO(errno),
		    LOG_CSTR("remedy", errno == EADDRINUSE ?
		    "stop the other program or choose another address" :
		    "choose an address of this host"));
		return -1;
	}
	return 0;
}

/* Only a socket that was left behind makes room for ours. */
static void
remove_socket(const char *path)
{
	struct stat sb;

	if (lstat(path, &sb) == 0 && S_ISSOCK(sb.st_mode))
		unlink(path);
}

/*
 * It is made with its mode and its group, so that none of them is ever set by
 * a name that others could have moved meanwhile.
 */
static int
bind_name(int fd, const struct sockaddr_un *sun, mode_t mode, gid_t group)
{
	mode_t mask = umask(0777 & ~mode);
	int result, saved;

	setfsgid(group);
	result = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	saved = errno;
	setfsgid(getegid());
	umask(mask);
	errno = saved;
	return result;
}

/* A Unix socket: a name in run_dir, or an absolute path. */
static int
bind_unix(
    const struct supervisor *sv, const char *file, mode_t mode, gid_t group)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, n;

	n = file[0] == '/'
		? snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", file)
		: snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s",
		      sv->instance->run_dir, file);
	if (n >= (int)sizeof(sun.sun_path)) {
		log_error("socket-name-too-long", LOG_CSTR("path", file));
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	remove_socket(sun.sun_path);
	if (bind_name(fd, &sun, mode, group) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		log_error("cannot-listen", LOG_CSTR("address", sun.sun_path),
		    LOG_ERRNO(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* Everybody on the host may inject; who it was, SO_PEERCRED says. */
static int
bind_injection(const struct supervisor *sv,
    int (*give)(void *ctx, const char *name, int fd), void *ctx)
{
	int fd = bind_unix(sv, "inject", 0666, 0);

	return fd == -1 ? -1 : give(ctx, "inject", fd);
}

static int
bind_socket(const struct supervisor *sv, const struct settings_group *g,
    int (*give)(void *ctx, const char *name, int fd), void *ctx)
{
	const struct listener_settings *l = g->values;
	const char *file = listener_socket(l);
	gid_t group = 0;
	int fd;

	if (file == NULL)
		return 0;
	if (l->socket_group[0] != '\0' &&
	    !host_group(l->socket_group, &group)) {
		log_error("no-such-group", LOG_CSTR("listener", g->name),
		    LOG_CSTR("group", l->socket_group));
		return -1;
	}
	fd = bind_unix(sv, file, listener_socket_modes[l->socket_mode], group);
	return fd == -1 ? -1 : give(ctx, g->name, fd);
}

/* The blocks of its file; NULL after logging. */
static struct settings *
read_blocks(const struct supervisor *sv, const struct map_process *map)
{
	struct settings_schema schema = { .file = map->conf,
		.blocks = map->listeners, .n_blocks = 1, .only_blocks = true };
	struct settings_errors errors = { 0 };
	struct settings *s;
	int fd;

	if ((fd = load_open(sv, map->conf)) == -1)
		return NULL;
	s = settings_read(&schema, fd, &errors);
	close(fd);
	for (size_t i = 0; s == NULL && i < errors.n; i++)
		log_error("bad-setting", LOG_CSTR("at", errors.at[i]));
	return s;
}

/* Is this block for processes of this kind? */
static bool
is_for(const struct settings_group *g, const struct map_process *map)
{
	const struct listener_settings *l = g->values;

	return l->service == (int)map->service;
}

bool
listeners_wanted(const struct supervisor *sv, const struct map_process *map)
{
	struct settings *s;
	bool wanted;

	if (!map->only_listening)
		return true;
	/* What is wrong with the file, the first who is given it says. */
	s = read_blocks(sv, map);
	wanted = s == NULL;
	for (size_t i = 0; s != NULL && i < settings_n_groups(s); i++)
		wanted = wanted || is_for(settings_group(s, i), map);
	settings_free(s);
	return wanted;
}

int
listeners_bind(const struct supervisor *sv, const struct map_process *map,
    int (*give)(void *ctx, const char *name, int fd), void *ctx)
{
	struct settings *s;
	int result = 0;

	if (map->injection && bind_injection(sv, give, ctx) == -1)
		return -1;
	if (map->listeners == NULL)
		return 0;
	if ((s = read_blocks(sv, map)) == NULL)
		return -1;
	for (size_t i = 0; i < settings_n_groups(s) && result == 0; i++) {
		const struct settings_group *g = settings_group(s, i);

		if (!is_for(g, map))
			continue;
		if (strlen(g->name) > STAGE_NAME_MAX)
			result = -1;
		else if ((result = bind_socket(sv, g, give, ctx)) == 0)
			result = bind_block(g, give, ctx);
	}
	settings_free(s);
	return result;
}
