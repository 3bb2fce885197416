/*
 * Which uids the instance runs as, and that nobody else has them.
 */
#include "supervisor/supervisor.h"

#include <ctype.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct range {
	uint64_t first, count;
};

static bool
overlaps(struct range a, struct range b)
{
	return a.count > 0 && b.count > 0 && a.first < b.first + b.count &&
	    b.first < a.first + a.count;
}

static void __attribute__((noreturn))
refuse(const struct supervisor *sv, struct range ours, const char *whose)
{
	char text[512];

	snprintf(text, sizeof(text), "uids %llu to %llu are not free: %s; "
	    "choose another uid_base or account_uid_base in bulkhead.conf",
	    (unsigned long long)ours.first,
	    (unsigned long long)(ours.first + ours.count - 1), whose);
	log_error("cannot-start", LOG_CSTR("reason", text));
	fprintf(stderr, "supervisor: %s\n", text);
	if (sv->ready_fd != -1)
		dprintf(sv->ready_fd, "%s\n", text);
	exit(78);
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

static void
check_passwd(const struct supervisor *sv, struct range ours)
{
	FILE *f = fopen("/etc/passwd", "re");
	char line[4096], whose[300];
	uint64_t uid;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (!field_number(line, 2, &uid) ||
		    !overlaps(ours, (struct range){ uid, 1 }))
			continue;
		snprintf(whose, sizeof(whose),
		    "/etc/passwd gives %llu to user %.*s",
		    (unsigned long long)uid, (int)strcspn(line, ":"), line);
		refuse(sv, ours, whose);
	}
	if (f != NULL)
		fclose(f);
}

static void
check_subuid(const struct supervisor *sv, struct range ours)
{
	FILE *f = fopen("/etc/subuid", "re");
	char line[4096], whose[300];
	struct range r;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (!field_number(line, 1, &r.first) ||
		    !field_number(line, 2, &r.count) || !overlaps(ours, r))
			continue;
		snprintf(whose, sizeof(whose), "/etc/subuid gives them to %.*s",
		    (int)strcspn(line, ":"), line);
		refuse(sv, ours, whose);
	}
	if (f != NULL)
		fclose(f);
}

/* In a user namespace, only mapped uids exist. */
static void
check_mapped(const struct supervisor *sv, struct range ours)
{
	FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned long long inside, outside, count;
	bool mapped = f == NULL;

	while (f != NULL && fscanf(f, "%llu %llu %llu", &inside, &outside,
	    &count) == 3)
		if (inside <= ours.first &&
		    ours.first + ours.count <= inside + count)
			mapped = true;
	if (f != NULL)
		fclose(f);
	if (!mapped)
		refuse(sv, ours, "/proc/self/uid_map does not hold them all");
}

/* Another instance at work has processes of its uids. */
static void
check_running(const struct supervisor *sv, struct range ours)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	struct stat sb;
	char whose[300];

	while (proc != NULL && (d = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)d->d_name[0]) ||
		    fstatat(dirfd(proc), d->d_name, &sb, 0) == -1)
			continue;
		if (!overlaps(ours, (struct range){ sb.st_uid, 1 }))
			continue;
		snprintf(whose, sizeof(whose), "process %.20s runs as %u",
		    d->d_name, sb.st_uid);
		refuse(sv, ours, whose);
	}
	if (proc != NULL)
		closedir(proc);
}

static void
check_range(const struct supervisor *sv, struct range ours)
{
	check_mapped(sv, ours);
	check_passwd(sv, ours);
	check_subuid(sv, ours);
	check_running(sv, ours);
}

void
uids_check(const struct supervisor *sv)
{
	const struct instance_settings *s = sv->instance;

	if (s->uid_base != 0) {
		if (s->uid_base < 65536 ||
		    s->uid_base + INSTANCE_UIDS > UINT32_MAX)
			refuse(sv, (struct range){ s->uid_base, INSTANCE_UIDS },
			    "uid_base is 65536 to 4294901759");
		check_range(sv, (struct range){ s->uid_base, INSTANCE_UIDS });
		return;
	}
	check_range(sv, (struct range){ s->account_uid_base,
	    s->account_uid_count });
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

static int
named_identity(const struct map_process *map, struct identity *id)
{
	char line[4096];
	uint64_t uid, gid;

	if (!find_line("/etc/passwd", map->user, line, sizeof(line)) ||
	    !field_number(line, 2, &uid) || !field_number(line, 3, &gid) ||
	    uid == 0 || gid == 0) {
		errno = ENOENT;
		return -1;
	}
	id->uid = (uid_t)uid;
	id->gid = (gid_t)gid;
	return 0;
}

bool
uids_group(const char *name, gid_t *gid)
{
	char line[4096];
	uint64_t v;

	if (!find_line("/etc/group", name, line, sizeof(line)) ||
	    !field_number(line, 2, &v) || v == 0 || v >= UINT32_MAX)
		return false;
	*gid = (gid_t)v;
	return true;
}

int
uids_of(const struct supervisor *sv, const struct map_process *map,
    struct identity *id)
{
	*id = (struct identity){ .jail_fd = -1 };
	if (map->role == IPC_AUTHD_PAM && sv->instance->pam_as_root)
		return 0;
	if (sv->instance->uid_base != 0) {
		id->uid = (uid_t)sv->instance->uid_base +
		    map_uid_offset(map->role);
		id->gid = id->uid;
	} else if (named_identity(map, id) == -1)
		return -1;
	if (map->group != NULL && !uids_group(map->group, &id->group))
		id->group = 0;
	return 0;
}
