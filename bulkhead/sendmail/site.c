/* The site: where the injection socket is, and what domain is ours. */
#include "bulkhead/sendmail/site.h"

#include "common/accounts/domains.h"
#include "common/instance/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/* A file of the configuration; *fd is -1 for one that is not there. */
static int
open_file(const char *dir, const char *file, int *fd)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >=
	    (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		*fd = -1;
	} else
		*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd == -1 && errno != ENOENT)
		return sendmail_fail(EX_CONFIG, "%s/%s: %s", dir, file,
		    strerror(errno));
	return 0;
}

static int
read_settings(struct sendmail_site *site, const struct settings *s)
{
	const struct instance_settings *i = settings_values(s);
	char hostname[256], *path;

	instance_hostname(i, hostname, sizeof(hostname));
	if (asprintf(&path, "%s/inject", i->run_dir) == -1)
		return sendmail_fail(EX_OSERR, "no memory");
	site->socket_path = path;
	site->wait_s = (unsigned)i->injection_wait;
	if ((site->domain = strdup(hostname)) == NULL)
		return sendmail_fail(EX_OSERR, "no memory");
	return 0;
}

static int
read_domain(struct sendmail_site *site, struct slice text)
{
	struct table_error error;
	struct domains_table *t =
	    domains_compile(text, slice_str(site->domain), &error);
	const struct domain *d;
	char *domain;

	if (t == NULL)
		return sendmail_fail(EX_CONFIG, "domains:%u: %s", error.line,
		    error.text);
	d = domains_default(t);
	domain = strndup(d->name.at, d->name.len);
	domains_free(t);
	if (domain == NULL)
		return sendmail_fail(EX_OSERR, "no memory");
	free(site->domain);
	site->domain = domain;
	return 0;
}

static int
read_domains(struct sendmail_site *site, int fd)
{
	struct table_error error = { 0 };
	char *text = NULL;
	size_t len = 0;
	int status;

	if (fd != -1 && table_read(fd, &text, &len, &error) == -1)
		return sendmail_fail(EX_CONFIG, "domains: %s", error.text);
	status = read_domain(site, slice_of(text == NULL ? "" : text, len));
	free(text);
	return status;
}

int
sendmail_site_read(struct sendmail_site *site, const char *dir)
{
	struct settings_errors errors;
	struct settings *s = NULL;
	int conf = -1, domains = -1, status;

	*site = (struct sendmail_site){ 0 };
	if ((status = open_file(dir, "bulkhead.conf", &conf)) == 0 &&
	    (status = open_file(dir, "domains", &domains)) == 0) {
		s = settings_read(&instance_schema, conf, &errors);
		status = s == NULL ?
		    sendmail_fail(EX_CONFIG, "%s/%s", dir, errors.at[0]) :
		    read_settings(site, s);
	}
	if (status == 0)
		status = read_domains(site, domains);
	settings_free(s);
	if (conf != -1)
		close(conf);
	if (domains != -1)
		close(domains);
	if (status != 0)
		sendmail_site_clear(site);
	return status;
}

void
sendmail_site_clear(struct sendmail_site *site)
{
	free(site->socket_path);
	free(site->domain);
	*site = (struct sendmail_site){ 0 };
}
