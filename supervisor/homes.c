/*
 * Homes of mailboxes: made by number, under a parent that root owns.  Root
 * never follows a name that somebody else could have put there.
 */
#include "supervisor/supervisor.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int
open_beneath(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
		.resolve = resolve };

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* A home must be its owner's and nobody else's to write. */
static int
check_owner(int fd, const struct account_place *place)
{
	struct stat sb;

	if (fstat(fd, &sb) == -1)
		return -1;
	if (sb.st_uid != place->uid || (sb.st_mode & S_IWOTH) != 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

/*
 * Only below mail_root, which root owns: made under its final name with no
 * rights for anyone, then given away by descriptor.
 */
static int
make_home(const struct supervisor *sv, const char *name,
    const struct account_place *place)
{
	int fd;

	if (mkdirat(sv->mail_fd, name, 0) == -1 && errno != EEXIST)
		return -1;
	fd = open_beneath(sv->mail_fd, name, O_RDONLY | O_DIRECTORY,
	    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (fd == -1)
		return -1;
	if (fchown(fd, place->uid, place->gid) == -1 ||
	    fchmod(fd, 0700) == -1 || fsync(fd) == -1 ||
	    fsync(sv->mail_fd) == -1) {
		close(fd);
		return -1;
	}
	log_info("home-made", LOG_CSTR("home", place->home),
	    LOG_NUM("uid", place->uid));
	return fd;
}

/* The name below mail_root, or NULL for a home elsewhere. */
static const char *
name_below(const char *root, const char *home)
{
	size_t len = strlen(root);

	if (strncmp(root, home, len) != 0 || home[len] != '/' ||
	    strchr(home + len + 1, '/') != NULL || home[len + 1] == '\0')
		return NULL;
	return home + len + 1;
}

int
home_open(const struct supervisor *sv, const struct account_place *place)
{
	const char *name = name_below(sv->instance->mail_root, place->home);
	int fd;

	if (name != NULL)
		fd = open_beneath(sv->mail_fd, name, O_RDONLY | O_DIRECTORY,
		    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	else
		fd = open_beneath(AT_FDCWD, place->home,
		    O_RDONLY | O_DIRECTORY, RESOLVE_NO_MAGICLINKS);
	if (fd == -1 && errno == ENOENT && name != NULL && place->make)
		fd = make_home(sv, name, place);
	else if (fd != -1 && name != NULL && place->make) {
		struct stat sb;

		/* A crash between mkdir and chown left it to root. */
		if (fstat(fd, &sb) == 0 && sb.st_uid == 0 &&
		    (sb.st_mode & 07777) == 0) {
			close(fd);
			fd = make_home(sv, name, place);
		}
	}
	if (fd != -1 && check_owner(fd, place) == -1) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}
