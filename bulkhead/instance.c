/* The instance that the command is about: a configuration directory. */
#include "bulkhead/bulkhead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

int
fail(int status, const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, format);
	fputs("bulkhead: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	return status;
}

int
conf_open(const struct bulkhead *b, const char *file)
{
	return openat(b->conf_fd, file,
	    O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static int
read_settings(struct bulkhead *b)
{
	struct settings_errors errors;
	int fd = conf_open(b, "bulkhead.conf");

	if (fd == -1 && errno != ENOENT)
		return fail(EX_CONFIG, "%s/bulkhead.conf: %s", b->conf_dir,
		    strerror(errno));
	b->settings = settings_read(&instance_schema, fd, &errors);
	if (fd != -1)
		close(fd);
	if (b->settings == NULL) {
		for (size_t i = 0; i < errors.n; i++)
			fail(0, "%s/%s", b->conf_dir, errors.at[i]);
		return EX_CONFIG;
	}
	b->instance = settings_values(b->settings);
	instance_hostname(b->instance, b->hostname, sizeof(b->hostname));
	return 0;
}

int
instance_open(struct bulkhead *b, bool settings)
{
	b->conf_fd = open(b->conf_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->conf_fd == -1)
		return fail(EX_CONFIG, "%s: %s; make the directory (it may "
				       "stay empty) or name another with -C",
		    b->conf_dir, strerror(errno));
	return settings ? read_settings(b) : 0;
}

void
instance_close(struct bulkhead *b)
{
	settings_free(b->settings);
	b->settings = NULL;
	if (b->conf_fd != -1)
		close(b->conf_fd);
	b->conf_fd = -1;
}
