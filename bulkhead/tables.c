/* Reading the lookup tables.  See tables.h. */
#include "bulkhead/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/accounts/domains.h"
#include "common/accounts/passwords.h"
#include "common/accounts/users.h"

char *
tables_read(const struct bulkhead *b, const char *file, size_t *len,
    struct table_error *err)
{
	int fd = conf_open(b, file);
	char *text = NULL;

	*len = 0;
	if (fd == -1 && errno == ENOENT) {
		if ((text = calloc(1, 1)) == NULL)
			table_error_set(err, 0, "no memory");
		return text;
	}
	if (fd == -1) {
		table_error_set(err, 0, "%s", strerror(errno));
		return NULL;
	}
	if (table_read(fd, &text, len, err) == -1)
		text = NULL;
	close(fd);
	return text;
}

static void
wipe(char *text, size_t len)
{
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
}

static void
complain(const struct bulkhead *b, const char *file,
    const struct table_error *err)
{
	if (err->line > 0)
		fail(0, "%s/%s:%u: %s", b->conf_dir, file, err->line,
		    err->text);
	else
		fail(0, "%s/%s: %s", b->conf_dir, file, err->text);
}

struct domains_table *
tables_domains(const struct bulkhead *b)
{
	struct table_error err = { 0 };
	size_t len;
	char *text = tables_read(b, "domains", &len, &err);
	struct domains_table *t = text == NULL ? NULL :
	    domains_compile(slice_of(text, len), slice_str(b->hostname), &err);

	wipe(text, len);
	if (t == NULL)
		complain(b, "domains", &err);
	return t;
}

struct users_table *
tables_users(const struct bulkhead *b)
{
	struct table_error err = { 0 };
	size_t len;
	char *text = tables_read(b, "users", &len, &err);
	struct users_table *t = text == NULL ? NULL :
	    users_compile(slice_of(text, len), &err);

	wipe(text, len);
	if (t == NULL)
		complain(b, "users", &err);
	return t;
}

struct passwords_table *
tables_passwords(const struct bulkhead *b)
{
	struct table_error err = { 0 };
	size_t len;
	char *text = tables_read(b, "passwords", &len, &err);
	struct passwords_table *t = text == NULL ? NULL :
	    passwords_compile(slice_of(text, len), &err);

	wipe(text, len);
	if (t == NULL)
		complain(b, "passwords", &err);
	return t;
}
