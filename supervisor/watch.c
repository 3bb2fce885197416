/*
 * Tables that change are passed on at once: an editor's save is all that an
 * operator needs to do.  Settings wait for `bulkhead reload`.
 */
#include "supervisor/supervisor.h"

#include <sys/inotify.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/stage/stage.h"

/* Long enough for the second of two files that belong together. */
static const struct timeval settle = { .tv_usec = 200000 };

static const uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
    IN_DELETE | IN_CREATE;

static unsigned
table_bit(const char *name)
{
	for (unsigned t = 0; t < STAGE_TABLE_COUNT; t++) {
		const char *file = stage_table_name((enum stage_table)t);
		const char *slash = strrchr(file, '/');

		if (strcmp(slash != NULL ? slash + 1 : file, name) == 0)
			return STAGE_TABLE_BIT(t);
	}
	return 0;
}

/* The lists belong to the aliases.  Their directory may come and go. */
static void
watch_lists(struct supervisor *sv)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/lists", sv->conf_dir) <
	    (int)sizeof(path))
		sv->watch_lists = inotify_add_watch(sv->watch_fd, path,
		    changes | IN_ONLYDIR | IN_DONT_FOLLOW);
}

static unsigned
changed(struct supervisor *sv, const struct inotify_event *e)
{
	if ((e->mask & IN_Q_OVERFLOW) != 0)
		return ~0U;
	if (e->len == 0)
		return 0;
	if (e->wd == sv->watch_lists)
		return STAGE_TABLE_BIT(STAGE_TABLE_ALIASES);
	if (strcmp(e->name, "lists") == 0) {
		watch_lists(sv);
		return STAGE_TABLE_BIT(STAGE_TABLE_ALIASES);
	}
	/* A file that has only been made is not written yet. */
	return (e->mask & IN_CREATE) != 0 ? 0 : table_bit(e->name);
}

static void
on_settled(int fd, short what, void *arg)
{
	struct supervisor *sv = arg;
	unsigned tables = sv->watch_tables;
	struct process *p;

	(void)fd, (void)what;
	sv->watch_tables = 0;
	load_accounts(sv);
	TAILQ_FOREACH(p, &sv->processes, entry) {
		if (p->channel == NULL || p->state == PROCESS_STOPPING ||
		    (p->map->tables & tables) == 0)
			continue;
		if (supply_tables(p, tables) == 0)
			supply_commit(p);
	}
}

static void
on_change(int fd, short what, void *arg)
{
	struct supervisor *sv = arg;
	union {
		struct inotify_event	event;
		char			room[4096];
	} buf;
	ssize_t n;

	(void)what;
	while ((n = read(fd, &buf, sizeof(buf))) > 0)
		for (char *at = buf.room; at < buf.room + n;) {
			struct inotify_event *e = (void *)at;

			sv->watch_tables |= changed(sv, e);
			at += sizeof(*e) + e->len;
		}
	if (sv->watch_tables != 0)
		event_add(sv->watch_timer, &settle);
}

void
watch_open(struct supervisor *sv)
{
	sv->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (sv->watch_fd == -1 ||
	    inotify_add_watch(sv->watch_fd, sv->conf_dir, changes) == -1) {
		log_warning("tables-not-watched", LOG_ERRNO(errno),
		    LOG_CSTR("remedy", "use bulkhead reload after changes"));
		return;
	}
	watch_lists(sv);
	/* The system users and resolv.conf. */
	inotify_add_watch(sv->watch_fd, "/etc", changes);
	sv->watch = event_new(sv->base, sv->watch_fd, EV_READ | EV_PERSIST,
	    on_change, sv);
	sv->watch_timer = event_new(sv->base, -1, 0, on_settled, sv);
	if (sv->watch != NULL)
		event_add(sv->watch, NULL);
}
