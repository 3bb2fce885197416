/*
 * bulkhead user restored: a mailbox was put back from a backup.  Its files are
 * the owner's, who may have put anything there, so a process with the owner's
 * uid does the work and opens nothing outside of the home.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "bulkhead/address_tables.h"
#include "bulkhead/bulkhead.h"
#include "common/accounts/book.h"
#include "common/accounts/username.h"
#include "common/mailbox/mailbox.h"

static int
locate(const struct bulkhead *b, const struct address_tables *t,
    const char *name, struct account_place *place)
{
	struct directions d = address_tables_directions(t);
	struct account_rules rules;
	struct book_mailbox m;

	if (book_mailbox(&d.book, slice_str(name), &m) != BOOK_LOCAL)
		return fail(EX_NOUSER, "there is no user %s", name);
	instance_account_rules(b->instance, &rules);
	if (account_locate(&rules, t->users, t->system, m.account, place) == -1)
		return fail(EX_NOUSER, "%s can have no mailbox: %s", name,
		    strerror(errno));
	return 0;
}

static int
open_home(const struct account_place *place, int *fd)
{
	struct stat st;

	*fd =
	    open(place->home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd == -1 || fstat(*fd, &st) == -1)
		return fail(EX_NOINPUT, "%s: %s", place->home, strerror(errno));
	if (st.st_uid != place->uid)
		return fail(EX_DATAERR,
		    "%s belongs to uid %u and not to %u; "
		    "give what was restored to its owner "
		    "first",
		    place->home, (unsigned)st.st_uid, (unsigned)place->uid);
	return 0;
}

static int
become(const struct account_place *place)
{
	if (geteuid() != 0)
		return geteuid() == place->uid ? 0 : -1;
	if (setgroups(0, NULL) == -1 ||
	    setresgid(place->gid, place->gid, place->gid) == -1 ||
	    setresuid(place->uid, place->uid, place->uid) == -1)
		return -1;
	return setuid(0) == -1 ? 0 : -1; /* it must not come back */
}

/* In the child: never returns. */
static void
renumber(const char *name, const struct account_place *place, int home_fd)
{
	struct mailbox *mb;
	size_t folders;

	if (become(place) == -1)
		_exit(fail(EX_NOPERM, "this takes root, or the owner's uid: %s",
		    strerror(errno)));
	if (mailbox_open(home_fd, &mb) == -1 ||
	    mailbox_restored(mb, &folders) == -1)
		_exit(fail(EX_IOERR, "the mailbox in %s: %s", place->home,
		    strerror(errno)));
	mailbox_close(mb);
	printf("%s: %zu folders have a new UIDVALIDITY; clients fetch them "
	       "anew\n",
	    name, folders);
	fflush(stdout);
	_exit(0);
}

static int
as_owner(const char *name, const struct account_place *place)
{
	int home_fd, status = open_home(place, &home_fd);
	pid_t pid = -1;

	if (status == 0) {
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			renumber(name, place, home_fd);
		if (pid == -1 || waitpid(pid, &status, 0) != pid)
			status = fail(EX_OSERR, "%s", strerror(errno));
		else
			status = WIFEXITED(status)
				     ? WEXITSTATUS(status)
				     : fail(EX_SOFTWARE,
					   "the work was not finished");
	}
	if (home_fd != -1)
		close(home_fd);
	return status;
}

int
do_user_restored(struct bulkhead *b, int argc, char *argv[])
{
	struct check_report r = { .b = b, .quiet = true };
	char name[USERNAME_SIZE];
	struct account_place place = { 0 };
	struct address_tables t;
	int status = user_name(b, argv[0], name);

	(void)argc;
	if (status != 0)
		return status;
	status = EX_CONFIG;
	if (address_tables_load(&t, &r, false))
		status = locate(b, &t, name, &place);
	address_tables_clear(&t);
	return status != 0 ? status : as_owner(name, &place);
}
