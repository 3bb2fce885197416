#include "supervisor/supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bsd/stdlib.h>

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: supervisor [-f] [-C directory] [-r fd]\n");
	exit(64);
}

void
options_parse(struct supervisor *sv, int argc, char *argv[])
{
	const char *error = NULL;
	int c;

	*sv = (struct supervisor){ .conf_dir = BULKHEAD_SYSCONFDIR,
		.ready_fd = -1, .conf_fd = -1, .netns_fd = -1, .log_fd = -1 };
	TAILQ_INIT(&sv->processes);
	TAILQ_INIT(&sv->joints);
	while ((c = getopt(argc, argv, "C:fr:")) != -1)
		switch (c) {
		case 'C':
			sv->conf_dir = optarg;
			break;
		case 'f':
			sv->foreground = true;
			break;
		case 'r':
			sv->ready_fd = (int)strtonum(optarg, 3, 1023, &error);
			if (error != NULL)
				usage();
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	if (geteuid() != 0) {
		fprintf(stderr, "supervisor: must be started by root\n");
		exit(77);
	}
}
