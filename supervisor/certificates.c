/*
 * Certificates and keys: opened here, as root, and passed on unread.  Chains
 * go to those who show them, keys to tlskeyd alone.
 */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/instance/certificate.h"
#include "common/ipc/tls.h"

/* One block: what it is called, whose it is, and its files. */
struct offer {
	const char	*name;
	uint32_t	 roles;
	const char	*chain, *key;
};

static int
open_file(const struct offer *o, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd == -1)
		log_error("cannot-read", LOG_CSTR("file", path),
		    LOG_CSTR("certificate", o->name), LOG_ERRNO(errno));
	return fd;
}

/* Both or neither: a key without its certificate is of no use. */
static unsigned
open_pair(const struct offer *o, int fds[2])
{
	if ((fds[0] = open_file(o, o->chain)) == -1)
		return 0;
	if ((fds[1] = open_file(o, o->key)) == -1) {
		close(fds[0]);
		return 0;
	}
	return 2;
}

static int
give(struct process *p, const struct offer *o)
{
	bool keeper = p->map->role == IPC_TLSKEYD;
	char body[128];
	unsigned n;
	int fds[2];

	if (!keeper && (o->roles & IPC_BIT(p->map->role)) == 0)
		return 0;
	if (keeper)
		n = open_pair(o, fds);
	else
		n = (fds[0] = open_file(o, o->chain)) != -1;
	/* Without descriptors: the receiver keeps what it has. */
	return ipc_send(p->channel, keeper ? IPC_STAGE_KEY :
	    IPC_STAGE_CERTIFICATE, 0, slice_of(body,
	    tls_block_encode(o->name, o->roles, body)), fds, n);
}

static int
give_block(struct process *p, const struct settings_group *g)
{
	const struct certificate_settings *c = g->values;
	struct offer o = { .name = g->name, .chain = c->chain,
		.key = c->key };
	const char *bad;

	if (strlen(g->name) > TLS_NAME_MAX ||
	    certificate_roles(c, &o.roles, &bad) == -1) {
		log_error("certificate-refused", LOG_CSTR("certificate",
		    g->name), LOG_CSTR("reason", "its name or its stages"));
		return 0;
	}
	return give(p, &o);
}

/* What bulkhead(8) has made; a supervisor started without it has none. */
static int
give_own(struct process *p)
{
	const char *dir = p->sv->instance->state_dir;
	char chain[PATH_MAX], key[PATH_MAX];
	struct offer o = { .name = CERTIFICATE_OWN,
		.roles = IPC_TLS_SERVERS, .chain = chain, .key = key };

	if (snprintf(chain, sizeof(chain), "%s/%s", dir,
	    CERTIFICATE_OWN_CHAIN) >= (int)sizeof(chain) ||
	    snprintf(key, sizeof(key), "%s/%s", dir, CERTIFICATE_OWN_KEY) >=
	    (int)sizeof(key) || access(chain, R_OK) == -1) {
		if (p->map->role == IPC_TLSKEYD)
			log_warning("no-certificate", LOG_CSTR("remedy",
			    "bulkhead start makes one, or name one in "
			    "bulkhead.conf"));
		return 0;
	}
	return give(p, &o);
}

/* Read anew each time, so that a reload takes new blocks. */
static struct settings *
read_blocks(const struct supervisor *sv)
{
	static const struct settings_schema schema = {
		.file = "bulkhead.conf", .blocks = certificate_block,
		.n_blocks = 1, .only_blocks = true };
	struct settings_errors errors = { 0 };
	struct settings *s;
	int fd = load_open(sv, schema.file);

	if (fd == -1) {
		log_error("cannot-read", LOG_CSTR("file", schema.file),
		    LOG_ERRNO(errno));
		return NULL;
	}
	s = settings_read(&schema, fd, &errors);
	close(fd);
	for (size_t i = 0; i < errors.n; i++)
		log_error("bad-setting", LOG_CSTR("at", errors.at[i]));
	return s;
}

int
supply_certificates(struct process *p)
{
	struct settings *s;
	int result = 0;

	if (p->map->role != IPC_TLSKEYD &&
	    (IPC_TLS_USERS & IPC_BIT(p->map->role)) == 0)
		return 0;
	if ((s = read_blocks(p->sv)) == NULL)
		return -1;
	for (size_t i = 0; i < settings_n_groups(s) && result == 0; i++)
		result = give_block(p, settings_group(s, i));
	if (result == 0 && !certificates_serve(s))
		result = give_own(p);
	settings_free(s);
	return result;
}
