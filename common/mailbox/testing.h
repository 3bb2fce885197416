/* What the tests of this folder share: an owner's home in a temporary place. */
#ifndef COMMON_MAILBOX_TESTING_H
#define COMMON_MAILBOX_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/mailbox.h"

struct home {
	char	path[64];
	int	fd;
};

static inline int
remove_each(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int
home_setup(void **state)
{
	struct home *h = calloc(1, sizeof(*h));

	/* In memory where there is such a place: these tests sync a lot. */
	snprintf(h->path, sizeof(h->path), "%s/bulkhead-test.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(h->path) == NULL) {
		free(h);
		return -1;
	}
	h->fd = open(h->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = h;
	return h->fd == -1 ? -1 : 0;
}

static inline int
home_teardown(void **state)
{
	struct home *h = *state;

	close(h->fd);
	nftw(h->path, remove_each, 16, FTW_DEPTH | FTW_PHYS);
	free(h);
	return 0;
}

/* After a teardown, where a test goes on with a fresh one. */
static inline struct home *
home_renew(void **state)
{
	if (home_setup(state) == -1)
		abort();
	return *state;
}

static inline struct mailbox *
home_mailbox(struct home *h)
{
	struct mailbox *mb;

	assert_int_equal(mailbox_open(h->fd, &mb), 0);
	return mb;
}

static inline struct folder *
open_inbox(struct mailbox *mb)
{
	struct folder_name inbox = { "" };
	struct folder *f;

	assert_int_equal(folder_open(mb, &inbox, 0, &f), 0);
	return f;
}

static inline struct folder *
open_folder(struct mailbox *mb, const char *name)
{
	struct folder_name n;
	struct folder *f;

	assert_int_equal(folder_name_parse(slice_str(name), &n), PARSE_OK);
	assert_int_equal(folder_open(mb, &n, 0, &f), 0);
	return f;
}

/* Another program puts a message there. */
static inline void
put_file(struct home *h, const char *path, const char *content)
{
	int fd = openat(h->fd, path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, content, strlen(content)),
	    (ssize_t)strlen(content));
	close(fd);
}

/* The first name in a directory that holds part; "" when there is none. */
static inline void
find_file(struct home *h, const char *dir, const char *part, char name[256])
{
	int fd = openat(h->fd, dir, O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	struct dirent *e;

	name[0] = '\0';
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strstr(e->d_name, part) != NULL)
			snprintf(name, 256, "%s", e->d_name);
	closedir(d);
}

static inline size_t
count_files(struct home *h, const char *dir)
{
	int fd = openat(h->fd, dir, O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* Another program renames a message: from the file that holds part. */
static inline void
rename_file(struct home *h, const char *from_dir, const char *part,
    const char *to_dir, const char *suffix)
{
	char name[256], from[400], to[400];

	find_file(h, from_dir, part, name);
	assert_true(name[0] != '\0');
	snprintf(from, sizeof(from), "%s/%s", from_dir, name);
	if (strstr(name, ":2,") != NULL)
		*strstr(name, ":2,") = '\0';
	snprintf(to, sizeof(to), "%s/%s%s", to_dir, name, suffix);
	assert_int_equal(renameat(h->fd, from, h->fd, to), 0);
}

static inline void
remove_file_with(struct home *h, const char *dir, const char *part)
{
	char name[256], path[400];

	find_file(h, dir, part, name);
	assert_true(name[0] != '\0');
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(unlinkat(h->fd, path, 0), 0);
}

static inline void
append_text(struct folder *f, const char *text, uint8_t flags, uint32_t *uid)
{
	struct append *a;

	assert_int_equal(folder_append_begin(f, &a), 0);
	assert_int_equal(folder_append_next(a, flags, 0, 0), 0);
	assert_int_equal(folder_append_write(a, text, strlen(text)), 0);
	assert_int_equal(folder_append_commit(a, uid), 0);
}

static inline void
sync_ok(struct folder *f, struct folder_changes *c)
{
	assert_int_equal(folder_sync(f, 0, c), 0);
}

/* Run in a traced child; killed before its k-th call.  False: it finished. */
static inline bool
killed_at(struct home *h, void (*work)(struct home *), unsigned k)
{
	int status;
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			_exit(99);
		raise(SIGSTOP);
		work(h);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD);
	for (unsigned entry = 0; entry < k; entry++) {
		/* to the entry of a call, and then to its exit */
		for (int half = entry == 0 ? 1 : 0; half < 2; half++) {
			ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
			assert_int_equal(waitpid(pid, &status, 0), pid);
			if (WIFEXITED(status)) {
				assert_int_equal(WEXITSTATUS(status), 0);
				return false;
			}
		}
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return true;
}

#endif
