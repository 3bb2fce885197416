/*
 * The lists that aliases may include: the files of the directory lists in the
 * configuration directory.  Their names are fixed by that directory, which
 * only root writes, so nothing in a table or a list makes us open a path; the
 * files themselves may belong to whoever keeps the list.
 */
#include "supervisor/supervisor.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/accounts/aliases.h"

static int
open_directory(const struct supervisor *sv)
{
	struct stat sb;
	int fd = openat(sv->conf_fd, "lists",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1) {
		if (errno != ENOENT)
			log_error("cannot-read", LOG_CSTR("file", "lists"),
			    LOG_ERRNO(errno));
		return -1;
	}
	if (fstat(fd, &sb) == 0 && sb.st_uid == 0 &&
	    (sb.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return fd;
	log_error("lists-not-safe", LOG_CSTR("remedy",
	    "chown root and chmod go-w the directory lists"));
	close(fd);
	return -1;
}

/* No link leads out, no FIFO holds us up; -1 for what is no list. */
static int
open_list(int dir, const char *name)
{
	struct stat sb;
	int fd;

	if (!aliases_list_name_valid(slice_str(name)))
		return -1;
	fd = openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd != -1 && fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode))
		return fd;
	log_error("list-refused", LOG_CSTR("file", name), LOG_CSTR("reason",
	    "not a regular file that can be read"));
	if (fd != -1)
		close(fd);
	return -1;
}

/* Each goes with its name; -1: the channel has gone. */
static int
give_all(struct process *p, DIR *dir)
{
	unsigned given = 0;
	struct dirent *e;

	while ((e = readdir(dir)) != NULL) {
		int fd = open_list(dirfd(dir), e->d_name);

		if (fd == -1)
			continue;
		if (given == ALIASES_LISTS_MAX) {
			log_error("too-many-lists",
			    LOG_NUM("taken", ALIASES_LISTS_MAX));
			close(fd);
			return 0;
		}
		if (ipc_send(p->channel, IPC_STAGE_LIST, 0,
		    slice_str(e->d_name), &fd, 1) == -1)
			return -1;
		given++;
	}
	return 0;
}

int
lists_give(struct process *p)
{
	int fd = open_directory(p->sv), result;
	DIR *dir;

	if (fd == -1)
		return 0;	/* there are none */
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return 0;
	}
	result = give_all(p, dir);
	closedir(dir);
	return result;
}
