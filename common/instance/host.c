/* The host's uids.  See host.h. */
#include "common/instance/host.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct range {
	uint64_t first, count;
};

/* What is looked for, and who has been found to have it. */
struct search {
	struct range	 ours;
	char		*why;
};

static bool
overlaps(struct range a, struct range b)
{
	return a.count > 0 && b.count > 0 && a.first < b.first + b.count &&
	    b.first < a.first + a.count;
}

__attribute__((format(printf, 2, 3))) static int
taken(struct search *s, const char *format, ...)
{
	char whose[300];
	va_list ap;

	va_start(ap, format);
	vsnprintf(whose, sizeof(whose), format, ap);
	va_end(ap);
	snprintf(s->why, HOST_WHY,
	    "uids %llu to %llu are not free: %s; choose another uid_base or "
	    "account_uid_base in bulkhead.conf",
	    (unsigned long long)s->ours.first,
	    (unsigned long long)(s->ours.first + s->ours.count - 1), whose);
	errno = EINVAL;
	return -1;
}

/* The field'th field (from 0) of a line cut by colons, as a number. */
static bool
field_number(const char *line, unsigned field, uint64_t *v)
{
	char *end;

	while (field-- > 0) {
		if ((line = strchr(line, ':')) == NULL)
			return false;
		line++;
	}
	if (!isdigit((unsigned char)line[0]))
		return false;
	*v = strtoull(line, &end, 10);
	return *end == ':' || *end == '\n' || *end == '\0';
}

static int
check_passwd(struct search *s)
{
	FILE *f = fopen("/etc/passwd", "re");
	char line[4096];
	uint64_t uid;
	int result = 0;

	while (result == 0 && f != NULL &&
	    fgets(line, sizeof(line), f) != NULL)
		if (field_number(line, 2, &uid) &&
		    overlaps(s->ours, (struct range){ uid, 1 }))
			result = taken(s, "/etc/passwd gives %llu to user %.*s",
			    (unsigned long long)uid, (int)strcspn(line, ":"),
			    line);
	if (f != NULL)
		fclose(f);
	return result;
}

static int
check_subuid(struct search *s)
{
	FILE *f = fopen("/etc/subuid", "re");
	char line[4096];
	struct range r;
	int result = 0;

	while (result == 0 && f != NULL &&
	    fgets(line, sizeof(line), f) != NULL)
		if (field_number(line, 1, &r.first) &&
		    field_number(line, 2, &r.count) && overlaps(s->ours, r))
			result = taken(s, "/etc/subuid gives them to %.*s",
			    (int)strcspn(line, ":"), line);
	if (f != NULL)
		fclose(f);
	return result;
}

/* In a user namespace, only mapped uids exist. */
static int
check_mapped(struct search *s)
{
	FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned long long inside, outside, count;
	bool mapped = f == NULL;

	while (f != NULL && fscanf(f, "%llu %llu %llu", &inside, &outside,
				&count) == 3)
		if (inside <= s->ours.first &&
		    s->ours.first + s->ours.count <= inside + count)
			mapped = true;
	if (f != NULL)
		fclose(f);
	return mapped ? 0 :
	    taken(s, "/proc/self/uid_map does not hold them all");
}

/* Dead, and only waiting for its parent to notice: it can do nothing. */
static bool
is_zombie(int proc, const char *pid)
{
	char path[32], text[512];
	const char *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.20s/stat", pid);
	if ((fd = openat(proc, path, O_RDONLY | O_CLOEXEC)) == -1)
		return errno == ENOENT;
	n = read(fd, text, sizeof(text));
	close(fd);
	/* proc(5): "pid (name) state ..."; the name may hold a ")". */
	state = n <= 0 ? NULL : memrchr(text, ')', (size_t)n);
	return state != NULL && text + n - state > 2 && state[2] == 'Z';
}

/* Another instance at work has processes of its uids. */
static int
check_processes(struct search *s)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	struct stat sb;
	int result = 0;

	while (result == 0 && proc != NULL && (d = readdir(proc)) != NULL)
		if (isdigit((unsigned char)d->d_name[0]) &&
		    fstatat(dirfd(proc), d->d_name, &sb, 0) == 0 &&
		    overlaps(s->ours, (struct range){ sb.st_uid, 1 }) &&
		    !is_zombie(dirfd(proc), d->d_name))
			result = taken(s, "process %.20s runs as %u", d->d_name,
			    sb.st_uid);
	if (proc != NULL)
		closedir(proc);
	errno = EBUSY;
	return result;
}

int
host_uids_free(const struct instance_settings *settings, bool running,
    char why[HOST_WHY])
{
	struct search s = { { settings->account_uid_base,
				settings->account_uid_count }, why };

	if (settings->uid_base != 0)
		s.ours = (struct range){ settings->uid_base, INSTANCE_UIDS };
	if (s.ours.first < 65536 || s.ours.first + s.ours.count > UINT32_MAX)
		return taken(&s, "they must lie within 65536 and 4294967294");
	if (check_mapped(&s) == -1 || check_passwd(&s) == -1 ||
	    check_subuid(&s) == -1)
		return -1;
	return running ? 0 : check_processes(&s);
}

/* One line of a file in /etc by its first field; no name service. */
static bool
find_line(const char *file, const char *name, char *line, size_t size)
{
	FILE *f = fopen(file, "re");
	size_t len = strlen(name);
	bool found = false;

	while (!found && f != NULL && fgets(line, (int)size, f) != NULL)
		found = strncmp(line, name, len) == 0 && line[len] == ':';
	if (f != NULL)
		fclose(f);
	return found;
}

int
host_user(const char *name, uid_t *uid, gid_t *gid)
{
	char line[4096];
	uint64_t u, g;

	if (!find_line("/etc/passwd", name, line, sizeof(line)) ||
	    !field_number(line, 2, &u) || !field_number(line, 3, &g) ||
	    u == 0 || g == 0 || u >= UINT32_MAX || g >= UINT32_MAX) {
		errno = ENOENT;
		return -1;
	}
	*uid = (uid_t)u;
	*gid = (gid_t)g;
	return 0;
}

bool
host_group(const char *name, gid_t *gid)
{
	char line[4096];
	uint64_t v;

	if (!find_line("/etc/group", name, line, sizeof(line)) ||
	    !field_number(line, 2, &v) || v == 0 || v >= UINT32_MAX)
		return false;
	*gid = (gid_t)v;
	return true;
}
