/*
 * From ~/.forward to steps.  What is wrong with the file puts the message
 * off, with a line in the log that says where: a slip of the user's must lose
 * no mail.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hash/siphash.h"
#include "common/log/log.h"
#include "common/smtp/address.h"
#include "local-delivery/runner/runner.h"

struct planner {
	struct task	*t;
	struct outcome	*why;
	const char	*file;		/* that is being read */
	bool		 included;	/* by another */
	bool		 any;		/* a target was found */
	char		*includes[8];	/* files to be read after this one */
	unsigned	 n_includes;
};

static bool
refuse(struct planner *p, unsigned line, const char *what)
{
	log_warning("forward-refused",
	    LOG_QID(p->t->ask.delivery.queue_id),
	    LOG_CSTR("user", p->t->rn->user.name), LOG_CSTR("file", p->file),
	    LOG_NUM("line", line), LOG_CSTR("reason", what));
	outcome_set(p->why, 451, 4, 3, 5, "the recipient's %s is not in "
	    "order: line %u: %s", p->included ? "included file" : ".forward",
	    line, what);
	return false;
}

/* ---- files ---- */

/* A regular file that nobody but its owner and root can have written. */
static const char *
distrust(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return "it cannot be examined";
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	if (st.st_uid != getuid() && st.st_uid != 0)
		return "it belongs to somebody else";
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others may write it";
	if (st.st_size > FORWARD_FILE_MAX)
		return "it is too long";
	return NULL;
}

static char *
read_text(int fd, size_t *len)
{
	char *text = malloc(FORWARD_FILE_MAX);
	ssize_t n;

	*len = 0;
	while (text != NULL && *len < FORWARD_FILE_MAX) {
		n = pread(fd, text + *len, FORWARD_FILE_MAX - *len,
		    (off_t)*len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			free(text);
			return NULL;
		}
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return text;
}

/* ---- targets ---- */

static bool
may_run_programs(const struct runner *rn)
{
	const char *shell;
	bool found = false;

	switch (rn->set->forward_programs) {
	case FORWARD_PROGRAMS_ALL:
		return true;
	case FORWARD_PROGRAMS_NONE:
		return false;
	}
	setusershell();
	while (!found && (shell = getusershell()) != NULL)
		found = strcmp(shell, rn->user.shell) == 0;
	endusershell();
	return found;
}

static const char *
add_step(struct planner *p, const struct forward_target *target)
{
	struct task *t = p->t;
	const struct delivery *d = &t->ask.delivery;
	struct siphash_key key = { { d->nonce, d->queue_id } };
	struct step *s = &t->steps[t->n_steps];

	if (t->n_steps == FORWARD_DONE_MAX)
		return "too many programs and files";
	/* An alias's are the administrator's, not the user's. */
	if (t->ask.target.len == 0 && !may_run_programs(t->rn))
		return "programs and files are only for users whose shell is "
		    "in /etc/shells";
	s->kind = target->kind;
	s->line = target->line;
	s->hash = siphash(&key, target->text);
	s->text = strndup(target->text.at, target->text.len);
	if (s->text == NULL)
		return "no memory";
	t->n_steps++;
	return NULL;
}

/* The address in "A Name <a@example.org>" or "a@example.org (A Name)". */
static struct slice
bare_address(struct slice s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '\\' && quoted)
			i++;
		else if (s.at[i] == '"')
			quoted = !quoted;
		else if (s.at[i] == '<' && !quoted)
			return slice_skip(s, i);
	}
	if (s.len > 0 && s.at[s.len - 1] == ')') {
		const char *open = memchr(s.at, '(', s.len);

		if (open != NULL)
			s.len = (size_t)(open - s.at);
		while (s.len > 0 && (s.at[s.len - 1] == ' ' ||
		    s.at[s.len - 1] == '\t'))
			s.len--;
	}
	return s;
}

static struct slice
domain_of(struct slice address)
{
	const char *at = memrchr(address.at, '@', address.len);

	return at == NULL ? slice_of("", 0) :
	    slice_skip(address, (size_t)(at - address.at) + 1);
}

/* Is it we ourselves, with or without a detail? */
static bool
is_own(const struct task *t, const struct smtp_address *a)
{
	const struct delivery *d = &t->ask.delivery;
	struct slice local = smtp_address_local(a);
	struct slice name = slice_str(t->rn->user.name);

	if (slice_equal_nocase(smtp_address_slice(a), d->recipient))
		return true;
	return slice_equal_nocase(smtp_address_domain(a),
	    domain_of(d->recipient)) && slice_equal_nocase(local, name);
}

static const char *
add_address(struct planner *p, struct slice text)
{
	struct task *t = p->t;
	struct slice domain = domain_of(t->ask.delivery.recipient), a;
	struct smtp_address address;
	size_t used;

	text = bare_address(text);
	if (smtp_path_parse(text, SMTP_PATH_FORWARD | SMTP_PATH_BARE |
	    SMTP_PATH_UNQUALIFIED | SMTP_PATH_UTF8,
	    &smtp_path_limits_default, &address, &used,
	    NULL) != PARSE_OK || used != text.len)
		return "not an address";
	smtp_address_qualify(&address, domain);
	if (is_own(t, &address)) {
		t->keep = true;
		return NULL;
	}
	if (t->n_addresses == FORWARD_ADDRESSES_MAX)
		return "too many addresses";
	a = smtp_address_slice(&address);
	if ((t->addresses[t->n_addresses] = strndup(a.at, a.len)) == NULL)
		return "no memory";
	t->n_addresses++;
	return NULL;
}

/* \user: no aliases and no forwarding for this one, so it can only be us. */
static const char *
add_own(struct planner *p, struct slice user)
{
	struct smtp_address address;
	size_t used;

	if (smtp_path_parse(user, SMTP_PATH_BARE | SMTP_PATH_UNQUALIFIED,
	    &smtp_path_limits_default, &address, &used, NULL) != PARSE_OK ||
	    used != user.len)
		return "not a user's name behind the backslash";
	smtp_address_qualify(&address, domain_of(p->t->ask.delivery.recipient));
	if (!is_own(p->t, &address))
		return add_address(p, user);
	p->t->keep = true;
	return NULL;
}

static const char *
add_include(struct planner *p, struct slice path)
{
	if (p->included)
		return "an included file may not include another";
	if (path.at[0] != '/' && (path.len < 2 || path.at[0] != '~' ||
	    path.at[1] != '/'))
		return "the path of an included file must begin with / or ~/";
	if (p->n_includes == sizeof(p->includes) / sizeof(p->includes[0]))
		return "too many included files";
	p->includes[p->n_includes] = strndup(path.at, path.len);
	if (p->includes[p->n_includes] == NULL)
		return "no memory";
	p->n_includes++;
	return NULL;
}

static const char *
add_target(struct planner *p, const struct forward_target *target)
{
	switch (target->kind) {
	case FORWARD_ADDRESS:
		return add_address(p, target->text);
	case FORWARD_OWN:
		return add_own(p, target->text);
	case FORWARD_PROGRAM:
	case FORWARD_MBOX:
		return add_step(p, target);
	case FORWARD_INCLUDE:
		return add_include(p, target->text);
	}
	return "nothing that can be done";
}

static bool
add_text(struct planner *p, struct slice text)
{
	struct forward_reader *r = malloc(sizeof(*r));
	struct forward_target target;
	enum forward_step step = FORWARD_END;
	const char *what = NULL;
	bool good = true;

	if (r == NULL)
		return refuse(p, 0, "no memory");
	forward_reader_init(r, text);
	while (what == NULL &&
	    (step = forward_next(r, &target)) == FORWARD_TARGET) {
		p->any = true;
		what = add_target(p, &target);
	}
	if (what != NULL)
		good = refuse(p, target.line, what);
	else if (step == FORWARD_BAD)
		good = refuse(p, r->line, r->why);
	free(r);
	return good;
}

static bool
add_file(struct planner *p, int fd)
{
	const char *what = distrust(fd);
	size_t len;
	char *text;
	bool good;

	if (what != NULL)
		return refuse(p, 0, what);
	if ((text = read_text(fd, &len)) == NULL)
		return refuse(p, 0, "it cannot be read");
	good = add_text(p, slice_of(text, len));
	free(text);
	return good;
}

static bool
add_included(struct planner *p, int home)
{
	bool good = true;
	int fd;

	p->included = true;
	for (unsigned i = 0; good && i < p->n_includes; i++) {
		const char *path = p->includes[i];

		p->file = path;
		fd = openat(home, path[0] == '~' ? path + 2 : path,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd == -1) {
			good = refuse(p, 0, "it cannot be opened");
			break;
		}
		good = add_file(p, fd);
		close(fd);
	}
	return good;
}

/* ---- ~/.forward ---- */

/* .forward+detail, then .forward; -1 with errno ENOENT: neither. */
static int
open_forward(struct planner *p, int home, char name[DELIVERY_DETAIL_MAX + 16])
{
	struct slice detail = p->t->ask.delivery.detail;
	int fd = -1;

	errno = ENOENT;
	if (detail.len > 0 &&
	    memchr(detail.at, '/', detail.len) == NULL) {
		snprintf(name, DELIVERY_DETAIL_MAX + 16, ".forward+%.*s",
		    (int)detail.len, detail.at);
		fd = openat(home, name,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	if (fd == -1 && (errno == ENOENT || errno == ENAMETOOLONG)) {
		snprintf(name, DELIVERY_DETAIL_MAX + 16, ".forward");
		fd = openat(home, name,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	return fd;
}

static enum plan
plan_home(struct planner *p, int home)
{
	char name[DELIVERY_DETAIL_MAX + 16];
	int fd = open_forward(p, home, name);
	struct stat st;
	bool good;

	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return PLAN_NOTHING;
	p->file = name;
	if (fd == -1) {
		refuse(p, 0, "it cannot be opened");
		p->file = NULL;
		return PLAN_REFUSED;
	}
	if (fstat(home, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
		good = refuse(p, 0, "everybody may write the home directory");
	else
		good = add_file(p, fd);
	close(fd);
	good = good && add_included(p, home);
	p->file = NULL;
	if (!good)
		return PLAN_REFUSED;
	return p->any ? PLAN_READY : PLAN_NOTHING;
}

/* What an alias names, alone. */
static enum plan
plan_target(struct planner *p)
{
	struct forward_target target = { .line = 0 };
	const char *what = "neither a program nor a file";

	/* Whoever asks for it: a user runs only what the user has named. */
	if (!p->t->rn->for_aliases)
		what = "not for this user";
	else if (forward_classify(p->t->ask.target, &target) == 0 &&
	    (target.kind == FORWARD_PROGRAM || target.kind == FORWARD_MBOX))
		what = add_step(p, &target);
	if (what == NULL)
		return PLAN_READY;
	log_warning("alias-refused", LOG_QID(p->t->ask.delivery.queue_id),
	    LOG_STR("target", p->t->ask.target), LOG_CSTR("reason", what));
	outcome_set(p->why, 451, 4, 3, 5, "the alias is not in order: %s",
	    what);
	return PLAN_REFUSED;
}

enum plan
plan_make(struct task *t, struct outcome *why)
{
	struct planner p = { .t = t, .why = why, .file = ".forward" };
	enum plan plan;
	int home;

	if (t->ask.target.len > 0)
		return plan_target(&p);
	home = open(t->rn->user.home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home == -1 && (errno == ENOENT || errno == ENOTDIR))
		return PLAN_NOTHING;
	if (home == -1) {
		refuse(&p, 0, "the home directory cannot be opened");
		return PLAN_REFUSED;
	}
	plan = plan_home(&p, home);
	close(home);
	for (unsigned i = 0; i < p.n_includes; i++)
		free(p.includes[i]);
	return plan;
}
