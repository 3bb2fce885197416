/*
 * tests-bench-watch: counts messages as they appear in Maildirs.
 *
 * Usage: tests-bench-watch -n messages [-t seconds] new-directory...
 *
 * Prints "ready" once it watches, and then, when so many more messages than
 * at the start are there or the time is over, one line:
 *
 *	delivered=N first=S last=S
 *
 * with the monotonic times of the first and the last arrival in seconds.
 * Both rename(2) and link(2) into the directory count as an arrival.
 */
#include <sys/inotify.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/tool/number.h"

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t
count(char *const dirs[], int n)
{
	uint64_t found = 0;

	for (int i = 0; i < n; i++) {
		DIR *d = opendir(dirs[i]);
		const struct dirent *e;

		if (d == NULL)
			err(66, "%s", dirs[i]);
		while ((e = readdir(d)) != NULL)
			found += e->d_name[0] != '.';
		closedir(d);
	}
	return found;
}

/* Arrivals in one read of the queue; UINT64_MAX: it overflowed, so count. */
static uint64_t
arrivals(int fd)
{
	_Alignas(struct inotify_event) char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));
	uint64_t found = 0;

	if (n == -1)
		err(71, "inotify");
	for (char *p = buf; p < buf + n;) {
		const struct inotify_event *e = (const void *)p;

		if (e->mask & IN_Q_OVERFLOW)
			return UINT64_MAX;
		found++;
		p += sizeof(*e) + e->len;
	}
	return found;
}

static void
watch(int fd, char *const dirs[], int n, uint64_t wanted, double until)
{
	uint64_t before = count(dirs, n), got = 0;
	double first = 0, last = 0;

	printf("ready\n");
	fflush(stdout);
	while (got < wanted) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		double left = until - now();
		uint64_t more;

		if (left <= 0 || poll(&p, 1, (int)(left * 1000) + 1) == 0)
			break;
		more = arrivals(fd);
		last = now();
		if (first == 0)
			first = last;
		got = more == UINT64_MAX ? count(dirs, n) - before : got + more;
	}
	printf("delivered=%ju first=%.4f last=%.4f\n", (uintmax_t)got, first,
	    last);
}

int
main(int argc, char *argv[])
{
	unsigned wanted = 0, seconds = 60;
	int c, fd;

	while ((c = getopt(argc, argv, "n:t:")) != -1)
		switch (c) {
		case 'n': wanted = tool_number(optarg, 1, 100000000); break;
		case 't': seconds = tool_number(optarg, 1, 100000000); break;
		default: return 64;
		}
	if (wanted == 0 || optind == argc)
		errx(64, "usage: -n messages [-t seconds] directory...");
	if ((fd = inotify_init1(IN_CLOEXEC)) == -1)
		err(71, "inotify");
	for (int i = optind; i < argc; i++)
		if (inotify_add_watch(fd, argv[i],
		    IN_MOVED_TO | IN_CREATE) == -1)
			err(66, "%s", argv[i]);
	watch(fd, argv + optind, argc - optind, wanted, now() + seconds);
	return 0;
}
