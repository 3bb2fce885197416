/* The addresses of all listeners, together.  See ports.h. */
#include "bulkhead/ports.h"
#include "bulkhead/stages.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/instance/host.h"
#include "common/instance/listener.h"
#include "smtpd/settings.h"

enum { PORTS_MAX = 1024 };

struct port {
	const char		*file;
	unsigned		 line;	/* 0: the standard listener */
	char			 name[SETTINGS_NAME_MAX + 1];
	struct settings_address	 address;
};

struct ports {
	struct check_report	*r;
	size_t			 n;
	struct port		 at[PORTS_MAX];
};

static const char *
text_of(const struct settings_address *a, char *buf, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	const struct sockaddr_in *in = (const void *)&a->sa;
	const struct sockaddr_in6 *in6 = (const void *)&a->sa;

	if (a->sa.ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(buf, size, "%s:%u", host, ntohs(in->sin_port));
	} else {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(buf, size, "[%s]:%u", host, ntohs(in6->sin6_port));
	}
	return buf;
}

static bool
is_wildcard(const struct settings_address *a)
{
	const struct sockaddr_in *in = (const void *)&a->sa;
	const struct sockaddr_in6 *in6 = (const void *)&a->sa;

	if (a->sa.ss_family == AF_INET)
		return in->sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
}

static in_port_t
port_of(const struct settings_address *a)
{
	const struct sockaddr_in *in = (const void *)&a->sa;
	const struct sockaddr_in6 *in6 = (const void *)&a->sa;

	return a->sa.ss_family == AF_INET ? in->sin_port : in6->sin6_port;
}

static bool
collide(const struct settings_address *a, const struct settings_address *b)
{
	if (a->sa.ss_family != b->sa.ss_family || port_of(a) != port_of(b))
		return false;
	if (is_wildcard(a) || is_wildcard(b))
		return true;
	if (a->sa.ss_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)&a->sa)
			   ->sin_addr.s_addr ==
		    ((const struct sockaddr_in *)(const void *)&b->sa)
			->sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(
	    &((const struct sockaddr_in6 *)(const void *)&a->sa)->sin6_addr,
	    &((const struct sockaddr_in6 *)(const void *)&b->sa)->sin6_addr);
}

/* "smtpd.conf:3", or "smtpd.conf" where the standard listener is meant. */
static const char *
place_of(const struct port *p, char *buf, size_t size)
{
	if (p->line > 0)
		snprintf(buf, size, "%s:%u: listener %s", p->file, p->line,
		    p->name);
	else
		snprintf(buf, size, "%s: listener %s, which is there while "
		    "the file names none", p->file, p->name);
	return buf;
}

static void
check_twice(struct ports *all, const struct port *p)
{
	char address[64], here[256], there[256];

	for (size_t i = 0; i < all->n; i++)
		if (collide(&all->at[i].address, &p->address)) {
			check_error(all->r, "%s/%s: %s is taken by %s: choose "
					    "another port",
			    all->r->b->conf_dir, place_of(p, here,
			    sizeof(here)), text_of(&p->address, address,
			    sizeof(address)), place_of(&all->at[i], there,
			    sizeof(there)));
			return;
		}
}

/* As supervisor will do it; who may not bind it cannot tell. */
static void
try_to_bind(struct ports *all, const struct port *p)
{
	char address[64], here[256];
	const char *what = NULL;
	int yes = 1, fd;

	fd = socket(p->address.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (p->address.sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)&p->address.sa, p->address.len) ==
	    -1) {
		if (errno == EADDRINUSE)
			what = "another program listens there: stop it, or "
			       "choose another port";
		else if (errno == EADDRNOTAVAIL && p->line > 0)
			what = "this host has no such address";
	}
	close(fd);
	if (what != NULL)
		check_error(all->r, "%s/%s: %s: %s", all->r->b->conf_dir,
		    place_of(p, here, sizeof(here)),
		    text_of(&p->address, address, sizeof(address)), what);
}

static void
add(struct ports *all, const struct settings_schema *schema,
    const struct settings_group *g, const struct settings_address *a)
{
	struct port p = { .file = schema->file, .line = g->line,
		.address = *a };

	snprintf(p.name, sizeof(p.name), "%s", g->name);
	check_twice(all, &p);
	if (all->r->when == CHECK_STOPPED)
		try_to_bind(all, &p);
	if (all->n < PORTS_MAX)
		all->at[all->n++] = p;
}

static void
add_group(struct ports *all, const struct settings_schema *schema,
    const struct settings_group *g)
{
	for (size_t i = 0; i < g->block->n_rows; i++) {
		const struct setting *row = &g->block->rows[i];
		const struct settings_addresses *list;

		if (row->type != SETTING_ADDRESSES)
			continue;
		list = (const void *)((const char *)g->values + row->offset);
		for (size_t k = 0; k < list->n; k++)
			add(all, schema, g, &list->at[k]);
	}
}

/* What the host has to have for a listener's Unix socket. */
static void
check_socket(struct ports *all, const struct settings_schema *schema,
    const struct settings_group *g)
{
	const struct listener_settings *l = g->values;
	const char *file, *slash;
	char dir[256];
	struct stat st;
	gid_t gid;

	if (schema != &smtpd_schema || strcmp(g->block->kind, "listener") != 0)
		return;
	if (l->socket_group[0] != '\0' && !host_group(l->socket_group, &gid))
		check_error(all->r,
		    "%s/%s:%u: listener %s: socket_group = "
		    "%s: there is no such group in /etc/group: make it, or "
		    "name another",
		    all->r->b->conf_dir, schema->file, g->line, g->name,
		    l->socket_group);
	file = listener_socket(l);
	if (file == NULL || file[0] != '/')
		return;
	slash = strrchr(file, '/');
	snprintf(dir, sizeof(dir), "%.*s",
	    slash == file ? 1 : (int)(slash - file), file);
	if (stat(dir, &st) == -1 || !S_ISDIR(st.st_mode))
		check_error(all->r,
		    "%s/%s:%u: listener %s: socket = %s: %s "
		    "is no directory: make it, or name another",
		    all->r->b->conf_dir, schema->file, g->line, g->name, file,
		    dir);
}

/* A file that cannot be read has been complained about already. */
static void
add_file(struct ports *all, const struct settings_schema *schema)
{
	struct settings_errors errors;
	struct settings *s;
	int fd = conf_open(all->r->b, schema->file);

	if (fd == -1 && errno != ENOENT)
		return;
	s = settings_read(schema, fd, &errors);
	if (fd != -1)
		close(fd);
	if (s == NULL)
		return;
	for (size_t i = 0; i < settings_n_groups(s); i++) {
		add_group(all, schema, settings_group(s, i));
		check_socket(all, schema, settings_group(s, i));
	}
	settings_free(s);
}

void
check_ports(struct check_report *r)
{
	struct ports *all = calloc(1, sizeof(*all));
	const struct settings_schema *schema;

	if (all == NULL) {
		check_error(r, "no memory");
		return;
	}
	all->r = r;
	for (size_t i = 0; (schema = stage_schema_at(i)) != NULL; i++)
		add_file(all, schema);
	free(all);
}
