#include "common/accounts/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/accounts/account.h"
#include "common/accounts/passwords.h"
#include "common/accounts/username.h"
#include "common/accounts/users.h"
#include "common/accounts/verifier.h"

#define LINE_SIZE	(USERNAME_SIZE + PATH_MAX + 64)
#define SECRET_SIZE	(16 + PASSWORD_HASH_SIZE + PASSWORD_SCRAM_SIZE + \
			    PASSWORD_APOP_SIZE)

/* A table as text, and what it means. */
struct text {
	const char	*name;
	mode_t		 mode;
	char		*at;
	size_t		 len;
};

struct accounts_edit {
	int			 dir;		/* ours; holds the lock */
	struct text		 users_text, passwords_text;
	struct users_table	*users;
	struct passwords_table	*passwords;
};

static int explain(char why[ACCOUNTS_WHY], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
explain(char why[ACCOUNTS_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, ACCOUNTS_WHY, fmt, ap);
	va_end(ap);
	return -1;
}

static int
explain_table(char why[ACCOUNTS_WHY], const char *file,
    const struct table_error *err)
{
	if (err->line == 0)
		return explain(why, "%s: %s", file, err->text);
	return explain(why, "%s:%u: %s", file, err->line, err->text);
}

static void
text_clear(struct text *t)
{
	if (t->at != NULL)
		explicit_bzero(t->at, t->len);
	free(t->at);
	t->at = NULL;
	t->len = 0;
}

/* An absent table: empty, and of our version. */
static int
text_fresh(struct text *t, char why[ACCOUNTS_WHY])
{
	if ((t->at = strdup("%version 1\n")) == NULL)
		return explain(why, "no memory");
	t->len = strlen(t->at);
	return 0;
}

static int
text_read(int dir, struct text *t, char why[ACCOUNTS_WHY])
{
	struct table_error err;
	int fd = openat(dir, t->name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int result;

	if (fd == -1 && errno == ENOENT)
		return text_fresh(t, why);
	if (fd == -1)
		return explain(why, "%s: cannot open it: %s", t->name,
		    strerror(errno));
	result = table_read(fd, &t->at, &t->len, &err);
	close(fd);
	return result == -1 ? explain_table(why, t->name, &err) : 0;
}

static int
compile(struct accounts_edit *e, char why[ACCOUNTS_WHY])
{
	struct table_error err;

	e->users = users_compile(slice_of(e->users_text.at,
	    e->users_text.len), &err);
	if (e->users == NULL)
		return explain_table(why, ACCOUNTS_USERS, &err);
	e->passwords = passwords_compile(slice_of(e->passwords_text.at,
	    e->passwords_text.len), &err);
	if (e->passwords == NULL)
		return explain_table(why, ACCOUNTS_PASSWORDS, &err);
	return 0;
}

struct accounts_edit *
accounts_edit_open(int dir, char why[ACCOUNTS_WHY])
{
	struct accounts_edit *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		explain(why, "no memory");
		return NULL;
	}
	e->users_text = (struct text){ ACCOUNTS_USERS, 0644, NULL, 0 };
	e->passwords_text = (struct text){ ACCOUNTS_PASSWORDS, 0600, NULL, 0 };
	e->dir = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dir == -1 || flock(e->dir, LOCK_EX) == -1) {
		explain(why, "cannot lock the configuration directory: %s",
		    strerror(errno));
		goto fail;
	}
	if (text_read(e->dir, &e->users_text, why) == -1 ||
	    text_read(e->dir, &e->passwords_text, why) == -1 ||
	    compile(e, why) == -1)
		goto fail;
	return e;
fail:
	accounts_edit_close(e);
	return NULL;
}

void
accounts_edit_close(struct accounts_edit *e)
{
	if (e == NULL)
		return;
	users_free(e->users);
	passwords_free(e->passwords);
	text_clear(&e->users_text);
	text_clear(&e->passwords_text);
	if (e->dir != -1)
		close(e->dir);
	free(e);
}

/* Where line (from 1) begins and ends, its LF counted. */
static struct slice
text_line(const struct text *t, unsigned line)
{
	struct slice rest = slice_of(t->at, t->len);
	const char *lf;

	while (--line > 0) {
		lf = memchr(rest.at, '\n', rest.len);
		rest = slice_skip(rest, (size_t)(lf - rest.at) + 1);
	}
	lf = memchr(rest.at, '\n', rest.len);
	if (lf != NULL)
		rest.len = (size_t)(lf - rest.at) + 1;
	return rest;
}

/*
 * The text with one line replaced by with (which ends in LF, or is empty to
 * take the line out); line 0 appends.  Takes the old text's place.
 */
static int
text_change(struct text *t, unsigned line, struct slice with)
{
	struct slice old = slice_of(t->at, t->len);
	struct slice cut = slice_of(t->at + t->len, 0);
	bool lf = t->len > 0 && t->at[t->len - 1] != '\n';
	size_t before, len = 0;
	char *to = malloc(t->len + with.len + 2);

	if (to == NULL)
		return -1;
	if (line > 0) {
		cut = text_line(t, line);
		lf = false;
	}
	before = (size_t)(cut.at - t->at);
	memcpy(to, old.at, before);
	len = before;
	if (lf)
		to[len++] = '\n';
	if (with.len > 0)
		memcpy(to + len, with.at, with.len);
	len += with.len;
	old = slice_skip(old, before + cut.len);
	memcpy(to + len, old.at, old.len);
	len += old.len;
	text_clear(t);
	t->at = to;
	t->len = len;
	return 0;
}

static int
write_whole(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.at, s.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		s = slice_skip(s, (size_t)n);
	}
	return 0;
}

/* E1. */
static int
text_write(int dir, const struct text *t, char why[ACCOUNTS_WHY])
{
	char beside[32];
	int fd, saved;

	snprintf(beside, sizeof(beside), ".%s.new", t->name);
	if (unlinkat(dir, beside, 0) == -1 && errno != ENOENT)
		goto fail;
	fd = openat(dir, beside,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		goto fail;
	if (write_whole(fd, slice_of(t->at, t->len)) == -1 ||
	    fchmod(fd, t->mode) == -1 || fsync(fd) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		goto fail;
	}
	if (close(fd) == -1 || renameat(dir, beside, dir, t->name) == -1 ||
	    fsync(dir) == -1)
		goto fail;
	return 0;
fail:
	explain(why, "%s: cannot write it: %s", t->name, strerror(errno));
	unlinkat(dir, beside, 0);
	return -1;
}

static int
change(struct accounts_edit *e, struct text *t, unsigned line,
    struct slice with, char why[ACCOUNTS_WHY])
{
	if (text_change(t, line, with) == -1)
		return explain(why, "no memory");
	return text_write(e->dir, t, why);
}

/* After a change the compiled tables are of the past: make them anew. */
static int
refresh(struct accounts_edit *e, char why[ACCOUNTS_WHY])
{
	users_free(e->users);
	passwords_free(e->passwords);
	e->users = NULL;
	e->passwords = NULL;
	return compile(e, why);
}

static int
store_password(struct accounts_edit *e, uint32_t number,
    const struct new_password *password, char why[ACCOUNTS_WHY])
{
	const struct password *old = passwords_find(e->passwords, number);
	char hash[PASSWORD_HASH_SIZE], scram[PASSWORD_SCRAM_SIZE];
	char apop[PASSWORD_APOP_SIZE] = "", line[SECRET_SIZE];
	int n, result;

	if (password_hash(password->octets, hash) == -1 ||
	    password_scram(password->octets, scram) == -1)
		return explain(why, "cannot hash the password: %s",
		    strerror(errno));
	if (password->apop)
		apop[sasl_base64_encode(password->octets, apop)] = '\0';
	n = snprintf(line, sizeof(line), "%" PRIu32 " %s %s%s%s\n", number,
	    hash, scram, apop[0] == '\0' ? "" : " ", apop);
	result = change(e, &e->passwords_text, old == NULL ? 0 : old->line,
	    slice_of(line, (size_t)n), why);
	explicit_bzero(hash, sizeof(hash));
	explicit_bzero(scram, sizeof(scram));
	explicit_bzero(apop, sizeof(apop));
	explicit_bzero(line, sizeof(line));
	return result;
}

static int
check_password(const struct new_password *password, char why[ACCOUNTS_WHY])
{
	const char *refusal = password_refusal(password->octets);

	return refusal == NULL ? 0 : explain(why, "%s", refusal);
}

/* The user of this name, or NULL with why. */
static const struct user *
find(const struct accounts_edit *e, struct slice name, char why[ACCOUNTS_WHY])
{
	char canonical[USERNAME_SIZE];
	const struct user *u;

	if (username_canonical(name, canonical) == -1) {
		explain(why, "not a user's address; write NAME@DOMAIN");
		return NULL;
	}
	u = users_by_name(e->users, slice_str(canonical));
	if (u == NULL)
		explain(why, "no such user: %s", canonical);
	return u;
}

/* "alice@example.org 17 home=/srv/alice"; refused as the table would be. */
static int
user_line(const struct accounts_edit *e, struct slice name,
    struct slice home, uint32_t number, char line[LINE_SIZE],
    char why[ACCOUNTS_WHY])
{
	char canonical[USERNAME_SIZE];
	struct users_table *alone;
	struct table_error err;
	int n;

	if (username_canonical(name, canonical) == -1 ||
	    strchr(canonical, '@') == NULL)
		return explain(why, "not a user's address; write NAME@DOMAIN "
		    "with letters, digits and . _ - + = '");
	if (users_by_name(e->users, slice_str(canonical)) != NULL)
		return explain(why, "%s exists already", canonical);
	if (home.len >= PATH_MAX ||
	    (home.len > 0 && memchr(home.at, '\n', home.len) != NULL))
		return explain(why, "not a usable home");
	n = snprintf(line, LINE_SIZE, "%s %" PRIu32 "%s%.*s\n", canonical,
	    number, home.len == 0 ? "" : " home=", (int)home.len,
	    home.len == 0 ? "" : home.at);
	alone = users_compile(slice_of(line, (size_t)n), &err);
	if (alone == NULL)
		return explain(why, "%s", err.text);
	users_free(alone);
	return 0;
}

int
accounts_add(struct accounts_edit *e, struct slice name, struct slice home,
    const struct new_password *password, uint32_t *number,
    char why[ACCOUNTS_WHY])
{
	uint32_t next = users_highest(e->users) + 1;
	char line[LINE_SIZE];

	if (next > ACCOUNT_NUMBER_MAX)
		return explain(why, "no number is left");
	if (check_password(password, why) == -1 ||
	    user_line(e, name, home, next, line, why) == -1 ||
	    change(e, &e->users_text, 0, slice_str(line), why) == -1)
		return -1;
	if (store_password(e, next, password, why) == -1 ||
	    refresh(e, why) == -1)
		return -1;
	*number = next;
	return 0;
}

int
accounts_set_password(struct accounts_edit *e, struct slice name,
    const struct new_password *password, char why[ACCOUNTS_WHY])
{
	const struct user *u = find(e, name, why);

	if (u == NULL || check_password(password, why) == -1 ||
	    store_password(e, u->number, password, why) == -1)
		return -1;
	return refresh(e, why);
}

int
accounts_remove(struct accounts_edit *e, struct slice name, uint32_t *number,
    char why[ACCOUNTS_WHY])
{
	const struct user *u = find(e, name, why);
	const struct password *p;
	char line[32];

	if (u == NULL)
		return -1;
	*number = u->number;
	snprintf(line, sizeof(line), "!removed %" PRIu32 "\n", u->number);
	p = passwords_find(e->passwords, u->number);
	if (change(e, &e->users_text, u->line, slice_str(line), why) == -1)
		return -1;
	if (p != NULL && change(e, &e->passwords_text, p->line,
	    SLICE_LITERAL(""), why) == -1)
		return -1;
	return refresh(e, why);
}
