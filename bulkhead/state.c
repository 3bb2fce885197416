#include "bulkhead/state.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/sasl/secret.h"

static const char secret_name[] = "scram-secret";

int
state_open(const struct bulkhead *b, const char *name, mode_t mode)
{
	char path[PATH_MAX];
	size_t len = strlen(b->instance->state_dir);

	if (snprintf(path, sizeof(path), "%s/%s", b->instance->state_dir,
	    name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		if (mkdir(path, 0755) == -1 && errno != EEXIST)
			return -1;
		path[i] = '/';
	}
	if (name[0] != '\0' && mkdir(path, mode) == -1 && errno != EEXIST)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int
state_create(int dir, const char *name, mode_t mode)
{
	unlinkat(dir, name, 0);
	return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, mode);
}

static int
secret_make(int dir)
{
	char text[SASL_SECRET_TEXT];
	int fd = state_create(dir, "scram-secret.new", 0600), result = -1;

	if (fd == -1)
		return -1;
	sasl_secret_make(text);
	if (write(fd, text, sizeof(text)) == (ssize_t)sizeof(text) &&
	    fsync(fd) == 0 &&
	    renameat(dir, "scram-secret.new", dir, secret_name) == 0)
		result = fsync(dir);
	explicit_bzero(text, sizeof(text));
	close(fd);
	return result;
}

/* 1: it is there; 0: it is not; -1 with err. */
static int
secret_read(int dir, struct table_error *err)
{
	int fd = openat(dir, secret_name, O_RDONLY | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	struct sasl_secret s;
	size_t len;
	char *text;
	int result;

	if (fd == -1)
		return errno == ENOENT ? 0 : table_error_set(err, 0, "%s",
		    strerror(errno));
	result = table_read(fd, &text, &len, err);
	close(fd);
	if (result == -1)
		return -1;
	result = sasl_secret_compile(slice_of(text, len), &s, err);
	explicit_bzero(text, len);
	free(text);
	if (result == -1)
		return -1;
	explicit_bzero(s.octets, sizeof(s.octets));
	return s.there;
}

int
state_secret_ensure(const struct bulkhead *b)
{
	const char *where = b->instance->state_dir;
	struct table_error err;
	int dir, there;

	if (geteuid() != 0)
		return 0;
	if ((dir = state_open(b, "", 0755)) == -1)
		return fail(EX_CANTCREAT, "%s: %s", where, strerror(errno));
	there = secret_read(dir, &err);
	if (there == 0 && secret_make(dir) == -1) {
		table_error_set(&err, 0, "%s", strerror(errno));
		there = -1;
	}
	close(dir);
	return there == -1 ? fail(EX_CANTCREAT, "%s/%s: %s", where,
	    secret_name, err.text) : 0;
}
